// What tests/test_widgets.py asks of the page's JavaScript: node tests/widgets.mjs TASK [FILE], JSON comes out.
import { readFileSync } from 'node:fs';
import { TOYS, drawReal, makeGame, playRound, pullOnFakes, updateD, updateG } from '../nbs/widgets/game.js';
import { bytesOf, draw, slerp, timesTransposed, unpackGenerator } from '../nbs/widgets/generator.js';
import { LOSSES } from '../nbs/widgets/losses.js';
import { addR1, backward, forward, makeNet, netFrom, zeroGrads } from '../nbs/widgets/nn.js';
import { makeRandom, normals } from '../nbs/widgets/random.js';

const slots = ({ W, b }) => ({ W: W.map((w) => Float64Array.from(w)), b: b.map((v) => Float64Array.from(v)) });
const plain = (net) => [...net.W, ...net.b].map((values) => [...values]);
const adam = (s) => ({ beta1: s.beta1, beta2: s.beta2, t: s.t, m: slots(s.m), v: slots(s.v) });

const tasks = {
  /** Plays the moves of a file from its weights, optimiser states, points and latents. */
  parity(job) {
    const game = { ...job.game, G: netFrom(job.G), D: netFrom(job.D), optG: adam(job.optG), optD: adam(job.optD) };
    let metrics;
    for (const [x, zD, zG] of job.rounds) {
      metrics = updateD(game, Float64Array.from(x), Float64Array.from(zD));
      Object.assign(metrics, updateG(game, Float64Array.from(x), Float64Array.from(zG)));
    }
    return { G: plain(game.G), D: plain(game.D), metrics };
  },

  /** The largest error of each hand-made gradient against a central difference. */
  gradients() {
    const random = makeRandom(3), net = makeNet([2, 16, 16, 1], random), x = normals(random, 8);
    const value = (of) => of === 'out' ? forward(net, x, 4).out.reduce((s, v) => s + v, 0)
      : addR1(net, forward(net, x, 4), 0.7, zeroGrads(net));
    const worst = {};
    for (const of of ['out', 'r1']) {
      const grads = zeroGrads(net), pass = forward(net, x, 4);
      if (of === 'out') backward(net, pass, new Float64Array(4).fill(1), grads);
      else addR1(net, pass, 0.7, grads);
      worst[of] = 0;
      for (const kind of ['W', 'b']) net[kind].forEach((weights, l) => weights.forEach((w, i) => {
        weights[i] = w + 1e-6;
        const up = value(of);
        weights[i] = w - 1e-6;
        const down = value(of);
        weights[i] = w;
        worst[of] = Math.max(worst[of], Math.abs((up - down) / 2e-6 - grads[kind][l][i]));
      }));
    }
    return worst;
  },

  toys: () => TOYS,

  losses: () => LOSSES,

  /** Two games of one seed, one of another; what D's pull looks like where it is known. */
  seeds() {
    const end = (seed) => {
      const game = makeGame({ seed, width: 8 });
      for (let i = 0; i < 5; i++) playRound(game);
      return plain(game.G);
    };
    return [end(1), end(1), end(2)];
  },

  /** D(x) = x_1 alone: every fake is pulled to the right, whatever the game. */
  pull() {
    const D = netFrom({ sizes: [2, 1], slope: 0.2, W: [[1, 0]], b: [[0]] });
    return Object.keys(LOSSES).map((loss) => [...pullOnFakes({ D, loss }, new Float64Array(4), new Float64Array(4))]);
  },

  /** Digits of a packed generator, and points on the great circle between latents. */
  digits({ generator, z, y }) {
    const G = unpackGenerator(generator);
    return { pictures: z.map((row, i) => [...draw(G, row, y[i])]), between: slerp(z[0], z[1], 0.3) };
  },

  /** Matrix products whose sides fill no whole block. */
  products() {
    const [a, b] = [[7, 5], [6, 5]].map(([rows, k]) => Float64Array.from({ length: rows * k }, (_, i) => (i * 7) % 11));
    return { a: [...a], b: [...b], out: [...timesTransposed(a, b, 7, 6, 5)] };
  },

  /** Milliseconds for 16 digits, the median of many tries. */
  bench({ generator, z, y }) {
    const G = unpackGenerator(generator), times = [];
    for (let i = 0; i < 15; i++) {
      const start = performance.now();
      for (let j = 0; j < 16; j++) draw(G, z[j], y[j]);
      times.push(performance.now() - start);
    }
    return times.sort((a, b) => a - b)[7];
  },

  bytes: () => [...bytesOf('AP+A')],

  real: () => [...drawReal(makeGame({ data: 'two' }), 4000)],
};

const [task, file] = process.argv.slice(2);
console.log(JSON.stringify(tasks[task](file && JSON.parse(readFileSync(file, 'utf8')))));
