// The step debugger: a game in the plane, one move at a time, computed in a worker.
import { DEFAULTS, TOYS } from './game.js';
import { LOSSES } from './losses.js';
import { gameTasks } from './scene.js';
import { startWorker } from './ask.js';
import { button, calm, coloursOf, field, h, makeRoot } from './page.js';
import { describeFrame, key, makeView, markLines, paintFrame, tick } from './view.js';

const SIZES = { '1x16': '1 layer of 16', '2x32': '2 layers of 32', '3x64': '3 layers of 64' };
const SPEEDS = { full: 'full speed', slow: 'slow motion: a move a second' };
const named = (table, says = (name) => name) => Object.fromEntries(Object.keys(table).map((name) => [name, says(name)]));

/** The panel of settings; those of the players' first weights take effect at a reset. */
function settingsPanel(settings, set, reset) {
  const live = (name) => (value) => set({ [name]: value }), fresh = (name) => (value) => reset({ [name]: value });
  const rate = { min: 1e-6, max: 1, step: 'any' };
  return h('fieldset', { class: 'gan-fields' }, h('legend', {}, 'The game'),
    field('Data', settings.data, fresh('data'), { choices: named(TOYS, (name) => TOYS[name].says) }),
    field('Loss', settings.loss, live('loss'), { choices: named(LOSSES) }),
    field('R1 weight', settings.r1, live('r1'), { min: 0, max: 100, step: 'any' }),
    field('Learning rate of D', settings.lrD, live('lrD'), rate),
    field('Learning rate of G', settings.lrG, live('lrG'), rate),
    field('Moves of D for one of G', settings.nD, live('nD'), { min: 1, max: 20, step: 1 }),
    field('Noise z', settings.noise, fresh('noise'), { choices: { normal: 'normal', uniform: 'uniform' } }),
    field('Both players', `${settings.depth}x${settings.width}`, (value) => {
      const [depth, width] = value.split('x').map(Number);
      reset({ depth, width });
    }, { choices: SIZES }),
    field('Seed', settings.seed, fresh('seed'), { min: 0, max: 1e6, step: 1 }));
}

/** Lets the reader set points in the plane, with a pointer or with the keyboard. */
function letDraw(state, element, changed) {
  const isDrawn = () => state.settings.data === 'drawn', { reach } = TOYS.drawn;
  const put = (point) => { state.points.push(point); changed(true); };
  element.addEventListener('click', (event) => { // a swipe that scrolls the page draws nothing
    const box = element.getBoundingClientRect();
    const x = ((event.clientX - box.left) / box.width * 2 - 1) * reach;
    if (isDrawn()) put([x, (1 - (event.clientY - box.top) / box.height * 2) * reach]);
  });
  const steps = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };
  element.addEventListener('keydown', (event) => {
    if (!isDrawn() || event.ctrlKey || event.metaKey || event.altKey) return;
    if (steps[event.key]) {
      state.cross = state.cross.map((v, i) => Math.max(-reach, Math.min(reach, v + 0.1 * steps[event.key][i])));
      changed(false, `Cross at ${state.cross.map((v) => v.toFixed(1)).join(', ')}. `);
    } else if (event.key === 'Enter' || event.key === ' ') put([...state.cross]);
    else if (event.key === 'Backspace' || event.key === 'Delete') { state.points.pop(); changed(true); } else return;
    event.preventDefault();
  });
}

/** Plays while `state.playing`: a slice in each frame, or a move a second; calm readers get a slice a second. */
function makePlayer(state, ask, show) {
  let run = 0;
  return () => {
    const mine = ++run, isOver = () => !state.playing || mine !== run; // who pauses and plays again begins another run
    const frame = async () => {
      if (isOver()) return;
      const isSlow = state.speed === 'slow';
      let next;
      try { next = await ask(isSlow ? 'slow' : 'play'); } catch (error) {
        if (!isOver()) state.play(false, `It has stopped: ${error.message}`);
        return;
      }
      if (isOver()) return;
      show(next, isSlow ? next.player : 'both', true);
      if (!next.isFinite) state.play(false);
      else if (isSlow || calm()) setTimeout(frame, 1000);
      else requestAnimationFrame(frame);
    };
    frame();
  };
}

/** Builds a debugger inside `el`; returns a function that stops it. */
export function mount(el, options = {}) {
  const { code, theme, ...given } = options, view = makeView(code);
  const state = { settings: { ...DEFAULTS, rounds: 10, ...given }, points: [], cross: [0, 0], playing: false, speed: 'full' };
  const status = h('p', { class: 'gan-status', role: 'status' }), where = h('p', { class: 'gan-key' });
  const worker = startWorker('gameTasks', gameTasks, (why) => { where.textContent = why; });
  const show = (frame, player = '', isFrame = false, note = '') => {
    state.frame = frame;
    const isDrawn = state.settings.data === 'drawn';
    paintFrame(view, frame, isDrawn ? state.cross : null);
    view.plane.element.setAttribute('role', isDrawn ? 'application' : 'img');
    view.plane.element.tabIndex = isDrawn ? 0 : -1;
    if (player) markLines(view, player, frame.metrics);
    status.setAttribute('aria-live', isFrame ? 'off' : 'polite'); // a text that changes in each frame is not read out
    status.textContent = describeFrame(frame, note);
    for (const b of moves) b.disabled = !frame.of;
  };
  const repaint = () => { if (state.frame) show(state.frame); };
  const act = (task, given, player, note = () => '') => async () => {
    if (state.playing) await state.play(false);
    const frame = await worker.ask(task, typeof given === 'function' ? given() : given);
    show(frame, player, false, note(frame.metrics));
  };
  const set = async (changes) => { Object.assign(state.settings, changes); show(await worker.ask('set', changes)); };
  const reset = async (changes = {}) => {
    Object.assign(state.settings, changes);
    [state.playing, playButton.textContent] = [false, 'Play'];
    show(await worker.ask('reset', { ...state.settings }));
    for (const line of view.lines) { line.classList.remove('gan-run'); line.lastChild.textContent = ''; }
  };
  state.play = (wanted, why = '') => {
    state.playing = wanted;
    playButton.textContent = wanted ? 'Pause' : 'Play';
    if (wanted) player(); else repaint();
    if (why) status.textContent = why;
  };
  const player = makePlayer(state, worker.ask, show);
  const moved = (name) => (m) => `${name} has moved; its loss was ${(name === 'D' ? m.dReal + m.dFake : m.g).toFixed(3)}. `;
  const playButton = button('Play', () => state.play(!state.playing));
  const moves = [button('Step D', act('move', 'D', 'D', moved('D'))), button('Step G', act('move', 'G', 'G', moved('G'))),
    playButton, button('Play rounds', act('rounds', () => state.settings.rounds, 'both'))];
  const buttons = h('div', { class: 'gan-buttons', role: 'group', 'aria-label': 'Moves' }, ...moves,
    field('Number of rounds', state.settings.rounds, (n) => { state.settings.rounds = n; }, { min: 1, max: 1000, step: 1 }),
    field('Speed', state.speed, (value) => { state.speed = value; }, { choices: SPEEDS }), button('Reset', () => reset()),
    tick('Arrows', true, (isOn) => { view.arrows = isOn; repaint(); }),
    tick("G's map of z", false, (isOn) => { view.map = isOn; repaint(); }));
  const { root, stop } = makeRoot(el, 'Step debugger', theme, (at) => { view.colours = coloursOf(at); repaint(); });
  root.append(buttons, status, h('div', { class: 'gan-columns' }, view.plane.element,
    h('div', {}, view.histogram.element, view.curves.element), ...code?.length ? [view.pane] : []), key(), where,
  settingsPanel(state.settings, set, reset));
  view.colours = coloursOf(root);
  letDraw(state, view.plane.element, async (isNew, note = '') => {
    if (isNew && !state.points.length && state.playing) state.play(false);
    if (isNew) show(await worker.ask('draw', state.points)); else if (state.frame) show(state.frame, '', false, note);
  });
  reset();
  return () => { state.playing = false; worker.stop(); stop(); };
}

/** What anywidget calls. */
export function render({ model, el }) { return mount(el, model.get('options')); }

export default { render };
