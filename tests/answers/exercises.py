"Solutions, and well-known wrong answers with the reason each must be given: chapters core, plots, exercises."
import torch

from gan_course.core import Stream, slerp


def arc(a, b, t, angle):
    return (torch.sin((1 - t) * angle) * a + torch.sin(t * angle) * b) / torch.sin(angle)


def unit(x): return x / x.norm(dim=1, keepdim=True)
def angle_of(a, b): return torch.arccos((a * b).sum(1, keepdim=True))
def of_the_whole_batch(a, b, t): return arc(a, b, t, angle_of(a / a.norm(), b / b.norm()))


def look_own(n): return torch.randn(n, 100, generator=torch.Generator().manual_seed(0))


def look_stream(n):
    with Stream(0): return torch.randn(n, 100)


def look_seeded(n):
    torch.manual_seed(0)
    return torch.randn(n, 100)


def look_forked(n):
    with torch.random.fork_rng(devices=[]): return torch.randn(n, 100)


def epoch_mean(losses, sizes):
    return sum(loss * n for loss, n in zip(losses, sizes, strict=True)) / sum(sizes)


CASES = {
    'slerp': (slerp, [
        (torch.lerp, 'straight line'),
        (lambda a, b, t: slerp(b, a, t), 'backwards'),
        (lambda a, b, t: slerp(unit(a), unit(b), t), 'length is lost'),
        (lambda a, b, t: arc(a, b, t, angle_of(a, b)), 'unit vectors'),
        (of_the_whole_batch, 'each row has its own'),
        (lambda a, b, t: arc(a, b, t, angle_of(unit(a), unit(b))), 'look at the division'),
        (lambda a, b, t: a, '15 degrees'),
    ]),
    'fixed-latents': (look_own, [
        (look_seeded, 'looking changes training'),
        (lambda n: torch.randn(n, 100), 'different latents'),
        (look_forked, 'different latents'),
        (lambda n: torch.zeros(n, 100), 'not draws'),
        (lambda n: torch.rand(n, 100, generator=torch.Generator().manual_seed(0)), 'not draws'),
        (lambda n: look_own(n).T, 'shape'),
    ]),
    'epoch-mean': (epoch_mean, [
        (lambda losses, sizes: losses[-1], 'last batch'),
        (lambda losses, sizes: sum(losses) / len(losses), 'mean of the means'),
        (lambda losses, sizes: sum(losses), 'sum of the means'),
        (lambda losses, sizes: sum(x * n for x, n in zip(losses, sizes, strict=True)), 'not yet their mean'),
        (lambda losses, sizes: float('nan'), 'gave nan'),
        (lambda losses, sizes: 3.2, 'should give 3'),
    ]),
    'channels-last': (lambda image: image.permute(1, 2, 0), [
        (lambda image: image.reshape(*image.shape[1:], image.shape[0]), 'scrambled'),
        (lambda image: image.transpose(0, 2), 'lies on its side'),
        (lambda image: image, 'colours still come first'),
        (lambda image: image[0], 'expected is'),
    ]),
    'no-nine': (66, [
        (65, 'almost'), (88, 'any'), (44, '1 in 100'), (1000, 'risk'), (3, 'one digit in ten'),
        (25, 'not the smallest'), (float('nan'), 'not the smallest'),
    ]),
    'write-check': (lambda answer, truth: abs(answer - truth) <= .01 * abs(truth), [
        (lambda answer, truth: answer == truth, 'rounding'),
        (lambda answer, truth: answer - truth <= .01 * truth, 'absolute difference'),
        (lambda answer, truth: abs(answer - truth) <= 1, 'must grow'),
        (lambda answer, truth: abs(answer - truth) <= .01 * truth, 'negative'),
        (lambda answer, truth: not abs(answer - truth) > .01 * abs(truth), 'nan passes'),
        (lambda answer, truth: True, '98 passes'),
    ]),
}
