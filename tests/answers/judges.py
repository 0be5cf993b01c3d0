"Solutions and well-known wrong answers to the exercises of the chapter on judges."
import torch


def share(batches):
    right = sum((seen == asked).sum() for seen, asked in batches)
    return right / sum(len(asked) for _, asked in batches)


def last_batch(batches):
    for seen, asked in batches: value = (seen == asked).float().mean()
    return value


def mean_of_means(batches): return sum((s == a).float().mean() for s, a in batches) / len(batches)


def count(batches): return sum((s == a).sum() for s, a in batches)


@torch.no_grad()
def see(net, x):
    net.eval()
    seen = net(x).argmax(1)
    net.train()
    return seen


@torch.no_grad()
def only_no_grad(net, x): return net(x).argmax(1)


def stays_in_eval(net, x): return net.eval()(x).argmax(1)


def probabilities(net, x):
    net.eval()
    p = net(x).softmax(1)
    net.train()
    return p


CASES = {
    "pool-order": ([3, -1, 0, 0], [([1, 2, 3, 4], "none is negative"), ([-1, -2, 0, 0], "none is positive"),
                                   ([[1, -1], [2, 0]], "four numbers")]),
    "score-all": (share, [
        (last_batch, "last batch"), (mean_of_means, "mean of batch means"), (count, "count"),
        (lambda batches: share(batches[:-1]), "left out")]),
    "eval-mode": (see, [(only_no_grad, "no_grad only"), (stays_in_eval, "stays in evaluation"),
                        (probabilities, "not the classes")]),
    "shuffled": (.1, [(0, "luck"), (1, "no longer belong"), (10, "between 0 and 1"), (.5, "not what luck")]),
}
