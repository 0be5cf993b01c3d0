"Intervals, paired comparisons and counts: against formulas, brute force and simulations."
import math
from itertools import product

import numpy as np
import pytest
from scipy import stats

from gan_course.statistics import (
    SCORES,
    arm_table,
    compare_arms,
    count_interval,
    equivalent,
    frame,
    holm,
    interval,
    measured,
    power,
    seeds_needed,
    sign_flip_p,
    summarise_arms,
)


def rows_of(measure="frechet", **arms):
    "A value: a run's score; a text: why the run failed."
    return [dict(arm=arm, config=dict(seed=seed))
            | (dict(failed=value) if isinstance(value, str) else dict(scores={measure: value}))
            for arm, values in arms.items() for seed, value in enumerate(values)]


LOST, BROKEN = "Diverged: the loss is not a number", "OSError: the disk is full"


# intervals

@pytest.mark.parametrize("n", [5, 10])
def test_an_interval_covers_as_often_as_it_says(n):
    draws = np.random.default_rng(0).normal(size=(4000, n))
    held = np.mean([low <= 0 <= high for low, high in map(interval, draws)])
    assert .93 <= held <= .965


def test_there_is_no_interval_below_three_values_or_of_infinite_ones():
    for values in ([], [1.], [1., 2.], [1., 2., math.inf], [1., 2., math.nan]):
        assert all(map(math.isnan, interval(values))), values
    assert all(map(math.isnan, interval([0., 1., 2.], log=True)))
    assert interval([4., 4., 4.]) == (4, 4)


def test_an_interval_is_students_on_either_scale_and_in_any_order():
    values = np.array([3., 1., 8., 2.])
    for level in (.8, .95):
        half = stats.t.ppf((1 + level) / 2, 3) * values.std(ddof=1) / 2
        assert interval(values, level) == pytest.approx((values.mean() - half, values.mean() + half))
        assert interval(values, level, log=True) == pytest.approx(np.exp(interval(np.log(values), level)))
    assert interval(values) == interval(values[::-1])


def test_clopper_and_pearson():
    assert count_interval(0, 5) == pytest.approx((0, .5218), abs=5e-5)
    assert count_interval(5, 5) == pytest.approx((1 - .5218, 1), abs=5e-5)
    low, high = count_interval(3, 10)
    assert stats.binom.sf(2, 10, low) == pytest.approx(.025) == stats.binom.cdf(3, 10, high)
    assert count_interval(0, 0) == (0, 1)
    with pytest.raises(ValueError, match="k is 4, allowed is 0 to 3"): count_interval(4, 3)
    for n, level in product((1, 2, 7, 40), (.8, .95)):
        for k in range(n + 1):
            assert count_interval(k, n, level) == pytest.approx(stats.binomtest(k, n).proportion_ci(level))


# tests

@pytest.mark.parametrize("n", [1, 2, 5, 9])
def test_a_sign_flip_p_is_that_of_all_patterns(n):
    gaps = np.random.default_rng(n).normal(.5, 1., n).round(1)
    farther = [abs(np.dot(signs, gaps)) >= abs(gaps.sum()) - 1e-9 for signs in product((-1, 1), repeat=n)]
    assert sign_flip_p(gaps) == (sum(farther) / 2**n, 2 / 2**n)


def test_the_floor_is_reached_when_all_agree():
    for n in (3, 6): assert sign_flip_p(np.arange(1., n + 1)) == (2 / 2**n, 2 / 2**n)
    assert sign_flip_p([0., 0., 0.]) == (1, 1 / 4)
    assert all(map(math.isnan, sign_flip_p([])))


def test_infinite_differences_make_it_a_sign_test():
    assert sign_flip_p([math.inf, 1., 2., 3., 4., -1.]) == (14 / 64, 2 / 64)
    assert sign_flip_p([-math.inf] * 6) == (2 / 64, 2 / 64)
    assert sign_flip_p([math.inf, -math.inf, 0.]) == (1, 1 / 4)
    for n in range(1, 30):
        for k in range(n): # the one that is infinite is above 0
            gaps = [math.inf] * (k + 1) + [-1.] * (n - k - 1)
            assert sign_flip_p(gaps)[0] == pytest.approx(stats.binomtest(k + 1, n).pvalue)


def test_what_the_test_cannot_do_is_refused():
    with pytest.raises(ValueError, match="differences has 21 values"): sign_flip_p(np.ones(21))
    with pytest.raises(ValueError, match="differences has nan"): sign_flip_p([1., math.nan])


def test_holm_by_hand():
    "Sorted .005 .01 .03 .04, times 4 3 2 1: .02 .03 .06 .04, and never falling."
    assert holm([.01, .04, .03, .005]) == pytest.approx([.03, .06, .06, .02])
    assert holm([.6, .7]) == pytest.approx([1, 1]) and len(holm([])) == 0
    assert holm([math.nan, .02, .5]) == pytest.approx([math.nan, .04, .5], nan_ok=True)


def test_equivalence_is_two_one_sided_tests():
    gaps = [.1, -.2, .3, 0., -.1]
    sides = [stats.ttest_1samp(gaps, end, alternative=side).pvalue
             for end, side in ((-.5, "greater"), (.5, "less"))]
    assert equivalent(gaps, .5) == pytest.approx(max(sides)) and equivalent(gaps, .5) < .05
    assert equivalent([1 + gap for gap in gaps], .5) > .95 # outside of the margin
    assert equivalent([0., 0., 0.], .1) == 0 and equivalent([math.inf, 0., 0.], .1) == 1
    assert math.isnan(equivalent([0., .1], 1.))
    with pytest.raises(ValueError, match="margin is 0"): equivalent(gaps, 0)


def test_power_is_that_of_the_noncentral_t():
    for n, shift, level in product((2, 3, 6, 50), (.1, .5, 2.), (.05, .01)):
        limit, df, root = stats.t.ppf(1 - level / 2, n - 1), n - 1, shift * math.sqrt(n)
        both = stats.nct.sf(limit, df, root) + np.nan_to_num(stats.nct.cdf(-limit, df, root))
        assert power(shift, 1., n, level) == pytest.approx(both, rel=1e-6)


def test_the_seeds_needed_are_the_fewest_that_do():
    n = seeds_needed(1., 2.)
    assert power(1., 2., n) >= .8 > power(1., 2., n - 1)
    with pytest.raises(ValueError, match="difference is 0"): seeds_needed(0., 1.)


# tables

def test_a_run_that_diverged_is_never_dropped():
    rows = rows_of(a=[10., 10., 10.], b=[9., LOST, LOST])
    table, found = summarise_arms(frame(rows)), compare_arms(frame(rows)).loc["b"]
    assert table.loc["b", ["mean", "worst"]].tolist() == [math.inf, math.inf]
    assert table.loc["b", ["n", "collapsed", "failed"]].tolist() == [3, 2, 0]
    assert table.loc["b", ["low", "high"]].isna().all()
    assert math.isclose(found["better"], 1 / 3) and found["pairs"] == 3 and found["ratio"] == math.inf
    assert math.isnan(found["low"]) and found["p"] == 1 and found["floor"] == 1 / 4
    assert arm_table(rows, "frechet").loc["b", ["frechet", "worst"]].tolist() == [math.inf, math.inf]


def test_a_table_of_arms_counts_cost_in_steps_and_shows_no_clock():
    rows = rows_of(a=[10., 12.], b=[LOST])
    for row, step in zip(rows, (90, 110), strict=False): row |= dict(step=step, seconds=1e6)
    table = arm_table(rows, "frechet")
    assert table["steps"]["a"] == 100 and table["steps"].isna()["b"]
    assert not {"seconds", "minutes"} & {*table.columns}


@pytest.mark.parametrize("ask", [
    lambda rows, name: summarise_arms(frame(rows), name), lambda rows, name: compare_arms(frame(rows), name),
    lambda rows, name: arm_table(rows, name), lambda rows, name: arm_table(rows, "frechet", name)])
def test_a_score_that_no_table_has_is_refused(ask):
    rows = rows_of(a=[10., 12.], b=[11., 12.])
    for name in ("precision", "frechett"): # the first is a score, and in a row the format of its numbers
        with pytest.raises(ValueError, match=f"measure is '{name}', allowed are "): ask(rows, name)


def test_equal_pairs_are_no_evidence_however_many():
    same = [float(value) for value in range(25)]
    assert compare_arms(frame(rows_of(a=same, b=same))).loc["b", "p"] == 1


def test_the_worst_is_at_the_bad_end_of_what_other_runs_have():
    runs = frame(rows_of("accuracy", a=[.9, .8], b=[LOST, .7]))
    assert measured(runs) == ["accuracy"] and runs["frechet"].isna().all()
    assert summarise_arms(runs, "accuracy").loc["b", ["mean", "worst"]].tolist() == [-math.inf, -math.inf]
    assert compare_arms(runs, "accuracy").loc["b", "difference"] == -math.inf
    assert frame(rows_of("density", a=[1., LOST]))["density"].isna().tolist() == [False, True] # no bad end
    assert measured(frame(rows_of(a=[LOST]))) == []


def test_a_summary_has_mean_worst_and_spread():
    table = summarise_arms(frame(rows_of(a=[1., 2., 6.])))
    assert table.loc["a", ["mean", "worst", "n"]].tolist() == [3, 6, 3]
    assert math.isclose(table["sd"]["a"], math.sqrt((4 + 1 + 9) / 2))


def test_differences_are_paired():
    "Seeds differ by up to three times, arms by a tenth: only pairs see it."
    runs = frame(rows_of(a=[10., 20., 30.], b=[9., 18.1, 26.9]))
    found = compare_arms(runs).loc["b"]
    assert math.isclose(found["ratio"], (.9 * .905 * 26.9 / 30) ** (1 / 3)) and found["better"] == 1
    assert found["pairs"] == 3 and found["p"] == found["floor"] == found["holm"] == 1 / 4
    assert .88 < found["low"] < .9 < found["high"] < .92
    assert math.isclose(compare_arms(runs, base="b").loc["a", "ratio"], 1 / found["ratio"])
    lonely = compare_arms(frame(rows_of(a=[10., 20.], b=[9., BROKEN])))
    assert lonely["pairs"]["b"] == 1 and math.isnan(lonely["low"]["b"])


@pytest.mark.parametrize("field,usual,rare", [("precision", "bf16", "fp32"), ("form", "full", "small")])
def test_a_rare_precision_or_form_is_an_arm_of_its_own(field, usual, rare):
    rows = [row | {field: usual} for row in rows_of(a=[1., 2., 3.])]
    rows += [row | {field: rare} for row in rows_of(a=[5.])]
    assert summarise_arms(frame(rows))["mean"].to_dict() == {"a": 2, f"a ({rare})": 5}


@pytest.mark.parametrize("share,collapsed", [
    ([.1] * 10, False), ([1] + [0] * 9, True), ([.25] * 4 + [0] * 6, True), ([1 / 6] * 6 + [0] * 4, False)])
def test_collapse_is_fewer_than_half_of_the_classes(share, collapsed):
    row = rows_of(a=[1.])[0]
    assert frame([row | dict(scores=dict(class_share=share))])["collapsed"][0] == collapsed


def test_an_accident_is_missing_and_two_lost_runs_are_level():
    runs = frame(rows_of(a=[10., LOST, 10.], b=[BROKEN, LOST, 9.]))
    found, table = compare_arms(runs).loc["b"], summarise_arms(runs)
    assert found["pairs"] == 2 and found["better"] == 1 / 2 and math.isclose(found["ratio"], .9 ** .5)
    assert table.loc["b", ["n", "failed"]].tolist() == [2, 1]


def test_distances_are_compared_by_ratios_and_others_by_differences():
    assert {name for name, score in SCORES.items() if score.log} == {
        "frechet", "kl", "frechet_matched", "raw_frechet", "kl_sure", "back_frechet"}
    values = dict(a=[1., 10., 100.], b=[2., 22., 180.])
    line = compare_arms(frame(rows_of(**values))).loc["b"]
    logs = np.log(np.divide(values["b"], values["a"]))
    assert line["ratio"] == pytest.approx(np.exp(logs.mean()))
    assert line[["low", "high"]].tolist() == pytest.approx(np.exp(interval(logs)).tolist())
    table = summarise_arms(frame(rows_of(**values)))
    assert table["geo_mean"]["a"] == pytest.approx(10) and table["mean"]["a"] == 37
    assert table["low"]["a"] * table["high"]["a"] == pytest.approx(100) # symmetric in logarithms
    plain = compare_arms(frame(rows_of("accuracy", a=[.5, .6, .7], b=[.6, .8, .7])), "accuracy")
    assert "ratio" not in plain and plain["difference"]["b"] == pytest.approx(.1)
    assert "geo_mean" not in summarise_arms(frame(rows_of("accuracy", a=[.5])), "accuracy")


def test_a_comparison_names_its_p_its_floor_and_holms():
    rows = rows_of("accuracy", a=[.1] * 6, b=[.2, .3, .4, .5, .6, .7], c=[.2, .3, .4, .5, .6, 0.])
    found = compare_arms(frame(rows), "accuracy")
    assert [*found] == ["difference", "low", "high", "better", "pairs", "p", "floor", "holm"]
    assert found["p"].tolist() == [2 / 64, 6 / 64] and set(found["floor"]) == {2 / 64}
    assert found["holm"].tolist() == [4 / 64, 6 / 64]
    many = np.random.default_rng(0).normal(size=(2, 30))
    line = compare_arms(frame(rows_of("accuracy", a=many[0], b=many[1])), "accuracy").loc["b"]
    assert line["p"] == pytest.approx(stats.ttest_rel(*many).pvalue) # beyond 20 pairs


def test_the_rate_of_collapse_has_an_upper_end():
    table = summarise_arms(frame(rows_of(a=[1.] * 5, b=[1., 2., LOST, LOST, BROKEN])))
    assert table["collapse_high"]["a"] == pytest.approx(.5218, abs=5e-5)
    assert table["collapse_high"]["b"] == count_interval(2, 4)[1]
