"Solutions and well-known wrong answers to the exercises of the chapter on generated images as training data."
import torch

from gan_course.data import Data


def joined(*parts): return Data(torch.cat([x for x, _ in parts]), torch.cat([y for _, y in parts]))


def exchange(real, made, share):
    n = round(share * len(real))
    kept = torch.randperm(len(real))[:len(real) - n]
    return joined((real.x[kept], real.y[kept]), (made.x[:n], made.y[:n]))


def added(real, made, share):
    n = round(share * len(real))
    return joined((real.x, real.y), (made.x[:n], made.y[:n]))


def turned(real, made, share): return exchange(real, made, 1 - share)


def unshuffled(real, made, share):
    n = round(share * len(real))
    return joined((real.x[n:], real.y[n:]), (made.x[:n], made.y[:n]))


def replaced_by_chance(real, made, share):
    at = torch.rand(len(real)) < share
    return Data(torch.where(at[:, None, None, None], made.x, real.x), torch.where(at, made.y, real.y))


def drawn_with_replacement(real, made, share):
    n = round(share * len(real))
    kept = torch.randint(len(real), (len(real) - n,))
    return joined((real.x[kept], real.y[kept]), (made.x[:n], made.y[:n]))


def labels_left_behind(real, made, share):
    n = round(share * len(real))
    kept = torch.randperm(len(real))[:len(real) - n]
    return joined((real.x[kept], real.y[:len(real) - n]), (made.x[:n], made.y[:n]))


def too_few(real, made, share):
    n = round(share * len(real))
    return joined((real.x[n:], real.y[n:]))


CASES = {
    "exchange": (exchange, [
        (added, "added, none exchanged"), (turned, "share is that of the generated"),
        (unshuffled, "sorted by class"), (replaced_by_chance, "asked are 30"),
        (drawn_with_replacement, "comes twice"), (labels_left_behind, "do not stand beside"),
        (too_few, "as many as before")]),
    "equal-updates": (200, [
        (20, "B could win by that alone"), (2, "wrong way round"), (1200, "asked are epochs"),
        (120, "A's updates"), (180, "holds the 600 too"), (22, "an update is an update"),
        (50, "B makes 1,200")]),
    "six-hundred": ("abdg", [
        ("bdg", "a: images without labels"), ("adg", "b: the scorer"), ("abg", "d: a share chosen"),
        ("abd", "g: choosing an epoch"), ("abcdg", "c: this judge"), ("abdeg", "e: another 600"),
        ("abdfg", "f: dice"), ("abdgx", "a to g")]),
}
