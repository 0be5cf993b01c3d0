"Solutions and well-known wrong answers of chapter 21."
import torch

CASES = {
    'rung-params': (512 * 256 + 256 + 257 - 513, [
        (512 * 256 + 256, 'has shrunk'),
        (512 * 256 + 256 + 257, 'old one is gone'),
        (0, 'new linear layer'),
        (1_460_225, 'layer by layer'),
    ]),
    'target-pair': ((.9, 0), [
        ((1, .1), 'wrong side.*0.1'),
        ((.9, .1), 'rewards G'),
        ((1, 0), 'hard targets'),
        ((0, .9), 'high means real'),
        ((.8, 0), 'not smoothed by 0.1'),
        ((.9, -.1), 'negative'),
    ]),
    'noise-range': (lambda n, dim: torch.rand(n, dim) * 2 - 1, [
        (lambda n, dim: torch.randint(0, 1, (n, dim)).float(), 'same number'),
        (lambda n, dim: torch.randint(-1, 2, (n, dim)).float(), 'only 3 different'),
        (torch.rand, 'never draws a negative'),
        (torch.randn, 'leaves the interval'),
        (lambda n, dim: torch.rand(n, dim) - .5, 'variance'),
        (lambda n, dim: torch.rand(dim, n) * 2 - 1, 'asked for shape'),
    ]),
}
