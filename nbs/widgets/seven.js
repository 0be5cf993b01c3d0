// Draw me a seven: the generator that ships with the course, run in the page.
import { draw, slerp, straight, unpackGenerator } from './generator.js';
import { makeRandom, normals } from './random.js';
import { button, h, makeRoot } from './page.js';

const STEPS = 9, COLUMNS = 6; // pictures on a line between two latents; latents in the grid

/** A canvas of `columns` by `rows` pictures of `side` pixels, one canvas pixel for each. */
function sheet(columns, rows, side, says, name = 'gan-strip') {
  const element = h('canvas', { class: name, role: 'img', 'aria-label': says });
  element.width = columns * side;
  element.height = rows * side;
  const pen = element.getContext('2d');
  const put = (grey, column, row) => {
    const image = new ImageData(side, side);
    grey.forEach((v, i) => image.data.set([v, v, v, 255], 4 * i));
    pen.putImageData(image, column * side, row * side);
  };
  return { element, put };
}

/** Latents and class of one widget: z moves along a few directions, `other` is where lines lead. */
function makeState(G, options) {
  const random = makeRandom(options.seed ?? 0);
  const state = { G, y: options.y ?? 7, shifts: G.directions.map(() => 0) };
  state.redraw = () => {
    [state.base, state.other] = [1, 2].map(() => [...normals(random, G.latent)]);
    state.shifts.fill(0);
  };
  state.latents = Array.from({ length: COLUMNS }, () => [...normals(random, G.latent)]); // of the grid
  state.z = () => state.base.map((v, i) => v + state.shifts.reduce((s, a, d) => s + a * G.directions[d][i], 0));
  state.redraw();
  return state;
}

/** Runs jobs one after the other, a few milliseconds in each frame; new jobs replace the old ones. */
function makeQueue() {
  let jobs = [], waiting = false;
  const run = () => {
    const start = performance.now();
    while (jobs.length && performance.now() - start < 20) jobs.shift()();
    waiting = jobs.length > 0;
    if (waiting) setTimeout(run, 0);
  };
  const set = (next) => { jobs = next; if (!waiting) { waiting = true; setTimeout(run, 0); } };
  return { set, clear: () => { jobs = []; } };
}

/** One button for each class; the pressed one is asked for. */
function classButtons(state, changed) {
  const all = state.G.embed.map((_, y) => button(String(y), () => { state.y = y; press(); changed(); },
    { 'aria-label': `Draw a ${y}` }));
  const press = () => all.forEach((b, y) => b.setAttribute('aria-pressed', String(y === state.y)));
  press();
  return h('div', { class: 'gan-buttons', role: 'group', 'aria-label': 'Class' }, ...all);
}

/** A slider for each direction in which z moves the picture most. */
function sliders(state, changed) {
  const inputs = state.shifts.map((_, d) => h('input', { type: 'range', min: -4, max: 4, step: 0.1, value: 0,
    oninput: (event) => { state.shifts[d] = event.target.valueAsNumber; changed(); } }));
  const panel = h('fieldset', { class: 'gan-fields' }, h('legend', {}, 'Move z'),
    ...inputs.map((input, d) => h('label', {}, h('span', {}, `Direction ${d + 1}`), input)));
  return { panel, center: () => inputs.forEach((input) => { input.value = 0; }) };
}

/** Builds the widget inside `el`; returns a function that stops it. */
export function mount(el, options = {}) {
  const G = unpackGenerator(options.generator), state = makeState(G, options), queue = makeQueue(), { side } = G;
  const big = sheet(1, 1, side, 'The generated digit', 'gan-big');
  const lines = sheet(STEPS, 2, side, 'Above: along the great circle. Below: along the straight line.');
  const grid = sheet(G.embed.length, COLUMNS, side, 'One column for each class, one row for each latent');
  const status = h('p', { class: 'gan-status', role: 'status' });
  const paint = () => {
    const z = state.z();
    big.put(draw(G, z, state.y), 0, 0);
    const length = (point) => Math.hypot(...point).toFixed(1), half = straight(z, state.other, 0.5);
    status.textContent = `A ${state.y}. Length of z: ${length(z)}; half way to another `
      + `z: ${length(slerp(z, state.other, 0.5))} on the great circle, ${length(half)} on the straight line.`;
    big.element.setAttribute('aria-label', `A generated ${state.y}`);
    queue.set(Array.from({ length: 2 * STEPS }, (_, i) => () => {
      const way = i % 2 ? straight : slerp, step = Math.floor(i / 2);
      lines.put(draw(G, way(z, state.other, step / (STEPS - 1)), state.y), step, i % 2);
    }));
  };
  const drawGrid = makeQueue(), changed = paint, move = sliders(state, changed);
  const surprise = button('Surprise me', () => { state.redraw(); move.center(); changed(); });
  const { root, stop } = makeRoot(el, 'Draw me a seven', options.theme, () => {});
  root.classList.add('gan-digits');
  root.append(classButtons(state, changed), status,
    h('div', { class: 'gan-columns' }, big.element, h('div', {}, move.panel, h('p', {}, surprise))),
    h('h3', {}, 'From this z to another'), lines.element,
    h('p', { class: 'gan-key' }, 'Above along the great circle (slerp), below along the straight line.'),
    h('h3', {}, 'One z, every class'), grid.element,
    h('p', { class: 'gan-key' }, 'Each row is one z, each column a class. Does one z write all classes in one hand?'));
  drawGrid.set(state.latents.flatMap((z, row) => G.embed.map((_, y) => () => grid.put(draw(G, z, y), y, row))));
  changed();
  return () => { queue.clear(); drawGrid.clear(); stop(); };
}

/** What anywidget calls. */
export function render({ model, el }) { return mount(el, model.get('options')); }

export default { render };
