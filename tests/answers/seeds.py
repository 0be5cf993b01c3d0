"Solutions and well-known wrong answers to the exercises of the chapter on seeds."
from statistics import mean, median


def last(scores): return sum(epochs[-1] for epochs in scores) / len(scores)


def best_epoch(scores): return sum(max(epochs) for epochs in scores) / len(scores)


def without_collapsed(scores): return last([epochs for epochs in scores if epochs[-1] > .5])


def best_seed(scores): return max(epochs[-1] for epochs in scores)


def everything(scores): return sum(map(sum, scores)) / sum(map(len, scores))


def pairs(a, b): return [b[seed] - a[seed] for seed in a.keys() & b.keys()]


def by_position(a, b): return mean(y - x for x, y in zip(a.values(), b.values(), strict=False))


def gone_is_zero(a, b): return mean(b.get(seed, 0) - a.get(seed, 0) for seed in a.keys() | b.keys())


def gone_from_b_is_zero(a, b): return mean(b.get(seed, 0) - a[seed] for seed in a)


CASES = {
    "final-score": (last, [
        (best_epoch, "best epoch"), (without_collapsed, "collapsed"), (best_seed, "best seed"),
        (everything, "averages over training"), (lambda scores: 1., "not the mean")]),
    "paired-gain": (lambda a, b: mean(pairs(a, b)), [
        (lambda a, b: -mean(pairs(a, b)), "wrong way round"), (by_position, "first of a with the first of b"),
        (lambda a, b: mean(b.values()) - mean(a.values()), "nothing is paired"),
        (lambda a, b: mean(map(abs, pairs(a, b))), "without signs"),
        (lambda a, b: median(pairs(a, b)), "median"),
        (lambda a, b: sum(pairs(a, b)), "sum of the differences"),
        (lambda a, b: sum(pairs(a, b)) / len(a), "number of pairs"), (gone_is_zero, "counts as 0"),
        (gone_from_b_is_zero, "counts as 0"), (lambda a, b: mean(b[s] - a[s] for s in a), "KeyError"),
        (lambda a, b: 7., "not the mean over")]),
    "ten-arms": (1 - .95 ** 10, [
        (.05, "for one test"), (.5, "would exceed 1"), (.95 ** 10, "none of them"), (.05 ** 10, "all ten"),
        (10 * .05 * .95 ** 9, "exactly one"), (.9, "not the chance")]),
}
