"The command line, as a person runs it."
import json
import shutil
import subprocess
import sys

import numpy as np
import pytest
from common import refused
from PIL import Image
from warm import PYTHON

from gan_course import lessons
from gan_course.catalogue import MEASUREMENTS, QUICKSTART, STUDIES
from gan_course.claims import settle
from gan_course.cli import _describe_studies, _find_config, _quickstart_config, main
from gan_course.data import load
from gan_course.report import real_spans, show_pictures
from gan_course.statistics import SCORES, Score, compare_arms, frame

SMALL = ["--g-hidden", "32", "--d-hidden", "32", "--epochs", "2", "--quiet"]


def typed(*words, cwd=None):
    "Type a command into a terminal."
    command = [*PYTHON, "-m", "gan_course", *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, cwd=cwd, check=False)


@pytest.fixture(scope="session")
def run(tmp_path_factory):
    "A finished small run of the conditional GAN."
    folder = tmp_path_factory.mktemp("cli")/"run"
    main(["train", "cgan", "--out", str(folder), *SMALL])
    return folder


def test_an_arm_a_picture_and_a_claim_that_do_not_exist_are_not_passed_over(capsys, tmp_path):
    assert "NAME is 'hacks/final'" in refused(capsys, "table", "hacks/final")
    with pytest.raises(ValueError, match="arm of hacks is 'finall'.*did you mean 'final'"):
        show_pictures("hacks", "finall")
    with pytest.raises(ValueError, match="claims is 'hacks-finall'"):
        settle(1, tmp_path, tmp_path, claims=("hacks-finall",))


@pytest.mark.parametrize("words,said", [
    ("--device foo", "device is 'foo'"), ("--fake-target 3 -1", "fake_target is (3.0, -1.0)"),
    ("--real-target 1 0", "real_target is (1.0, 0.0), allowed is a number"),
    ("--dropout 1.5", "dropout is 1.5, allowed is 0 up to"),
    ("--g-out foo", "g_out is 'foo', allowed are")])
def test_what_cannot_be_played_is_refused_before_there_is_a_folder(words, said, tmp_path, capsys):
    assert said in refused(capsys, "train", "cgan", *SMALL, *words.split(), "--out", tmp_path/"run")
    assert not (tmp_path/"run").exists()


def test_a_folder_of_samples_or_of_copies_is_there_whole_or_not_at_all(run, tmp_path, monkeypatch, capsys):
    assert "seed is " in refused(capsys, "sample", run, "--out", tmp_path/"digits", "--seed", 10**23)
    saved = Image.Image.save
    def fail_later(image, file, *rest):
        if "000005" in str(file): raise OSError("the disk is full")
        saved(image, file, *rest)
    monkeypatch.setattr(Image.Image, "save", fail_later)
    refused(capsys, "sample", run, "--out", tmp_path/"digits", "--n", 9)
    monkeypatch.setattr(lessons, "_copy_notebook", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError): lessons.write_copies(tmp_path/"mine")
    assert not [*tmp_path.iterdir()]


def test_list_as_json_names_every_study_with_question_arms_runs_and_claims():
    done = typed("list", "--json")
    studies = {study["name"]: study for study in json.loads(done.stdout)}
    assert done.returncode == 0 and set(studies) == {*STUDIES, *MEASUREMENTS} and not done.stderr
    for name, study in studies.items():
        known = STUDIES.get(name) or MEASUREMENTS[name]
        assert study["question"].endswith("?") and study["arms"] == list(known.arms)
        assert study["runs"] == len(study["arms"]) * known.seeds
        assert study["command"] == ("study" if name in STUDIES else "measure")
    assert "hacks-gaussian" in studies["hacks"]["claims"]
    assert studies["depth-classifier"]["claims"] == ["depth-classifier"]


def test_list_for_people(capsys):
    main(["list"])
    said = capsys.readouterr().out
    for study in _describe_studies(): assert study["name"] in said and study["question"] in said


def test_every_study_is_well_formed():
    for study in STUDIES.values():
        for form in study.forms:
            configs = [config for _, config in study.runs(form)]
            assert len(set(configs)) == len(configs) == len(study.arms) * study.seeds, study.name


def test_a_form_is_one_that_the_study_has_and_one_only(capsys):
    for words, said in (("train hacks --medium", "form of hacks is 'medium', allowed are 'small', 'full'"),
                        ("train hacks --medium --full", "--full and --medium are both there"),
                        ("study dcgan-lr --full --medium", "--full and --medium are both there")):
        with pytest.raises(SystemExit): main(words.split())
        assert said in capsys.readouterr().err, words
    with pytest.raises(ValueError, match="form of hacks is 'long'"): STUDIES["hacks"].config(form="long")


@pytest.mark.parametrize("words", [["list"], ["--help"], ["train", "--help"], ["table", "--help"]])
def test_what_is_typed_often_starts_without_the_slow_libraries(words):
    code = ("import sys; from gan_course.cli import main\n"
            f"try: main({words})\n"
            "except SystemExit as e: assert not e.code\n"
            "slow = {'torch', 'numpy', 'pandas', 'scipy', 'matplotlib', 'safetensors'} & {*sys.modules}\n"
            "sys.exit(', '.join(slow) or 0)")
    done = subprocess.run([sys.executable, "-c", code], check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_a_table_and_its_modules_need_no_torch():
    code = ("import sys, gan_course.catalogue, gan_course.config, gan_course.files, gan_course.statistics\n"
            "from gan_course.cli import main; main(['table', 'moves']); sys.exit('torch' in sys.modules)")
    done = subprocess.run([sys.executable, "-c", code], check=False, capture_output=True, text=True)
    assert done.returncode == 0 and "differences from" in done.stdout, done.stderr


@pytest.mark.parametrize("study", STUDIES.values(), ids=lambda study: study.name)
def test_every_name_takes_flags_before_and_after_it(study, monkeypatch, capsys):
    "Also switches, on and off; and the defaults are those of the name, in the form asked for."
    for arm in study.arms:
        for form in ("small", "full"):
            assert _find_config(f"{study.name}/{arm}", form) == study.config(arm, form)
    asked = []
    def remember(config, *more, **how):
        asked.append(config)
        return dict(step=0, seconds=0, scores=None, config=dict(data=config.data))
    monkeypatch.setattr("gan_course.runs.run_config", remember)
    for arm in ("", [*study.arms][-1]):
        name = f"{study.name}/{arm}" if arm else study.name
        asked.clear()
        flags = ["--no-batch-norm", "--attention", "--net", "cgan", "--g-hidden", "32", "16"]
        main(["train", *flags, "--quiet", name])
        main(["train", name, *flags, "--full"])
        changed = dict(batch_norm=False, attention=True, net="cgan", g_hidden=(32, 16))
        assert asked == [study.config(arm or None, form, **changed) for form in ("small", "full")], name


def test_help_of_train_explains_every_field_and_takes_its_defaults_from_the_study():
    done = typed("train", "hacks/final", "--full", "--help")
    assert done.returncode == 0
    assert "--lr-g" in done.stdout and "(default: 100)" in done.stdout and "widths of D's" in done.stdout


def test_a_table_of_one_arm_has_no_differences(tmp_path, capsys):
    rows = [dict(study="hacks-seeds", arm="base", id=str(seed), config=dict(seed=seed),
                 scores=dict(frechet=9. + seed))
            for seed in range(3)]
    for some in (rows, rows[:1]):
        lines = "".join(json.dumps(row) + "\n" for row in some)
        (tmp_path/"hacks-seeds.jsonl").write_text(lines, encoding="utf-8")
        main(["table", "hacks-seeds", "--results", str(tmp_path), "--base", "base"])
        said = capsys.readouterr().out
        assert "frechet, low is good" in said and "differences" not in said
        assert len(compare_arms(frame(some))) == 0
    assert "base is 'bas'" in refused(capsys, "table", "hacks-seeds", "--results", tmp_path, "--base", "bas")


def test_a_score_newer_than_the_stored_rows_breaks_nothing(monkeypatch, capsys):
    monkeypatch.setitem(SCORES, "newest", Score("", "how sharp the edges are"))
    spans = real_spans("mnist", "mnist", 5000)
    assert "newest" not in spans and spans["frechet"][0] <= spans["frechet"][1]
    main(["table", "moves"])
    assert "differences from" in capsys.readouterr().out
    assert "measure is 'newest'" in refused(capsys, "table", "moves", "--measure", "newest")


def test_a_run_leaves_its_directory(run):
    names = {path.name for path in run.iterdir()}
    assert names == {"config.json", "metrics.jsonl", "samples", "checkpoint.pt", "generator.safetensors",
                     "README.md", "row.json", ".gan_course", ".lock"}
    row = json.loads((run/"row.json").read_text(encoding="utf-8"))
    assert row["step"] == 125 and row["scores"]["n"] and row["config"]["g_hidden"] == [32]
    metrics = [json.loads(line) for line in (run/"metrics.jsonl").read_text(encoding="utf-8").splitlines()]
    assert [row["step"] for row in metrics] == [63, 125]
    assert sorted(path.name for path in (run/"samples").iterdir()) == ["epoch-0001.png", "epoch-0002.png"]


@pytest.mark.slow
def test_no_progress_bar_where_there_is_no_terminal(tmp_path):
    done = typed("train", "cgan", "--out", tmp_path/"run", *SMALL[:-1])
    assert done.returncode == 0 and done.stderr == "" and len(done.stdout.splitlines()) == 1


@pytest.mark.slow
def test_sample_and_score(run, tmp_path, capsys):
    out = tmp_path/"drawn.npz"
    main(["sample", str(run), "--n", "25", "--out", str(out), "--labels", "3", "8"])
    with np.load(out) as drawn: images, labels = drawn["images"], drawn["labels"]
    assert images.shape == (25, 1, 28, 28) and images.dtype == np.uint8
    assert labels.dtype == np.int64 and labels.tolist() == [3, 8] * 12 + [3]
    capsys.readouterr()
    main(["score", str(out), "--data", "mnist_5k"])
    scores = json.loads(capsys.readouterr().out)
    first, second = scores["judges"].values()
    assert scores["n"] == 25 and 0 <= first["accuracy"] <= 1 and first["accuracy_by_class"][0] is None
    assert first["scorer"] != second["scorer"] and scores["train"] == 4000
    main(["score", str(run), "--n", "50", "--scorer", "mnist_b"])
    scores = json.loads(capsys.readouterr().out)
    assert scores["n"] == 50 and list(scores["judges"]) == ["mnist_b"] and scores["data"] == "mnist_5k"


def test_a_generator_needs_no_data_to_draw(run, tmp_path, monkeypatch):
    "A run made elsewhere on a data set that is not here."
    shutil.copytree(run, tmp_path/"run")
    config = json.loads((run/"config.json").read_text(encoding="utf-8")) | {"data": "mnist"}
    (tmp_path/"run"/"config.json").write_text(json.dumps(config), encoding="utf-8")
    monkeypatch.setenv("GAN_COURSE_DATA", str(tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path))
    main(["sample", str(tmp_path/"run"), "--n", "5", "--out", str(tmp_path/"drawn.npz")])
    with np.load(tmp_path/"drawn.npz") as drawn: assert drawn["images"].shape == (5, 1, 28, 28)


@pytest.mark.slow
def test_samples_without_classes_are_marked_and_scored_without_accuracy(tmp_path, capsys):
    main(["train", "mlp-550", "--out", str(tmp_path/"run"), *SMALL])
    main(["sample", str(tmp_path/"run"), "--n", "9", "--out", str(tmp_path/"s.npz")])
    with np.load(tmp_path/"s.npz") as drawn: assert drawn["labels"].tolist() == [-1] * 9
    capsys.readouterr()
    main(["score", str(tmp_path/"s.npz"), "--data", "mnist_5k"])
    assert json.loads(capsys.readouterr().out)["judges"]["mnist"]["accuracy"] is None
    assert "takes no classes" in refused(capsys, "sample", tmp_path/"run", "--labels", "3")


@pytest.mark.parametrize("n", [16, 100, 300, 4001])
def test_a_quickstart_on_other_images_has_as_many_steps(n, tmp_path):
    "Fewer images than a batch holds make smaller batches, not more steps."
    np.savez(tmp_path/"mine.npz", images=np.random.default_rng(0).integers(0, 256, (n, 12, 12), np.uint8))
    config = _quickstart_config(str(tmp_path/"mine.npz"), 0, False, 0, 0)
    steps = config.epochs * len(load(config.data)) / config.batch
    assert steps == pytest.approx(QUICKSTART.epochs * 4000 / QUICKSTART.batch, rel=.05)


def test_what_a_person_types_wrong(run, tmp_path, capsys):
    assert "did you mean 'hacks'" in refused(capsys, "train", "hakcs")
    assert "did you mean 'final'" in refused(capsys, "train", "hacks/finale")
    assert "did you mean 'svhn'" in refused(capsys, "train", "cgan", "--data", "svnh")
    assert "batch is 0" in refused(capsys, "train", "cgan", "--batch", "0", "--out", tmp_path/"a")
    said = refused(capsys, "train", "cgan", "--batch", "9000", "--out", tmp_path/"b")
    assert "batch is 9000, allowed is 1 to 4000" in said
    assert not (tmp_path/"a").exists() and not (tmp_path/"b").exists()
    assert "--resume to go on" in refused(capsys, "train", "cgan", "--out", run, *SMALL)
    said = refused(capsys, "train", "cgan", "--out", run, *SMALL, "--resume", "--lr-g", ".1")
    assert "another config: lr_g is 0.1" in said
    assert "is no run" in refused(capsys, "sample", tmp_path)
    said = refused(capsys, "sample", run, "--n", "5", "--labels", "12", "--out", tmp_path/"x.npz")
    assert "labels is (12,), allowed are classes 0 to 9" in said
    assert not (tmp_path/"x.npz").exists()
    (tmp_path/"y.npz").write_text("mine", encoding="utf-8")
    assert "is there already" in refused(capsys, "sample", run, "--n", "5", "--out", tmp_path/"y.npz")
    assert (tmp_path/"y.npz").read_text(encoding="utf-8") == "mine"
    said = refused(capsys, "score", tmp_path/"nothing.npz", "--data", "mnist_5k")
    assert "nothing.npz, and nothing is there; allowed is the folder" in said
    assert "did you mean 'mnist'" in refused(capsys, "score", run, "--data", "mnsit")
    assert "images is 5 images" in refused(capsys, "score", run, "--n", "5")
    assert "whose folder is not there" in refused(capsys, "score", run, "--html", tmp_path/"no"/"a.html")
    assert "scorer is 'svhn_10k', which reads" in refused(capsys, "score", run, "--scorer", "svhn_10k")
    assert "did you mean 'break-scores'" in refused(capsys, "measure", "brake-scores")
    assert "arm of break-scores is 'nosie'" in refused(capsys, "measure", "break-scores", "--arm", "nosie")
    assert "device is 'gpu'" in refused(capsys, "train", "cgan", "--device", "gpu", "--out", tmp_path/"c")


def test_what_has_no_generator_to_read_says_why(run, tmp_path, capsys):
    shutil.copytree(run, tmp_path/"run")
    (tmp_path/"run"/"generator.safetensors").write_bytes(b"no weights")
    assert "generator.safetensors is damaged" in refused(capsys, "sample", tmp_path/"run", "--n", "5")
    known = json.loads((run/"config.json").read_text(encoding="utf-8"))
    (tmp_path/"run"/"config.json").write_text(json.dumps(known | dict(game="plain")), encoding="utf-8")
    assert "of a classifier alone: it has no generator" in refused(capsys, "score", tmp_path/"run")
    (tmp_path/"run"/"config.json").write_text("{", encoding="utf-8")
    assert "config.json is damaged" in refused(capsys, "doctor", tmp_path/"run")


@pytest.mark.slow
def test_a_finished_run_resumed_ends_as_it_ended(run, capsys):
    before = (run/"generator.safetensors").read_bytes()
    main(["train", "cgan", "--out", str(run), *SMALL, "--resume"])
    assert (run/"generator.safetensors").read_bytes() == before and "125 steps" in capsys.readouterr().out


def test_quickstart_writes_pictures_and_a_report_that_needs_nothing_else(tmp_path, capsys):
    main(["quickstart", "--out", str(tmp_path/"q"), "--epochs", "2", "--quiet"])
    page = (tmp_path/"q"/"report.html").read_text(encoding="utf-8")
    assert (tmp_path/"q"/"digits.png").exists() and (tmp_path/"q"/"curves.png").exists()
    assert "src=\"http" not in page and "href=\"http" not in page and "{{" not in page
    assert "report.html" in capsys.readouterr().out
    with pytest.raises(SystemExit): main(["quickstart", "--out", str(tmp_path/"q")])


def test_start_copies_the_notebooks_into_a_new_folder_only(tmp_path, capsys):
    main(["start", str(tmp_path/"mine")])
    copies = list((tmp_path/"mine").glob("[0-9]*.ipynb"))
    last = ["".join(json.loads(copy.read_text(encoding="utf-8"))["cells"][-1]["source"]) for copy in copies]
    assert len(copies) >= 14 and not any("nbdev_export()" in source for source in last)
    assert "not empty" in refused(capsys, "start", tmp_path/"mine")


@pytest.mark.slow
def test_tensorboard_writes_its_events(tmp_path):
    pytest.importorskip("tensorboard")
    main(["train", "cgan", "--out", str(tmp_path/"run"), "--tensorboard", *SMALL])
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
    events = EventAccumulator(str(tmp_path/"run"/"tensorboard")).Reload()
    assert "g_loss" in events.Tags()["scalars"] and events.Tags()["images"] == ["samples"]


def test_tensorboard_is_opened_where_there_is_something_to_see(tmp_path, capsys, monkeypatch):
    assert "train NAME --tensorboard" in refused(capsys, "tensorboard", tmp_path)
    (tmp_path/"run").mkdir(); (tmp_path/"run"/"events.out.tfevents.1").touch()
    called = []
    monkeypatch.setattr("os.execv", lambda *words: called.append(words))
    main(["tensorboard", str(tmp_path)])
    assert called[0][1][-2:] == ["--logdir", str(tmp_path)]


def test_toy_laws_and_games_of_others_have_no_pictures_for_tensorboard(tmp_path):
    pytest.importorskip("tensorboard")
    quick = ["--tensorboard", "--quiet", "--epochs", "1", "--n-train", "500", "--width", ".1"]
    main(["train", "modes-ring8", "--out", str(tmp_path/"toy"), *quick])
    main(["train", "triple/plain-100", "--out", str(tmp_path/"plain"), "--data", "mnist_5k", *quick])
    assert all(list((tmp_path/run/"tensorboard").glob("events*")) for run in ("toy", "plain"))


def test_scorer_trains_and_says_how_good_it_is(tmp_path, capsys):
    main(["scorer", "--data", "mnist_5k", "--epochs", "1", "--out", str(tmp_path/"s.safetensors")])
    said = capsys.readouterr().out
    assert "of 1,000 test images right" in said and "sha256 begins with" in said


def test_the_doctor_explains_a_run_and_finds_a_sound_one_sound(run, tmp_path, capsys):
    main(["doctor", str(run)])
    assert "nothing serious" in capsys.readouterr().out
    sick = tmp_path/"sick"
    shutil.copytree(run, sick)
    lost = dict(step=99, epoch=1., d_loss_real=.01, d_loss_fake=.01, g_loss=6., real_logit=5., fake_logit=-5.,
                real_score=.99, fake_score=.01)
    (sick/"metrics.jsonl").write_text(json.dumps(lost) + "\n", encoding="utf-8")
    main(["doctor", str(sick)])
    said = capsys.readouterr().out
    assert "d-wins" in said and "likely causes" in said and "cures" in said


@pytest.mark.slow
def test_the_doctor_forgets_a_divergence_that_a_resumed_run_got_over(run, tmp_path, capsys):
    shutil.copytree(run, tmp_path/"run")
    (tmp_path/"run"/"diverged.txt").write_text("g_loss is nan", encoding="utf-8")
    main(["doctor", str(tmp_path/"run")])
    assert "not-finite: g_loss is nan" in capsys.readouterr().out
    main(["train", "cgan", "--out", str(tmp_path/"run"), *SMALL, "--resume"])
    main(["doctor", str(tmp_path/"run")])
    assert "not-finite" not in capsys.readouterr().out


def test_the_doctor_refuses_what_is_no_run_or_has_not_begun(run, tmp_path, capsys):
    assert "no config.json" in refused(capsys, "doctor", tmp_path)
    (tmp_path/"config.json").write_text((run/"config.json").read_text(encoding="utf-8"), encoding="utf-8")
    assert "no metrics yet" in refused(capsys, "doctor", tmp_path)
