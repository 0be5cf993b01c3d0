// What tests/test_widgets.py asks of the page's JavaScript: node tests/widgets.mjs TASK [FILE], JSON comes out.
import { readFileSync } from 'node:fs';
import { TOYS, coverage, drawReal, makeGame, playRound, pullOnFakes, updateD, updateG } from '../nbs/widgets/game.js';
import { draw, drawTasks, read, slerp, unpackNetwork, wholeNumbers } from '../nbs/widgets/generator.js';
import { LOSSES } from '../nbs/widgets/losses.js';
import { addR1, backward, forward, makeNet, netFrom, zeroGrads } from '../nbs/widgets/nn.js';
import { bytesOf, makeMath } from '../nbs/widgets/math.js';
import { makeRandom, normals } from '../nbs/widgets/random.js';
import { gameTasks } from '../nbs/widgets/scene.js';
import { NO_WORKER, startWorker } from '../nbs/widgets/ask.js';
import { serve } from '../nbs/widgets/worker.js';
import { dPrime } from '../nbs/widgets/spot.js';
import { asDigit } from '../nbs/widgets/redraw.js';

/** Milliseconds of processor time so far: what else the machine does is not counted. */
const cpu = () => { const { user, system } = process.cpuUsage(); return (user + system) / 1000; };
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

  /** Digits of a packed generator, one by one and many at once, and points on the great circle between latents. */
  digits({ generator, z, y }) {
    const G = unpackNetwork(structuredClone(generator)), plain = unpackNetwork(generator, true);
    const many = draw(G, z, y).map((p) => [...p]);
    const alone = draw(G, [z[3]], [y[3]])[0].every((v, i) => v === many[3][i]);
    return { pictures: many, alone, plain: draw(plain, z, y).map((p) => [...p]), between: slerp(z[0], z[1], 0.3) };
  },

  /** What packed encoders answer to pictures. */
  codes({ toZ, toY, pictures }) {
    const [z, logits] = [toZ, toY].map((net) => read(unpackNetwork(net), pictures));
    return { z, logits };
  },

  /** A product by WebAssembly and by plain loops. */
  products() {
    const [m, n, k] = [8, 16, 5], numbers = (from, length) => Float32Array.from({ length }, (_, i) => (i * from) % 11 - 5);
    const by = (isPlain) => {
      const math = makeMath(1024, isPlain), a = math.take(m * k), b = math.take(k * n), out = math.take(m * n);
      a.set(numbers(7, m * k));
      b.set(numbers(3, k * n));
      math.multiply(a, b, out, m, n, k);
      return [...out];
    };
    return { a: [...numbers(7, m * k)], b: [...numbers(3, k * n)], fast: by(false), plain: by(true) };
  },

  /** Milliseconds of processor time for 16 digits, and by plain loops: medians of tries that take turns. */
  bench({ generator, z, y }) {
    const nets = [unpackNetwork(structuredClone(generator)), unpackNetwork(generator, true)], times = [[], []];
    for (let i = 0; i < 9; i++) {
      nets.forEach((G, which) => {
        const start = cpu();
        draw(G, z.slice(0, 16), y.slice(0, 16));
        times[which].push(cpu() - start);
      });
    }
    return times.map((list) => list.sort((a, b) => a - b)[4]);
  },

  /** Milliseconds of processor time of a slice of play with its frame, and rounds in it. */
  frames() {
    const tasks = gameTasks(), times = [];
    tasks.reset({});
    let rounds = 0;
    for (let i = 0; i < 15; i++) {
      const start = cpu(), before = rounds;
      ({ rounds } = tasks.play());
      times.push([cpu() - start, rounds - before]);
    }
    return times.sort((a, b) => a[0] - b[0])[7];
  },

  whole: ({ text, bits }) => [...wholeNumbers(bytesOf(text), bits)],

  /** What a worker answers to messages, and what a page without workers does. */
  async protocol() {
    const scope = { sent: [], postMessage(message) { this.sent.push(message); } };
    serve(scope, { twice: (v) => 2 * v });
    scope.onmessage({ data: { id: 7, task: 'twice', given: 21 } });
    scope.onmessage({ data: { id: 8, task: 'gone' } });
    const said = [], { ask } = startWorker('drawTasks', () => ({ twice: (v) => 2 * v, fail() { throw new Error('no'); } }), (why) => said.push(why));
    const answers = await Promise.all([ask('twice', 1), ask('twice', 2)]), failed = await ask('fail').catch((error) => error.message);
    return { sent: scope.sent, said, sentence: NO_WORKER, answers, failed, tasks: Object.keys(drawTasks()) };
  },

  /** Frames of a game as a worker gives them: a reset begins the same game, looking changes none. */
  scene() {
    const [one, two] = [gameTasks(), gameTasks()], settings = { seed: 3, width: 8, noise: 'uniform' };
    for (const tasks of [one, two]) tasks.reset(settings);
    for (let i = 0; i < 3; i++) two.set({}); // looks
    const ends = [one, two].map((tasks) => { const f = tasks.rounds(4); return [[...f.fake], f.rounds]; });
    one.reset(settings);
    const again = one.rounds(4), moved = one.move('D');
    const drawn = gameTasks();
    drawn.reset({ data: 'drawn', width: 8 });
    const empty = drawn.draw([]).of, three = drawn.draw([[0, 0], [0, 1], [1, 0]]).of;
    return { ends, again: [[...again.fake], again.rounds], keys: Object.keys(moved.metrics), shown: moved.fake.length, lines: moved.map.length,
      empty, three };
  },

  /** A history that grows to many rounds, and fakes beside two modes that are near each other. */
  long() {
    const game = makeGame({ data: 'two', width: 2, depth: 1, batch: 2 });
    for (let i = 0; i < 9001; i++) playRound(game);
    const rounds = game.history.map((row) => row.round);
    game.data = { centres: [[0, 0], [0.05, 0]], sd: 0.03 };
    return { first: rounds[0], last: rounds[rounds.length - 1], n: rounds.length,
      step: Math.max(...rounds.map((round, i) => round - (rounds[i - 1] ?? 0))), near: coverage(game, [0.05, 0, 0, 0]).modes };
  },

  primes: (jobs) => jobs.map(({ answers, truth }) => dPrime(answers, truth)),

  /** A drawn bar, 60 by 200 fine pixels near a corner, as a digit. */
  bar() {
    const grey = new Uint8Array(280 * 280);
    for (let y = 10; y < 210; y++) grey.fill(255, y * 280 + 20, y * 280 + 80);
    return { digit: [...asDigit(grey, 280)], nothing: asDigit(new Uint8Array(280 * 280), 280).some((v) => v > 0) };
  },

  bytes: () => [...bytesOf('AP+A')],

  real: () => [...drawReal(makeGame({ data: 'two' }), 4000)],
};

const [task, file] = process.argv.slice(2);
console.log(JSON.stringify(await tasks[task](file && JSON.parse(readFileSync(file, 'utf8')))));
