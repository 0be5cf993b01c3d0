"Solutions and well-known wrong answers to the exercises of the chapter on scoring."
import math

import numpy as np
from scipy.linalg import sqrtm


def gap(mu1, mu2): return ((mu1 - mu2)**2).sum()


def d2(mu1, S1, mu2, S2): return gap(mu1, mu2) + np.trace(S1 + S2 - 2 * sqrtm(S1 @ S2).real)


def by_eigenvalues(mu1, S1, mu2, S2):
    return gap(mu1, mu2) + np.trace(S1 + S2) - 2 * np.sqrt(np.linalg.eigvals(S1 @ S2).real).sum()


def elementwise(mu1, S1, mu2, S2): return gap(mu1, mu2) + np.trace(S1 + S2 - 2 * np.sqrt(S1 @ S2))


def diagonals(mu1, S1, mu2, S2): return gap(mu1, mu2) + np.trace(S1 + S2 - 2 * np.sqrt(S1 * S2))


def root_of_trace(mu1, S1, mu2, S2): return gap(mu1, mu2) + np.trace(S1 + S2) - 2 * np.trace(S1 @ S2)**.5


def single_root(mu1, S1, mu2, S2): return gap(mu1, mu2) + np.trace(S1 + S2 - sqrtm(S1 @ S2).real)


CASES = {
    "matrix-root": (d2, [
        (elementwise, "root of each element"), (diagonals, "correlations are lost"),
        (root_of_trace, "root of the trace"), (single_root, "counts twice"),
        (lambda *a: d2(*a) - gap(a[0], a[2]), "means are left out"),
        (lambda *a: math.sqrt(d2(*a)), "its square is asked"),
        (lambda *a: d2(*a) - gap(a[0], a[2]) + gap(a[0], a[2])**.5, "distance of means is squared"),
        (lambda *a: gap(a[0], a[2]) + np.trace(a[1] + a[3]), "root is left out"),
        (lambda *a: gap(a[0], a[2]) + ((a[1] - a[3])**2).sum(), "element by element"),
        (lambda *a: sqrtm(a[1] @ a[3]), "one number"), (lambda *a: 0., "where")]),
    "four-shares": ((1, .5, 2, .75), [
        ((.5, 1, 2, .75), "changed places"), ((1, .5, 6, .75), "divide the sum"),
        ((1, .5, 1, .75), "no share"), ((1, .75, 2, .75), "balls of the fakes"),
        ((1, .5, 2, .5), "balls of the real"),
        ((1, .5, 2, 1), "8.6 away"), ((0, 0, 0, 0), "no radius"), ((1, .5), "four numbers"),
        ((.9, .5, 2, .75), "precision is not")]),
    "missing-digit": (math.log(10/9), [
        (math.log(9/10), "sign"), (math.log2(10/9), "bits"), (math.log(10/9) / 9, "one digit's part"),
        (.9 * math.log(10/9), "weights"), (math.log(9), "entropy"), (.1, "share"),
        (math.inf, "uniform || share"), (3., "not the sum")]),
    "copied-share": (.3, [
        (.9, "much of that is chance"), (.4, "6/7, not 1/2"), (.8, "6/7, not 1/2"),
        (6/7, "what chance gives"), (.9 - 6/7, "missed"), (.1, "certainly no copies"),
        (.05, "a copy is sure of it"), (.5, "would")]),
}
