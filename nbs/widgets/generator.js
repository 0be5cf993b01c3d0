// Trained networks in the browser: a generator that draws, encoders that read; layer by layer a matrix product.
import { bytesOf, makeMath, roundUp } from './math.js';

const MANY = 8; // pictures at a time

/** Whole numbers of 8 or of 12 bits; two of 12 share three bytes. */
export function wholeNumbers(bytes, bits) {
  if (bits === 8) return new Int8Array(bytes.buffer);
  const out = new Int16Array(Math.floor(bytes.length / 3) * 2);
  for (let i = 0, at = 0; i < out.length; i += 2, at += 3) {
    out[i] = (bytes[at] | (bytes[at + 1] & 15) << 8) - 2048;
    out[i + 1] = (bytes[at + 1] >> 4 | bytes[at + 2] << 4) - 2048;
  }
  return out;
}

/** What the product of a layer looks like for one picture: rows of weights, sum over, columns. */
function shapeOf({ kind, nIn, nOut, kernel, stride, side }) {
  const taps = kernel ** 2, small = kind === 'down' ? Math.ceil(side / stride) : side;
  if (kind === 'linear') return { m: nOut, k: nIn, columns: 1, small: 0 };
  return { m: kind === 'up' ? nOut * taps : nOut, k: kind === 'down' ? nIn * taps : nIn, columns: small ** 2, small };
}

/** A network from what Python packed: {slope, layers}; each layer has its weights and room for its product. */
export function unpackNetwork(packed, isPlain = false) {
  const layers = packed.layers.map((layer) => {
    const shape = shapeOf(layer);
    return { ...layer, ...shape, rows: roundUp(shape.m, 4), most: roundUp(MANY * shape.columns, 8) };
  });
  const math = makeMath(layers.reduce((sum, l) => sum + l.rows * l.k + (l.rows + l.k) * l.most, 0), isPlain);
  for (const layer of layers) {
    const whole = wholeNumbers(bytesOf(layer.weights), layer.bits), { m, k, rows, most } = layer;
    const scales = new Float32Array(bytesOf(layer.scales).buffer), share = m / scales.length;
    layer.weights = math.take(rows * k);
    for (let i = 0; i < m * k; i++) layer.weights[i] = whole[i] * scales[Math.floor(i / k / share)];
    layer.bias = new Float32Array(bytesOf(layer.bias).buffer);
    layer.into = math.take(k * most);
    layer.product = math.take(rows * most);
    layer.taps = tapsOf(layer);
  }
  return { ...packed, layers, math };
}

/** Triples (tap, pixel of the small picture, pixel of the large one) of a convolution. */
function tapsOf({ kernel, stride, side, kind, pad, small }) {
  const large = kind === 'up' ? side * stride : side, found = [];
  for (let tap = 0; tap < kernel * kernel; tap++) {
    const up = Math.floor(tap / kernel) - pad, left = tap % kernel - pad;
    for (let y = 0; y < small; y++) {
      for (let x = 0; x < small; x++) {
        const row = y * stride + up, column = x * stride + left;
        if (row >= 0 && row < large && column >= 0 && column < large) found.push(tap, y * small + x, row * large + column);
      }
    }
  }
  return Int32Array.from(found);
}

/** The columns of a layer's product, from pictures x: (pictures, channels, pixels). */
function gather({ into, kind, nIn, side, kernel, k, columns, taps }, x, many, n) {
  const pixels = kind === 'linear' ? 1 : side ** 2;
  if (kind === 'down') into.fill(0, 0, k * n);
  for (let i = 0; i < many; i++) {
    for (let c = 0; c < nIn; c++) {
      const from = (i * nIn + c) * pixels, to = (kind === 'down' ? c * kernel ** 2 : c) * n + i * columns;
      if (kind !== 'down') for (let p = 0; p < pixels; p++) into[to + p] = x[from + p];
      else for (let t = 0; t < taps.length; t += 3) into[to + taps[t] * n + taps[t + 1]] = x[from + taps[t + 2]];
    }
  }
}

/** What comes out of a layer, from the columns of its product: (pictures, channels, pixels). */
function spread({ product, kind, nOut, side, stride, kernel, columns, bias, taps }, many, n) {
  const pixels = kind === 'up' ? (side * stride) ** 2 : columns, out = new Float32Array(many * nOut * pixels);
  for (let i = 0; i < many; i++) {
    for (let c = 0; c < nOut; c++) {
      const to = (i * nOut + c) * pixels, from = (kind === 'up' ? c * kernel ** 2 : c) * n + i * columns;
      out.fill(bias[c], to, to + pixels);
      if (kind !== 'up') for (let p = 0; p < pixels; p++) out[to + p] += product[from + p];
      else for (let t = 0; t < taps.length; t += 3) out[to + taps[t + 2]] += product[from + taps[t] * n + taps[t + 1]];
    }
  }
  return out;
}

/** A network's answers to a batch x, (pictures, numbers), a few pictures at a time. */
export function applyNetwork(net, x, many) {
  const answers = [], size = x.length / many;
  for (let at = 0; at < many; at += MANY) {
    const few = Math.min(MANY, many - at);
    let h = x.subarray(at * size, (at + few) * size);
    net.layers.forEach((layer, l) => {
      const n = roundUp(few * layer.columns, 8);
      gather(layer, h, few, n);
      net.math.multiply(layer.weights, layer.into, layer.product, layer.rows, n, layer.k);
      h = spread(layer, few, n);
      if (l < net.layers.length - 1) for (let i = 0; i < h.length; i++) h[i] *= h[i] > 0 ? 1 : net.slope;
    });
    answers.push(h);
  }
  const out = new Float32Array(answers.reduce((sum, h) => sum + h.length, 0));
  answers.reduce((to, h) => { out.set(h, to); return to + h.length; }, 0);
  return out;
}

/** The pictures of latents z and of vectors that tell the class: for each, levels 0 to 255, channel by channel, row after row. */
function drawBlend(G, z, classes) {
  const out = applyNetwork(G, Float32Array.from(z.flatMap((row, i) => [...row, ...classes[i]])), z.length), size = out.length / z.length;
  const levels = Uint8ClampedArray.from(out, (v) => Math.round((Math.tanh(v) + 1) * 127.5));
  return z.map((_, i) => levels.slice(i * size, (i + 1) * size));
}

/** The pictures of latents z and classes y. */
export const draw = (G, z, y) => drawBlend(G, z, y.map((label) => G.embed[label]));

/** What an encoder reads in pictures of grey levels: for each, its answers as a list. */
export function read(E, pictures) {
  const into = Float32Array.from(pictures.flatMap((grey) => Array.from(grey, (v) => v / 127.5 - 1)));
  const out = applyNetwork(E, into, pictures.length), size = out.length / pictures.length;
  return pictures.map((_, i) => Array.from(out.subarray(i * size, (i + 1) * size)));
}

/** What a widget that draws asks a worker for. */
export function drawTasks() {
  const nets = {};
  return {
    load(packed) { for (const name of Object.keys(packed)) nets[name] = unpackNetwork(packed[name]); },
    draw: ({ z, y }) => draw(nets.generator, z, y),
    blend: ({ z, classes }) => drawBlend(nets.generator, z, classes),
    read: (pictures) => ({ z: read(nets.toZ, pictures), logits: read(nets.toY, pictures) }),
  };
}

/** A point between two latents on the straight line. */
export const straight = (a, b, t) => a.map((v, i) => (1 - t) * v + t * b[i]);

/** A point between two latents along the great circle: its length stays one that normal draws have. */
export function slerp(a, b, t) {
  const norm = (v) => Math.hypot(...v), dot = a.reduce((s, v, i) => s + v * b[i], 0);
  const angle = Math.acos(Math.max(-1, Math.min(1, dot / (norm(a) * norm(b)))));
  if (Math.sin(angle) < 1e-6) return straight(a, b, t);
  return a.map((v, i) => (Math.sin((1 - t) * angle) * v + Math.sin(t * angle) * b[i]) / Math.sin(angle));
}
