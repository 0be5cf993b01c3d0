// The shipped generator by TensorFlow.js, in turns with the page's own code: node benchmarks/tfjs.mjs JOB MODULES BACKEND
// MODULES is a node_modules folder with @tensorflow/tfjs-core and @tensorflow/tfjs-backend-BACKEND, which is cpu or wasm.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { resolve } from 'node:path';
import { draw, unpackNetwork } from '../nbs/widgets/generator.js';

const [, , job, modules, backend] = process.argv, { generator, z, y } = JSON.parse(readFileSync(job, 'utf8'));
console.log = () => {}; // what it recommends
const require = createRequire(resolve(modules, 'here.js'));
const tf = require('@tensorflow/tfjs-core');
require(`@tensorflow/tfjs-backend-${backend}`);
await tf.setBackend(backend);

const G = unpackNetwork(structuredClone(generator));

/** A layer's weights as TensorFlow.js wants them: (in, out) of a product, (height, width, out, in) of a convolution. */
function kernelOf({ kind, nIn, nOut, kernel, weights }) {
  const rows = tf.tensor(weights.slice(0, nOut * kernel ** 2 * nIn), [nOut, kernel, kernel, nIn]);
  return kind === 'linear' ? tf.transpose(tf.reshape(rows, [nOut, nIn])) : tf.transpose(rows, [1, 2, 0, 3]);
}

const layers = G.layers.map((layer) => ({ ...layer, filter: kernelOf(layer), shift: tf.tensor(layer.bias) }));

/** The same pictures, each layer by one call; a picture is (height, width, channels). */
function drawByTensorFlow() {
  return tf.tidy(() => {
    let h = tf.tensor(z.map((row, i) => [...row, ...G.embed[y[i]]]));
    layers.forEach(({ kind, filter, shift, nOut, side, stride }, l) => {
      const size = side * stride;
      const product = kind === 'linear' ? tf.matMul(h, filter)
        : tf.conv2dTranspose(h, filter, [z.length, size, size, nOut], stride, 'same');
      h = tf.add(product, shift);
      if (l < layers.length - 1) h = tf.leakyRelu(h, G.slope);
      if (kind === 'linear') h = tf.transpose(tf.reshape(h, [z.length, nOut / side ** 2, side, side]), [0, 2, 3, 1]);
    });
    return Float32Array.from(tf.tanh(h).dataSync(), (v) => Math.round((v + 1) * 127.5));
  });
}

/** Milliseconds of processor time of a call. */
function timed(work) {
  const before = process.cpuUsage();
  work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000;
}

const ways = [() => draw(G, z, y), drawByTensorFlow], times = ways.map(() => []);
const [ours, theirs] = ways.map((way) => way());
const apart = Math.max(...ours.flatMap((picture, i) => [...picture].map((v, p) => Math.abs(v - theirs[i * picture.length + p]))));
if (apart > 2) throw new Error(`the pictures differ by ${apart} grey levels`);
for (let round = 0; round < 15; round++) ways.forEach((way, i) => times[i].push(timed(way)));
process.stdout.write(JSON.stringify([...times.map((all) => all.sort((a, b) => a - b)[7]), tf.version_core]));
