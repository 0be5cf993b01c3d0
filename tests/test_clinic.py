"Every failure is found, its cure is not; what the rules say of numbers; a thousand modes."
import json
import math
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from gan_course.clinic import (
    CASES,
    FINDINGS,
    LEVELS,
    LOOKS,
    RULES,
    Played,
    case_config,
    count_numbers,
    dashboard,
    diagnose,
    explain,
    look_twice,
    play_case,
    record_cases,
    score_stacked,
    set_table,
    variety,
)
from gan_course.config import Config, config_id
from gan_course.data import STACKED, TOYS, blank, load
from gan_course.runs import run_config, score_generator
from gan_course.seeds import MEASURES
from gan_course.studies import STUDIES
from gan_course.training import read_jsonl

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
    return [f.name for f in diagnose(played.history, played.config.loss) + look_twice(played)]


@pytest.mark.parametrize("name", CASES)
def test_every_failure_is_found(name):
    assert CASES[name].finds in found(play_case(name, **SHORT.get(name, {})))


@pytest.mark.parametrize("name", ["sigmoid-twice", "strong-d", "penalty-batch-norm", "eps-momentum",
                                  "batch-statistics", "collapse-ring8", "range-raw"])
def test_a_cure_cures(name):
    "In the cheap ones; the chapter counts them all."
    assert CASES[name].finds not in found(play_case(name, cured=True))


def test_a_case_is_its_seed_and_its_config():
    once, again, other = (play_case("labels-swapped", seed=seed, epochs=1).history for seed in (0, 0, 1))
    assert once == again != other


def test_the_tables_fit_each_other():
    assert set(FINDINGS) == set(RULES) | {"not-finite"} and not set(FINDINGS) & set(LOOKS)
    assert {case.finds for case in CASES.values()} <= set(FINDINGS) | set(LOOKS)


def test_a_broken_row_is_said_to_be_broken_and_nothing_else():
    row = dict(epoch=1., d_loss_real=math.inf, d_loss_fake=1., g_loss=0., real_logit=0., fake_logit=0.,
               real_score=.5, fake_score=.5)
    for loss in LEVELS: assert [f.name for f in diagnose([row], loss)] == ["not-finite"]
    assert diagnose([]) == diagnose([dict(c_loss=1.)]) == diagnose([dict(d_loss_fake=1., g_loss=1.)]) == []


@pytest.mark.parametrize("call,why", [
    (lambda: diagnose([], "bec"), "loss is 'bec'"), (lambda: play_case("strong"), "case is 'strong'"),
    (lambda: score_stacked(torch.zeros(2, 1, 28, 28, dtype=torch.uint8)), "allowed is uint8"),
    (lambda: score_stacked(torch.zeros(2, 3, 28, 28)), "float32"),
    (lambda: score_stacked(torch.zeros(0, 3, 28, 28, dtype=torch.uint8)), "at least 1"),
    (lambda: count_numbers(torch.zeros(0).long()), "y is empty, allowed is one class or more"),
    (lambda: variety(torch.zeros(1, 2), torch.eye(2)), r"fake is of shape \(1, 2\), allowed are two or more"),
    (lambda: dashboard([dict(epoch=1., c_loss=1.)]), "cannot be shown: its metrics are not")])
def test_what_cannot_be_is_refused_in_a_sentence(call, why):
    with pytest.raises(ValueError, match=why): call()


def test_cases_are_recorded_once(tmp_path):
    file = tmp_path/"ward"/"cases.jsonl"
    for _ in range(2): record_cases(file, seeds=(0,), names=("eps-momentum",))
    rows = [json.loads(line) for line in file.read_text().splitlines()]
    assert [(row["cured"], "layers" in row["looks"]) for row in rows] == [(False, True), (True, False)]


def test_the_stored_cases_are_todays():
    rows = read_jsonl(Path(__file__).parent.parent/"nbs"/"results"/"clinic"/"cases.jsonl")
    assert {row["case"] for row in rows} == set(CASES)
    for row in rows: assert row["id"] == config_id(case_config(row["case"], row["cured"], row["seed"]))


def test_two_bumps_of_eight_are_a_collapse_though_they_lie_apart():
    centres = TOYS["ring8"].component_distribution.mean
    opposite = Drawing(2, lambda z: centres[::4][(z[:, 0] > 0).long()] + .01 * z)
    config = CASES["collapse-ring8"].config
    table = set_table(config)
    seen = look_twice(Played(replace(table, G=opposite), config, []))
    assert [f.seen for f in seen if f.name == "collapse"] == ["as uneven as if 2.0 of 8 bumps came"]


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
    run_config(TINY, tmp_path/"loud", device="cpu", n_score=20)
    said = capsys.readouterr().err
    assert said.count("d-wins") == 1 and f"gan-course doctor {tmp_path/'loud'}" in said
    run_config(TINY, tmp_path/"quiet", device="cpu", n_score=20, quiet=True)
    assert capsys.readouterr().err == ""


def test_stacked_digits_are_digits_of_their_own_split():
    for split in ("train", "test"):
        stacked, digits = load("stacked_5k", split), load("mnist_5k", split)
        known = {(image.numpy().tobytes(), int(c)) for image, c in zip(digits.x[:, 0], digits.y, strict=True)}
        for i in range(20):
            number = [int(c) for c in f"{int(stacked.y[i]):03}"]
            assert all((channel.numpy().tobytes(), c) in known
                       for channel, c in zip(stacked.x[i], number, strict=True))
    assert all(blank(name).shape == (3, 28, 28) and blank(name).n_classes == 1000 for name in STACKED)


def test_counts_are_those_of_the_formula():
    y = torch.tensor([7, 7, 7, 999])
    said = count_numbers(y)
    assert said["modes"] == 2 and said["class_share"][7] == .75
    assert abs(said["kl"] - (.75 * math.log(750) + .25 * math.log(250))) < 1e-4
    real = load("stacked_5k", "test")
    read, true = score_stacked(real.x[:60]), count_numbers(real.y[:60])
    assert abs(torch.tensor(read["class_share"]) - torch.tensor(true["class_share"])).sum() < .2


def test_a_stacked_run_is_scored_by_its_modes():
    grey = Drawing(4, lambda z: z.new_zeros(len(z), 3, 28, 28))
    said = score_generator(grey, Config(data="stacked_5k"), n=10)
    assert said["n"] == 26 and said["modes"] == 1 and abs(said["kl"] - math.log(1000)) < 1e-3
    assert MEASURES["kl"] == "low"


def test_the_small_form_of_the_study_is_small():
    study = STUDIES["stacked-mnist"]
    assert study.config("dcgan", full=False).width == .25
    for arm in study.arms: assert replace(study.config(arm), seed=1).data == "stacked_mnist"
