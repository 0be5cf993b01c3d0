"Solutions and well-known wrong answers to the exercises of the chapter on encoders."
import torch
import torch.nn.functional as F

CASES = {
    "which-encoder": ("ba", [
        ("aa", "nobody knows the z"), ("cb", "nobody knows the z"), ("bb", "mistakes included"),
        ("bc", "no classes")]),
    "pair-direction": (lambda logits: F.softplus(logits).mean(), [
        (lambda logits: F.softplus(-logits).mean(), "D's own aim"),
        (lambda logits: F.logsigmoid(logits).mean(), "the direction is right, but"),
        (lambda logits: -F.softplus(logits).mean(), "makes the logits grow"),
        (lambda logits: F.softplus(logits).sum(), "take the mean"),
        (lambda logits: F.softplus(torch.sigmoid(logits)).mean(), "twice"),
        (lambda logits: F.softplus(logits), "a loss is a scalar"),
        (lambda logits: logits.mean(), "is right")]),
}
