// Spot the fake: the reader is the discriminator, and D and a judge answer the same questions.
import { bytesOf } from './math.js';
import { makeRandom } from './random.js';
import { button, h, makeRoot } from './page.js';
import { sheet } from './sheet.js';

const ROUNDS = 20;

/** The normal distribution's share below v (Abramowitz and Stegun, 7.1.26: off by less than 1e-7). */
function normalShare(v) {
  const t = 1 / (1 + 0.3275911 * Math.abs(v) / Math.SQRT2);
  const tail = t * (0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027 + t * 1.061405429))));
  const inside = 1 - tail * Math.exp(-v * v / 2);
  return v < 0 ? (1 - inside) / 2 : (1 + inside) / 2;
}

/** Where the normal distribution has a share of p below. */
function normalPoint(p) {
  let [low, high] = [-8, 8];
  for (let i = 0; i < 60; i++) { const v = (low + high) / 2; if (normalShare(v) < p) low = v; else high = v; }
  return (low + high) / 2;
}

/** d-prime of answers "real": how far apart real and generated are for who answers; 0: guessing. */
export function dPrime(answers, truth) {
  const share = (isReal) => {
    const asked = answers.filter((_, i) => truth[i] === isReal);
    return (asked.filter(Boolean).length + 0.5) / (asked.length + 1); // no share of 0 or 1
  };
  return normalPoint(share(true)) - normalPoint(share(false));
}

/** The items of a game in an order of their own: as many real as generated. */
function choose(items, random) {
  const mixed = (list) => list.map((item) => [random(), item]).sort((a, b) => a[0] - b[0]).map(([, item]) => item);
  const half = (isReal) => mixed(items.filter((item) => item.real === isReal)).slice(0, ROUNDS / 2);
  return mixed([...half(true), ...half(false)]);
}

const word = (isReal) => isReal ? 'real' : 'generated';

/** The table at the end: who was right how often, and who could tell. */
function results(asked, answers, seconds, observers) {
  const truth = asked.map((item) => item.real), right = (list) => list.filter((a, i) => a === truth[i]).length;
  const all = [['You', answers], ...observers.map(({ name }, o) => [name, asked.map((item) => item.says[o])])];
  const rows = all.map(([name, list]) => ({ name, right: right(list), d: dPrime(list, truth) }));
  const told = rows.slice(1).filter((row) => row.d > 1).map((row) => row.name);
  const cell = (tag) => (text) => h(tag, tag === 'th' ? { scope: 'col' } : {}, text);
  const table = h('table', {}, h('thead', {}, h('tr', {}, ...['Who', `Right of ${ROUNDS}`, 'd-prime'].map(cell('th')))),
    h('tbody', {}, ...rows.map((row) => h('tr', {}, ...[row.name, String(row.right), row.d.toFixed(2)].map(cell('td'))))));
  return [table, h('p', {}, `You took ${(seconds / (ROUNDS - 1)).toFixed(1)} seconds for a picture. d-prime is 0 for one who `
    + `guesses and about 3 for one who is nearly always right. Who could tell real from generated? With a d-prime above 1: ${told.join(', ') || 'none'}.`),
  h('ul', {}, ...observers.map(({ name, about }) => h('li', {}, `${name}: ${about}`)))];
}

/** Builds the game inside `el`; returns a function that stops it. */
export function mount(el, options = {}) {
  const { side, items, observers } = options, grey = bytesOf(options.images), size = side ** 2;
  const random = makeRandom(options.seed ?? Date.now());
  const big = sheet(1, 1, side, 'A digit: real or generated?', 'gan-big'), last = sheet(1, 1, side, 'The digit before', 'gan-small');
  const status = h('p', { class: 'gan-status', role: 'status' }), end = h('div', {});
  const { root, stop } = makeRoot(el, 'Spot the fake', options.theme, () => {});
  const put = (on, item) => on.put(grey.subarray(item.at * size, (item.at + 1) * size), 0, 0);
  let asked, answers, began;
  const begin = () => {
    [asked, answers] = [choose(items.map((item, at) => ({ ...item, at })), random), []];
    status.textContent = `Picture 1 of ${ROUNDS}: real or generated? After a first click the keys R and G answer too.`;
    end.replaceChildren();
    for (const b of choices) b.disabled = false;
    put(big, asked[0]);
  };
  const answer = (isReal) => {
    if (answers.length === ROUNDS) return;
    if (!answers.length) began = performance.now(); // looking at the page before is not counted
    const item = asked[answers.length];
    answers.push(isReal);
    put(last, item);
    const n = answers.length, others = observers.map(({ name }, o) => `${name} says ${word(item.says[o])}${item.notes[o]}`);
    status.textContent = `${isReal === item.real ? 'Right' : 'Wrong'}: it was ${word(item.real)}. ${others.join('; ')}. `
      + (n < ROUNDS ? `Picture ${n + 1} of ${ROUNDS}.` : 'That was the last one.');
    if (n < ROUNDS) { put(big, asked[n]); return; }
    again.focus();
    for (const b of choices) b.disabled = true;
    end.replaceChildren(...results(asked, answers, (performance.now() - began) / 1000, observers));
  };
  const choices = [button('Real', () => answer(true)), button('Generated', () => answer(false))];
  const again = button('Start again', () => { begin(); choices[0].focus(); });
  root.addEventListener('keydown', (event) => {
    const at = ['r', 'g'].indexOf(event.key.toLowerCase());
    if (at >= 0 && !event.repeat && !event.ctrlKey && !event.metaKey && !event.altKey) { answer(at === 0); event.preventDefault(); }
  });
  root.classList.add('gan-digits');
  root.append(status, h('div', { class: 'gan-columns' }, big.element, h('div', {},
    h('div', { class: 'gan-buttons', role: 'group', 'aria-label': 'Your answer' }, ...choices, again),
    h('p', { class: 'gan-key' }, 'The one before:'), last.element)), end);
  begin();
  return stop;
}

/** What anywidget calls. */
export function render({ model, el }) { return mount(el, model.get('options')); }

export default { render };
