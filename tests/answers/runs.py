"Solutions and well-known wrong answers to the exercises of the chapter on studies."


def last(scores): return sum(epochs[-1] for epochs in scores) / len(scores)


def best_epoch(scores): return sum(max(epochs) for epochs in scores) / len(scores)


def without_collapsed(scores): return last([epochs for epochs in scores if epochs[-1] > .5])


def best_seed(scores): return max(epochs[-1] for epochs in scores)


def everything(scores): return sum(map(sum, scores)) / sum(map(len, scores))


CASES = {
    "same-id": (dict(seed=0), [
        (dict(seed=1), "another run"), (dict(epochs=20), "differ from the defaults"),
        (dict(device="cpu"), "no field"), ({}, "at least one")]),
    "final-score": (last, [
        (best_epoch, "best epoch"), (without_collapsed, "collapsed"), (best_seed, "best seed"),
        (everything, "averages over training"), (lambda scores: 1., "not the mean")]),
}
