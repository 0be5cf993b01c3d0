// The game: real points, two players, and the library's two moves, update_d and update_g.
import { adamStep, addR1, backward, drawLatents, forward, makeAdam, makeNet, zeroGrads } from './nn.js';
import { LOSSES, sigmoid } from './losses.js';
import { makeRandom, normals } from './random.js';

const ring = Array.from({ length: 8 }, (_, i) => [Math.cos(Math.PI * i / 4), Math.sin(Math.PI * i / 4)]);
const grid = Array.from({ length: 25 }, (_, i) => [Math.floor(i / 5) - 2, i % 5 - 2]);

/** name -> centres and standard deviation of a mixture of round modes, and how far the picture reaches. */
export const TOYS = {
  ring8: { says: '8 modes on a ring', centres: ring, sd: 0.02, reach: 1.6 },
  grid25: { says: '25 modes on a grid', centres: grid, sd: 0.05, reach: 2.8 },
  two: { says: 'two modes', centres: [[-0.8, 0], [0.8, 0]], sd: 0.1, reach: 1.6 },
  drawn: { says: 'points you draw', centres: [], sd: 0.03, reach: 1.6 },
};

/** `n` real points, one after the other; a mixture's modes are equally likely. */
export function drawReal(game, n) {
  const { random } = game, { centres, sd } = game.data, noise = normals(random, 2 * n);
  for (let i = 0; i < n; i++) {
    const [x, y] = centres[Math.floor(random() * centres.length)];
    noise[2 * i] = x + sd * noise[2 * i];
    noise[2 * i + 1] = y + sd * noise[2 * i + 1];
  }
  return noise;
}

export const DEFAULTS = {
  data: 'ring8', loss: 'bce', r1: 0, lrD: 0.002, lrG: 0.001, nD: 1, depth: 2, width: 32, latent: 2,
  batch: 64, seed: 0, noise: 'normal',
};

/** A new game: both players with fresh weights, drawn from the seed. */
export function makeGame(options = {}) {
  const game = { ...DEFAULTS, ...options, rounds: 0, history: [], every: 1, turn: 0, metrics: {} };
  const hidden = Array(game.depth).fill(game.width);
  game.random = makeRandom(game.seed);
  game.data = TOYS[game.data];
  game.G = makeNet([game.latent, ...hidden, 2], game.random);
  game.D = makeNet([2, ...hidden, 1], game.random);
  game.optG = makeAdam(game.G);
  game.optD = makeAdam(game.D);
  return game;
}

const mean = (values) => values.reduce((sum, v) => sum + v, 0) / values.length;

/** One step of D on real points x and on fakes G(z), as the library's update_d: G does not change. */
export function updateD(game, x, z) {
  const n = x.length / 2, { D, G } = game, grads = zeroGrads(D);
  const onReal = forward(D, x, n), onFake = forward(D, forward(G, z, n).out, n);
  const loss = LOSSES[game.loss].d(onReal.out, onFake.out);
  backward(D, onReal, loss.real, grads);
  backward(D, onFake, loss.fake, grads);
  const penalty = game.r1 > 0 ? addR1(D, onReal, game.r1, grads) : 0;
  adamStep(D, grads, game.optD, game.lrD);
  return { dReal: loss.onReal, dFake: loss.onFake, penalty, dLoss: loss.onReal + loss.onFake + penalty,
    realScore: mean(onReal.out.map(sigmoid)), fakeScore: mean(onFake.out.map(sigmoid)) };
}

/** One step of G, as the library's update_g: D stands still and only relays the gradient. */
export function updateG(game, x, z) {
  const n = x.length / 2, { D, G } = game, grads = zeroGrads(G);
  const fake = forward(G, z, n), onFake = forward(D, fake.out, n);
  const loss = LOSSES[game.loss].g(forward(D, x, n).out, onFake.out);
  backward(G, fake, backward(D, onFake, loss.fake, null), grads);
  adamStep(G, grads, game.optG, game.lrG);
  return { g: loss.value };
}

/** A move of one player, 'D' or 'G', on points and latents of its own. */
export function move(game, player) {
  const step = player === 'D' ? updateD : updateG;
  return step(game, drawReal(game, game.batch), drawLatents(game.G, game.random, game.batch, game.noise));
}

/** The next move of a round that is played move by move; with G's the round is over and booked. */
export function playMove(game) {
  const player = game.turn < game.nD ? 'D' : 'G';
  Object.assign(game.metrics, move(game, player));
  game.turn = player === 'D' ? game.turn + 1 : 0;
  if (player === 'G') book(game, game.metrics);
  return { player, metrics: { ...game.metrics } };
}

/** A round: nD moves of D, one of G. Its losses join the history. */
export function playRound(game) {
  let metrics = {};
  game.turn = 0;
  for (let i = 0; i < game.nD; i++) metrics = move(game, 'D');
  Object.assign(metrics, move(game, 'G'));
  return book(game, metrics);
}

/** Counts a round that is over, and keeps its losses. */
function book(game, metrics) {
  game.rounds += 1;
  const { history } = game, row = { round: game.rounds, d: metrics.dReal + metrics.dFake, g: metrics.g };
  if (history.length > 1 && history[history.length - 1].round % game.every) history.pop();
  history.push(row); // the newest, and of those before every so many
  if (history.length > 4000) {
    game.every *= 2;
    game.history = history.filter(({ round }) => round === game.rounds || round % game.every === 0);
  }
  return metrics;
}

/** Which way G's loss pulls each fake: minus its gradient, taken at the fakes; shape as `fake`. */
export function pullOnFakes(game, fake, real) {
  const n = fake.length / 2, pass = forward(game.D, fake, n);
  const loss = LOSSES[game.loss].g(forward(game.D, real, n).out, pass.out);
  return backward(game.D, pass, loss.fake, null).map((v) => -v * n);
}

/** How many modes have a fake within three standard deviations (at least 0.1), and the share of such fakes. */
export function coverage(game, fake) {
  const { centres, sd } = game.data, near = Math.max(3 * sd, 0.1), found = new Set();
  let good = 0;
  for (let i = 0; i < fake.length; i += 2) {
    const away = centres.map(([x, y]) => Math.hypot(x - fake[i], y - fake[i + 1])), at = away.indexOf(Math.min(...away));
    if (away[at] < near) { found.add(at); good += 1; }
  }
  return { modes: found.size, share: 2 * good / fake.length };
}
