"Every failure is found, its cure is not; what the rules say of numbers; a thousand modes."
import json
import math
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import matplotlib.pyplot as plt
import pytest
import torch

from gan_course.catalogue import STUDIES
from gan_course.clinic import (
    CASES,
    EXAMINATIONS,
    _case_config,
    _Game,
    _Played,
    dashboard,
    examine,
    record_cases,
    run_case,
)
from gan_course.config import Config, How, config_id
from gan_course.data import STACKED_DIGITS, TOYS, blank, load
from gan_course.diagnosis import FINDINGS, RULES, diagnose, explain
from gan_course.files import read_jsonl
from gan_course.games import setup
from gan_course.losses import LOSSES, Loss
from gan_course.runs import generator_scores, run_config, with_alarms
from gan_course.scores import _count_numbers, mush_scores, pairwise_diversity, stacked_scores
from gan_course.statistics import SCORES

SHORT = {"no-nine": dict(epochs=2), "penalty-normal": dict(epochs=1), "penalty-batch-norm": dict(epochs=1),
         "labels-swapped": dict(epochs=2), "g-target": dict(epochs=2), "missing-detach": dict(epochs=1),
         "range-report": dict(epochs=1), "strong-d": dict(epochs=4), "saturating-loss": dict(epochs=4),
         "collapse-ring8": dict(epochs=2)}


class Drawing(torch.nn.Module):
    "A G whose examples are a known function of its latents."
    n_classes = 0

    def __init__(self, latent, draw):
        super().__init__()
        self.latent, self.draw, self.shift = latent, draw, torch.nn.Parameter(torch.zeros(()))

    def forward(self, z, y=None): return self.draw(z) + self.shift


def found(played):
    "The names of all findings."
    return [f.name for f in diagnose(played.history, played.config.loss) + examine(played)]


LONG = dict.fromkeys(["collapse-mnist", "no-batch-norm", "no-nine"], [pytest.mark.slow])


@pytest.mark.parametrize("name", [pytest.param(name, marks=LONG.get(name, [])) for name in CASES])
def test_every_failure_is_found(name):
    assert CASES[name].finds in found(run_case(name, **SHORT.get(name, {})))


@pytest.mark.parametrize("name", ["sigmoid-twice", "strong-d", "penalty-batch-norm", "eps-momentum",
                                  "batch-statistics", "collapse-ring8", "range-raw"])
def test_a_cure_cures(name):
    "In the cheap ones; the chapter counts them all."
    assert CASES[name].finds not in found(run_case(name, cured=True))


def test_a_case_is_its_seed_and_its_config():
    once, again, other = (run_case("labels-swapped", seed=seed, epochs=1).history for seed in (0, 0, 1))
    assert once == again != other


def test_the_tables_fit_each_other():
    assert set(FINDINGS) == set(RULES) | {"not-finite"} and not set(FINDINGS) & set(EXAMINATIONS)
    assert {case.finds for case in CASES.values()} <= set(FINDINGS) | set(EXAMINATIONS)


def test_a_broken_row_is_said_to_be_broken_and_nothing_else():
    row = dict(epoch=1., d_loss_real=math.inf, d_loss_fake=1., g_loss=0., real_logit=0., fake_logit=0.,
               real_score=.5, fake_score=.5)
    for loss in LOSSES: assert [f.name for f in diagnose([row], loss)] == ["not-finite"]
    assert diagnose([]) == diagnose([dict(c_loss=1.)]) == diagnose([dict(d_loss_fake=1., g_loss=1.)]) == []


def test_no_rule_speaks_in_the_first_steps_but_a_number_that_is_not_finite_does(tmp_path, capsys):
    beaten = dict(epoch=1., d_loss_real=1., d_loss_fake=2., g_loss=1., real_logit=0., fake_logit=1.,
                  real_score=.5, fake_score=.7)
    assert not diagnose([dict(beaten, step=4)]) and "after 4 steps" in explain([dict(beaten, step=4)])
    assert [f.name for f in diagnose([dict(beaten, step=10)])] == ["d-beaten"]
    assert [f.name for f in diagnose([dict(beaten, step=1, g_loss=math.nan)])] == ["not-finite"]
    for step in (4, 10):
        [*with_alarms([SimpleNamespace(epoch=1., step=step, metrics=beaten)], "bce", tmp_path)]
    assert capsys.readouterr().err.count("d-beaten") == 1


@pytest.mark.parametrize("call,why", [
    (lambda: diagnose([], "bec"), "loss is 'bec'"), (lambda: run_case("strong"), "case is 'strong'"),
    (lambda: stacked_scores(torch.zeros(2, 1, 28, 28, dtype=torch.uint8)), "allowed is uint8"),
    (lambda: stacked_scores(torch.zeros(2, 3, 28, 28)), "float32"),
    (lambda: stacked_scores(torch.zeros(0, 3, 28, 28, dtype=torch.uint8)), "at least 1"),
    (lambda: _count_numbers(torch.zeros(0).long()), "y is empty, allowed is one class or more"),
    (lambda: pairwise_diversity(torch.zeros(1, 2), torch.eye(2)),
     r"fake is of shape \(1, 2\), allowed are two points or more"),
    (lambda: dashboard([dict(epoch=1., c_loss=1.)]), "cannot be shown: its metrics are not")])
def test_what_cannot_be_is_refused_in_a_sentence(call, why):
    with pytest.raises(ValueError, match=why): call()


def test_cases_are_recorded_once(tmp_path):
    file = tmp_path/"ward"/"cases.jsonl"
    for _ in range(2): record_cases(file, seeds=(0,), names=("eps-momentum",))
    rows = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    assert [(row["cured"], "layers" in row["looks"]) for row in rows] == [(False, True), (True, False)]


def test_the_stored_cases_are_todays():
    rows = read_jsonl(Path(__file__).parent.parent/"nbs"/"results"/"clinic"/"cases.jsonl")
    assert {row["case"] for row in rows} == set(CASES)
    for row in rows: assert row["id"] == config_id(_case_config(row["case"], row["cured"], row["seed"]))


def test_two_modes_of_eight_are_a_collapse_though_they_are_far_apart():
    centres = TOYS["ring8"].component_distribution.mean
    opposite = Drawing(2, lambda z: centres[::4][(z[:, 0] > 0).long()] + .01 * z)
    config = CASES["collapse-ring8"].config
    seen = examine(_Played(replace(_Game(*setup(config)), G=opposite), config, []))
    assert [f.seen for f in seen if f.name == "collapse"] == ["as uneven as if 2.0 of 8 modes came"]


def test_an_explanation_has_numbers_causes_and_cures():
    row = dict(epoch=1., d_loss_real=.01, d_loss_fake=.02, g_loss=5., real_logit=5., fake_logit=-5.,
               real_score=.99, fake_score=.01)
    said = explain([row])
    assert "D's loss 0.03" in said and "likely causes: D learns faster" in said and "cures: lower D's" in said
    for ask in (explain, dashboard):
        with pytest.raises(ValueError, match="history is empty, allowed is one row or more"): ask([])


TINY = Config(data="mnist_5k", net="mlp", g_hidden=(16,), d_hidden=(64,), n_train=640, epochs=3, lr_d=3e-3,
              lr_g=1e-5)


def test_a_run_warns_once_and_a_quiet_one_not(tmp_path, capsys):
    run_config(TINY, tmp_path/"loud", how=How("cpu"), n_score=20)
    said = capsys.readouterr().err
    assert said.count("d-wins") == 1 and f"gan-course doctor {tmp_path/'loud'}" in said
    run_config(TINY, tmp_path/"quiet", how=How("cpu", quiet=True), n_score=20)
    assert capsys.readouterr().err == ""


def test_a_loss_without_level_and_floor_is_run_diagnosed_and_shown(monkeypatch, tmp_path, capsys):
    "Two functions and one row are enough: no rule reads its numbers, and nothing stops."
    def d_terms(real, fake): return (1 - real).relu().square().mean(-1), (1 + fake).relu().square().mean(-1)
    monkeypatch.setitem(LOSSES, "toy", Loss(d_terms, lambda real, fake: -fake.mean(-1)))
    assert math.isnan(LOSSES["toy"].level) and LOSSES["toy"].floor == 0
    config = replace(TINY, loss="toy")
    run_config(config, tmp_path/"run", how=How("cpu"), n_score=20) # not quiet: `with_alarms` reads each epoch
    assert "d-wins" not in capsys.readouterr().err
    history = read_jsonl(tmp_path/"run"/"metrics.jsonl")
    assert len(history) == 3 and diagnose(history, "toy") == []
    extreme = [history[-1] | dict(real_logit=200., fake_logit=-200., real_score=1., fake_score=0., g_loss=0.)]
    assert diagnose(extreme, "toy") == [] and diagnose(extreme, "bce")
    broken = [history[-1] | dict(g_loss=math.nan)]
    assert [f.name for f in diagnose(broken, "toy")] == ["not-finite"]
    assert "loss 'toy' has no level: no rule reads it" in explain(history, "toy")
    for loss in ("toy", "wasserstein"):
        assert len(dashboard(history, loss)) == 2
        snapshots = [SimpleNamespace(epoch=1., step=row["step"], metrics=row) for row in extreme]
        assert [*with_alarms(snapshots, loss, tmp_path/"run")] == snapshots
    assert capsys.readouterr().err == ""
    plt.close("all")


def test_stacked_digits_are_digits_of_their_own_split():
    for split in ("train", "test"):
        stacked, digits = load("stacked_5k", split), load("mnist_5k", split)
        known = {(image.numpy().tobytes(), int(c)) for image, c in zip(digits.x[:, 0], digits.y, strict=True)}
        for i in range(20):
            number = [int(c) for c in f"{int(stacked.y[i]):03}"]
            assert all((channel.numpy().tobytes(), c) in known
                       for channel, c in zip(stacked.x[i], number, strict=True))
    assert all(blank(name).shape == (3, 28, 28) and blank(name).n_classes == 1000 for name in STACKED_DIGITS)


def test_counts_are_those_of_the_formula():
    y = torch.tensor([7, 7, 7, 999])
    said = _count_numbers(y)
    assert said["modes"] == 2 and said["class_share"][7] == .75
    assert abs(said["kl"] - (.75 * math.log(750) + .25 * math.log(250))) < 1e-4
    real = load("stacked_5k", "test")
    read, true = stacked_scores(real.x[:60]), _count_numbers(real.y[:60])
    assert abs(torch.tensor(read["class_share"]) - torch.tensor(true["class_share"])).sum() < .2


def test_a_stacked_run_is_scored_by_its_modes():
    grey = Drawing(4, lambda z: z.new_zeros(len(z), 3, 28, 28))
    said = generator_scores(grey, Config(data="stacked_5k"), n=10)
    assert said["n"] == 26 and said["modes"] == 1 and abs(said["kl"] - math.log(1000)) < 1e-3
    assert SCORES["kl"].good == "low"
    assert {"modes", "kl", "sure", "modes_sure", "kl_sure"} == set(said["mush"])


def test_pictures_that_show_no_digit_have_modes_until_certainty_is_asked_for():
    real, mush = stacked_scores(load("stacked_5k").x[:500]), mush_scores("stacked_5k", n=500)
    assert mush["modes"] > 150 and mush["sure"] < .3 < .7 < real["sure"]
    assert mush["modes_sure"] < mush["modes"] / 2 and real["modes_sure"] > .7 * real["modes"]
    with pytest.raises(ValueError, match="data is 'mnist'"): mush_scores("mnist")


def test_the_small_form_of_the_study_is_small():
    study = STUDIES["stacked-mnist"]
    for arm in study.arms:
        small, full = study.config(arm, "small"), study.config(arm)
        assert small.width == .25 < full.width and small.epochs == 4 < full.epochs
        assert small.data == "stacked_mnist" and replace(small, width=full.width, epochs=full.epochs) == full


def test_the_four_patients_have_their_findings(root):
    rows = read_jsonl(root/"nbs"/"results"/"clinic"/"patients.jsonl")
    assert [row["case"] for row in rows] == ["strong-d", "collapse-ring8", "labels-swapped", "strong-d"]
    serious = [[f.name for f in diagnose(row["history"]) if f.serious] for row in rows]
    assert serious == [["d-wins"], [], ["no-contest"], []] # no rule sees the collapse
    assert [row["cured"] for row in rows] == [False, False, False, True]
