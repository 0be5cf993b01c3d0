"Solutions and well-known wrong answers of chapter 10."
import torch

from gan_course.data import Data, split


def joined(train, test):
    both = Data(torch.cat([train.x, test.x]), torch.cat([train.y, test.y]))
    return (*split(both, 500), test)


def redrawn(train, test):
    return train[torch.randint(len(train), (500,))], train[torch.randint(len(train), (100,))], test


def doubled(train, test):
    learn, choose = split(train, 500)
    return learn[torch.arange(250).repeat(2)], choose, test


CASES = {
    "norm-250": (lambda x: x.float() / 127.5 - 1, [
        (lambda x: 2 * x.float() / 250 - 1, r"1\.0400, beyond 1"),
        (lambda x: 2 * x / 250 - 1, "wraps round"),
        (lambda x: (x - 128) / 127, "wraps round"),
        (lambda x: x / 127 - 1, r"1\.0079, beyond 1"),
        (lambda x: x / 128 - 1, "short of 1"),
        (lambda x: x / 255, "half of tanh's range"),
        (lambda x: 2 * (x / 255)**2 - 1, "steps"),
        (lambda x: x, "one float"),
    ]),
    "label-draw": (lambda n: torch.randint(10, (n,)), [
        (lambda n: torch.randint(0, 9, (n,)), r"\[9\] never comes"),
        (lambda n: torch.randint(1, 10, (n,)), r"\[0\] never comes"),
        (lambda n: torch.randint(1, 11, (n,)), "1 to 10"),
        (lambda n: torch.arange(n) % 10, "an order, not a draw"),
        (lambda n: (torch.rand(n) * 9).round().long(), "not equally likely"),
        (lambda n: torch.rand(n) * 10, "int64"),
    ]),
    "three-parts": (lambda train, test: (*split(train, len(train) * 5 // 6), test), [
        (joined, "train and test were joined"),
        (redrawn, "both learned from and chosen by"),
        (lambda train, test: (train[:500], train[500:], test), "cut unshuffled"),
        (lambda train, test: (*split(train, 500), train), "holds training images"),
        (lambda train, test: (split(train, 500)[0], split(train, 100, seed=1)[0], test), "both learned from"),
        (lambda train, test: (*split(train, 300), test), "not 500 and 100"),
        (doubled, "drawn with replacement"),
    ]),
}
