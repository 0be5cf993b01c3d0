// The six games of the library's LOSSES: for each, its values and its gradients with respect to the logits.

export const sigmoid = (v) => v >= 0 ? 1 / (1 + Math.exp(-v)) : Math.exp(v) / (1 + Math.exp(v));
const softplus = (v) => Math.max(v, 0) + Math.log1p(Math.exp(-Math.abs(v)));

/** The mean of f over a batch, and its gradient `slope / n` at each entry. */
function term(logits, f, slope) {
  let value = 0;
  for (const v of logits) value += f(v);
  return { value: value / logits.length, grad: logits.map((v) => slope(v) / logits.length) };
}

/** Two terms that do not look at each other's logits: D's loss of every unpaired game. */
const apart = (onReal, onFake) => (real, fake) => {
  const r = term(real, ...onReal), f = term(fake, ...onFake);
  return { onReal: r.value, onFake: f.value, real: r.grad, fake: f.grad };
};
const alone = (...of) => (real, fake) => {
  const t = term(fake, ...of);
  return { value: t.value, fake: t.grad };
};

const BCE_D = apart([(v) => softplus(-v), (v) => -sigmoid(-v)], [softplus, sigmoid]);
const RAISE = alone((v) => -v, () => -1);

/** The paired game: D's terms are two equal halves of the same mean. */
function relativisticD(real, fake) {
  const n = real.length, t = term(fake.map((v, i) => v - real[i]), softplus, sigmoid);
  if (fake.length !== n) throw new Error('a paired game needs as many fakes as real points');
  return { onReal: t.value / 2, onFake: t.value / 2, real: t.grad.map((v) => -v), fake: t.grad };
}

function relativisticG(real, fake) {
  const t = term(fake.map((v, i) => real[i] - v), softplus, sigmoid);
  return { value: t.value, fake: t.grad.map((v) => -v) };
}

/** name -> D's loss and G's, as functions of (real logits, fake logits). */
export const LOSSES = {
  bce: { d: BCE_D, g: alone((v) => softplus(-v), (v) => -sigmoid(-v)) },
  minimax: { d: BCE_D, g: alone((v) => -softplus(v), (v) => -sigmoid(v)) },
  least_squares: {
    d: apart([(v) => (v - 1) ** 2 / 2, (v) => v - 1], [(v) => v ** 2 / 2, (v) => v]),
    g: alone((v) => (v - 1) ** 2 / 2, (v) => v - 1),
  },
  hinge: {
    d: apart([(v) => Math.max(1 - v, 0), (v) => v < 1 ? -1 : 0],
             [(v) => Math.max(1 + v, 0), (v) => v > -1 ? 1 : 0]),
    g: RAISE,
  },
  wasserstein: { d: apart([(v) => -v, () => -1], [(v) => v, () => 1]), g: RAISE },
  relativistic: { d: relativisticD, g: relativisticG },
};
