// Redraw: a digit drawn by hand, its code, and the code drawn again as every digit and along G's directions.
import { startWorker } from './ask.js';
import { bytesOf } from './math.js';
import { drawTasks } from './generator.js';
import { button, h, makeRoot } from './page.js';
import { lastOnly, sheet } from './sheet.js';

const SIDE = 28, FINE = 10 * SIDE, INNER = 20, SHIFTS = [-3, -2, -1, 0, 1, 2, 3];

/** A drawing as MNIST has its digits: the box around it 20 pixels long, its centre of mass in the middle. */
export function asDigit(grey, side) {
  let [x0, y0, x1, y1] = [side, side, -1, -1];
  grey.forEach((v, i) => {
    if (v < 20) return;
    const [x, y] = [i % side, Math.floor(i / side)];
    [x0, y0, x1, y1] = [Math.min(x0, x), Math.min(y0, y), Math.max(x1, x), Math.max(y1, y)];
  });
  const out = new Float64Array(SIDE * SIDE);
  if (x1 < 0) return Uint8ClampedArray.from(out);
  const scale = INNER / (Math.max(x1 - x0, y1 - y0) + 1);
  let [mass, mx, my] = [0, 0, 0];
  for (let y = y0; y <= y1; y++) {
    for (let x = x0; x <= x1; x++) { const v = grey[y * side + x]; mass += v; mx += v * (x + 0.5); my += v * (y + 0.5); }
  }
  const [cx, cy] = [Math.round(SIDE / 2 - scale * (mx / mass - x0)), Math.round(SIDE / 2 - scale * (my / mass - y0))];
  for (let y = y0; y <= y1; y++) { // each fine pixel gives its share to the coarse one it lies in
    for (let x = x0; x <= x1; x++) {
      const [u, v] = [Math.floor(cx + scale * (x - x0)), Math.floor(cy + scale * (y - y0))];
      if (u >= 0 && v >= 0 && u < SIDE && v < SIDE) out[v * SIDE + u] += grey[y * side + x] * scale * scale;
    }
  }
  return Uint8ClampedArray.from(out);
}

/** The surface to draw on: pointer, or arrow keys with the space bar; `changed` after each stroke. */
function makePad(changed) {
  const element = h('canvas', { class: 'gan-pad', tabindex: 0, role: 'application', width: FINE, height: FINE,
    'aria-label': 'Draw a digit: with the pointer, or with the arrow keys; the space bar lifts the pen or sets it down' });
  const pen = element.getContext('2d', { willReadFrequently: true });
  let at = [FINE / 2, FINE / 4], isDown = false;
  const clear = () => {
    [at, isDown] = [[FINE / 2, FINE / 4], false];
    pen.fillStyle = '#000';
    pen.fillRect(0, 0, FINE, FINE);
  };
  const to = (point, isInk) => {
    [pen.strokeStyle, pen.lineWidth, pen.lineCap, pen.lineJoin] = ['#fff', 20, 'round', 'round'];
    pen.beginPath();
    pen.moveTo(...at);
    pen.lineTo(...point);
    if (isInk) pen.stroke();
    at = point;
  };
  const place = (event) => {
    const box = element.getBoundingClientRect();
    return [(event.clientX - box.left) / box.width * FINE, (event.clientY - box.top) / box.height * FINE];
  };
  element.addEventListener('pointerdown', (event) => {
    if (!event.isPrimary || event.button) return;
    element.setPointerCapture(event.pointerId);
    at = place(event);
    isDown = true;
    to(at, true);
  });
  element.addEventListener('pointermove', (event) => { if (isDown && event.buttons) to(place(event), true); });
  element.addEventListener('pointerup', () => { isDown = false; changed(); });
  element.addEventListener('pointercancel', () => { isDown = false; });
  const steps = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
  element.addEventListener('keydown', (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === ' ') isDown = !isDown;
    else if (steps[event.key]) {
      to(at.map((v, i) => Math.max(10, Math.min(FINE - 10, v + 14 * steps[event.key][i]))), isDown);
      if (isDown) changed();
    } else return;
    event.preventDefault();
  });
  const grey = () => pen.getImageData(0, 0, FINE, FINE).data.filter((_, i) => i % 4 === 0);
  const put = (digit) => { // a picture of 28 pixels, large
    clear();
    digit.forEach((v, i) => {
      pen.fillStyle = `rgb(${v}, ${v}, ${v})`;
      pen.fillRect(i % SIDE * 10, Math.floor(i / SIDE) * 10, 10, 10);
    });
  };
  clear();
  return { element, clear, grey, put };
}

/** Builds the widget inside `el`; returns a function that stops it. */
export function mount(el, options = {}) {
  const { generator: G, toZ, toY } = options, examples = bytesOf(options.examples || ''), classes = G.embed.map((_, y) => y);
  const input = sheet(1, 1, SIDE, 'What the encoder sees', 'gan-small'), again = sheet(1, 1, SIDE, 'The reconstruction', 'gan-small');
  const every = sheet(classes.length, 1, SIDE, 'The same code drawn as every digit');
  const styles = sheet(SHIFTS.length, G.directions.length, SIDE, "Each row: the code moved along one of G's directions");
  const status = h('p', { class: 'gan-status', role: 'status' }, 'Draw a digit.'), where = h('p', { class: 'gan-key' });
  const worker = startWorker('drawTasks', drawTasks, (why) => { where.textContent = why; });
  let digit = null, next = 0;
  const paint = lastOnly(async () => {
    if (!digit) return; // cleared meanwhile
    const mine = digit, { z: [z], logits: [logits] } = await worker.ask('read', [mine]), y = logits.indexOf(Math.max(...logits));
    if (mine !== digit) return;
    const shares = logits.map((v) => Math.exp(v - logits[y])), sure = 1 / shares.reduce((a, b) => a + b);
    input.put(mine, 0, 0);
    const all = await worker.ask('draw', { z: classes.map(() => z), y: classes });
    if (mine !== digit) return;
    again.put(all[y], 0, 0);
    all.forEach((grey, i) => every.put(grey, i, 0));
    status.textContent = `The encoder reads ${y === 8 ? 'an' : 'a'} ${y} (${Math.round(100 * sure)} % sure) and a z of length ${Math.hypot(...z).toFixed(1)}.`;
    for (const [d, direction] of G.directions.entries()) {
      const moved = SHIFTS.map((s) => z.map((v, i) => v + s * direction[i]));
      (await worker.ask('draw', { z: moved, y: moved.map(() => y) })).forEach((grey, i) => styles.put(grey, i, d));
    }
  });
  const pad = makePad(() => {
    digit = asDigit(pad.grey(), FINE);
    if (digit.some((v) => v > 0)) paint();
  });
  const example = () => {
    const size = SIDE ** 2;
    digit = Uint8ClampedArray.from(examples.subarray(next * size, (next + 1) * size));
    next = (next + 1) % (examples.length / size);
    pad.put(digit);
    paint();
  };
  const { root, stop } = makeRoot(el, 'Redraw', options.theme, () => {});
  root.classList.add('gan-digits');
  root.append(h('div', { class: 'gan-buttons' }, button('Clear', () => { digit = null; pad.clear(); status.textContent = 'Draw a digit.'; }),
    button('A real digit', example)), status,
  h('div', { class: 'gan-columns' }, pad.element, h('div', {}, h('p', { class: 'gan-key' }, 'What the encoder sees, and the reconstruction:'),
    h('div', { class: 'gan-buttons' }, input.element, again.element))),
  h('h3', {}, 'The same code as every digit'), every.element, h('h3', {}, 'The code moved along G\'s directions'), styles.element, where);
  worker.ask('load', { generator: G, toZ, toY }).then(() => { if (!digit) example(); });
  return () => { worker.stop(); stop(); };
}

/** What anywidget calls. */
export function render({ model, el }) { return mount(el, model.get('options')); }

export default { render };
