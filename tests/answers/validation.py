"Solutions and well-known wrong answers to the exercises of the chapter on validation."
import math

import torch

from gan_course.data import Data, split
from gan_course.validation import hold_out


def report(rows):
    kept = min(rows, key=lambda row: row['valid'])
    return kept['epoch'], kept['test']


def chosen_on_test(rows):
    kept = min(rows, key=lambda row: row['test'])
    return kept['epoch'], kept['test']


def its_own_judge(rows):
    kept = min(rows, key=lambda row: row['valid'])
    return kept['epoch'], kept['valid']


def best_of_each(rows):
    return report(rows)[0], min(row['test'] for row in rows)


def test_then_valid(rows):
    kept = min(rows, key=lambda row: row['test'])
    return kept['epoch'], kept['valid']


def last(rows): return rows[-1]['epoch'], rows[-1]['test']


def largest(rows):
    kept = max(rows, key=lambda row: row['valid'])
    return kept['epoch'], kept['test']


def piles(train, test, n): return *hold_out(train, n), test


def joined(train, test, n):
    whole = Data(torch.cat([train.x, test.x]), torch.cat([train.y, test.y]))
    rest, test = split(whole, len(train))
    return *hold_out(rest, n), test


def from_test(train, test, n):
    held, test = split(test, n)
    return train, held, test


def nothing_held(train, test, n): return train, hold_out(train, n)[1], test
def in_order(train, test, n): return train[:-n], train[-n:], test
def swapped(train, test, n): return *hold_out(train, len(train) - n), test
def half_a_test(train, test, n): return *hold_out(train, n), test[::2]


CASES = {
    "look-once": (report, [
        (chosen_on_test, "too good"), (its_own_judge, "used to choose"),
        (best_of_each, "not that of the epoch"), (test_then_valid, "chosen on the test set$"),
        (last, "last epoch"), (largest, "small is good"),
        (lambda rows: (2, 6.), "no row's")]),
    "three-piles": (piles, [
        (joined, "joined"), (from_test, "no test any more"), (nothing_held, "both piles"),
        (in_order, "sorted"), (swapped, "not 60 and 20"), (half_a_test, "not what it was")]),
    "half-d": (2 * math.log(2), [
        (.335, "G without its label"), (math.log(2), "one term"), (0, "perfect fakes"),
        (.0953, "term on real"), (5., "densities D sees")]),
}
