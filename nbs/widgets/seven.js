// Draw me a seven: the generators that ship with the course, run in the page.
import { startWorker } from './ask.js';
import { drawTasks, slerp, straight } from './generator.js';
import { makeRandom, normals } from './random.js';
import { button, field, h, makeRoot } from './page.js';
import { classButtons, lastOnly, sheet, shifted, sliders } from './sheet.js';

const STEPS = 9, COLUMNS = 6; // pictures on a line between two latents or classes; latents in the grid

/** Latents and class of one widget: z moves along a few directions, `other` is where lines lead. */
function makeState(G, options) {
  const random = makeRandom(options.seed ?? 0), fresh = () => [...normals(random, G.latent)];
  const last = G.embed.length - 1, state = { y: Math.min(options.y ?? 7, last), from: Math.min(3, last), to: Math.min(8, last),
    shifts: G.directions.map(() => 0) };
  state.redraw = () => { [state.base, state.other] = [fresh(), fresh()]; };
  state.latents = Array.from({ length: COLUMNS }, fresh); // of the grid
  state.z = () => shifted(state.base, state.shifts, G.directions);
  state.redraw();
  return state;
}

const KINDS = { generator: 'handwritten', colour: 'house numbers' }; // option with a generator -> what it draws

/** Builds the widget inside `el` around one of the options' generators; `show` builds it anew around another. */
function build(el, options, kind, show) {
  const G = options[kind], state = makeState(G, options), { side } = G, n = G.embed.length;
  const big = sheet(1, 1, side, 'The generated digit', 'gan-big');
  const lines = sheet(STEPS, 2, side, 'Above: along the great circle. Below: along the straight line.');
  const morph = sheet(STEPS, 1, side, 'One class turns into another'), grid = sheet(n, COLUMNS, side, 'One column for each class, one row for each latent');
  const status = h('p', { class: 'gan-status', role: 'status' }), where = h('p', { class: 'gan-key' });
  const worker = startWorker('drawTasks', drawTasks, (why) => { where.textContent = why; });
  const steps = Array.from({ length: STEPS }, (_, i) => i / (STEPS - 1));
  const row = (to, pictures, line) => pictures.forEach((grey, i) => to.put(grey, i, line));
  const paintLines = lastOnly(async () => {
    const z = state.z();
    for (const [line, way] of [slerp, straight].entries()) {
      row(lines, await worker.ask('draw', { z: steps.map((t) => way(z, state.other, t)), y: steps.map(() => state.y) }), line);
    }
    const classes = steps.map((t) => straight(G.embed[state.from], G.embed[state.to], t));
    row(morph, await worker.ask('blend', { z: steps.map(() => z), classes }), 0);
  });
  const paint = lastOnly(async () => {
    const z = state.z(), length = (point) => Math.hypot(...point).toFixed(1), y = state.y;
    big.put((await worker.ask('draw', { z: [z], y: [y] }))[0], 0, 0);
    status.textContent = `${y === 8 ? 'An' : 'A'} ${y}. Length of z: ${length(z)}; half way to another z: `
      + `${length(slerp(z, state.other, 0.5))} on the great circle, ${length(straight(z, state.other, 0.5))} on the straight line.`;
    big.element.setAttribute('aria-label', `A generated ${y}`);
    paintLines();
  });
  const move = sliders(state.shifts, paint), all = Object.fromEntries(G.embed.map((_, y) => [y, String(y)]));
  const surprise = button('Surprise me', () => { state.redraw(); move.center(); paint(); });
  const end = (name, says) => field(says, state[name], (y) => { state[name] = Number(y); paintLines(); }, { choices: all });
  const { root, stop } = makeRoot(el, 'Draw me a seven', options.theme, () => {});
  root.classList.add('gan-digits');
  if (options.colour) root.append(h('div', { class: 'gan-buttons' }, field('Digits', kind, show, { choices: KINDS })));
  root.append(classButtons(n, state, 'Draw a', paint), status,
    h('div', { class: 'gan-columns' }, big.element, h('div', {}, move.panel, h('p', {}, surprise))),
    h('h3', {}, 'From this z to another'), lines.element,
    h('p', { class: 'gan-key' }, 'Above along the great circle (slerp), below along the straight line.'),
    h('h3', {}, 'From one class to another'), h('div', { class: 'gan-buttons' }, end('from', 'From'), end('to', 'To')), morph.element,
    h('p', { class: 'gan-key' }, 'z stays, and the vector that tells G the class moves in a straight line.'),
    h('h3', {}, 'One z, every class'), grid.element,
    h('p', { class: 'gan-key' }, 'Each row is one z, each column a class. Does one z write all classes in one hand?'), where);
  worker.ask('load', { generator: G });
  paint();
  state.latents.forEach(async (z, line) => row(grid, await worker.ask('draw', { z: G.embed.map(() => z), y: G.embed.map((_, y) => y) }), line));
  return () => { worker.stop(); stop(); };
}

/** A generator that lies in a file beside the page's script: it comes when it is asked for. */
const loadBeside = (file) => new Promise((resolve, reject) => {
  const { src } = document.querySelector('script[src*="site_libs/widgets/"]');
  document.head.append(h('script', { src: new URL(file, src).href, onload: () => resolve(globalThis.ganAside), onerror: reject }));
});

/** Builds the widget inside `el`; returns a function that stops it. */
export function mount(el, options = {}) {
  let stop = () => {}, wanted = '';
  const show = async (kind) => {
    wanted = kind;
    if (typeof options[kind] === 'string') {
      if (!el.childElementCount) el.append(h('p', { class: 'gan-status', role: 'status' }, 'Loading the generator...'));
      let G;
      try { G = await loadBeside(options[kind]); } catch {
        const sorry = h('p', { class: 'gan-status', role: 'status' }, 'The generator could not be loaded. Reload the page to try again.');
        if (el.querySelector('section')) el.append(sorry); else el.replaceChildren(sorry);
        return;
      }
      options = { ...options, [kind]: G };
    }
    if (wanted !== kind) return; // the reader has chosen again meanwhile
    stop();
    stop = build(el, options, kind, async (other) => { await show(other); if (wanted === other) el.querySelector('select')?.focus(); });
  };
  show(options.start ?? 'generator');
  return () => stop();
}

/** What anywidget calls. */
export function render({ model, el }) { return mount(el, model.get('options')); }

export default { render };
