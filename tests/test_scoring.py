"Scores against other implementations and closed forms, judges as they are pinned, and bad input."
import json
import math
import shutil
import subprocess

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.linalg import sqrtm
from scipy.stats import multivariate_normal

from gan_course import report, statistics
from gan_course.catalogue import _ONLY, BREAKS, MEASUREMENTS
from gan_course.cli import main
from gan_course.config import Measurement
from gan_course.data import Data, load
from gan_course.files import round_floats
from gan_course.judges import PANELS, SCORERS, label_scores, load_scorer
from gan_course.report import copies_in_words, real_spans
from gan_course.scores import (
    Reference,
    _damaged,
    _distance_blocks,
    _radii,
    _rank_test,
    _small_points,
    as_pixels,
    as_points,
    break_scores,
    copied_share,
    copy_test,
    diversity,
    extract_features,
    frechet,
    frechet_distance,
    inception_score,
    kernel_distance,
    kl_from_uniform,
    nearest,
    prdc,
    score,
    sharpness,
    train_on_generated,
)

TEST = load("mnist_5k", "test")
FIRST = torch.arange(1000) % 100 < 50 # of each digit; neighbours in the file are often one writer's


def points(n, dim=4, seed=0, shift=0.):
    return torch.randn(n, dim, generator=torch.Generator().manual_seed(seed)) + shift


def labelled(x, classes=1): return Data(x, torch.arange(len(x)) % classes)


@pytest.mark.parametrize("name", SCORERS)
def test_a_judge_is_small_pinned_and_says_how_it_was_made(name, root):
    judge = load_scorer(name)
    assert (root/"gan_course"/"assets"/f"{name}.safetensors").stat().st_size < 2_000_000
    assert judge.hash == SCORERS[name] and not judge.training
    assert judge.facts["accuracy"] >= (.994 if judge.facts["data"] == "mnist" else .9)


@pytest.mark.parametrize("data", PANELS)
def test_the_judges_of_a_data_set_differ_in_their_seed_only(data):
    first, second = (load_scorer(name) for name in PANELS[data])
    same = ("data", "shape", "n_classes", "epochs")
    assert [first.facts[k] for k in same] == [second.facts[k] for k in same]
    assert first.facts["seed"] != second.facts["seed"] and first.hash != second.hash


def test_a_view_is_what_the_judge_sees_and_leaves_it_as_it_was():
    judge = load_scorer()
    seen = extract_features(TEST.x[:50], judge, batch=7)
    torch.testing.assert_close(seen.logits, judge(TEST.x[:50].float() / 127.5 - 1).detach())
    assert not judge.training and len(seen) == 50 and len(seen[3:5]) == 2


@given(seed=st.integers(0, 9), dim=st.integers(1, 6))
def test_frechet_is_the_closed_form_of_the_sample_moments(seed, dim):
    a, b = points(200, dim, seed), points(300, dim, seed + 10, .5) * 1.5
    S = [np.cov(x.double().numpy().T).reshape(dim, dim) for x in (a, b)]
    gap = (a.double().mean(0) - b.double().mean(0)).square().sum().item()
    closed = gap + np.trace(S[0] + S[1] - 2 * sqrtm(S[0] @ S[1]).real)
    assert abs(frechet(a, b) - closed) < 1e-6 * max(1, closed)


def test_frechet_of_two_gaussians_tends_to_the_closed_form():
    means, covariances = ([0, 0], [1, 2]), ([[4, 1], [1, 1]], [[1, -.5], [-.5, 2]])
    a, b = (torch.from_numpy(multivariate_normal(m, c, seed=1).rvs(200_000, random_state=i))
            for i, (m, c) in enumerate(zip(means, covariances, strict=True)))
    root = sqrtm(np.array(covariances[0]) @ np.array(covariances[1])).real
    assert abs(frechet(a, b) - (5 + 8 - 2 * np.trace(root))) < .05


def test_frechet_distance_of_images_is_that_of_their_views():
    judge = load_scorer()
    found = frechet_distance(TEST.x[::2], TEST.x[1::2], judge)
    parts = (extract_features(x, judge).features for x in (TEST.x[::2], TEST.x[1::2]))
    assert abs(found - frechet(*parts)) < 1e-9


def test_kernel_distance_is_without_bias_and_repeats_itself():
    draws = [kernel_distance(points(80, 4, i), points(80, 4, 100 + i), 1)[0] for i in range(60)]
    assert abs(np.mean(draws)) < 3 * np.std(draws) / math.sqrt(60) and min(draws) < 0 < max(draws)
    before = torch.get_rng_state()
    one, two = (kernel_distance(points(50), points(90, seed=1)) for _ in range(2))
    assert one == two and torch.equal(before, torch.get_rng_state())
    assert kernel_distance(points(50), points(50, seed=1, shift=2.))[0] > 1


def test_the_inception_score_shuffles_nothing_outside():
    logits = points(200, 10) * 3
    before = torch.get_rng_state()
    p = logits.double().softmax(1)
    by_hand = (p * (p / p.mean(0)).log()).sum(1).mean().exp().item()
    assert abs(inception_score(logits) - by_hand) < 1e-9 and torch.equal(before, torch.get_rng_state())


@pytest.mark.slow
@given(seed=st.integers(0, 30), k=st.integers(1, 6), n=st.integers(8, 60), m=st.integers(8, 60))
def test_prdc_is_that_of_its_authors(seed, k, n, m):
    theirs = pytest.importorskip("prdc").compute_prdc
    fake, real = points(n, 3, seed), points(m, 3, seed + 100, .3)
    ours = prdc(fake, real, k, block=13)
    expected = theirs(real.double().numpy(), fake.double().numpy(), k)
    assert set(ours) == set(expected)
    for name, value in expected.items(): assert abs(ours[name] - value) < 1e-9, name


def test_prdc_knows_copies_and_known_radii():
    fake, real = points(40).repeat(2, 1), points(60, seed=1)
    assert prdc(fake, real, 1)["recall"] == 0 # each has a twin: a ball without size
    assert prdc(real, real, 3) == prdc(real, real, 3, _radii(real, 3))
    assert prdc(real, real, 3)["coverage"] == 1
    with pytest.raises(ValueError, match="fake is 5 points, allowed are more than k"): prdc(fake[:5], real)


def test_squared_distances_see_that_a_copy_is_one():
    a = points(30, 128).double() * 30
    apart = torch.cat([block.clone() for block in _distance_blocks(a, a)])
    np.testing.assert_allclose(apart, torch.cdist(a, a, compute_mode="donot_use_mm_for_euclid_dist")**2,
                               atol=1e-8)


@given(counts=st.lists(st.integers(0, 50), min_size=2, max_size=12).filter(any))
def test_kl_from_uniform_is_log_of_classes_less_entropy(counts):
    p = np.array(counts) / sum(counts)
    entropy = -sum(v * math.log(v) for v in p if v)
    assert abs(kl_from_uniform(p) - (math.log(len(p)) - entropy)) < 1e-9


def test_diversity_is_a_ratio_of_mean_squared_distances():
    fake, real, y = points(60), points(60, seed=1) * 2, torch.arange(60) % 3
    def spread(x): return torch.pdist(x.double()).square().mean().item() / 2
    expected = [spread(fake[y == c]) / spread(real[y == c]) for c in range(3)]
    np.testing.assert_allclose(diversity(fake, y, real, y, 3), expected)
    np.testing.assert_allclose(diversity(3 * real, y, real, y, 3), 9)
    assert diversity(fake, y, fake, y, 5)[3:] == [None, None]


def test_the_nearest_is_of_the_same_class_and_a_copy_is_at_no_distance():
    a, b = labelled(points(50), 5), labelled(points(200, seed=1), 4) # class 4 has nobody
    distance, index = nearest(a, b, block=7)
    apart = torch.cdist(a.x, b.x) + torch.where(a.y[:, None] == b.y, 0., math.inf)
    has = a.y < 4
    torch.testing.assert_close(distance[has], (apart.amin(1) / 2)[has]) # the root of four coordinates is 2
    assert torch.equal(index[has], apart.argmin(1)[has])
    assert distance[~has].isinf().all() and (index[~has] == -1).all()
    assert nearest(a, a)[0].max() == 0


def test_copies_are_found_and_strangers_are_not():
    "All drawn from one distribution: what is copied is told from what is not."
    train, held = labelled(points(600, seed=1), 2), labelled(points(100, seed=2), 2)
    gaps = nearest(held, train)[0]
    honest = [copy_test(labelled(points(100, seed=10 + i), 2), held, train, gaps) for i in range(30)]
    assert abs(np.mean([h["nearer_z"] for h in honest])) < 1.5 # they share one held-out set
    assert abs(np.mean([h["copied"] for h in honest])) < .2
    copied = copy_test(train[torch.arange(100)], held, train, gaps)
    assert copied["nearest"] == 0 and copied["nearer"] == 1 and copied["nearer_z"] > 8
    assert copied["copied"] == pytest.approx(1) and copied["copied_z"] > 4
    ones = copy_test(held[held.y == 1], held, train, gaps) # held-out images in the place of generated ones
    assert ones["nearest_held"] == ones["nearest"] == gaps[held.y == 1].median().item()
    assert copied["nearest_held"] == gaps.median().item()


def test_the_share_copied_is_recovered_whatever_the_sizes_and_the_quality():
    for sizes in ((400, 400), (900, 100), (100, 900)):
        found, z = [], []
        for seed in range(20):
            train, held = (labelled(points(n, 3, 50 * seed + i)) for i, n in enumerate(sizes))
            fresh = points(100, 3, 50 * seed + 9) * .5 # better than real: nearer to everything
            x = labelled(torch.cat([train.x[:60], fresh]))
            apart = [nearest(x, part) for part in (train, held)]
            found.append(copied_share(*apart, x.y, train.y, held.y)[0])
            z.append(copied_share(*((d[60:], at[60:]) for d, at in apart), x.y[60:], train.y, held.y)[1])
        assert abs(np.mean(found) - 60 / 160) < .12 and abs(np.mean(z)) < 1, sizes
    one = torch.ones(3).long()
    far = torch.ones(3), one # distances, indices
    alone = copied_share(far, far, 0 * one, one, one) # of a class that is not there
    assert all(map(math.isnan, alone))


@pytest.mark.parametrize("fakes", [lambda x: x, lambda x: x[:3].repeat(200, 1) + .01 * x])
def test_the_z_of_copies_has_its_null_even_where_fakes_are_alike(fakes):
    "Whichever real images were learned from, it is as likely."
    z = []
    for seed in range(120):
        train, held = labelled(points(90, 3, 9 * seed), 2), labelled(points(60, 3, 9 * seed + 1), 2)
        made = labelled(fakes(points(600, 3, 9 * seed + 2)), 2)
        z.append(copied_share(nearest(made, train), nearest(made, held), made.y, train.y, held.y)[1])
    assert abs(np.mean(z)) < .35 and abs(np.std(z) - 1) < .25


def test_the_rank_test_has_its_null_with_ties():
    chance = torch.Generator().manual_seed(0)
    def draw(n): return torch.randint(5, (n,), generator=chance).float()
    z = [_rank_test(draw(40), torch.arange(40) % 2, draw(60), torch.arange(60) % 2)[1] for _ in range(300)]
    assert abs(np.mean(z)) < .2 and abs(np.std(z) - 1) < .12
    alone = _rank_test(draw(5), torch.zeros(5), draw(5), torch.ones(5))
    assert math.isnan(alone[0]) and math.isnan(alone[1])


def test_pixels_come_from_bytes_and_from_a_networks_range():
    assert torch.equal(as_pixels(TEST.x), TEST.x)
    assert torch.equal(as_pixels(TEST.x.float() / 127.5 - 1), TEST.x)
    assert as_points(TEST.x[:2]).shape == (2, 784) and as_points(TEST.x[:2]).max() <= 1


X, Y = TEST.x[:20], TEST.y[:20]


@pytest.mark.parametrize("images,y,sentence", [
    (X[:, 0], Y, r"images is of shape \(20, 28, 28\), allowed is a tensor"),
    (X.numpy(), Y, "images is of shape ndarray, allowed is a tensor"),
    (X[:, :, 1:], Y, r"images is torch.uint8 of shape \(20, 1, 27, 28\), allowed is uint8 \(N, 1, 28, 28\)"),
    (X.expand(-1, 3, -1, -1), Y, r"allowed is uint8 \(N, 1, 28, 28\)"),
    (X.int(), Y, "images is torch.int32, allowed are uint8 and floats from -1 to 1"),
    (X.float(), Y, "images runs from 0 to 255, allowed are floats from -1 to 1"),
    (torch.full((20, 1, 28, 28), math.nan), Y, "images runs from nan to nan, allowed"),
    (X[:0], Y[:0], "images is empty, allowed is 6 or more"),
    (X[:1], Y[:1], "images is 1 image, allowed is 6 or more"),
    (X[:5], Y[:5], "images is 5 images, allowed is 6 or more"),
    (X, Y[:-1], r"y is of shape \(19,\), allowed is \(20,\), a class an image"),
    (X, Y[:0], r"y is of shape \(0,\), allowed is \(20,\)"), (X, Y[0], r"y is of shape \(\), allowed is"),
    (X, Y[:, None], r"y is of shape \(20, 1\), allowed is"),
    (X, Y + 10, "y runs from 10 to 10, allowed is 0 to 9, or -1 for none"),
    (X, Y - 2, "y runs from -2 to -2"),
    (X, Y.float(), "y is torch.float32, allowed is a tensor of int64"),
    (X, Y.numpy(), "y is a ndarray, allowed is a tensor of int64"), (X, [3] * 20, "y is a list, allowed is"),
    (X / 255., Y, "images runs from 0 to 1, allowed are floats from -1 .* 2 . images - 1"),
])
def test_what_cannot_be_scored_is_refused_in_one_sentence(images, y, sentence):
    with pytest.raises(ValueError, match=sentence) as error: score(images, y, "mnist_5k")
    assert len(str(error.value).splitlines()) == 1


@pytest.mark.parametrize("ask,sentence", [
    (lambda: load_scorer("untrained-foo"), "scorer is 'untrained-foo', allowed is 'untrained-CxHxW'"),
    (lambda: load_scorer("untrained-1x4x4"), "8 pixels or more"),
    (lambda: kernel_distance(torch.rand(9, 2), torch.rand(9, 2), size=1), "size is 1, allowed is 2 or more"),
    (lambda: sharpness(torch.zeros(2, 1, 8, 8), torch.zeros(2, 1, 8, 8)), "real is flat"),
    (lambda: kl_from_uniform([]), "share is empty"),
])
def test_what_has_no_score_is_refused_in_one_sentence(ask, sentence):
    with pytest.raises(ValueError, match=sentence): ask()


def test_names_that_are_none_are_refused():
    with pytest.raises(ValueError, match="data is 'ring8', allowed are"): score(X, Y, "ring8")
    with pytest.raises(ValueError, match="scorer is 'mnist_c'"): score(X, Y, "mnist_5k", ("mnist_c",))
    with pytest.raises(ValueError, match=r"scorer is 'svhn_10k', which reads images \(3, 32, 32\), allowed"):
        score(X, Y, "mnist_5k", ("svhn_10k",))


@pytest.mark.parametrize("call,sentence", [
    (lambda: frechet(torch.zeros(1, 3), torch.zeros(9, 3)), r"fake is of shape \(1, 3\), allowed are two"),
    (lambda: kernel_distance(torch.zeros(9, 3), torch.zeros(1, 3)), r"real is of shape \(1, 3\)"),
    (lambda: prdc(torch.zeros(9, 3), torch.zeros(9, 3), k=0), "k is 0, allowed is 1 or more"),
    (lambda: prdc(torch.full((9, 3), math.nan), torch.zeros(9, 3)), "fake has values that are not finite"),
    (lambda: prdc(torch.zeros(9, 3), torch.zeros(9, 2)), "the points are of shapes .* allowed is one"),
    (lambda: score(X, Y, "mnist_5k", real=Reference(TEST[:4], TEST)), "k is 5, allowed is 1 to 3, fewer"),
    (lambda: kl_from_uniform([5, 5]), "share runs from 5 and adds up to 10, allowed are shares from 0"),
    (lambda: kl_from_uniform([-.5, 1.5]), "share runs from -0.5"),
    (lambda: train_on_generated(X[:1], Y[:1], TEST), r"images is of shape \(1, 1, 28, 28\)"),
    (lambda: train_on_generated(X, Y, TEST, steps=-7), "steps is -7, allowed is 1 or more"),
    (lambda: _damaged("real", TEST[:9], 50, 0), "n = 50 asks for 50 different images, allowed are 1 to 9"),
    (lambda: _damaged("repeated", TEST[:9], 5, 0), "n = 5 asks for 100 different images, allowed are 1 to 5"),
])
def test_too_few_to_say_anything_of_is_one_sentence(call, sentence):
    with pytest.raises(ValueError, match=sentence): call()


def test_fewer_than_two_images_have_no_distance():
    with pytest.raises(ValueError, match="N at least 2"): frechet_distance(X[:1], X, load_scorer())


@pytest.fixture(scope="module")
def real(): return Reference(TEST[~FIRST], load("mnist_5k"))


@pytest.mark.slow
def test_all_scores_are_plain_and_those_of_each_function(real):
    mine = TEST[FIRST]
    scores = score(mine.x, mine.y, "mnist_5k", real=real)
    json.dumps(scores, allow_nan=False)
    assert (scores["n"], scores["held"], scores["train"], scores["k"]) == (500, 500, 4000, 5)
    for name, said in scores["judges"].items():
        judge = load_scorer(name)
        assert said["scorer"] == SCORERS[name]
        alone = label_scores(mine.x, mine.y, judge)
        for key, value in alone.items():
            assert said[key] == (value if key == "scorer" else pytest.approx(value))
        assert said["frechet"] == pytest.approx(frechet_distance(mine.x, real.held.x, judge))
        assert .4 < said["nearer"] < .6 and .8 < said["diversity"] < 1.2
        assert said["copied"] < .2 # below 0: both halves hold digits by the same hands
    assert 0 < scores["taught"] < 1 and list(scores["judges"]) == [*PANELS["mnist_5k"]]
    floats = score(mine.x.float() / 127.5 - 1, mine.y, "mnist_5k", real=real)
    assert floats == scores


def test_a_registered_score_is_computed_by_each_judge(real, monkeypatch):
    "A row that says how is called with generated and real features; one that does not is left alone."
    def gap(fake, real): return (fake.mean() - real.mean()).abs()
    for name, of in (("gap", gap), ("seen", None)):
        monkeypatch.setitem(statistics.SCORES, name, statistics.Score("low", "a toy", of))
    mine = TEST[FIRST]
    judged = score(mine.x, mine.y, "mnist_5k", real=real, steps=0)["judges"]
    json.dumps(judged, allow_nan=False)
    for name, scores in judged.items():
        parts = (extract_features(x, load_scorer(name)).features for x in (mine.x, real.held.x))
        assert scores["gap"] == pytest.approx(float(gap(*parts)), abs=1e-6)
        assert "seen" not in scores


def test_images_without_classes_have_the_scores_that_need_none(real):
    scores = score(TEST.x[1::2], None, "mnist_5k", ("mnist",), real=real)
    said = scores["judges"]["mnist"]
    assert scores["taught"] is None and said["accuracy"] is None and said["frechet"] > 0
    assert said["diversity"] is not None and scores["pixels"]["copied"] is not None


def test_real_images_are_seen_once(real, monkeypatch):
    score(TEST.x[1::2], TEST.y[1::2], "mnist_5k", real=real, steps=0)
    seen = []

    def count(images, *rest):
        seen.append(len(images))
        return extract_features(images, *rest)

    monkeypatch.setattr("gan_course.scores.extract_features", count)
    score(TEST.x[1::20], TEST.y[1::20], "mnist_5k", real=real, steps=0)
    assert seen == [50, 50]


def test_a_part_of_the_real_images_takes_its_views_along(real):
    judge = load_scorer()
    real.features("held", judge), real.features("train", judge)
    some = real.some(torch.arange(5), torch.arange(0, 100, 7))
    assert len(some.held) == 5 and len(some.train) == 15
    again = extract_features(some.train.x, judge)
    torch.testing.assert_close(some.features("train", judge).features, again.features)
    assert all(key[0] in ("held", "train") for key in some.kept) and torch.isfinite(some.gaps()).all()


def test_colour_numbers_are_scored_by_their_own_judges(house_numbers):
    test = house_numbers["test"]
    few = Reference(test[:300], house_numbers["train"][:300])
    scores = score(test.x[300:400], test.y[300:400], "svhn_10k", real=few, steps=0)
    assert list(scores["judges"]) == ["svhn_10k", "svhn_10k_b"]
    assert all(said["accuracy"] > .8 for said in scores["judges"].values())


def test_a_taught_classifier_is_examined_on_held_out_images(real, monkeypatch):
    asked, mine = [], TEST[FIRST][::10]
    monkeypatch.setattr("gan_course.scores.train_on_generated", lambda *what: asked.append(what) or .5)
    assert score(mine.x, mine.y, "mnist_5k", ("mnist",), real=real, steps=7)["taught"] == .5
    (images, y, test, steps), = asked
    assert test is real.held and steps == 7 and torch.equal(images, mine.x) and torch.equal(y, mine.y)


def test_what_images_taught_is_measured_on_others():
    "They call black 0 and white 1; the examiner agrees, or says the contrary."
    y = torch.arange(64) % 2
    x = (255 * y).to(torch.uint8)[:, None, None, None].expand(-1, 1, 8, 8)
    found = [train_on_generated(x, y, Data(x, asked, n_classes=2), steps=30) for asked in (y, 1 - y)]
    assert found == [1, 0]


@pytest.mark.slow
def test_a_taught_classifier_is_examined_on_real_images():
    digits = load("mnist_5k")
    right = train_on_generated(TEST.x, TEST.y, digits[::8])
    assert right > .8 > .3 > train_on_generated(TEST.x, TEST.y[torch.randperm(1000)], digits[::8])


@pytest.mark.parametrize("arm", BREAKS)
def test_damage_is_what_it_is_called(arm):
    digits = load("mnist_5k")
    x, y, index = _damaged(arm, digits, 200, 3, 20)
    again = _damaged(arm, digits, 200, 3, 20)
    assert all(torch.equal(a, b) for a, b in zip((x, y, index), again, strict=True))
    assert x.dtype == torch.uint8 and len(x) == len(y) == len(index)
    assert set(y.tolist()) == {*_ONLY.get(arm, range(10))}
    assert len(index.unique()) == (20 if arm == "repeated" else len(x))
    assert torch.equal(x, digits.x[index]) == (arm not in ("noise", "blur"))
    assert torch.equal(y, digits.y[index]) == (arm != "shuffled")


def test_broken_images_leave_the_training_set_and_copies_stay_in_it(monkeypatch):
    "Or each of them would pass for a copy of itself."
    whole, seen = Reference(TEST[::20], load("mnist_5k")[::40]), {}
    def note(images, y, data, real, steps):
        mine, learned, held = ({*map(bytes, x.numpy())} for x in (images, real.train.x, real.held.x))
        seen[arm] = len(mine & learned), len(mine & held), len(held)
        return {}
    monkeypatch.setattr("gan_course.scores.reference", lambda data: whole)
    monkeypatch.setattr("gan_course.scores.score", note)
    for arm in ("real", "repeated", "seen", "unseen"): break_scores(arm, 0, "mnist_5k", n=20, repeated=5)
    assert seen == dict(real=(0, 0, 50), repeated=(5, 0, 50), seen=(0, 0, 25), unseen=(0, 0, 25))


def test_numbers_are_short_and_json():
    found = round_floats({"a": [1 / 3, math.inf], "b": (2, "x", None)})
    assert found == {"a": [.3333, None], "b": [2, "x", None]}


def test_a_measurement_goes_on_where_it_was_stopped(tmp_path, monkeypatch, capsys):
    asked, stopping = [], [True]

    def answer(arm, seed, n):
        if stopping and len(asked) == 2: raise KeyboardInterrupt
        asked.append((arm, seed))
        return dict(found=n + seed)

    monkeypatch.setattr("gan_course.scores.toy", answer, raising=False)
    toy = Measurement("toy", "How many?", "scores.toy", dict(n=10), dict(n=1), ("a", "b"), 2)
    monkeypatch.setitem(MEASUREMENTS, "toy", toy)
    words = ["measure", "toy", "--full", "--results", str(tmp_path)]
    with pytest.raises(SystemExit) as stop: main(words)
    assert stop.value.code == 130
    stopping.clear()
    main(words)
    assert asked == [("a", 0), ("b", 0), ("a", 1), ("b", 1)] # none twice
    rows = [json.loads(line) for line in (tmp_path/"toy.jsonl").read_text(encoding="utf-8").splitlines()]
    assert [(row["arm"], row["seed"]) for row in rows] == [("a", 0), ("b", 0), ("a", 1), ("b", 1)]
    assert rows[2]["found"] == 11 and rows[2]["device"] and rows[2]["form"] == "full"
    main(words)
    assert len((tmp_path/"toy.jsonl").read_text(encoding="utf-8").splitlines()) == 4
    capsys.readouterr()


def test_a_page_of_scores_needs_nothing_but_itself(tmp_path, capsys):
    file = tmp_path/"mine.npz"
    np.savez(file, images=TEST.x[::25].numpy(), labels=TEST.y[::25].numpy().astype(np.int32))
    words = ["score", str(file), "--data", "mnist_5k", "--html", str(tmp_path/"page.html")]
    main(words)
    scores = json.loads(capsys.readouterr().out)
    page = (tmp_path/"page.html").read_text(encoding="utf-8")
    assert scores["n"] == 40 and scores["what"] == str(file)
    assert 'src="http' not in page and 'href="' not in page and page.count("data:image/png") == 2
    assert "$" not in page and SCORERS["mnist_b"] in page
    with pytest.raises(SystemExit): main(words)
    assert "is there already" in capsys.readouterr().err
    if chromium := shutil.which("chromium"):
        flags = ["--headless", "--no-sandbox", "--disable-gpu", f"--screenshot={tmp_path/'page.png'}"]
        subprocess.run([chromium, *flags, f"file://{tmp_path/'page.html'}"], check=True, capture_output=True)
        assert (tmp_path/"page.png").stat().st_size > 10_000


def test_a_page_says_when_there_is_nothing_to_compare_with():
    assert "no training image of their class" in copies_in_words(None, .1)
    assert real_spans("svhn_10k", "svhn_10k", 100) == {}


def test_wide_images_without_classes_become_points():
    points = _small_points(torch.randint(256, (3, 1, 16, 600), dtype=torch.uint8))
    assert len(points) == 3 and 1 <= points.shape[1] <= 1024


def test_the_page_of_scores_knows_all_the_classes_of_ones_own_images():
    "More than ten of them."
    g = torch.Generator().manual_seed(0)
    def some(n, part): return Data(torch.randint(256, (n, 1, 28, 28), generator=g, dtype=torch.uint8),
                                   torch.arange(n) % 12, part, 12)
    real = Reference(some(24, "held"), some(48, "train"))
    assert report._nearest_grid(some(36, "made").x, torch.arange(36) % 12, real, "mnist")[:4] == b"\x89PNG"
