// Small pictures on a page, grey or in colour, and buttons for classes.
import { button, h } from './page.js';

/** A canvas of `columns` by `rows` pictures of `side` pixels, one canvas pixel for each. */
export function sheet(columns, rows, side, says, name = 'gan-strip') {
  const element = h('canvas', { class: name, role: 'img', 'aria-label': says });
  element.width = columns * side;
  element.height = rows * side;
  const pen = element.getContext('2d');
  const put = (levels, column, row) => { // of grey; or all of red, then of green, then of blue
    const image = new ImageData(side, side), n = side ** 2, [green, blue] = levels.length > n ? [n, 2 * n] : [0, 0];
    for (let i = 0; i < n; i++) image.data.set([levels[i], levels[i + green], levels[i + blue], 255], 4 * i);
    pen.putImageData(image, column * side, row * side);
  };
  return { element, put };
}

/** One button for each class; the pressed one is `state.y`. */
export function classButtons(n, state, says, changed) {
  const press = () => all.forEach((b, y) => b.setAttribute('aria-pressed', String(y === state.y)));
  const all = Array.from({ length: n }, (_, y) => button(String(y), () => { state.y = y; press(); changed(); },
    { 'aria-label': `${says} ${y}` }));
  press();
  return h('div', { class: 'gan-buttons', role: 'group', 'aria-label': 'Class' }, ...all);
}

/** A slider for each of `shifts`: how far z is moved along a direction. */
export function sliders(shifts, changed) {
  const inputs = shifts.map((_, d) => h('input', { type: 'range', min: -4, max: 4, step: 0.1, value: 0,
    oninput: (event) => { shifts[d] = event.target.valueAsNumber; changed(); } }));
  const panel = h('fieldset', { class: 'gan-fields' }, h('legend', {}, 'Move z'),
    ...inputs.map((input, d) => h('label', {}, h('span', {}, `Direction ${d + 1}`), input)));
  return { panel, center: () => { shifts.fill(0); inputs.forEach((input) => { input.value = 0; }); } };
}

/** z moved along G's directions. */
export const shifted = (z, shifts, directions) => z.map((v, i) => v + shifts.reduce((s, a, d) => s + a * directions[d][i], 0));

/** Runs the last of the works that were asked for while one was under way; those between are left out. */
export function lastOnly(work) {
  let isBusy = false, isWanted = false;
  return async function run() {
    if (isBusy) { isWanted = true; return; }
    isBusy = true;
    try { await work(); } finally { isBusy = false; }
    if (isWanted) { isWanted = false; run(); }
  };
}
