"Properties that hold for every input, searched by hypothesis."
import math
import random

import numpy as np
import pytest
import torch
from hypothesis import assume, given
from hypothesis import strategies as st

from gan_course.core import set_seed, slerp
from gan_course.data import Data, index_batches, split, subset
from gan_course.losses import draw_targets

numbers = st.integers(0, 2**31)


def pair(seed, dim):
    return torch.randn(2, dim, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


@given(numbers, st.integers(2, 200), st.floats(0, 1))
def test_slerp_ends_norm_and_great_circle(seed, dim, t):
    a, b = pair(seed, dim)
    ua, ub = a / a.norm(), b / b.norm()
    assume((ua + ub).norm() > 1e-2) # opposite points are refused
    torch.testing.assert_close(slerp(a, b, 0.), a)
    torch.testing.assert_close(slerp(a, b, 1.), b)
    u = slerp(ua, ub, t)
    assert math.isclose(u.norm(), 1, rel_tol=1e-6)
    angle = torch.arccos((ua @ ub).clamp(-1, 1))
    assert math.isclose(torch.arccos((ua @ u).clamp(-1, 1)), t * angle, abs_tol=1e-5)
    basis = torch.linalg.qr(torch.stack([ua, ub], 1))[0] # the plane of a and b holds every point between them
    assert (u - basis @ (basis.T @ u)).norm() < 1e-6


@given(numbers)
def test_slerp_of_a_point_with_itself_stays(seed):
    a, _ = pair(seed, 5)
    torch.testing.assert_close(slerp(a, a, .3), a)


def test_slerp_refuses_opposite_points():
    a = torch.tensor([1., 2.])
    with pytest.raises(ValueError, match="opposite"): slerp(a, -a, .5)


@given(st.integers(1, 60), st.data(), st.integers(0, 1000))
def test_batches_cover_every_example_once_an_epoch(n, data, seed):
    batch = data.draw(st.integers(1, n))
    batches = index_batches(n, batch, seed)
    flat = torch.cat([next(batches) for _ in range(math.ceil(3 * n / batch))])
    for epoch in range(3): assert sorted(flat[epoch * n:(epoch + 1) * n].tolist()) == list(range(n))
    start = data.draw(st.integers(0, math.ceil(2 * n / batch)))
    resumed = next(index_batches(n, batch, seed, start))
    assert len(resumed) == batch
    again = index_batches(n, batch, seed)
    for _ in range(start): next(again)
    assert torch.equal(next(again), resumed)


@given(numbers, st.floats(-2, 2), st.floats(0, 2))
def test_smoothed_targets_stay_inside_their_interval(seed, low, width):
    torch.manual_seed(seed)
    targets = draw_targets(torch.zeros(100), (low, low + width))
    assert low - 1e-6 <= targets.min() and targets.max() <= low + width + 1e-6


@given(st.integers(1, 200), numbers)
def test_subset_is_stratified_and_without_repeats(n, seed):
    data = Data(torch.arange(200, dtype=torch.float32)[:, None], torch.arange(200) % 10)
    part = subset(data, n, seed)
    counts = part.y.bincount(minlength=10)
    assert counts.max() - counts.min() <= 1 and len(part.x.unique()) == len(part) == n


@given(st.integers(0, 50), numbers)
def test_split_divides_without_replacement(n, seed):
    data = Data(torch.arange(50, dtype=torch.float32)[:, None], torch.zeros(50, dtype=torch.int64))
    a, b = split(data, n, seed)
    assert len(a) == n and sorted(torch.cat([a.x, b.x])[:, 0].tolist()) == list(range(50))


@given(numbers, numbers)
def test_two_seeds_begin_two_sequences(a, b):
    def draws(seed):
        set_seed(seed)
        return [torch.rand(3).tolist(), np.random.rand(3).tolist(), [random.random() for _ in range(3)]]
    for mine, again, other in zip(draws(a), draws(a), draws(b), strict=True):
        assert mine == again and (mine == other) == (a == b)
