"What bad input and bad luck get: one clear sentence, and nothing lost."
import ast
import contextlib
import copy
import gc
import gzip
import hashlib
import json
import math
import os
import pickle
import random
import re
import shutil
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
from dataclasses import asdict, replace
from pathlib import Path

import golden
import numpy as np
import pandas as pd
import pytest
import torch
from common import refused
from safetensors.torch import load_file, save_file
from torchvision.datasets import MNIST

import gan_course
from gan_course import lookup
from gan_course.catalogue import STUDIES
from gan_course.cli import main, read_samples
from gan_course.config import Config, How, config_id, from_dict
from gan_course.core import RandomState
from gan_course.data import Data, _patience, find_file, index_batches, load, normalise, split, subset
from gan_course.diagnosis import Watch, diagnose, explain
from gan_course.files import (
    RUN_FILES,
    BadCheckpoint,
    Diverged,
    RunDir,
    append_row,
    is_locked,
    load_checkpoint,
    lock_run,
    read_facts,
    read_jsonl,
    save_checkpoint,
    stored_samples,
    write_atomically,
)
from gan_course.games import build_networks, build_recipe, load_train
from gan_course.judges import label_scores, load_scorer
from gan_course.losses import Loss, make_loss
from gan_course.networks import MLPDiscriminator, MLPGenerator, build_cgan
from gan_course.runs import _gpu_facts, open_run, run_config, source_commit
from gan_course.scores import _distance_blocks
from gan_course.speed import Replay, matmul_precision
from gan_course.statistics import compare_arms, count_interval, interval, power
from gan_course.steps import METRICS, Recipe, update_g
from gan_course.training import check_fit, generate, train

TINY = Config(net="cgan", data="mnist_5k", n_train=320, latent=8, g_hidden=(32,), d_hidden=(32,), batch=32,
              epochs=2)
IMAGES, CLASSES = torch.zeros(2, 1, 28, 28, dtype=torch.uint8), torch.zeros(2, dtype=torch.int64)


def tiny_players(config=TINY): return build_networks(config, load_train(config))


class Columns(MLPDiscriminator):
    "Returns (N, 1), as much public code does."
    def forward(self, x, y=None): return super().forward(x, y)[:, None]


@pytest.mark.parametrize("call,sentence", [
    (lambda: load("mnits"), "data is 'mnits'.*'mnist_5k'.*did you mean 'mnist'"),
    (lambda: load("mnist_5k", "val"), "split is 'val', allowed are 'train', 'test'"),
    (lambda: make_loss("hing"), "loss is 'hing'.*did you mean 'hinge'"),
    (lambda: build_networks(replace(TINY, net="cgn"), load("mnist_5k")), "net is 'cgn'.*did you mean 'cgan'"),
    (lambda: build_networks(replace(TINY, condition="projekt"), load("mnist_5k")), "did you mean 'project'"),
    (lambda: build_networks(replace(TINY, init="glorott"), load("mnist_5k")), "did you mean 'glorot'"),
    (lambda: lookup(STUDIES, "hacs", "NAME"), "NAME is 'hacs'.*did you mean 'hacks'"),
    (lambda: STUDIES["hacks"].config("fnal"), "did you mean 'final'"),
    (lambda: from_dict(dict(epoch=3)), "field is 'epoch'.*did you mean 'epochs'"),
    (lambda: Recipe(opt="adm"), "opt is 'adm'.*did you mean 'adam'"),
    (lambda: Recipe(noise="gauss"), "noise is 'gauss', allowed are 'normal', 'uniform'"),
    (lambda: Recipe(batch=0), "batch is 0, allowed is 1 or more"),
    (lambda: Recipe(lr_d=math.nan), "lr_d is nan, allowed is a positive number"),
    (lambda: Recipe(ema=1.), "ema is 1.0, allowed is 0 up to"),
    (lambda: make_loss("hinge", (.7, 1.2)), "no targets to smooth"),
    (lambda: load_scorer("mnst"), "scorer is 'mnst'"),
    (lambda: normalise(torch.zeros(3)), "x is torch.float32, allowed is uint8"),
    (lambda: next(index_batches(10, 11)), "batch is 11, allowed is 1 to 10"),
    (lambda: split(load("mnist_5k"), 5000), "n is 5000, allowed is 0 to 4000"),
    (lambda: subset(load("mnist_5k"), 0), "n is 0, allowed is 1 to 4000"),
    (lambda: generate(tiny_players()[0], 3, torch.tensor([1, 2, 10])), "allowed are 3 classes 0 to 9"),
    (lambda: generate(tiny_players()[0], 0), "n is 0, allowed is 1 or more"),
    (lambda: Recipe(loss="bce"), "loss is 'bce', allowed is a row of LOSSES"),
    (lambda: Recipe(penalty="gp"), "penalty is 'gp', allowed are None and what `make_penalty` returns"),
    (lambda: interval([1., 2., 3.], level=95), "level is 95, allowed is a share between 0 and 1"),
    (lambda: count_interval(1, 2, level=1.), "level is 1.0, allowed is a share"),
    (lambda: power(1., 0., 5), "sd is 0.0, allowed is a number above 0"),
    (lambda: power(1., 1., 1), "n is 1, allowed is 2 or more"),
])
def test_a_wrong_value_gets_a_sentence(call, sentence):
    with pytest.raises(ValueError, match=sentence): call()


@pytest.mark.parametrize("x,y,sentence", [
    (IMAGES[:, 0], CLASSES, "shape \\(2, 28, 28\\)"),
    (IMAGES.float(), CLASSES, "torch.float32 of shape"),
    (IMAGES, CLASSES[:1], "allowed is int64 of shape"),
    (IMAGES, CLASSES.float(), "y of mine is torch.float32"),
    (IMAGES, torch.tensor([0, 10]), "allowed are classes 0 to 9"),
    (IMAGES, torch.tensor([-1, 3]), "spans -1 to 3"),
])
def test_data_of_the_wrong_form_is_refused(x, y, sentence):
    with pytest.raises(ValueError, match=sentence): Data(x, y, "mine")


@pytest.mark.parametrize("G,D,recipe,sentence", [
    (MLPGenerator(shape=(1, 32, 32)), MLPDiscriminator(), Recipe(), "G makes examples of shape \\(1, 32,"),
    (MLPGenerator(), Columns(), Recipe(), "D returns shape \\(2, 1\\) for 2 examples, allowed is \\(2,\\)"),
    (*tiny_players(), Recipe(batch=5000), "batch is 5000, allowed is 1 to 4000"),
    (build_cgan(TINY, (1, 28, 28), 7)[0], MLPDiscriminator(), Recipe(), "n_classes of G is 7, allowed are"),
])
def test_players_that_do_not_fit_are_refused_before_the_first_step(G, D, recipe, sentence):
    with pytest.raises(ValueError, match=sentence): train(G, D, load("mnist_5k"), recipe)


@pytest.mark.parametrize("images,y,sentence", [
    (IMAGES.float(), CLASSES, "allowed is uint8"),
    (IMAGES.expand(2, 3, 28, 28), CLASSES, "allowed is uint8 \\(N, 1, 28, 28"),
    (IMAGES, torch.tensor([0, 10]), "y runs from 0 to 10, allowed is 0 to 9"),
    (IMAGES[:0], CLASSES[:0], "images is empty"),
])
def test_only_images_of_the_right_form_are_scored(images, y, sentence):
    with pytest.raises(ValueError, match=sentence): label_scores(images, y, load_scorer())


# Data files


@pytest.fixture
def made_up_mnist(tmp_path, monkeypatch):
    "Twenty pictures in the form of the published files, with their own checksums."
    raw, random = tmp_path/"MNIST"/"raw", np.random.default_rng(0)
    raw.mkdir(parents=True)
    parts = {"images-idx3": random.integers(0, 256, (20, 28, 28)), "labels-idx1": np.arange(20) % 10}
    for kind, array in parts.items():
        header = bytes([0, 0, 8, array.ndim]) + struct.pack(f">{array.ndim}i", *array.shape)
        packed = gzip.compress(header + array.astype(np.uint8).tobytes())
        for start in ("train", "t10k"): (raw/f"{start}-{kind}-ubyte.gz").write_bytes(packed)
    md5s = [(file.name, hashlib.md5(file.read_bytes()).hexdigest()) for file in raw.iterdir()]
    monkeypatch.setattr(MNIST, "resources", md5s)
    monkeypatch.setenv("GAN_COURSE_DATA", str(tmp_path))
    return raw


def test_whole_mnist_is_read():
    try: data = load("mnist", "test")
    except FileNotFoundError as e: pytest.skip(str(e))
    assert data.x.shape == (10_000, 1, 28, 28) and data.y[:5].tolist() == [7, 2, 1, 0, 4]


@pytest.mark.parametrize("damage", ["truncated", "altered", "another"])
def test_a_damaged_data_file_is_named_and_nothing_is_trained(made_up_mnist, damage, capsys, tmp_path):
    assert load("mnist", "test").y.tolist() == [*range(10)] * 2
    file = made_up_mnist/"train-images-idx3-ubyte.gz"
    whole = file.read_bytes()
    other = bytes([whole[5000] ^ 1])
    file.write_bytes({"truncated": whole[:-1000], "altered": whole[:5000] + other + whole[5001:],
                      "another": gzip.compress(b"hello")}[damage])
    with pytest.raises(SystemExit) as stop:
        main(["train", "cgan", "--data", "mnist", "--out", str(tmp_path/"run")])
    assert stop.value.code == 1 and not (tmp_path/"run").exists()
    said = capsys.readouterr().err
    assert str(file) in said and "md5" in said and len(said.splitlines()) == 1


def test_what_cannot_be_downloaded_names_the_embedded_digits(tmp_path, monkeypatch):
    def offline(*_, **__): raise OSError("no route to host")

    monkeypatch.setattr("gan_course.data.download_url", offline)
    monkeypatch.setenv("GAN_COURSE_DATA", str(tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path))
    with pytest.raises(FileNotFoundError, match="could not be downloaded; data set 'mnist_5k' needs neither"):
        load("mnist")


def test_svhn_file_is_split_into_first_8000_and_last_2000(house_numbers):
    sizes = {part: data.x.shape for part, data in house_numbers.items()}
    assert sizes == dict(train=(8000, 3, 32, 32), test=(2000, 3, 32, 32))


# Run directories


def test_a_used_folder_is_refused_and_untouched(tmp_path):
    run_config(TINY, tmp_path/"run", how=How(quiet=True), n_score=50)
    before = {p: p.stat().st_mtime_ns for p in sorted((tmp_path/"run").rglob("*"))}
    with pytest.raises(FileExistsError, match="--resume to go on with it, --overwrite to delete it"):
        run_config(TINY, tmp_path/"run", how=How(quiet=True))
    assert before == {p: p.stat().st_mtime_ns for p in sorted((tmp_path/"run").rglob("*"))}


def test_a_folder_with_something_else_is_never_deleted(tmp_path):
    (tmp_path/"thesis.txt").write_text("ten years of work", encoding="utf-8")
    for flags in (dict(), dict(resume=True), dict(overwrite=True)):
        with pytest.raises(FileExistsError, match="holds something else"): RunDir(tmp_path, **flags)
    assert (tmp_path/"thesis.txt").read_text(encoding="utf-8") == "ten years of work"


def test_a_folder_that_cannot_be_written_is_refused_before_training(tmp_path):
    (tmp_path/"file").write_text("", encoding="utf-8")
    with pytest.raises(OSError, match="which cannot be written"): RunDir(tmp_path/"file"/"run")


def test_nothing_to_resume(tmp_path):
    with pytest.raises(FileNotFoundError, match="no run to resume"): RunDir(tmp_path/"none", resume=True)


def test_a_run_is_resumed_with_its_own_config_only(tmp_path):
    open_run(TINY, tmp_path/"run")
    with pytest.raises(ValueError, match="lr_g is 0.1, was 0.0002"):
        open_run(replace(TINY, lr_g=.1), tmp_path/"run", resume=True)


# Divergence


def nan_loss(after):
    "Binary cross-entropy whose G term is NaN from one step on."
    steps = []

    def g(real, fake):
        steps.append(1)
        return (-fake).mean() * (math.nan if len(steps) >= after else 1.)
    return Loss(make_loss("bce").d_terms, g)


def test_a_loss_that_is_not_finite_stops_with_step_network_and_a_good_checkpoint(tmp_path):
    data, recipe = load_train(TINY), replace(build_recipe(TINY), loss=nan_loss(15))
    run = RunDir(tmp_path/"run", seconds=0)
    with pytest.raises(Diverged, match="g_loss is nan at step 15: the game has diverged"):
        for _ in train(*tiny_players(), data, recipe, run, every=5): pass
    kept = load_checkpoint(run.checkpoint)
    assert kept["step"] == 10 and all(v.isfinite().all() for v in kept["parts"]["G"].values())


def test_a_weight_that_breaks_in_the_last_step_before_a_snapshot_stops_the_game(tmp_path):
    "No loss has shown it yet, and no checkpoint may keep it."
    run, moves = RunDir(tmp_path/"run", seconds=0), []
    def spoil(opt, *_):
        moves.append(opt)
        if len(moves) == 5: opt.param_groups[0]["params"][0].data[0] = math.nan
    game = train(*tiny_players(), load_train(TINY), build_recipe(TINY), run, "cpu", every=5)
    next(game).parts["opt_g"].register_step_post_hook(spoil)
    with pytest.raises(Diverged, match="a weight of G is not finite at step 10"): next(game)
    assert load_checkpoint(run.checkpoint)["step"] == 5


def test_divergence_on_the_command_line_is_exit_code_1(tmp_path, capsys):
    with pytest.raises(SystemExit) as stop:
        main(["train", "cgan", "--lr-d", "1e38", "--epochs", "1", "--out", str(tmp_path/"run"), "--quiet"])
    said = capsys.readouterr().err
    assert stop.value.code == 1 and "at step 1" in said and len(said.splitlines()) == 1
    main(["doctor", str(tmp_path/"run")])
    told = capsys.readouterr().out
    assert "not-finite: " in told and "at step 1" in told and "cures: add 1e-12" in told


# Interruption


def play_victim(folder, seconds):
    "Run the victim, kill it some seconds after it is ready, and return its exit code."
    with subprocess.Popen([sys.executable, Path(__file__).with_name("victim.py"), folder], text=True,
                          stdout=subprocess.PIPE, env=os.environ | {"OMP_NUM_THREADS": "1"}) as victim:
        victim.stdout.readline()
        timer = threading.Timer(seconds, victim.kill)
        timer.start()
        victim.stdout.read()
        timer.cancel()
    return victim.returncode


@pytest.mark.slow
def test_killed_at_random_moments_a_run_resumes_to_the_same_weights(tmp_path):
    assert play_victim(tmp_path/"whole", 300) == 0
    moments, kills = random.Random(0), 0
    for _ in range(3):
        kills += play_victim(tmp_path/"broken", moments.uniform(.02, .5)) == -signal.SIGKILL
        if (tmp_path/"broken"/"checkpoint.pt").exists(): load_checkpoint(tmp_path/"broken"/"checkpoint.pt")
    assert kills >= 1 and play_victim(tmp_path/"broken", 300) == 0
    a, b = (tmp_path/name for name in ("whole", "broken"))
    assert (a/"generator.safetensors").read_bytes() == (b/"generator.safetensors").read_bytes()
    rows = [read_jsonl(folder/"metrics.jsonl") for folder in (a, b)]
    for row in sum(rows, []): del row["seconds"]
    assert rows[0] == rows[1] and rows[0][-1]["step"] == 400
    first, second = (load_checkpoint(p/"checkpoint.pt")["parts"] for p in (a, b))
    for name in ("G", "D", "G_ema"): torch.testing.assert_close(first[name], second[name], rtol=0, atol=0)


@pytest.mark.slow
def test_ctrl_c_keeps_a_checkpoint_says_how_to_go_on_and_exits_130(tmp_path):
    words = ["train", "cgan", "--epochs", "500", "--g-hidden", "32", "--out", str(tmp_path/"run")]
    metrics = tmp_path/"run"/"metrics.jsonl"
    command = [sys.executable, "-m", "gan_course", *words]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as run:
        deadline = time.monotonic() + 120
        while not metrics.exists() or not metrics.read_text(encoding="utf-8"):
            assert time.monotonic() < deadline and run.poll() is None
            time.sleep(.1)
        run.send_signal(signal.SIGINT)
        said = run.stderr.read()
    assert run.returncode == 130
    assert f"go on with: gan-course {' '.join(words)} --resume" in said and "Traceback" not in said
    assert load_checkpoint(tmp_path/"run"/"checkpoint.pt")["step"] > 0


@pytest.mark.parametrize("every", [0, 3])
@pytest.mark.parametrize("changes", [
    {}, dict(ema=.9, dropout=.5), dict(opt="momentum", lr_g=.01), dict(n_d=2),
    dict(n_g=2, loss="relativistic"), dict(augment="affine", epochs=1)])
def test_a_loop_that_is_interrupted_goes_on_as_if_it_had_not_been(tmp_path, changes, every):
    config = replace(TINY, **changes)
    data, recipe = load_train(config), build_recipe(config)
    *_, whole = train(*tiny_players(config), data, recipe, every=every)
    run = RunDir(tmp_path/"run", seconds=1e9)
    game = train(*tiny_players(config), data, recipe, run, every=every)
    next(game)
    torch.rand(3) # what the consumer draws is none of the game's business
    with pytest.raises(KeyboardInterrupt): game.throw(KeyboardInterrupt)
    *_, resumed = train(*tiny_players(config), data, recipe, run, every=every)
    assert resumed.step == whole.step
    for name in ("G", "D", "G_ema"):
        pair = (getattr(game, name).state_dict() for game in (resumed, whole))
        torch.testing.assert_close(*pair, rtol=0, atol=0)


# Checkpoints and disks


class Evil:
    def __init__(self, command): self.command = command
    def __reduce__(self): return os.system, (self.command,)


def test_a_malicious_pickle_is_refused_and_never_executed(tmp_path):
    trap = tmp_path/"trap"
    evil = Evil(f"touch '{trap}'")
    torch.save({"step": evil}, tmp_path/"a.pt")
    (tmp_path/"b.pt").write_bytes(pickle.dumps(evil))
    for name in ("a.pt", "b.pt"):
        with pytest.raises(BadCheckpoint, match="is not a whole checkpoint"): load_checkpoint(tmp_path/name)
    assert not trap.exists()


def test_a_truncated_checkpoint_is_refused(tmp_path):
    save_checkpoint(tmp_path/"c.pt", dict(x=torch.ones(1000)))
    whole = (tmp_path/"c.pt").read_bytes()
    for length in (0, 10, len(whole) // 2, len(whole) - 1):
        (tmp_path/"c.pt").write_bytes(whole[:length])
        with pytest.raises(BadCheckpoint, match="c.pt is not a whole"): load_checkpoint(tmp_path/"c.pt")


def test_a_checkpoint_of_other_networks_is_refused(tmp_path):
    data, recipe = load_train(TINY), build_recipe(TINY)
    run = RunDir(tmp_path/"run", seconds=0)
    for _ in train(*tiny_players(), data, recipe, run): break
    with pytest.raises(BadCheckpoint, match="belongs to other networks"):
        for _ in train(*tiny_players(replace(TINY, g_hidden=(16,))), data, recipe, run): pass


@pytest.mark.skipif(os.name == "nt", reason="needs limits of a process")
def test_a_full_disk_gets_a_clear_error_and_the_old_file_stays(tmp_path):
    file = tmp_path/"checkpoint.pt"
    write_atomically(file, b"old" * 100)
    code = ("import sys, resource; from pathlib import Path\n"
            "from gan_course.files import write_atomically\n"
            "resource.setrlimit(resource.RLIMIT_FSIZE, (5000, 5000))\n"
            "write_atomically(Path(sys.argv[1]), bytes(100_000))")
    done = subprocess.run([sys.executable, "-c", code, file], capture_output=True, text=True, check=False)
    assert f"could not write {file}" in done.stderr and "the file that was there is intact" in done.stderr
    assert file.read_bytes() == b"old" * 100 and list(tmp_path.iterdir()) == [file]


@pytest.mark.skipif(os.name == "nt", reason="needs permissions and links")
def test_a_file_keeps_its_permissions_and_a_link_stays_one(tmp_path):
    file, link = tmp_path/"a.json", tmp_path/"link.json"
    def mode(): return file.stat().st_mode & 0o777
    write_atomically(file, b"1")
    assert mode() == 0o644 # a temporary file is its owner's alone
    file.chmod(0o600)
    link.symlink_to(file)
    write_atomically(link, b"2")
    assert link.is_symlink() and file.read_bytes() == b"2" and mode() == 0o600


def test_a_broken_last_line_is_left_out_and_a_broken_middle_one_is_not(tmp_path):
    file = tmp_path/"m.jsonl"
    file.write_text('{"step": 1}\n{"step": 2}\n{"st', encoding="utf-8")
    assert [row["step"] for row in read_jsonl(file)] == [1, 2]
    file.write_text('{"step": 1}\n{"st\n{"step": 3}\n', encoding="utf-8")
    with pytest.raises(ValueError, match="line 2 of .*m.jsonl is not JSON"): read_jsonl(file)


def test_a_file_that_holds_no_samples_is_refused(tmp_path):
    (tmp_path/"a.npz").write_bytes(b"no")
    np.savez(tmp_path/"b.npz", pictures=np.zeros(3))
    np.savez(tmp_path/"c.npz", images=np.array([{}], dtype=object), labels=np.zeros(1))
    for name in "abc":
        with pytest.raises(ValueError, match="is not an .npz file"): read_samples(tmp_path/f"{name}.npz")


# Files that are read back

RING = Config(data="ring8", latent=2, g_hidden=(8,), d_hidden=(8,), g_out="linear", n_train=200, n_valid=40,
              batch=40, epochs=3, ema=.9)
QUIET = How("cpu", quiet=True)


def swapped(value, path, new):
    "A copy of nested dicts and lists with one value changed; `gone` removes it."
    value = copy.copy(value)
    if len(path) > 1: value[path[0]] = swapped(value[path[0]], path[1:], new)
    elif new is gone: del value[path[0]]
    else: value[path[0]] = new
    return value


def gone(): "Marks what is to be removed."


@pytest.fixture(scope="module")
def half_way(tmp_path_factory):
    "A run of the ring that was stopped within its second epoch: it has a history."
    run = RunDir(tmp_path_factory.mktemp("half")/"run", seconds=0)
    data, recipe = load_train(RING), replace(build_recipe(RING), opt="adam")
    game = train(*tiny_players(RING), data, recipe, run, "cpu", every=3)
    next(game)
    with pytest.raises(KeyboardInterrupt): game.throw(KeyboardInterrupt)
    return run.path


@pytest.mark.parametrize("path,new", [
    (("step",), gone), (("step",), "3"), (("step",), math.nan), (("step",), 2.5), (("step",), -1),
    (("step",), torch.ones(())), (("step",), 10**30), (("step",), True),
    (("seconds",), gone), (("seconds",), "long"), (("seconds",), math.inf),
    (("history",), gone), (("history",), "none"), (("history",), [1, 2]), (("history",), [torch.ones(99)]),
    (("parts",), gone), (("parts",), [1]), (("parts", "G"), gone), (("parts", "G"), 5),
    (("parts", "extra"), {}), (("parts", "G", "body.0.weight"), torch.ones(3)),
    (("parts", "G", "body.0.weight"), torch.ones(8, 2).double()), (("parts", "G", "body.0.weight"), gone),
    (("parts", "G_ema", "steps"), torch.ones(5)),
    (("parts", "opt_g"), gone), (("parts", "opt_g"), []), (("parts", "opt_g", "state"), 3),
    (("parts", "opt_g", "state", 0, "exp_avg"), torch.ones(3)), (("parts", "opt_g", "state", 0, "step"), "4"),
    (("parts", "opt_g", "state", 0, "exp_avg_sq"), gone), (("parts", "opt_g", "state", 99), {}),
    (("parts", "opt_g", "param_groups"), []), (("parts", "opt_g", "param_groups", 0, "lr"), -1.),
    (("parts", "opt_g", "param_groups", 0, "lr"), gone), (("parts", "opt_g", "param_groups", 0, "eps"), 1.),
    (("parts", "opt_g", "param_groups", 0, "lr"), "fast"),
    (("parts", "opt_g", "param_groups", 0, "params"), [0]),
    (("stream",), gone), (("stream",), 7), (("stream", "cpu"), "seed"), (("stream", "cpu"), torch.zeros(5)),
    (("stream", "cpu"), torch.zeros(5056, dtype=torch.uint8)), (("rules",), "all"),
    (("rules", "batch"), 41), (("rules", "lr_g"), 1.), (("rules", "precision"), "bf16"),
], ids=lambda value: "/".join(map(str, value)) if isinstance(value, tuple) else None)
def test_a_checkpoint_with_wrong_insides_is_refused_and_nothing_is_loaded(half_way, tmp_path, path, new):
    shutil.copytree(half_way, tmp_path/"run")
    file = tmp_path/"run"/"checkpoint.pt"
    save_checkpoint(file, swapped(load_checkpoint(file), path, new))
    players, before = tiny_players(RING), tiny_players(RING)
    run = RunDir(tmp_path/"run", resume=True)
    game = train(*players, load_train(RING), build_recipe(RING), run, "cpu")
    with pytest.raises(BadCheckpoint, match="checkpoint.pt belongs to other networks or another recipe: "):
        next(game)
    for a, b in zip(players, before, strict=True):
        torch.testing.assert_close(a.state_dict(), b.state_dict(), rtol=0, atol=0)


def test_a_run_goes_on_with_the_rate_it_was_given_on_the_way_and_may_become_longer(half_way, tmp_path):
    shutil.copytree(half_way, tmp_path/"run")
    data, recipe = load_train(RING), build_recipe(RING)
    game = train(*tiny_players(RING), data, recipe, RunDir(tmp_path/"run", resume=True, seconds=0), "cpu")
    next(game).parts["opt_g"].param_groups[0]["lr"] = 1e-6
    next(game)
    game.close()
    longer = replace(recipe, epochs=recipe.epochs + 1)
    *_, last = train(*tiny_players(RING), data, longer, RunDir(tmp_path/"run", resume=True), "cpu")
    assert last.parts["opt_g"].param_groups[0]["lr"] == 1e-6 and last.epoch == longer.epochs


def test_a_consumer_that_needs_evaluation_mode_changes_nothing_of_the_game():
    data, recipe = load_train(TINY), replace(build_recipe(TINY), epochs=2)
    def play(look, players):
        for snapshot in train(*players, data, recipe, device="cpu", every=3): look(snapshot)
        return snapshot.G.state_dict(), snapshot.D.state_dict()
    def evaluate(snapshot): snapshot.G.eval(), snapshot.D.eval()
    plain = play(lambda _: None, tiny_players())
    assert all(torch.equal(a[k], b[k]) for a, b in zip(play(evaluate, tiny_players()), plain, strict=True)
               for k in b)
    asleep = [net.eval() for net in tiny_players()]
    again = play(lambda _: None, asleep)
    assert all(torch.equal(a[k], b[k]) for a, b in zip(again, plain, strict=True) for k in b)


def test_players_that_cannot_read_each_other_and_counts_below_nothing_are_refused():
    data, recipe = load_train(TINY), build_recipe(TINY)
    G, _ = tiny_players()
    class Narrow(torch.nn.Module):
        def forward(self, x, y=None): return x.flatten(1) @ torch.ones(3)
    with pytest.raises(ValueError, match="D cannot read the examples of"): train(G, Narrow(), data, recipe)
    with pytest.raises(ValueError, match="every is -1, allowed is 0"):
        next(train(*tiny_players(), data, recipe, device="cpu", every=-1))
    with pytest.raises(ValueError, match="batch is 0, allowed is 1 or more"): generate(G, 2, batch=0)


def test_a_flipped_bit_in_a_checkpoint_is_found_or_changes_nothing(tmp_path):
    file, state = tmp_path/"c.pt", dict(step=3, w=torch.arange(40.), more=dict(text="abc"))
    save_checkpoint(file, state)
    whole, places = file.read_bytes(), random.Random(0)
    for _ in range(60):
        flipped = bytearray(whole)
        flipped[places.randrange(len(whole))] ^= 1 << places.randrange(8)
        file.write_bytes(flipped)
        try: again = load_checkpoint(file)
        except BadCheckpoint: continue
        assert torch.equal(again.pop("w"), state["w"]) and again == dict(step=3, more=dict(text="abc"))


def test_a_resumed_run_whose_metrics_are_lost_says_so(half_way, tmp_path):
    shutil.copytree(half_way, tmp_path/"run")
    (tmp_path/"run"/"metrics.jsonl").write_text("", encoding="utf-8")
    run = RunDir(tmp_path/"run", resume=True)
    with pytest.raises(BadCheckpoint, match="ends at step 0, allowed is 3.*rows are lost"):
        next(train(*tiny_players(RING), load_train(RING), build_recipe(RING), run, "cpu"))


@pytest.fixture(scope="module")
def ring_run(tmp_path_factory):
    "A finished run of the ring."
    path = tmp_path_factory.mktemp("ring")/"run"
    run_config(RING, path, how=QUIET, n_score=50)
    return path


KNOWN = json.dumps(dict(data="ring8", latent=2, g_hidden=[8], d_hidden=[8], g_out="linear"))


@pytest.mark.parametrize("text", [
    "[]", "null", "5", "true", "[[1, 2]]", "[" * 10_000, '{"a": ' * 10_000, "{", "\udcff", KNOWN[:-1],
    *(KNOWN[:-1] + ", " + more + "}" for more in (
        '"latent": -3', '"latent": 10000000000', '"latent": [2]', '"latent": 1e400', '"g_hidden": []',
        '"g_hidden": [99999999999]', '"g_hidden": [[8]]', '"width": 1e300', '"width": Infinity',
        '"slope": NaN',
        '"norm": "nrom"', '"game": "gam"', '"net": "nte"', '"data": "dtaa"', '"g_out": "tahn"',
        '"init": "no"',
        '"real_target": []', '"real_target": [1, 1, 1]', '"seed": 1, "seed": 2', '"sede": 1',
        '"g_hidden": [16]', '"seed": 1' + "0" * 5000)),
])
def test_a_config_that_is_none_gets_a_sentence(ring_run, tmp_path, capsys, text):
    shutil.copytree(ring_run, tmp_path/"run")
    (tmp_path/"run"/"config.json").write_bytes(text.encode("utf-8", "surrogateescape"))
    refused(capsys, "sample", tmp_path/"run", "--n", "5", "--out", tmp_path/"x.npz")
    assert not (tmp_path/"x.npz").exists()


@pytest.mark.parametrize("text", [
    "5\n", "[1]\n", "null\n", "{}\n", '{"step": 1}\n', '{"epoch": 1}\n', '{"step": "1", "epoch": 1}\n',
    '{"step": 1, "epoch": "x"}\n', '{"step": 1, "epoch": NaN}\n', '{"step": 1.5, "epoch": 1}\n',
    '{"step": 1, "epoch": 1, "d_loss": "low"}\n', '{"step": 1, "epoch": 1, "d_loss": {"a": 1}}\n',
    '{"step": 1, "epoch": 1, "d_loss": [[1]]}\n', '{"step": 1, "epoch": 1, "d_loss": 1' + "0" * 400 + "}\n",
    "[" * 10_000 + "\n{}\n", '{"step": 1, "step": 2, "epoch": 1}\n{}\n', "\udcff\n{}\n",
])
def test_metrics_that_are_no_rows_get_a_sentence(ring_run, tmp_path, capsys, text):
    shutil.copytree(ring_run, tmp_path/"run")
    file = tmp_path/"run"/"metrics.jsonl"
    file.write_bytes(text.encode("utf-8", "surrogateescape"))
    assert "metrics.jsonl" in refused(capsys, "doctor", tmp_path/"run")
    with pytest.raises(ValueError, match="metrics.jsonl"): run_config(RING, tmp_path/"run", True, how=QUIET)


@pytest.mark.parametrize("change", [
    lambda w: {}, lambda w: dict(list(w.items())[1:]), lambda w: w | {"more": torch.ones(1)},
    lambda w: {f"{name}x": v for name, v in w.items()}, lambda w: {name: v.double() for name, v in w.items()},
    lambda w: {name: v.transpose(0, -1).contiguous() for name, v in w.items()}], ids=range(6))
def test_a_generator_file_with_other_tensors_gets_a_sentence(ring_run, tmp_path, capsys, change):
    shutil.copytree(ring_run, tmp_path/"run")
    file = tmp_path/"run"/"generator.safetensors"
    save_file(change(load_file(file)), file)
    words = "sample", tmp_path/"run", "--n", "5", "--out", tmp_path/"x.npz"
    assert "generator.safetensors belongs to another network" in refused(capsys, *words)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs pipes with names")
@pytest.mark.parametrize("name", ["config.json", "metrics.jsonl", "generator.safetensors", "checkpoint.pt"])
def test_a_pipe_in_place_of_a_file_is_refused_and_not_waited_for(ring_run, tmp_path, capsys, name):
    shutil.copytree(ring_run, tmp_path/"run")
    (tmp_path/"run"/name).unlink()
    os.mkfifo(tmp_path/"run"/name)
    if name == "checkpoint.pt":
        with pytest.raises(BadCheckpoint): run_config(RING, tmp_path/"run", True, how=QUIET)
        return
    words = ("doctor",) if name == "metrics.jsonl" else ("sample", "--n", "5", "--out", tmp_path/"x.npz")
    said = refused(capsys, words[0], tmp_path/"run", *words[1:])
    assert f"{name} is a folder, a pipe or a device" in said


# Two processes, one folder


@pytest.mark.slow
def test_a_run_under_way_is_refused_to_a_second_process_and_untouched(ring_run, tmp_path):
    shutil.copytree(ring_run, tmp_path/"run")
    before = {p: (p.stat().st_mtime_ns, p.read_bytes() if p.is_file() else "")
              for p in sorted((tmp_path/"run").rglob("*")) if p.name != ".lock"}
    code = ("import sys; from gan_course.runs import run_config, read_config\n"
            "out = sys.argv[1]; config = read_config(out)\n"
            "for flags in (dict(), dict(resume=True), dict(overwrite=True)):\n"
            "    try: run_config(config, out, **flags)\n"
            "    except FileExistsError as e: print(e)\n")
    with lock_run(tmp_path/"run"):
        done = subprocess.run([sys.executable, "-c", code, tmp_path/"run"], capture_output=True, text=True,
                              check=True)
    said = done.stdout.splitlines()
    assert "which holds a run" in said[0] and all("is under way in another process" in s for s in said[1:])
    assert len(said) == 3 and before == {
        p: (p.stat().st_mtime_ns, p.read_bytes() if p.is_file() else "")
        for p in sorted((tmp_path/"run").rglob("*")) if p.name != ".lock"}


def test_a_game_holds_its_folder_until_it_ends_or_is_left(tmp_path):
    run = RunDir(tmp_path/"run")
    game = train(*tiny_players(RING), load_train(RING), build_recipe(RING), run, "cpu")
    assert not is_locked(run.path)
    next(game)
    assert is_locked(run.path)
    seen = []
    other = threading.Thread(target=lambda: seen.append(is_locked(run.path)))
    other.start(), other.join()
    game.close()
    assert seen == [True] and not is_locked(run.path)


def test_overwrite_deletes_the_files_of_a_run_and_nothing_else(ring_run, tmp_path):
    web = tmp_path/"web"
    (web/"samples").mkdir(parents=True)
    for name in ("config.json", "metrics.jsonl", "README.md", "samples/a.png"): (web/name).touch()
    with pytest.raises(FileExistsError, match="holds something else"): RunDir(web, overwrite=True)
    assert len([*web.rglob("*")]) == 5
    shutil.copytree(ring_run, tmp_path/"run")
    (tmp_path/"run"/"notes.txt").write_text("mine", encoding="utf-8")
    RunDir(tmp_path/"run", overwrite=True)
    assert {p.name for p in (tmp_path/"run").iterdir()} - {".lock"} == {".gan_course", "samples", "notes.txt"}


def test_all_that_a_run_writes_is_known_by_name(ring_run):
    assert {p.name for p in ring_run.iterdir() if p.name[0] != "."} <= set(RUN_FILES)


def test_overwrite_works_in_the_present_folder(ring_run, tmp_path, monkeypatch):
    shutil.copytree(ring_run, tmp_path/"run")
    monkeypatch.chdir(tmp_path/"run")
    RunDir(".", overwrite=True)
    assert not (tmp_path/"run"/"metrics.jsonl").exists()


def test_a_run_needs_no_git(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert source_commit() == "release"


def test_a_run_asks_no_repository_but_its_own(git, tmp_path, monkeypatch):
    (tmp_path/"site"/"gan_course").mkdir(parents=True)
    git("init", "-q")
    git("commit", "-q", "--allow-empty", "-m", "of another project")
    monkeypatch.setattr("gan_course.__file__", str(tmp_path/"site"/"gan_course"/"__init__.py"))
    assert source_commit() == "release"


# Kills


class Killed(BaseException): "As sudden as a kill: nobody catches it."


def contents(folder):
    "Every file of a run: bytes, and of what has times in it, all but the times."
    def bare(rows):
        return [{k: v for k, v in row.items() if k not in ("seconds", "peak_mib")} for row in rows]
    found = {}
    for file in sorted(folder.rglob("*")):
        if not file.is_file() or file.name == ".lock": continue
        name, data = str(file.relative_to(folder)), file.read_bytes()
        if file.suffix == ".jsonl": data = bare(read_jsonl(file))
        elif file.name == "checkpoint.pt":
            data = golden.digest({k: v for k, v in load_checkpoint(file).items() if k != "seconds"})
        elif file.name == "row.json":
            row, = bare([json.loads(data)])
            data = row | dict(metrics=bare(row["metrics"]), validation=bare(row["validation"]))
        elif file.name == "README.md":
            data = [line for line in data.decode().splitlines() if "seconds" not in line]
        elif file.name == "generator.safetensors": data = golden.digest(load_file(file))
        found[name] = data
    return found


def run_killed(monkeypatch, folder, at):
    "Run the ring and kill it after its n-th write, which is before the next one; how many writes there were."
    seen = []

    def struck(write):
        def wrapped(*args):
            seen.append(args)
            result = write(*args)
            if len(seen) == at: raise Killed
            return result
        return wrapped
    with monkeypatch.context() as patch:
        for module in ("files", "training", "runs"):
            patch.setattr(f"gan_course.{module}.write_atomically", struck(write_atomically))
        patch.setattr(RunDir, "log", struck(RunDir.log))
        patch.setattr(RunDir.__init__, "__defaults__", (False, False, 0.)) # a checkpoint after each epoch
        resume = (folder/"config.json").exists()
        config = replace(RING, epochs=2)
        with contextlib.suppress(Killed): run_config(config, folder, resume, how=QUIET, n_score=50)
    gc.collect() # the lock of the dead, which a real kill gives back too
    return len(seen)


@pytest.mark.slow
def test_killed_at_any_write_a_run_that_validates_ends_with_every_file_the_same(tmp_path, monkeypatch):
    writes = run_killed(monkeypatch, tmp_path/"whole", 0)
    whole = contents(tmp_path/"whole")
    assert writes > 15 and "chosen/g-loss.safetensors" in whole
    for at in range(1, writes + 1):
        run_killed(monkeypatch, tmp_path/f"{at}", at)
        run_killed(monkeypatch, tmp_path/f"{at}", 0)
        again = contents(tmp_path/f"{at}")
        assert again.keys() == whole.keys(), at
        for name in whole: assert again[name] == whole[name], (at, name)


def test_the_snapshot_of_a_checkpoint_comes_again_with_its_metrics(tmp_path):
    run = RunDir(tmp_path/"run", seconds=0)
    game = train(*tiny_players(RING), load_train(RING), build_recipe(RING), run, "cpu")
    one, two = (replace(next(game), parts={}) for _ in range(2))
    game.close()
    again, *_ = train(*tiny_players(RING), load_train(RING), build_recipe(RING), run, "cpu")
    assert (again.step, again.epoch, again.metrics) == (two.step, two.epoch, two.metrics)
    assert one.step < two.step


# Numbers at the edge


@pytest.mark.parametrize("words", [
    ["--latent", "-1"], ["--latent", "0"], ["--latent", str(10**12)], ["--latent", str(2**64)],
    ["--g-hidden", "-5"], ["--g-hidden", str(10**9)], ["--d-hidden", str(10**9)], ["--width", "inf"],
    ["--width", "1e308"], ["--width", "1e30"], ["--width", "nan"], ["--slope", "1e308"], ["--slope", "nan"],
    ["--clip", "1e308"], ["--clip", "inf"], ["--dropout", "nan"], ["--dropout", "2"], ["--gamma", "nan"],
    ["--real-target", "nan", "nan"], ["--real-target", "-1e308", "1e308"], ["--fake-target", "inf", "inf"],
    ["--lr-g", "nan"], ["--ema", "nan"], ["--epochs", str(2**63)], ["--seed", str(2**70)],
    ["--device", "meta"], ["--n-train", "-4"], ["--batch", str(2**62)],
])
def test_numbers_at_the_edge_get_a_sentence(tmp_path, capsys, words):
    base = ["train", "cgan", "--net", "mlp", "--data", "ring8", "--g-out", "linear", "--n-train", "100",
            "--epochs", "1", "--quiet", "--out", tmp_path/"run"]
    with pytest.raises(SystemExit) as stop: main([str(word) for word in (*base, *words)])
    said = " ".join(re.sub("[│|]", " ", capsys.readouterr().err).split())
    field = words[0][2:].replace("-", "_")
    assert stop.value.code in (1, 2) and "Traceback" not in said and said.count(" is ") < 4
    assert {"width": "hidden", "n_train": "n"}.get(field, field) + " " in said.replace("width", "hidden")
    assert "allowed" in said or "0 and 1" in said or "always work" in said
    assert not (tmp_path/"run"/"metrics.jsonl").exists()


def test_counts_at_the_edge_get_a_sentence(ring_run, tmp_path, capsys):
    for n in (3 * 10**9, 2**63, 2**64, 0, -1):
        said = refused(capsys, "sample", ring_run, "--n", n, "--out", tmp_path/"x.npz")
        assert f"n is {n}, allowed is 1 or more" in said
    assert "epochs is" in refused(capsys, "quickstart", "--epochs", 2**61, "--out", tmp_path/"q")
    assert "arm of hacks is ''" in refused(capsys, "study", "hacks/")
    assert "arm of hacks is ''" in refused(capsys, "cost", "hacks/")


def test_what_does_not_fit_into_memory_gets_a_sentence(ring_run, tmp_path, capsys, monkeypatch):
    def ask(size): return torch.empty(size)

    for error in (MemoryError(), OverflowError("int too big"), None):
        def fail(*_, error=error, **__):
            if error: raise error
            return ask(2**58)
        monkeypatch.setattr("gan_course.training.generate", fail)
        said = refused(capsys, "sample", ring_run, "--out", tmp_path/"x.npz")
        assert "too large for this machine" in said


# Work that grows


def test_rows_are_read_once_however_many_are_appended(tmp_path, monkeypatch):
    reads, parse = [], json.loads

    def count(text, **options):
        reads.append(text)
        return parse(text, **options)
    monkeypatch.setattr("gan_course.files.json.loads", count)
    file = tmp_path/"rows.jsonl"
    for i in range(50): assert append_row(file, dict(arm="a", id=str(i)))
    assert len(reads) <= 50 and not append_row(file, dict(arm="a", id="7"))
    file.write_text("".join(file.read_text(encoding="utf-8").splitlines(True)[10:]), encoding="utf-8")
    assert append_row(file, dict(arm="a", id="7")) and not append_row(file, dict(arm="a", id="7"))
    assert not append_row(file, dict(arm="a", id="49")) # edited by hand: it was read again


def test_the_doctor_reads_each_row_a_few_times(monkeypatch):
    class Row(dict):
        reads = 0

        def __getitem__(self, name):
            Row.reads += 1
            return super().__getitem__(name)

    def work(n):
        Row.reads, numbers = 0, random.Random(0)
        rows = [Row({name: numbers.random() for name in METRICS}, epoch=i, step=i) for i in range(n)]
        explain(rows, "bce")
        return Row.reads
    assert work(2000) < 2.2 * work(1000)


def test_a_run_watched_row_by_row_finds_what_its_whole_history_shows():
    numbers = random.Random(1)
    rows = [dict({name: numbers.random() * 3 for name in METRICS}, epoch=i, real_score=.99, fake_score=.01)
            for i in range(60)]
    rows[7]["g_loss"] = math.nan # forgotten when it has left the window
    watch = Watch("bce")
    for i, row in enumerate(rows):
        watch.add(row)
        last = rows[:i + 1][-max(1, (i + 1) // 4):]
        mean = {name: sum(row[name] for row in last) / len(last) for name in METRICS}
        assert watch.window.means() == pytest.approx(mean, nan_ok=True)
    assert {finding.name for finding in watch.findings()} == {finding.name for finding in diagnose(rows)}


# Memory


def test_distances_come_in_blocks_of_bounded_size(monkeypatch):
    monkeypatch.setattr("gan_course.scores._BLOCK", 10_000)
    chance = torch.Generator().manual_seed(0)
    a, b = (torch.randn(n, 6, generator=chance, dtype=torch.double) for n in (90, 50))
    blocks, places = [], set()
    for block in _distance_blocks(a, b):
        assert block.numel() * block.element_size() <= 10_000
        blocks.append(block.clone())
        places.add(block.data_ptr())
    assert len(blocks) > 3 and len(places) == 1
    torch.testing.assert_close(torch.cat(blocks), torch.cdist(a, b).square())


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs glibc")
def test_memory_is_given_back_when_the_steps_are_over():
    code = ("import torch\nfrom pathlib import Path\nfrom gan_course.speed import keep_freed_memory\n"
            "def rss(): return int(Path('/proc/self/statm').read_text(encoding='utf-8').split()[1]) >> 8\n"
            "before = rss()\n"
            "with keep_freed_memory():\n"
            "    for size in (10, 20, 30): torch.ones(size << 18)\n"
            "    kept = rss()\n"
            "after = rss()\n"
            "torch.ones(60 << 18)\nprint(before, kept, after, rss())")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    before, kept, after, later = map(int, done.stdout.split())
    assert kept > before + 25 and after < before + 15 and later < before + 15


@pytest.mark.slow
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs Linux's count of memory")
def test_neighbours_of_many_points_are_found_in_little_memory():
    code = ("import resource, torch\nfrom gan_course.scores import _radii\n"
            "def peak(): return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10\n"
            "_radii(torch.randn(100, 4))\nbefore = peak()\n_radii(torch.randn(12_000, 4))\n"
            "print(peak() - before)")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True,
                          env=os.environ | {"OMP_NUM_THREADS": "1"}) # each thread has buffers of its own
    assert int(done.stdout) < 90 # MiB; all distances at once would take 1,100


@pytest.mark.slow
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs Linux's count of memory")
def test_a_process_that_has_trained_scores_many_images_in_three_gigabytes():
    "Training keeps what it frees (`keep_freed_memory`); scoring must not do so, whatever came before it."
    code = ("import resource\nfrom gan_course.data import load\n"
            "from gan_course.judges import train_classifier\nfrom gan_course.scores import score\n"
            "digits = load('mnist_5k')\nfor _ in train_classifier(digits[:1000], digits[:100], 1): pass\n"
            "many = digits.x.repeat(15, 1, 1, 1), digits.y.repeat(15)\n"
            "print(score(*many, 'mnist_5k', steps=40)['n'])\n"
            "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10)")
    command = [sys.executable, "-W", "ignore", "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, check=True,
                          env=os.environ | {"OMP_NUM_THREADS": "1"})
    images, peak = map(int, done.stdout.split())
    assert images == 60_000 and peak < 3000 # MiB


# Text


def without_encoding(tree):
    "Lines of a program that read or write text in whatever encoding the system has."
    for call in (node for node in ast.walk(tree) if isinstance(node, ast.Call)):
        name = getattr(call.func, "attr", getattr(call.func, "id", ""))
        modes = [part.value for part in call.args if isinstance(part, ast.Constant)]
        modes += [part.value.value for part in call.keywords if part.arg == "mode"]
        mode = next((m for m in modes if isinstance(m, str) and re.fullmatch("[rwaxbt+]+", m)), None)
        builtin = isinstance(call.func, ast.Name) and name == "open"
        text = name in ("read_text", "write_text") or (
            name in ("open", "fdopen") and "b" not in (mode or "r" * builtin + "b" * (not builtin)))
        if text and "encoding" not in {part.arg for part in call.keywords}: yield call.lineno


def test_text_is_read_and_written_as_utf8(root):
    "Where a system's own encoding is another one, files would not be the same."
    assert [*without_encoding(ast.parse("p.open('a')\np.open()\nopen(p)\nopen(p, 'rb')\nq.read_text()"))] == [
        1, 3, 5]
    folders = "gan_course", ".ci", "benchmarks", "examples", "tests"
    sources = {str(p): p.read_text(encoding="utf-8")
               for folder in folders for p in (root/folder).rglob("*.py")}
    for path in (root/"nbs").rglob("*.ipynb"):
        for i, cell in enumerate(json.loads(path.read_text(encoding="utf-8"))["cells"]):
            source = "".join(cell["source"])
            if cell["cell_type"] == "code": sources[f"{path}, {i}"] = source
    wrong = {}
    for name, source in sources.items():
        with contextlib.suppress(SyntaxError): wrong[name] = [*without_encoding(ast.parse(source))]
    assert not {name: lines for name, lines in wrong.items() if lines}


# A GPU, as far as a CPU can tell


def test_a_cpu_run_asks_no_gpu_for_its_random_state(monkeypatch):
    def started(*_, **__): raise AssertionError("CUDA was started")

    for name in ("get_rng_state", "set_rng_state", "_lazy_init"):
        monkeypatch.setattr(f"torch.cuda.{name}", started)
    monkeypatch.setattr("torch.cuda.is_available", lambda: True)
    G, D = tiny_players(RING)
    check_fit(G, D, load_train(RING), build_recipe(RING))
    assert generate(G, 5)[0].shape == (5, 2)


def test_the_random_state_of_a_run_is_that_of_its_own_gpu(monkeypatch):
    states, made = {"cuda:0": "mine", "cuda:1": "theirs"}, torch.Generator
    monkeypatch.setattr("torch.Generator", lambda where: made("cpu"))
    monkeypatch.setattr("torch.cuda.get_rng_state", lambda where: states[str(where)])
    monkeypatch.setattr("torch.cuda.set_rng_state", lambda state, where: states.update({str(where): state}))
    with RandomState(3, "cuda:1"):
        assert states["cuda:0"] == "mine" and isinstance(states["cuda:1"], torch.Tensor)
    assert states == {"cuda:0": "mine", "cuda:1": "theirs"}


@pytest.mark.parametrize("opt", ["adam", "rmsprop"])
def test_a_run_from_a_gpu_goes_on_with_the_optimisers_of_this_device(tmp_path, opt):
    recipe, data = replace(build_recipe(RING), opt=opt), load_train(RING)
    *_, whole = train(*tiny_players(RING), data, recipe, device="cpu")
    run = RunDir(tmp_path/"run", seconds=0)
    game = train(*tiny_players(RING), data, recipe, run, "cpu")
    next(game), game.close()
    saved = load_checkpoint(run.checkpoint)
    for name in ("opt_g", "opt_d"): saved["parts"][name]["param_groups"][0]["capturable"] = True # as on a GPU
    save_checkpoint(run.checkpoint, saved)
    *_, resumed = train(*tiny_players(RING), data, recipe, run, "cpu")
    assert not resumed.parts["opt_g"].param_groups[0]["capturable"]
    torch.testing.assert_close(resumed.G.state_dict(), whole.G.state_dict(), rtol=0, atol=0)


def fake_cuda(monkeypatch, fails):
    "CUDA's graphs as a CPU can have them: recording runs the step, replaying counts."
    class Graph:
        def replay(self): Graph.replays += 1

    @contextlib.contextmanager
    def record(graph):
        yield
        if fails: raise RuntimeError("operation not permitted when stream is capturing")

    class Stream:
        def wait_stream(self, other): pass
    Graph.replays = 0
    for name, value in dict(CUDAGraph=Graph, graph=record, current_stream=Stream, Stream=Stream,
                            stream=lambda s: contextlib.nullcontext()).items():
        monkeypatch.setattr(f"torch.cuda.{name}", value)
    return Graph


def test_a_step_that_cannot_be_recorded_is_played_plainly(monkeypatch):
    fake_cuda(monkeypatch, fails=True)
    replay = Replay(lambda index: index + 1, capture=True)
    for k in range(3): assert replay(torch.tensor(k)) == k + 1
    with pytest.warns(UserWarning, match="could not be recorded, and is played plainly: operation not"):
        assert replay(torch.tensor(3)) == 4
    assert replay.graph is None and replay(torch.tensor(4)) == 5


def test_a_recorded_step_is_replayed(monkeypatch):
    graph = fake_cuda(monkeypatch, fails=False)
    replay = Replay(lambda index: index + 1, capture=True)
    for k in range(6): replay(torch.tensor(k))
    assert graph.replays == 3 and replay.index == 5


def test_a_changed_setting_is_recorded_anew(monkeypatch):
    graph, rate = fake_cuda(monkeypatch, fails=False), [.1]
    replay = Replay(lambda index: index + 1, capture=True, warm_up=0, settings=lambda: [*rate])
    for k in range(2): replay(torch.tensor(k))
    first, rate[0] = replay.graph, .2
    for k in range(2): replay(torch.tensor(k))
    assert replay.graph is not first and graph.replays == 4


def test_a_row_from_a_gpu_says_whether_its_numbers_were_rounded(monkeypatch):
    monkeypatch.setattr("torch.backends.cudnn.allow_tf32", True)
    facts = [_gpu_facts(torch.device(kind), name) for kind, name in (("cpu", "fp32"), ("cuda", "fp32"),
                                                                     ("cuda", "strict"))]
    assert facts == [{}, dict(tf32=True), dict(tf32=False)]


def test_strict_on_a_gpu_is_float32_to_the_last_bit():
    def allowed(): return torch.get_float32_matmul_precision(), torch.backends.cudnn.allow_tf32
    before = allowed()
    with matmul_precision("strict", "cuda:1"): assert allowed() == ("highest", False)
    with matmul_precision("fp32", "cuda"): assert allowed() == before
    assert allowed() == before


# Surroundings


def test_a_user_without_a_home_has_data(monkeypatch):
    def unknown(): raise RuntimeError("Could not determine home directory.")
    monkeypatch.setattr("gan_course.data.Path.home", unknown)
    monkeypatch.delenv("GAN_COURSE_DATA", raising=False)
    assert len(load("mnist_5k")) == 4000
    with pytest.raises(FileNotFoundError, match="is offered for download nowhere; data set 'mnist_5k'"):
        find_file("nothing.npz", "0" * 32)


def test_a_download_that_stalls_is_given_up(tmp_path, monkeypatch):
    monkeypatch.setattr("gan_course.data._patience", lambda _, real=_patience: real(.2))
    monkeypatch.setenv("GAN_COURSE_DATA", str(tmp_path/"none"))
    monkeypatch.setattr("gan_course.data.Path.home", lambda: tmp_path)
    with socket.create_server(("127.0.0.1", 0)) as silent: # takes the call, and says nothing
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/a.npz"
        with pytest.raises(FileNotFoundError, match="could not be downloaded"):
            find_file("a.npz", "0" * 32, (url,))
    assert socket.getdefaulttimeout() is None and not [*tmp_path.rglob("a.npz")]


# The command line


@pytest.mark.parametrize("words", [
    ["scorer", "--data", "mnist_5k", "--out"], ["table", "hacks", "--plot"], ["sample", "no-run", "--out"],
    ["speedrun", "golf", "--record"], ["claims", "--settle", "8", "--html"], ["score", "no-run", "--html"]])
def test_what_cannot_be_written_is_refused_before_the_work(words, tmp_path, capsys, monkeypatch):
    for name in ("train_classifier", "load_scorer"): monkeypatch.setattr(f"gan_course.judges.{name}", None)
    monkeypatch.setattr("gan_course.runs.load_generator", lambda run: None)
    monkeypatch.setattr("gan_course.runs.read_config", lambda run: None)
    there = tmp_path/"there.png"
    there.write_text("mine", encoding="utf-8")
    wrong = {tmp_path: "a folder, allowed is a file", tmp_path/"no"/"a.png": "whose folder is not there"}
    if words[0] == "sample": wrong = {} # it takes a folder, and makes one that is missing
    if words[0] != "speedrun": wrong[there] = "allowed are a new file or --overwrite"
    for path, why in wrong.items():
        said = refused(capsys, *words, str(path))
        assert why in said and f"{words[-1][2:]} is {path}" in said
    assert there.read_text(encoding="utf-8") == "mine"


def test_a_study_whose_runs_failed_ends_with_exit_code_1(tmp_path, capsys, monkeypatch):
    study = STUDIES["moves"]
    def row(arm, **end):
        config = study.config(arm)
        return dict(study="moves", arm=arm, id=config_id(config), config=asdict(config), form="small", **end)
    ends = dict(scores=dict(frechet=1.), step=1, seconds=1.), dict(failed="OSError: no space left")
    rows = [row(arm, **end) for arm, end in zip(study.arms, ends, strict=False)]
    monkeypatch.setattr("gan_course.engine.run_study", lambda *_, **__: rows)
    words = "study", "moves", "--out", str(tmp_path), "--results", str(tmp_path)
    assert refused(capsys, *words) == "gan-course: 1 of 2 runs failed; --resume tries them again"
    rows[1]["failed"] = "Diverged: d_loss is nan" # that is a result
    main([*words])


def test_jupyterlab_as_root_gets_a_sentence(capsys, monkeypatch):
    monkeypatch.setattr("os.execv", lambda *words: pytest.fail("it was started"))
    monkeypatch.setattr("os.geteuid", lambda: 0, raising=False)
    assert "--allow-root 'my notes'" in refused(capsys, "lab", "my notes")


def test_players_that_are_refused_go_on_as_they_were():
    G, D = MLPGenerator(4, (8,), shape=(1, 8, 8)), MLPDiscriminator((8,), shape=(1, 8, 8))
    G.body[1].eval() # one layer rests
    wrong = Data(torch.zeros(10, 3, 8, 8, dtype=torch.uint8), torch.zeros(10, dtype=torch.long))
    with pytest.raises(ValueError, match="G makes examples"): check_fit(G, D, wrong, Recipe(batch=4))
    assert G.training and D.training and not G.body[1].training and G.body[0].training


def test_a_layer_that_was_frozen_stays_so_after_a_move_of_g():
    G, D = MLPGenerator(4, (8,), shape=(2,), out="linear"), MLPDiscriminator((8,), shape=(2,))
    D.body[0].requires_grad_(False)
    opt = torch.optim.SGD(G.parameters(), .1)
    update_g(G, D, opt, make_loss("bce"), None, torch.randn(5, 4))
    assert [p.requires_grad for p in D.parameters()] == [False, False, True, True]


def test_a_class_asked_of_a_g_that_takes_none_is_refused():
    with pytest.raises(ValueError, match="this G takes none"): gan_course.sample_grid(MLPGenerator(), y=7)


def test_a_d_that_was_thrown_far_off_is_diagnosed():
    row = dict(step=20, epoch=1, d_loss_real=900., d_loss_fake=0., g_loss=900., real_logit=-900.,
               fake_logit=-900., real_score=0., fake_score=0.)
    assert {finding.name for finding in diagnose([row])} == {"d-beaten", "out-of-scale"}


def test_a_header_of_any_other_form_is_damage(tmp_path):
    for header in ("[]", "3", '{"__metadata__": 3}', '{"__metadata__": {"facts": 3}}',
                   '{"__metadata__": {"facts": "[1]"}}', "{"):
        text = header.encode()
        (tmp_path/"g.safetensors").write_bytes(len(text).to_bytes(8, "little") + text)
        with pytest.raises(BadCheckpoint, match="is damaged"): read_facts(tmp_path/"g.safetensors")


def test_samples_are_kept_in_the_order_of_their_epochs(tmp_path):
    (tmp_path/"samples").mkdir()
    for epoch in (10_000, 50, 9950): (tmp_path/"samples"/f"epoch-{epoch:04d}.png").write_bytes(b"")
    assert [*stored_samples(tmp_path)] == [50, 9950, 10_000]


def test_a_race_that_is_run_again_is_kept_again(tmp_path):
    row = dict(arm="cpu", id="a" * 10, taught=.9)
    assert append_row(tmp_path/"r.jsonl", row) and not append_row(tmp_path/"r.jsonl", row)
    assert append_row(tmp_path/"r.jsonl", row, again=True)
    assert len((tmp_path/"r.jsonl").read_text(encoding="utf-8").splitlines()) == 2


def test_a_missing_folder_is_named_by_the_file_that_was_meant(tmp_path):
    with pytest.raises(OSError, match=f"could not write {tmp_path}/no/a.html: No such file"):
        write_atomically(tmp_path/"no/a.html", b"")


def test_one_arm_and_seed_twice_gets_a_sentence():
    runs = pd.DataFrame(dict(arm=["a", "a", "b"], seed=[0, 0, 0], frechet=[1., 2., 3.]))
    with pytest.raises(ValueError, match="hold arm 'a' with seed 0 twice, allowed is one run of each"):
        compare_arms(runs, "frechet")


def test_the_version_and_a_reader_that_leaves_early():
    command = [sys.executable, "-m", "gan_course"]
    done = subprocess.run([*command, "--version"], capture_output=True, text=True, check=True)
    assert done.stdout == f"gan-course {gan_course.__version__}\n"
    with subprocess.Popen([*command, "list"], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as listing:
        listing.stdout.close() # before it has written: as `| head -0`
        assert listing.stderr.read() == b"" and listing.wait() == 141
