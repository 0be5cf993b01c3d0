// The pictures and words of a game in the plane, from the numbers of a frame: the debugger's and the kernel's.
import { paintCross, paintCurves, paintHeat, paintHistogram, paintMap, paintPoints, paintPulls } from './draw.js';
import { canvas, h } from './page.js';

const SIDE = 360; // pixels

/** The three canvases, the code, and what is wanted of them. */
export function makeView(code = []) {
  const lines = code.map(({ number, text }) => h('li', { value: number }, h('code', {}, text), h('span', {})));
  return {
    arrows: true, map: false, code, lines,
    plane: canvas(SIDE, SIDE, "D's surface with real and fake points", { class: 'gan-plane' }),
    histogram: canvas(SIDE, 150, "Histograms of D's answers to real and to fake points"),
    curves: canvas(SIDE, 150, 'Losses of D and G over rounds'),
    pane: h('ol', { class: 'gan-code', 'aria-label': 'The code of a move', tabindex: 0 }, ...lines),
  };
}

/** Paints all three pictures; `cross` is where the keyboard would set a point, or null. */
export function paintFrame(view, frame, cross = null) {
  const { reach, isProbability, fake, x, onReal, onFake } = frame, { colours } = view;
  paintHeat(view.plane, frame.shade, frame.cells, colours);
  if (view.map && frame.map) paintMap(view.plane, frame.map, frame.lines, reach, colours.ink);
  paintPoints(view.plane, x, reach, colours.real, colours.paper, true);
  const half = fake.slice(0, fake.length / 2);
  if (view.arrows && frame.pulls.length) paintPulls(view.plane, half, frame.pulls.slice(0, half.length), reach, colours.ink);
  paintPoints(view.plane, fake, reach, colours.fake, colours.ink, false);
  if (cross) paintCross(view.plane, cross, reach, colours.ink);
  const all = [...onReal, ...onFake].filter(Number.isFinite);
  const range = isProbability ? [0, 1] : [Math.min(...all, -1), Math.max(...all, 1)];
  paintHistogram(view.histogram, onReal, onFake, range, isProbability ? "D's probability of real" : "D's score", colours);
  paintCurves(view.curves, frame.history, colours);
}

/** Marks the lines that a move has executed, each with the numbers it made. */
export function markLines(view, player, metrics) {
  view.code.forEach((line, i) => {
    const numbers = line.shows.map((name) => metrics[name]).filter(Number.isFinite);
    const isRun = line.player === player || (player === 'both' && line.player !== '');
    view.lines[i].classList.toggle('gan-run', isRun);
    if (isRun && numbers.length) view.lines[i].lastChild.textContent = numbers.map((v) => v.toFixed(3)).join(', ');
  });
}

/** One sentence or two on the state of a game. */
export function describeFrame(frame, note = '', cure = 'Reset it.') {
  const last = frame.history[frame.history.length - 1];
  if (!frame.isFinite) return `A number is no longer finite: this game has diverged. ${cure}`;
  if (!frame.of) return `${note}Draw some real points first: click into the picture, or move to it with Tab, then use the arrow keys and Enter; `
    + 'Backspace takes the last point away.';
  const losses = last ? ` Loss of D ${last.d.toFixed(3)}, of G ${last.g.toFixed(3)}.` : '';
  return `${note}Round ${frame.rounds}. ${frame.modes} of ${frame.of} modes have a fake near; `
    + `${Math.round(100 * frame.share)} % of the fakes are near one.${losses}`;
}

/** What the colours and marks mean. */
export const key = () => h('p', { class: 'gan-key' }, 'Squares are real points, discs are fakes. D takes blue places for '
  + 'real, orange ones for fake. Arrows show where the loss of G pulls the fakes, thin lines where G sends a grid of z.');

/** A box to tick. */
export function tick(text, isOn, onchange) {
  const input = h('input', { type: 'checkbox', checked: isOn, onchange: () => onchange(input.checked) });
  return h('label', { class: 'gan-check' }, input, h('span', {}, text));
}
