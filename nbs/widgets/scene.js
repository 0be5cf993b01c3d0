// What a debugger shows of a game, as plain numbers: made in a worker, painted by the page.
import { DEFAULTS, TOYS, coverage, drawReal, makeGame, move, playMove, playRound, pullOnFakes } from './game.js';
import { sigmoid } from './losses.js';
import { drawLatents, forward } from './nn.js';
import { makeRandom } from './random.js';

const SHOWN = 200, CELLS = 40, LINES = 13, LIMIT = 25; // points, fields along a side, lines of z, ms of play in a slice
const PROBABILITIES = new Set(['bce', 'minimax']);

/** The centres of a grid of n by n fields over [-reach, reach]^2, row after row from the top. */
export function gridPoints(n, reach) {
  const at = (i) => ((i + 0.5) / n * 2 - 1) * reach, points = new Float64Array(2 * n * n);
  for (let i = 0; i < n * n; i++) { points[2 * i] = at(i % n); points[2 * i + 1] = -at(Math.floor(i / n)); }
  return points;
}

/** How D's answers become shades from -1 (fake) to 1 (real): probabilities, or the range of the picture. */
export function shades(logits, isProbability) {
  if (isProbability) return logits.map((v) => 2 * sigmoid(v) - 1);
  let low = Infinity, high = -Infinity;
  for (const v of logits) { low = Math.min(low, v); high = Math.max(high, v); }
  return logits.map((v) => high > low ? 2 * (v - low) / (high - low) - 1 : 0);
}

/** Everything a debugger paints: points, D's surface and answers, pulls, G's map of z, losses. */
export function lookAt(game, x, z, metrics = {}) {
  const { G, D } = game, fake = forward(G, z, z.length / G.sizes[0]).out, isProbability = PROBABILITIES.has(game.loss);
  const answers = (points) => {
    const logits = forward(D, points, points.length / 2).out;
    return isProbability ? logits.map(sigmoid) : logits;
  };
  const surface = forward(D, gridPoints(CELLS, game.data.reach), CELLS ** 2).out, found = coverage(game, fake);
  return {
    fake, x, isProbability, metrics, shade: shades(surface, isProbability), cells: CELLS, reach: game.data.reach,
    onReal: answers(x), onFake: answers(fake), pulls: x.length ? pullOnFakes(game, fake, x) : [],
    map: forward(G, gridPoints(LINES, game.noise === 'normal' ? 2 : 1), LINES ** 2).out, lines: LINES,
    history: game.history, rounds: game.rounds, ...found, of: game.data.centres.length,
    isFinite: fake.every(Number.isFinite),
  };
}

/** What a debugger asks a worker for; every answer is a frame of `lookAt`. */
export function gameTasks() {
  let settings = { ...DEFAULTS }, points = [], game, z, x;
  const redraw = () => {
    const shown = { data: game.data, random: makeRandom(settings.seed + 2) };
    x = game.data.centres.length ? drawReal(shown, SHOWN) : new Float64Array(0);
  };
  const reset = (changes) => {
    settings = { ...settings, ...changes };
    game = makeGame(settings);
    if (settings.data === 'drawn') game.data = { ...TOYS.drawn, centres: points };
    // what is shown has random numbers of its own: looking changes no game
    z = drawLatents(game.G, makeRandom(settings.seed + 1), SHOWN, game.noise);
    redraw();
    return lookAt(game, x, z);
  };
  return {
    reset,
    set(changes) { Object.assign(settings, changes); Object.assign(game, changes); return lookAt(game, x, z); },
    draw(list) { points = game.data.centres = list; redraw(); return lookAt(game, x, z); },
    slow() { const { player, metrics } = playMove(game); return { ...lookAt(game, x, z, metrics), player }; },
    move(player) { const metrics = move(game, player); return lookAt(game, x, z, metrics); },
    rounds(n) { let metrics; for (let i = 0; i < n; i++) metrics = playRound(game); return lookAt(game, x, z, metrics); },
    play() {
      const start = performance.now();
      let metrics;
      do metrics = playRound(game); while (performance.now() - start < LIMIT);
      return lookAt(game, x, z, metrics);
    },
  };
}
