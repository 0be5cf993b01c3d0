"Solutions and well-known wrong answers to the exercises of the chapter on conditional GANs."
import torch


def judge_fakes(G, D, z, n_classes):
    y = torch.randint(0, n_classes, (len(z),))
    return D(G(z, y), y)


def two_draws(G, D, z, n_classes):
    def draw(): return torch.randint(0, n_classes, (len(z),))
    return D(G(z, draw()), draw())


def one_class(G, D, z, n_classes):
    y = torch.randint(0, n_classes, ()).expand(len(z))
    return D(G(z, y), y)


def never_nine(G, D, z, n_classes):
    y = torch.randint(0, n_classes - 1, (len(z),))
    return D(G(z, y), y)


CASES = {
    "plane-params": (11840, [
        (10240, "that is the table"), (1600, "new weights of the first"), (7840 + 1600, "32 pixels"),
        (3 * 10240 + 1600, "one plane"), (11904, "no more biases"), (1, "together")]),
    "projection": (2, [(1, "class term alone"), (3, "bias"), (0.8808, "probability"), (7, "neither")]),
    "fake-labels": (judge_fakes, [
        (two_draws, "other classes"), (one_class, "1 of the ten"), (never_nine, "9 of the ten")]),
}
