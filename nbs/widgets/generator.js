// A shipped generator in the browser: int8 weights, typed arrays, transposed convolutions as matrix products.

/** The bytes behind a base64 text. */
export function bytesOf(base64) {
  const text = atob(base64), bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  return bytes;
}

/** Weights tap by tap, each as (outputs, inputs): whole numbers times the scale of their output. */
function weightsOf(layer) {
  const whole = new Int8Array(bytesOf(layer.weights).buffer), scales = new Float32Array(bytesOf(layer.scales).buffer);
  const { nIn, nOut } = layer, taps = layer.kernel ** 2, weights = new Float64Array(whole.length);
  for (let o = 0, from = 0; o < nOut; o++) {
    for (let tap = 0; tap < taps; tap++) {
      for (let i = 0, to = (tap * nOut + o) * nIn; i < nIn; i++) weights[to + i] = whole[from++] * scales[o];
    }
  }
  return weights;
}

/** A generator from what Python packed. */
export function unpackGenerator(packed) {
  const layers = packed.layers.map((layer) => ({ ...layer, weights: weightsOf(layer),
    bias: new Float32Array(bytesOf(layer.bias).buffer) }));
  return { ...packed, layers };
}

/** a b^T for a (m, k) and b (n, k), into (m, n): blocks of 2 by 4, so that a number read is used again. */
export function timesTransposed(a, b, m, n, k) {
  const out = new Float64Array(m * n), k2 = 2 * k, k3 = 3 * k;
  const mWhole = m - m % 2, nWhole = n - n % 4;
  for (let i = 0; i < mWhole; i += 2) {
    for (let j = 0; j < nWhole; j += 4) {
      let c0 = 0, c1 = 0, c2 = 0, c3 = 0, d0 = 0, d1 = 0, d2 = 0, d3 = 0;
      for (let e = 0, p = i * k, q = j * k; e < k; e++, p++, q++) {
        const u = a[p], v = a[p + k], b0 = b[q], b1 = b[q + k], b2 = b[q + k2], b3 = b[q + k3];
        c0 += u * b0; c1 += u * b1; c2 += u * b2; c3 += u * b3;
        d0 += v * b0; d1 += v * b1; d2 += v * b2; d3 += v * b3;
      }
      const at = i * n + j;
      out[at] = c0; out[at + 1] = c1; out[at + 2] = c2; out[at + 3] = c3;
      out[at + n] = d0; out[at + n + 1] = d1; out[at + n + 2] = d2; out[at + n + 3] = d3;
    }
  }
  dots(a, b, out, [0, mWhole], [nWhole, n], n, k);
  dots(a, b, out, [mWhole, m], [0, n], n, k);
  return out;
}

/** The edges that fill no block. */
function dots(a, b, out, rows, columns, n, k) {
  for (let i = rows[0]; i < rows[1]; i++) {
    for (let j = columns[0]; j < columns[1]; j++) {
      let sum = 0;
      for (let e = 0; e < k; e++) sum += a[i * k + e] * b[j * k + e];
      out[i * n + j] = sum;
    }
  }
}

/** The rows or columns [from, to) of the input that one line of the kernel paints inside the picture. */
function reach(offset, { side, stride }) {
  const from = Math.max(0, Math.ceil(-offset / stride));
  return [from, Math.min(side, Math.floor((side * stride - 1 - offset) / stride) + 1)];
}

/** One transposed convolution of a picture x, (pixels, channels): tap by tap, a matrix product and a sum. */
function transposed(x, layer) {
  const { nIn, nOut, kernel, stride, side } = layer, pad = Math.floor((kernel - stride) / 2), out = side * stride;
  const picture = new Float64Array(nOut * out * out), some = new Float64Array(x.length);
  for (let tap = 0; tap < kernel * kernel; tap++) {
    const up = Math.floor(tap / kernel) - pad, left = tap % kernel - pad;
    const [y0, y1] = reach(up, layer), [x0, x1] = reach(left, layer), width = x1 - x0, n = (y1 - y0) * width;
    for (let y = y0; y < y1; y++) {
      some.set(x.subarray((y * side + x0) * nIn, (y * side + x1) * nIn), (y - y0) * width * nIn);
    }
    const weights = layer.weights.subarray(tap * nOut * nIn, (tap + 1) * nOut * nIn);
    const painted = timesTransposed(weights, some, nOut, n, nIn);
    for (let c = 0, t = 0; c < nOut; c++) {
      for (let y = y0; y < y1; y++) {
        const row = (c * out + y * stride + up) * out + left;
        for (let at = x0; at < x1; at++, t++) picture[row + at * stride] += painted[t];
      }
    }
  }
  return picture;
}

/** (channels, pixels) to (pixels, channels). */
function turned(x, channels, pixels) {
  const out = new Float64Array(x.length);
  for (let c = 0; c < channels; c++) for (let p = 0; p < pixels; p++) out[p * channels + c] = x[c * pixels + p];
  return out;
}

/** The picture of latent numbers z and a class y: grey levels 0 to 255, row after row. */
export function draw(G, z, y) {
  const [first, ...rest] = G.layers;
  let x = Float64Array.from([...z, ...G.embed[y]]);
  x = timesTransposed(first.weights, x, first.nOut, 1, first.nIn);
  let channels = first.nOut / first.side ** 2, pixels = first.side ** 2, layer = first;
  for (const next of [...rest, null]) {
    for (let i = 0; i < x.length; i++) {
      x[i] += layer.bias[layer === first ? i : Math.floor(i / pixels)];
      if (next) x[i] *= x[i] > 0 ? 1 : G.slope;
    }
    if (!next) break;
    x = transposed(turned(x, channels, pixels), next);
    [layer, channels, pixels] = [next, next.nOut, (next.side * next.stride) ** 2];
  }
  return Uint8ClampedArray.from(x, (v) => Math.round((Math.tanh(v) + 1) * 127.5));
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
