"What bad input and bad luck get: one clear sentence, and nothing lost."
import gzip
import math
import os
import pickle
import random
import shutil
import signal
import subprocess
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from gan_course import lookup
from gan_course.catalogue import STUDIES
from gan_course.cli import main, read_samples
from gan_course.config import Config, How, from_dict
from gan_course.data import Data, index_batches, load, normalise, split, subset
from gan_course.files import (
    BadCheckpoint,
    Diverged,
    RunDir,
    load_checkpoint,
    read_jsonl,
    save_checkpoint,
    write_atomically,
)
from gan_course.games import build_networks, build_recipe, load_train
from gan_course.judges import label_scores, load_scorer
from gan_course.losses import Loss, make_loss
from gan_course.networks import MLPDiscriminator, MLPGenerator, build_cgan
from gan_course.runs import open_run, run_config
from gan_course.steps import Recipe
from gan_course.training import generate, train

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
def mnist_copy(tmp_path, monkeypatch):
    source = Path(os.environ.get("GAN_COURSE_DATA", "/nowhere"))/"MNIST"
    if not source.exists(): pytest.skip("GAN_COURSE_DATA holds no MNIST files")
    shutil.copytree(source, tmp_path/"MNIST", copy_function=shutil.copyfile)
    monkeypatch.setenv("GAN_COURSE_DATA", str(tmp_path))
    return tmp_path/"MNIST"/"raw"


def test_whole_mnist_is_read(mnist_copy):
    data = load("mnist", "test")
    assert data.x.shape == (10_000, 1, 28, 28) and data.y[:5].tolist() == [7, 2, 1, 0, 4]


@pytest.mark.parametrize("damage", ["truncated", "altered", "another"])
def test_a_damaged_data_file_is_named_and_nothing_is_trained(mnist_copy, damage, capsys, tmp_path):
    file = mnist_copy/"train-images-idx3-ubyte.gz"
    whole = file.read_bytes()
    file.write_bytes({"truncated": whole[:-1000], "altered": whole[:5000] + b"\0" + whole[5001:],
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


def test_svhn_file_is_split_into_first_8000_and_last_2000():
    if not (Path(os.environ.get("GAN_COURSE_DATA", "/nowhere"))/"svhn").exists():
        pytest.skip("GAN_COURSE_DATA holds no SVHN file")
    train_part, test_part = load("svhn_10k"), load("svhn_10k", "test")
    assert train_part.x.shape == (8000, 3, 32, 32) and test_part.x.shape == (2000, 3, 32, 32)


# Run directories


def test_a_used_folder_is_refused_and_untouched(tmp_path):
    run_config(TINY, tmp_path/"run", how=How(quiet=True), n_score=50)
    before = {p: p.stat().st_mtime_ns for p in sorted((tmp_path/"run").rglob("*"))}
    with pytest.raises(FileExistsError, match="--resume to go on with it, --overwrite to delete it"):
        run_config(TINY, tmp_path/"run", how=How(quiet=True))
    assert before == {p: p.stat().st_mtime_ns for p in sorted((tmp_path/"run").rglob("*"))}


def test_a_folder_with_something_else_is_never_deleted(tmp_path):
    (tmp_path/"thesis.txt").write_text("ten years of work")
    for flags in (dict(), dict(resume=True), dict(overwrite=True)):
        with pytest.raises(FileExistsError, match="holds something else"): RunDir(tmp_path, **flags)
    assert (tmp_path/"thesis.txt").read_text() == "ten years of work"


def test_a_folder_that_cannot_be_written_is_refused_before_training(tmp_path):
    (tmp_path/"file").write_text("")
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
    with pytest.raises(Diverged, match="g_loss is nan at step 15.*G has diverged"):
        for _ in train(*tiny_players(), data, recipe, run, every=5): pass
    kept = load_checkpoint(run.checkpoint)
    assert kept["step"] == 10 and all(v.isfinite().all() for v in kept["parts"]["G"].values())


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


def test_ctrl_c_keeps_a_checkpoint_says_how_to_go_on_and_exits_130(tmp_path):
    words = ["train", "cgan", "--epochs", "500", "--g-hidden", "32", "--out", str(tmp_path/"run")]
    metrics = tmp_path/"run"/"metrics.jsonl"
    command = [sys.executable, "-m", "gan_course", *words]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as run:
        deadline = time.monotonic() + 120
        while not metrics.exists() or not metrics.read_text():
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
    def __reduce__(self): return os.system, ("touch /tmp/gan_course_was_here",)


def test_a_malicious_pickle_is_refused_and_never_executed(tmp_path):
    trap = Path("/tmp/gan_course_was_here")
    trap.unlink(missing_ok=True)
    torch.save({"step": Evil()}, tmp_path/"a.pt")
    (tmp_path/"b.pt").write_bytes(pickle.dumps(Evil()))
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


def test_a_broken_last_line_is_left_out_and_a_broken_middle_one_is_not(tmp_path):
    file = tmp_path/"m.jsonl"
    file.write_text('{"step": 1}\n{"step": 2}\n{"st')
    assert [row["step"] for row in read_jsonl(file)] == [1, 2]
    file.write_text('{"step": 1}\n{"st\n{"step": 3}\n')
    with pytest.raises(ValueError, match="line 2 of .*m.jsonl is not JSON"): read_jsonl(file)


def test_a_file_that_holds_no_samples_is_refused(tmp_path):
    (tmp_path/"a.npz").write_bytes(b"no")
    np.savez(tmp_path/"b.npz", pictures=np.zeros(3))
    np.savez(tmp_path/"c.npz", images=np.array([{}], dtype=object), labels=np.zeros(1))
    for name in "abc":
        with pytest.raises(ValueError, match="is not an .npz file"): read_samples(tmp_path/f"{name}.npz")
