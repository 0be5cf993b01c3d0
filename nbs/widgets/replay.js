// Training replay: pictures and curves of runs behind one slider; in a notebook also of a run under way.
import { paintCurves } from './draw.js';
import { button, calm, canvas, coloursOf, h, makeKept, makeRoot, whenGone } from './page.js';

/** One run: its picture and its curves; `show(epoch)` shows the last frame up to an epoch. */
function column(arm, says) {
  const film = h('div', { class: 'gan-film', role: 'img' }), caption = h('figcaption', {});
  const curves = canvas(360, 150, `Losses of ${arm.name} over epochs`), element = h('figure', {}, caption, film, curves.element);
  const show = (epoch, colours) => {
    const at = Math.max(0, arm.epochs.findLastIndex((e) => e <= epoch)), [width, height] = arm.size || [1, 1];
    const n = arm.frames ? 1 : arm.epochs.length, source = arm.frames ? arm.frames[at] : arm.sprite;
    film.hidden = !source; // points have no picture
    caption.textContent = `${arm.name}: epoch ${arm.epochs[at] ?? 0}`;
    film.setAttribute('aria-label', `${says} of ${arm.name} at epoch ${arm.epochs[at] ?? 0}`);
    film.style.cssText = `aspect-ratio: ${width} / ${height}; background-size: 100% ${100 * n}%; `
      + `background-position: 0 ${n > 1 ? 100 * at / (n - 1) : 0}%; background-image: ${source ? `url(${source})` : 'none'}`;
    paintCurves(curves, arm.rows.filter(({ round }) => round <= epoch || !arm.epochs.length), colours, 'epochs', arm.rows);
  };
  return { element, show };
}

/** Builds a replay inside `el`; `live`, of a notebook, has `send`, `onMessage` and `whenGone`. Returns what stops it. */
export function mount(el, options = {}, live = null) {
  const arms = structuredClone(options.arms), columns = arms.map((arm) => column(arm, options.says || 'Samples'));
  let playing = false, colours = null, follows = true, timer = 0, forget = () => {};
  const slider = h('input', { type: 'range', min: 0, max: 0, step: 1, 'aria-label': 'Epoch',
    oninput: () => { follows = slider.value === slider.max; show(); } });
  const label = h('span', {}), words = h('pre', { class: 'gan-words' });
  const status = h('p', { class: 'gan-status', role: 'status' }, options.status || '');
  const epochs = () => [...new Set(arms.flatMap((arm) => arm.epochs))].sort((a, b) => a - b);
  const show = () => {
    const all = epochs(), epoch = all[slider.valueAsNumber] ?? 0;
    slider.max = Math.max(0, all.length - 1);
    slider.setAttribute('aria-valuetext', label.textContent = `epoch ${epoch}`);
    if (colours) for (const c of columns) c.show(epoch, colours);
    const said = arms[0].words || [];
    words.textContent = said[Math.max(0, arms[0].epochs.findLastIndex((e) => e <= epoch))] || '';
    words.hidden = !words.textContent;
  };
  const play = (wanted) => {
    playing = wanted;
    clearTimeout(timer); // who holds and replays at once begins one walk, not two
    playButton.textContent = wanted ? 'Hold' : 'Replay';
    if (!wanted) return;
    if (slider.value === slider.max) slider.value = 0;
    follows = false; // a run under way does not pull it to its end
    const next = () => {
      slider.value = slider.valueAsNumber + 1;
      show();
      if (slider.value === slider.max) { follows = true; play(false); } else timer = setTimeout(next, calm() ? 1500 : 350);
    };
    show();
    timer = setTimeout(next, calm() ? 1500 : 350);
  };
  const playButton = button('Replay', () => play(!playing));
  const { root, stop } = makeRoot(el, options.title || 'Training replay', options.theme, (at) => { colours = coloursOf(at); show(); });
  const buttons = h('div', { class: 'gan-buttons', role: 'group', 'aria-label': 'Replay' }, playButton, slider, label);
  root.append(buttons, ...live ? [status] : [], h('div', { class: 'gan-columns' }, ...columns.map((c) => c.element)), words);
  if (live) {
    const pause = button('Pause', () => live.send({ ask: pause.textContent.toLowerCase() }));
    const halt = button('Stop', () => live.send({ ask: 'stop' }), { title: 'Stop, and keep a checkpoint to resume' });
    buttons.append(pause, halt);
    let known = [];
    const keep = makeKept(200); // of a long run
    const add = (frames) => { // they may come late, and again
      const arm = arms[0], epoch = epochs()[slider.valueAsNumber] ?? 0, have = new Set(known.map((one) => one.epoch));
      const late = frames.filter((one) => !have.has(one.epoch));
      if (!late.length) return;
      const all = [...known, ...late].sort((a, b) => a.epoch - b.epoch);
      known = [];
      for (const one of all) known = keep(known, one);
      [arm.epochs, arm.frames] = [known.map((one) => one.epoch), known.map((one) => one.frame)];
      [arm.rows, arm.words] = [known.map((one) => one.row), known.map((one) => one.said)];
      slider.max = Math.max(0, known.length - 1);
      slider.value = follows ? slider.max : Math.max(0, arm.epochs.findLastIndex((e) => e <= epoch));
      show();
    };
    let isGone = false;
    live.onMessage((message) => {
      if (isGone) return;
      add(message.frames || []);
      if (message.size) { arms[0].size = message.size; show(); }
      if (message.status === undefined) return;
      status.textContent = message.status;
      pause.textContent = message.isPaused ? 'Go on' : 'Pause';
      pause.disabled = halt.disabled = message.isOver;
    });
    forget = live.whenGone((sentence) => { isGone = true; status.textContent = sentence; pause.disabled = halt.disabled = true; });
    live.send({ ask: 'all' });
  }
  slider.max = Math.max(0, epochs().length - 1);
  slider.value = slider.max;
  colours = coloursOf(root);
  show();
  return () => { playing = false; clearTimeout(timer); forget(); stop(); };
}

/** What anywidget calls. */
export function render({ model, el }) {
  const options = model.get('options');
  const live = options.isLive && { send: (message) => model.send(message), onMessage: (f) => model.on('msg:custom', f),
    whenGone: (f) => whenGone(model, el, f) };
  return mount(el, options, live);
}

export default { render };
