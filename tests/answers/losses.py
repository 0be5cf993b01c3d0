"Solutions and well-known wrong answers of chapter 11."
import math

import torch
import torch.nn.functional as F

from gan_course.losses import bce_d, hinge_d, make_loss

CASES = {
    "bce-sign": (lambda logits: F.binary_cross_entropy_with_logits(logits, torch.ones_like(logits)), [
        (lambda logits: F.softplus(logits).mean(), "D's term on fakes"),
        (lambda logits: torch.log(torch.sigmoid(logits)).mean(), "sign is turned"),
        (lambda logits: torch.log(1 - torch.sigmoid(logits)).mean(), "minimax"),
        (lambda logits: F.softplus(-torch.sigmoid(logits)).mean(), "applied twice"),
        (lambda logits: -torch.log(torch.sigmoid(logits)).mean(), "rounding bites"),
        (lambda logits: F.binary_cross_entropy(logits.sigmoid(), torch.ones_like(logits)), "rounding bites"),
        (lambda logits: F.softplus(-logits), "a loss is a scalar"),
        (lambda logits: F.softplus(-logits).sum(), "take the mean"),
    ]),
    "sigmoid-twice": (math.log(1 + math.exp(-1)) + math.log(2), [
        (0, "cannot get there"),
        (.3133, "on real alone"),
        (.6265, "no output is below 0"),
        (1.3863, "1/2 of everything"),
        (5., "not the sum"),
    ]),
    "smooth-side": (make_loss("bce", real_target=.9).d, [
        (make_loss("bce", fake_target=.1).d, "smooths the fakes"),
        (make_loss("bce", .9, .1).d, "both sides"),
        (make_loss("bce").d, "neither side"),
        (make_loss("bce", .1, 0.).d, "target 0.1"),
        (make_loss("bce", 1.1, 0.).d, "above 1"),
        (lambda real, fake: sum(bce_d(fake, real, .9)), "changed places"),
        (lambda real, fake: .9 * sum(bce_d(real, fake)), "is right"),
    ]),
    "wgan-critic": (lambda real, fake: fake.mean() - real.mean(), [
        (lambda real, fake: sum(hinge_d(real, fake)), "hinge"),
        (lambda real, fake: sum(bce_d(real, fake)), "cross-entropy"),
        (lambda real, fake: real.mean() - fake.mean(), "sign is turned"),
        (lambda real, fake: -(real.mean() - fake.mean()).abs(), "sign is lost"),
        (lambda real, fake: (fake - real).square().mean(), "is right"),
    ]),
}
