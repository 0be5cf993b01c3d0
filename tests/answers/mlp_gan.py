"Solutions and well-known wrong answers of chapter 20."
from torch import nn


def pairs(sizes): return zip(sizes, sizes[1:], strict=False)


CASES = {
    'keras-momentum': (lambda n: nn.BatchNorm1d(n, momentum=.2), [
        (lambda n: nn.BatchNorm1d(n, 0.8), 'eps is 0.8'),
        (lambda n: nn.BatchNorm1d(n, momentum=.8), 'weight of the new'),
        (lambda n: nn.BatchNorm1d(n), r'is 1\.0, wanted is 2\.0'),
        (lambda n: nn.BatchNorm1d(n, momentum=None), 'all batches alike'),
        (lambda n: nn.LayerNorm(n), 'LayerNorm'),
        (lambda n: nn.BatchNorm1d(4, momentum=.2), '3 features'),
    ]),
    'mlp-params': (lambda sizes: sum(i * o + o for i, o in pairs(sizes)), [
        (lambda sizes: sum(i * o for i, o in pairs(sizes)), 'weights only'),
        (lambda sizes: sum(i * o for i, o in pairs(sizes)) + sum(sizes), 'inputs a bias'),
        (lambda sizes: sum(i * o + i for i, o in pairs(sizes)), 'one per output'),
        (lambda sizes: sum(sizes), 'another number'),
    ]),
}
