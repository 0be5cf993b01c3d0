// The step debugger: a game in the plane, one move at a time.
import { LOSSES, sigmoid } from './losses.js';
import { drawLatents, forward } from './nn.js';
import { DEFAULTS, TOYS, coverage, drawReal, makeGame, move, playRound, pullOnFakes } from './game.js';
import { makeRandom } from './random.js';
import { gridPoints, paintCross, paintCurves, paintHeat, paintHistogram, paintPoints, paintPulls, shades } from './draw.js';
import { button, calm, canvas, coloursOf, field, h, makeRoot } from './page.js';

const SHOWN = 200, CELLS = 40, SIDE = 360, LIMIT = 25; // points, fields along a side, pixels, ms of play in a frame
const SIZES = { '1x16': '1 layer of 16', '2x32': '2 layers of 32', '3x64': '3 layers of 64' };
const PROBABILITIES = new Set(['bce', 'minimax']);

/** Everything one debugger holds: the game, what is shown of it, whether it plays. */
function makeState(options) {
  const settings = { ...DEFAULTS, rounds: 10, ...options }, points = [];
  const state = { settings, points, cross: [0, 0], playing: false };
  state.reset = () => {
    state.game = makeGame(settings);
    if (settings.data === 'drawn') state.game.data = { ...TOYS.drawn, centres: points };
    state.spectator = makeRandom(settings.seed + 1); // what is shown draws from here: looking changes no game
    state.z = drawLatents(state.game.G, state.spectator, SHOWN);
    state.note = '';
    state.redrawReal();
  };
  state.redrawReal = () => {
    const { game } = state, shown = { data: game.data, random: makeRandom(settings.seed + 2) };
    state.x = game.data.centres.length ? drawReal(shown, SHOWN) : new Float64Array(0);
  };
  state.reset();
  return state;
}

/** Paints all three pictures and says in words what they show. */
function paint(state, view) {
  const { game } = state, { reach } = game.data, { colours } = view;
  const fake = forward(game.G, state.z, SHOWN).out, heat = forward(game.D, gridPoints(CELLS, reach), CELLS ** 2).out;
  const isProbability = PROBABILITIES.has(game.loss);
  paintHeat(view.plane, shades(heat, isProbability, sigmoid), CELLS, colours);
  paintPoints(view.plane, state.x, reach, colours.real, colours.paper, true);
  if (view.arrows && state.x.length) {
    const few = fake.slice(0, SHOWN), pulls = pullOnFakes(game, few, state.x.slice(0, SHOWN)); // half of the fakes
    paintPulls(view.plane, few, pulls, reach, colours.ink);
  }
  paintPoints(view.plane, fake, reach, colours.fake, colours.ink, false);
  if (game.data.says === TOYS.drawn.says) paintCross(view.plane, state.cross, reach, colours.ink);
  const answers = [state.x, fake].map((points) => {
    const logits = forward(game.D, points, points.length / 2).out;
    return isProbability ? logits.map(sigmoid) : logits;
  });
  const all = [...answers[0], ...answers[1]].filter(Number.isFinite);
  const range = isProbability ? [0, 1] : [Math.min(...all, -1), Math.max(...all, 1)];
  const title = isProbability ? "D's probability of real" : "D's score";
  paintHistogram(view.histogram, answers[0], answers[1], range, title, colours);
  paintCurves(view.curves, game.history, colours);
  return fake;
}

/** One sentence or two on the state of a game. */
function describe(state, fake) {
  const { game } = state, last = game.history[game.history.length - 1];
  if (!fake.every(Number.isFinite)) return 'A number is no longer finite: this game has diverged. Reset it.';
  if (!game.data.centres.length) return 'Draw some real points first: click, or use the arrow keys and Enter.';
  const { modes, share } = coverage(game, fake);
  const losses = last ? ` Loss of D ${last.d.toFixed(3)}, of G ${last.g.toFixed(3)}.` : '';
  return `${state.note}Round ${game.rounds}. ${modes} of ${game.data.centres.length} modes have a fake near; `
    + `${Math.round(100 * share)} % of the fakes are near one.${losses}`;
}

/** The panel of settings; those of the players' first weights take effect at a reset. */
function settingsPanel(state, changed, reset) {
  const { settings } = state;
  const live = (name) => (value) => { settings[name] = state.game[name] = value; changed(); };
  const fresh = (name) => (value) => { settings[name] = value; reset(); };
  const names = Object.fromEntries(Object.entries(TOYS).map(([name, toy]) => [name, toy.says]));
  const losses = Object.fromEntries(Object.keys(LOSSES).map((name) => [name, name]));
  const rate = { min: 1e-6, max: 1, step: 'any' };
  return h('fieldset', { class: 'gan-fields' }, h('legend', {}, 'The game'),
    field('Data', settings.data, fresh('data'), { choices: names }),
    field('Loss', settings.loss, live('loss'), { choices: losses }),
    field('R1 weight', settings.r1, live('r1'), { min: 0, max: 100, step: 'any' }),
    field('Learning rate of D', settings.lrD, live('lrD'), rate),
    field('Learning rate of G', settings.lrG, live('lrG'), rate),
    field('Moves of D for one of G', settings.nD, live('nD'), { min: 1, max: 20, step: 1 }),
    field('Both players', `${settings.depth}x${settings.width}`, (value) => {
      [settings.depth, settings.width] = value.split('x').map(Number);
      reset();
    }, { choices: SIZES }),
    field('Seed', settings.seed, fresh('seed'), { min: 0, max: 1e6, step: 1 }));
}

/** Lets the reader set points in the plane, with a pointer or with the keyboard. */
function letDraw(state, element, changed) {
  const isDrawn = () => state.settings.data === 'drawn', { reach } = TOYS.drawn;
  const put = (point) => { state.points.push(point); state.redrawReal(); changed(); };
  const at = (event) => {
    const box = element.getBoundingClientRect();
    return [((event.clientX - box.left) / box.width * 2 - 1) * reach, (1 - (event.clientY - box.top) / box.height * 2) * reach];
  };
  element.addEventListener('pointerdown', (event) => { if (isDrawn()) put(at(event)); });
  const steps = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };
  element.addEventListener('keydown', (event) => {
    if (!isDrawn() || event.ctrlKey || event.metaKey || event.altKey) return;
    if (steps[event.key]) {
      state.cross = state.cross.map((v, i) => Math.max(-reach, Math.min(reach, v + 0.1 * steps[event.key][i])));
      changed();
    } else if (event.key === 'Enter' || event.key === ' ') put([...state.cross]);
    else if (event.key === 'Backspace' || event.key === 'Delete') { state.points.pop(); state.redrawReal(); changed(); }
    else return;
    event.preventDefault();
  });
}

/** The three canvases, and what is painted on them. */
function makeView() {
  return {
    arrows: true,
    plane: canvas(SIDE, SIDE, "D's surface with real and fake points", { class: 'gan-plane', tabindex: 0 }),
    histogram: canvas(SIDE, 150, "Histograms of D's answers to real and to fake points"),
    curves: canvas(SIDE, 150, 'Losses of D and G over rounds'),
  };
}

/** Plays rounds while `state.playing`: a slice in each frame, a second apart where motion is unwanted. */
function makePlayer(state, changed, ended) {
  const frame = () => {
    if (!state.playing) return;
    const start = performance.now();
    do playRound(state.game); while (performance.now() - start < LIMIT);
    const fake = changed(true);
    if (!fake.every(Number.isFinite)) { ended(); return; }
    later();
  };
  const later = () => calm() ? setTimeout(frame, 1000) : requestAnimationFrame(frame);
  return later;
}

/** Builds a debugger inside `el`; returns a function that stops it. */
export function mount(el, options = {}) {
  const state = makeState(options), view = makeView();
  const status = h('p', { class: 'gan-status', role: 'status' });
  const changed = (isFrame = false) => {
    const fake = paint(state, view), isReady = state.game.data.centres.length > 0;
    status.setAttribute('aria-live', isFrame ? 'off' : 'polite'); // a text that changes in each frame is not read out
    status.textContent = describe(state, fake);
    for (const b of moves) b.disabled = !isReady;
    return fake;
  };
  const play = (wanted) => {
    state.playing = wanted;
    playButton.textContent = wanted ? 'Pause' : 'Play';
    state.note = '';
    if (wanted) player(); else changed();
  };
  const reset = () => { state.playing = false; playButton.textContent = 'Play'; state.reset(); changed(); };
  const player = makePlayer(state, changed, () => play(false));
  const act = (action) => () => {
    if (state.playing) play(false);
    state.note = action() || '';
    changed();
  };
  const step = (player) => act(() => {
    const metrics = move(state.game, player), loss = player === 'D' ? metrics.dReal + metrics.dFake : metrics.g;
    return `${player} has moved; its loss was ${loss.toFixed(3)}. `;
  });
  const many = act(() => { for (let i = 0; i < state.settings.rounds; i++) playRound(state.game); });
  const playButton = button('Play', () => play(!state.playing));
  const moves = [button('Step D', step('D')), button('Step G', step('G')), playButton, button('Play rounds', many)];
  const arrows = h('input', { type: 'checkbox', checked: true,
    onchange: () => { view.arrows = arrows.checked; changed(); } });
  const buttons = h('div', { class: 'gan-buttons', role: 'group', 'aria-label': 'Moves' }, ...moves,
    field('Number of rounds', state.settings.rounds, (n) => { state.settings.rounds = n; }, { min: 1, max: 1000, step: 1 }),
    button('Reset', reset), h('label', { class: 'gan-check' }, arrows, h('span', {}, 'Arrows')));
  const { root, stop } = makeRoot(el, 'Step debugger', options.theme, (at) => { view.colours = coloursOf(at); changed(); });
  const key = h('p', { class: 'gan-key' }, 'Squares are real points, discs are fakes. D takes blue places for real, orange '
    + 'ones for fake. Arrows show where the loss of G pulls the fakes.');
  root.append(buttons, status, h('div', { class: 'gan-columns' }, view.plane.element,
    h('div', {}, view.histogram.element, view.curves.element)), key, settingsPanel(state, changed, reset));
  view.colours = coloursOf(root);
  letDraw(state, view.plane.element, changed);
  changed();
  return () => { state.playing = false; stop(); };
}

/** What anywidget calls. */
export function render({ model, el }) { return mount(el, model.get('options')); }

export default { render };
