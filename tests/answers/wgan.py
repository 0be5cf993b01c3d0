"Solutions and well-known wrong answers to the exercises of the chapter on Wasserstein critics."
import torch
from torch.autograd import grad


def penalty(draw=torch.rand, shape=(-1, 1, 1, 1), norm=lambda g: g.flatten(1).norm(dim=1),
            total=torch.sum, end=lambda norms: ((norms - 1)**2).mean(), keep=True):
    "A gradient penalty with one part exchanged."
    def answer(D, x, fake):
        size = [n if kept == -1 else 1 for n, kept in zip(x.shape, shape, strict=True)]
        share = draw(*size)
        points = (share * x + (1 - share) * fake).detach().requires_grad_()
        gradient, = grad(total(D(points)), points, create_graph=keep)
        return end(norm(gradient))
    return answer


def at_real(D, x, fake): return penalty(lambda *size: torch.ones(size))(D, x, fake)


CASES = {
    "gp-lines": (penalty(), [
        (penalty(torch.randn), "beyond real or fake"),
        (penalty(shape=(-1, -1, -1, -1)), "each pixel"),
        (penalty(shape=(1, 1, 1, 1)), "the same share"),
        (at_real, "the same share"),
        (penalty(norm=lambda g: g.norm()), "whole batch"),
        (penalty(norm=lambda g: g.norm(dim=1)), "channels"),
        (penalty(total=torch.mean), "sum the scores"),
        (penalty(end=lambda norms: ((norms**2 - 1)**2).mean()), "squared"),
        (penalty(end=lambda norms: (norms.mean() - 1)**2), "mean comes last"),
        (penalty(end=lambda norms: (norms - 1).clamp_min(0).square().mean()), "is right"),
        (penalty(keep=False), "create_graph"),
    ]),
    "carry-mass": (4 / 3, [(8 / 3, "sort both"), (0, "straight line"), (4, "sum"), (2, "squares"),
                           (1.4142, "order 2"), (1, "nearest"), (3, "largest"), (7, "sorted pairs")]),
}
