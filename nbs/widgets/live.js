// A game that Python plays: the kernel runs update_d and update_g, the page shows what it sends.
import { button, calm, coloursOf, h, makeRoot, whenGone } from './page.js';
import { describeFrame, key, makeView, markLines, paintFrame, tick } from './view.js';

const PATIENCE = 10_000; // ms without an answer

/** What anywidget calls: a view of the kernel's game. */
export function render({ model, el }) {
  const options = model.get('options'), view = makeView(options.code);
  const status = h('p', { class: 'gan-status', role: 'status' }, 'Waiting for the kernel.');
  let frame = null, timer = 0, isGone = false;
  const gone = (text) => { isGone = true; clearTimeout(timer); status.textContent = text; for (const b of buttons) b.disabled = true; };
  const send = (message) => {
    if (isGone) return;
    clearTimeout(timer);
    timer = setTimeout(() => { status.textContent = 'No answer yet. The kernel may be busy: wait. If it has stopped, run the cell again.'; }, PATIENCE);
    try { model.send(message); } catch { gone('The kernel has stopped. Run the cell again.'); }
  };
  const repaint = () => { if (frame) paintFrame(view, frame); };
  const play = button('Play', () => send({ ask: play.textContent === 'Play' ? 'play' : 'pause', slices: calm() ? 1 : 5 }));
  const buttons = [button('Step D', () => send({ ask: 'move', player: 'D' })), button('Step G', () => send({ ask: 'move', player: 'G' })),
    play, button('Stop', () => send({ ask: 'stop' }))];
  const onMessage = (message) => {
    if (isGone) return; // a kernel that ends may still have sent a frame
    clearTimeout(timer);
    if (message.frame) {
      ({ frame } = message);
      repaint();
      status.setAttribute('aria-live', message.isPlaying ? 'off' : 'polite');
      status.textContent = describeFrame(frame, message.note || '', 'Run the cell again.');
      if (message.player) markLines(view, message.player, frame.metrics);
    }
    play.textContent = message.isPlaying ? 'Pause' : 'Play';
    if (message.isOver) gone(message.note);
  };
  model.on('msg:custom', onMessage);
  const forget = whenGone(model, el, gone);
  const { root, stop } = makeRoot(el, "The kernel's game", options.theme, (at) => { view.colours = coloursOf(at); repaint(); });
  root.append(h('div', { class: 'gan-buttons', role: 'group', 'aria-label': 'Moves' }, ...buttons,
    tick('Arrows', true, (isOn) => { view.arrows = isOn; repaint(); }), tick("G's map of z", false, (isOn) => { view.map = isOn; repaint(); })),
  status, h('div', { class: 'gan-columns' }, view.plane.element, h('div', {}, view.histogram.element, view.curves.element), view.pane), key());
  view.colours = coloursOf(root);
  send({ ask: 'look' });
  return () => {
    send({ ask: 'pause' }); // nobody looks any more
    clearTimeout(timer);
    model.off('msg:custom', onMessage);
    forget();
    stop();
  };
}

export default { render };
