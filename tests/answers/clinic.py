"Solutions and well-known wrong answers to the exercises of the clinic."
import math

import torch


def labels(n, n_classes): return torch.randint(0, n_classes, (n,))
def no_nine(n, n_classes): return torch.randint(0, n_classes - 1, (n,))
def no_zero(n, n_classes): return torch.randint(1, n_classes, (n,))
def too_many(n, n_classes): return torch.randint(0, n_classes + 1, (n,))
def floats(n, n_classes): return torch.rand(n) * n_classes
def rounded(n, n_classes): return (torch.rand(n) * (n_classes - 1)).round().long()
def in_turn(n, n_classes): return torch.arange(n) % n_classes
def columns(n, n_classes): return torch.randint(0, n_classes, (n, 1))


CASES = {
    "both-content": (.25, [
        (0, "not at the same score"), (.5, "either end"), (.125, "one of the two"), (1, "halves"),
        (2 * math.log(2), "cross-entropy's floor"), (math.log(2), "one of two terms"), (3, "not the least")]),
    "normal-bowl": (2 - 2 * math.sqrt(2 / math.pi), [
        (1 / 3, "uniform"), (2, "not t"), (1, "flat critic"), (0, "t = 1 only"),
        ((math.sqrt(2 / math.pi) - 1)**2, "mean comes last"), (.7, "not the mean")]),
    "all-classes": (labels, [
        (no_nine, "left out"), (no_zero, "0 is never drawn"), (too_many, "the last is 9"),
        (floats, "int64"), (rounded, "too rarely"), (in_turn, "same labels"), (columns, "wanted is")]),
}
