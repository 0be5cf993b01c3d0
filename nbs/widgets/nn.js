// A multi-layer perceptron with LeakyReLU, its gradients and Adam, written out by hand in float64.
// A batch is one Float64Array: row after row. A weight matrix is (outputs, inputs), as in PyTorch.
import { normals } from './random.js';

/** A network: `sizes` are the widths of input, hidden layers and output; uniform first weights. */
export function makeNet(sizes, random, slope = 0.2) {
  const W = [], b = [];
  for (let l = 1; l < sizes.length; l++) {
    const bound = 1 / Math.sqrt(sizes[l - 1]);
    const draw = () => bound * (2 * random() - 1);
    W.push(Float64Array.from({ length: sizes[l] * sizes[l - 1] }, draw));
    b.push(Float64Array.from({ length: sizes[l] }, draw));
  }
  return { sizes, slope, W, b };
}

/** A network from plain lists of weights and biases. */
export function netFrom({ sizes, slope, W, b }) {
  return { sizes, slope, W: W.map((w) => Float64Array.from(w)), b: b.map((v) => Float64Array.from(v)) };
}

/** y = x W^T + b for a batch of n rows. */
function linear(x, n, W, b, nIn, nOut) {
  const y = new Float64Array(n * nOut);
  for (let i = 0; i < n; i++) {
    for (let o = 0; o < nOut; o++) {
      let sum = b[o];
      for (let k = 0; k < nIn; k++) sum += W[o * nIn + k] * x[i * nIn + k];
      y[i * nOut + o] = sum;
    }
  }
  return y;
}

/** One pass: `a[l]` goes into layer l, `mask[l]` is the activation's slope after it, `out` comes out. */
export function forward(net, x, n) {
  const { sizes, slope, W, b } = net, a = [x], mask = [], last = W.length - 1;
  for (let l = 0; l <= last; l++) {
    const h = linear(a[l], n, W[l], b[l], sizes[l], sizes[l + 1]);
    if (l < last) {
      const m = new Float64Array(h.length);
      for (let i = 0; i < h.length; i++) { m[i] = h[i] > 0 ? 1 : slope; h[i] *= m[i]; }
      mask.push(m);
    }
    a.push(h);
  }
  return { n, a, mask, out: a[last + 1] };
}

/** Gradient slots for every weight and bias, all zero. */
export function zeroGrads(net) {
  return { W: net.W.map((w) => new Float64Array(w.length)), b: net.b.map((v) => new Float64Array(v.length)) };
}

/** g W for a batch of n rows: a gradient goes back through a linear layer. */
function back(g, n, W, nIn, nOut) {
  const out = new Float64Array(n * nIn);
  for (let i = 0; i < n; i++) {
    for (let o = 0; o < nOut; o++) {
      const v = g[i * nOut + o];
      if (v !== 0) for (let k = 0; k < nIn; k++) out[i * nIn + k] += v * W[o * nIn + k];
    }
  }
  return out;
}

/** Adds sum over the batch of outer products g_i x_i^T to a weight's gradient. */
function addOuter(into, g, x, n, nIn, nOut) {
  for (let i = 0; i < n; i++) {
    for (let o = 0; o < nOut; o++) {
      const v = g[i * nOut + o];
      if (v !== 0) for (let k = 0; k < nIn; k++) into[o * nIn + k] += v * x[i * nIn + k];
    }
  }
}

/** Backward from `dOut`; adds to `grads` (null: weights stand still) and returns the gradient of the input. */
export function backward(net, pass, dOut, grads) {
  let g = dOut;
  for (let l = net.W.length - 1; l >= 0; l--) {
    const [nIn, nOut] = [net.sizes[l], net.sizes[l + 1]];
    if (grads) {
      addOuter(grads.W[l], g, pass.a[l], pass.n, nIn, nOut);
      for (let i = 0; i < g.length; i++) grads.b[l][i % nOut] += g[i];
    }
    g = back(g, pass.n, net.W[l], nIn, nOut);
    if (l > 0) for (let i = 0; i < g.length; i++) g[i] *= pass.mask[l - 1][i];
  }
  return g;
}

/**
 * R1: weight / 2 times the mean squared slope of the output with respect to the input. Adds its gradient to
 * `grads` and returns its value. The slope v = W_1^T m_1 W_2^T m_2 ... is linear in each weight (the masks m
 * do not move), so its gradient runs forward through the layers, from v to the output.
 */
export function addR1(net, pass, weight, grads) {
  const { W, sizes } = net, n = pass.n, g = [];
  g[W.length - 1] = new Float64Array(n).fill(1); // of the output with respect to what each layer gives
  for (let l = W.length - 1; l > 0; l--) {
    g[l - 1] = back(g[l], n, W[l], sizes[l], sizes[l + 1]);
    for (let i = 0; i < g[l - 1].length; i++) g[l - 1][i] *= pass.mask[l - 1][i];
  }
  const v = back(g[0], n, W[0], sizes[0], sizes[1]);
  let value = 0, t = v.map((e) => { value += e * e; return e * weight / n; });
  for (let l = 0; l < W.length; l++) {
    addOuter(grads.W[l], g[l], t, n, sizes[l], sizes[l + 1]);
    if (l === W.length - 1) break;
    t = linear(t, n, W[l], new Float64Array(sizes[l + 1]), sizes[l], sizes[l + 1]);
    for (let i = 0; i < t.length; i++) t[i] *= pass.mask[l][i];
  }
  return value * weight / (2 * n);
}

/** Adam's memory for one network: both moments and the number of steps. */
export function makeAdam(net, beta1 = 0.5, beta2 = 0.999) {
  return { beta1, beta2, t: 0, m: zeroGrads(net), v: zeroGrads(net) };
}

/** One step of Adam: the bias-corrected mean of gradients over the root of that of their squares. */
export function adamStep(net, grads, state, lr, eps = 1e-8) {
  const { beta1, beta2, m, v } = state;
  state.t += 1;
  const c1 = 1 - beta1 ** state.t, c2 = Math.sqrt(1 - beta2 ** state.t);
  for (const kind of ['W', 'b']) {
    net[kind].forEach((weights, l) => {
      const g = grads[kind][l], mean = m[kind][l], square = v[kind][l];
      for (let i = 0; i < weights.length; i++) {
        mean[i] = beta1 * mean[i] + (1 - beta1) * g[i];
        square[i] = beta2 * square[i] + (1 - beta2) * g[i] * g[i];
        weights[i] -= lr / c1 * mean[i] / (Math.sqrt(square[i]) / c2 + eps);
      }
    });
  }
}

/** `n` latent draws for a network, as many numbers a row as it has inputs: normal, or uniform in [-1, 1). */
export function drawLatents(net, random, n, noise = 'normal') {
  const size = n * net.sizes[0];
  return noise === 'normal' ? normals(random, size) : Float64Array.from({ length: size }, () => 2 * random() - 1);
}
