"Images and generators of one's own: what is read, what is refused, what is said."
import gzip
import importlib.util
import json
import struct
import warnings
from dataclasses import replace
from functools import partial

import numpy as np
import pytest
import torch
import torchvision
from common import refused
from PIL import Image
from safetensors.torch import load_file, save_file

import gan_course as gc
from gan_course import data, judges
from gan_course.cli import main, read_samples
from gan_course.config import Config, How, config_id
from gan_course.data import (
    Data,
    channels_first,
    describe_images,
    full_name,
    load,
    odd_bytes,
    read_images,
    to_bytes,
)
from gan_course.files import read_facts
from gan_course.report import real_spans
from gan_course.runs import load_generator, resume, run_config
from gan_course.scores import as_pixels, find_judges, score

DIGITS = load("mnist_5k")
X, Y = DIGITS.x[::40], DIGITS.y[::40] # a hundred, ten of each class
QUIET = How("cpu", quiet=True)
TINY = Config(net="cgan", latent=4, g_hidden=(16,), d_hidden=(16,), batch=40, epochs=2)


@pytest.fixture
def home(tmp_path, monkeypatch):
    "A cache of one's own, empty."
    monkeypatch.setenv("HOME", str(tmp_path/"home"))
    monkeypatch.delenv("GAN_COURSE_DATA", raising=False)
    return tmp_path


@pytest.fixture
def quick_judges(monkeypatch):
    "Judges that learn for one pass only."
    def train(train, test, epochs, batch, **options):
        return judges_train(train, test, 1, batch, **options)
    judges_train = judges.train_classifier
    monkeypatch.setattr(judges, "train_classifier", train)


def write_folder(folder, x=X, y=Y, name="digit {}".format):
    "A picture a file, in a sub-folder for each class."
    for i, image in enumerate(x):
        place = folder/name(int(y[i])) if y is not None else folder
        place.mkdir(parents=True, exist_ok=True)
        pixels = image[0] if len(image) == 1 else image.permute(1, 2, 0)
        Image.fromarray(pixels.numpy()).save(place/f"{i:04d}.png")
    return folder


def idx(array):
    "An array of bytes as an idx file."
    return bytes([0, 0, 8, array.ndim]) + struct.pack(f">{array.ndim}i", *array.shape) + array.tobytes()


def typed(capsys, *words):
    "What a command prints, and what it says beside that."
    main([*map(str, words)])
    return capsys.readouterr()


# Reading


def test_an_empty_name_is_no_folder_and_brackets_may_be_part_of_one(tmp_path, monkeypatch):
    write_folder(tmp_path/"photos[1]")
    monkeypatch.chdir(tmp_path/"photos[1]")
    with pytest.raises(ValueError, match="data is ''"): load("")
    assert load(str(tmp_path/"photos[1]")).x.shape == (80, 1, 28, 28)
    assert load(f"{tmp_path}/photos[1][size=14,grey=1]").x.shape == (80, 1, 14, 14)
    for name in ("photos[size=a]", "photos[1][size=14grey=1]"):
        with pytest.raises(FileNotFoundError, match="nothing is there"): load(f"{tmp_path}/{name}")
    with pytest.raises(ValueError, match="option of data is 'side'"): load(f"{tmp_path}/photos[1][side=14]")


def test_what_is_hidden_is_no_picture_of_a_folder(tmp_path, capsys):
    write_folder(tmp_path/"loose", y=None)
    write_folder(tmp_path/"loose"/".ipynb_checkpoints", X[:20], y=None)
    assert len(load(str(tmp_path/"loose"))) == 80 and "left out" not in capsys.readouterr().err
    write_folder(tmp_path/"sorted")
    write_folder(tmp_path/"sorted", X[:3], y=None)
    assert len(load(str(tmp_path/"sorted"))) == 80 and "3 pictures beside" in capsys.readouterr().err


def test_whole_numbers_of_any_size_are_read_or_refused(tmp_path):
    for kind in (np.uint16, np.uint32, np.uint64, np.int16):
        np.savez(tmp_path/f"{kind.__name__}.npz", images=X.numpy().astype(kind), labels=Y)
        assert torch.equal(load(str(tmp_path/f"{kind.__name__}.npz")).x, load(str(tmp_path/"uint16.npz")).x)
    np.savez(tmp_path/"many.npz", images=X.numpy().astype(np.uint16) * 200, labels=Y)
    with pytest.raises(ValueError, match="runs from 0 to 5.1e"): load(str(tmp_path/"many.npz"))


def test_names_in_a_file_are_classes_to_be_scored(tmp_path):
    for kind in ("U", "S"):
        np.savez(tmp_path/"a.npz", images=X, labels=np.asarray(Y).astype(kind))
        _, y, notes = read_samples(tmp_path/"a.npz")
        assert torch.equal(y, Y) and not any("no classes" in note for note in notes)
    np.savez(tmp_path/"b.npz", images=X, labels=np.where(np.asarray(Y) == 3, "three", "other"))
    _, y, notes = read_samples(tmp_path/"b.npz")
    assert y is None and "other, three are none of the real" in notes[-1]


def test_a_judge_is_used_where_nothing_can_be_kept(tmp_path, home, quick_judges, monkeypatch, capsys):
    name = full_name(write_folder(tmp_path/"mine"))
    def full(path, data): raise OSError(28, f"could not write {path}: No space left on device")
    monkeypatch.setattr(judges, "write_atomically", full)
    judge = judges.load_scorer(find_judges(name)[0])
    assert judge.facts["n_classes"] == 10 and "is not kept for the next time" in capsys.readouterr().err


@pytest.mark.parametrize("change", [
    dict(shape=5), dict(shape=[-1, 28, 28]), dict(shape=["a"]), dict(classes=5), dict(n_classes=None)])
def test_facts_of_a_stranger_that_rebuild_nothing_are_refused_in_words(change, run, tmp_path):
    facts = read_facts(run/"generator.safetensors") | change
    if facts["n_classes"] is None: del facts["n_classes"]
    save_file(load_file(run/"generator.safetensors"), tmp_path/"g.safetensors", dict(facts=json.dumps(facts)))
    with pytest.raises(ValueError, match="does not say how to rebuild its generator"):
        load_generator(tmp_path/"g.safetensors")


def test_class_names_of_a_stranger_lead_nowhere(run, tmp_path):
    facts = read_facts(run/"generator.safetensors")
    weights = load_file(run/"generator.safetensors")
    def written(classes):
        save_file(weights, tmp_path/"g.safetensors", dict(facts=json.dumps(facts | dict(classes=classes))))
        return tmp_path/"g.safetensors"
    assert load_generator(written(facts["classes"])).classes == tuple(facts["classes"])
    for classes in (["/tmp/x"] * facts["n_classes"], [".."] * facts["n_classes"], ["a", "b"], [1]):
        with pytest.raises(ValueError, match="names of folders"): load_generator(written(classes))


def test_every_form_of_the_same_images_is_the_same_experiment(tmp_path, capsys):
    names = [full_name(write_folder(tmp_path/"folder"))]
    arrays = [dict(images=X, labels=Y), dict(X=X.permute(0, 2, 3, 1), y=Y[:, None]),
              dict(arr_0=X[:, 0] / 255., arr_1=Y), dict(data=X / 127.5 - 1, targets=torch.eye(10)[Y])]
    for i, named in enumerate(arrays):
        np.savez(tmp_path/f"{i}.npz", **{key: np.asarray(value) for key, value in named.items()})
        names.append(full_name(tmp_path/f"{i}.npz"))
    packed = tmp_path/"some-images-idx3-ubyte.gz"
    packed.write_bytes(gzip.compress(idx(X[:, 0].numpy())))
    (tmp_path/"some-labels-idx1-ubyte.gz").write_bytes(gzip.compress(idx(Y.numpy().astype(np.uint8))))
    names.append(full_name(packed))
    assert len({name[-16:] for name in names}) == 1 and len({*names}) == len(names)
    assert len({config_id(Config(data=name)) for name in names}) == 1
    said = capsys.readouterr().err
    for guess in ("as (N, H, W, C)", "floats from 0 to 1", "floats from -1 to 1", "images are 'arr_0'"):
        assert guess in said and "held back by seed 0" in said
    assert config_id(Config(data=full_name(packed, seed=1))) != config_id(Config(data=names[0]))


def test_the_same_images_with_other_classes_are_another_experiment(tmp_path):
    for name, y in (("a", Y), ("b", Y.flip(0))): np.savez(tmp_path/f"{name}.npz", images=X, labels=y)
    a, b = (config_id(Config(data=full_name(tmp_path/f"{name}.npz"))) for name in "ab")
    assert a != b


def test_a_file_with_two_parts_keeps_them(tmp_path):
    for keys in ("x_train y_train x_test y_test", "train_images train_labels test_images test_labels"):
        arrays = dict(zip(keys.split(), (X[:60], Y[:60], X[60:], Y[60:]), strict=True))
        np.savez(tmp_path/"a.npz", **arrays)
        train, test = (load(tmp_path/"a.npz", part) for part in ("train", "test"))
        assert torch.equal(train.x, X[:60]) and torch.equal(test.y, Y[60:]) and train.n_classes == 10
    folder = tmp_path/"mnist"
    folder.mkdir()
    for start, part in (("train", slice(60)), ("t10k", slice(60, 100))):
        (folder/f"{start}-images-idx3-ubyte").write_bytes(idx(X[part, 0].numpy()))
        (folder/f"{start}-labels-idx1-ubyte").write_bytes(idx(Y[part].numpy().astype(np.uint8)))
    assert len(load(folder)) == 60 and torch.equal(load(folder, "test").x, X[60:])


@pytest.mark.parametrize("second", ["test", "val", "valid", "validation"])
def test_a_folder_of_two_parts_keeps_them(tmp_path, second):
    for part, i in (("train", 0), (second, 1)): write_folder(tmp_path/"mine"/part, X[i::2], Y[i::2])
    train, test = (load(tmp_path/"mine", part) for part in ("train", "test"))
    assert (len(train), len(test), train.n_classes) == (50, 50, 10)
    for part, i in ((train, 0), (test, 1)):
        assert {*map(bytes, part.x.numpy())} == {*map(bytes, X[i::2].numpy())}
    for part, some in (("train", slice(50)), (second, slice(50, 100))):
        write_folder(tmp_path/"odd"/part, X[some], Y[some])
    with pytest.raises(ValueError, match="whose parts have other classes"): load(tmp_path/"odd")


def test_sizes_channels_and_classes_of_any_number(tmp_path):
    colour = torch.randint(0, 256, (30, 3, 20, 24), dtype=torch.uint8)
    folder = write_folder(tmp_path/"faces", colour, None)
    data = load(folder)
    assert data.shape == (3, 20, 24) and data.n_classes == 1 and len(data) == 24 and not data.y.any()
    assert load(folder, size=16).shape == (3, 16, 16)
    assert load(folder, size=16, grey=True).shape == (1, 16, 16)
    images = torch.arange(26 * 4)[:, None, None].expand(-1, 8, 8)
    np.savez(tmp_path/"many.npz", x=images, y=np.arange(26 * 4) % 26 + 1)
    many = load(tmp_path/"many.npz")
    assert many.n_classes == 26 and find_judges(full_name(tmp_path/"many.npz"))[0].startswith("own-")
    Image.new("RGB", (7, 9)).save(folder/"odd.png")
    with pytest.raises(ValueError, match="shapes.*--size 32"): load(folder)
    assert load(folder, size=8).shape == (3, 8, 8)


def test_a_run_refuses_images_that_have_changed(tmp_path, monkeypatch):
    folder = write_folder(tmp_path/"folder")
    name = full_name(folder)
    assert load(name).shape == (1, 28, 28)
    monkeypatch.setattr(data, "_KEPT", {}) # as another process has it
    Image.new("L", (28, 28), 99).save(folder/"digit 3"/"new.png")
    with pytest.raises(ValueError, match="have changed"): load(name)
    assert full_name(folder) != name


def test_torchvision_by_name(home, monkeypatch):
    raw = home/"home/.cache/gan_course/KMNIST/raw"
    raw.mkdir(parents=True)
    for start, part in (("train", slice(60)), ("t10k", slice(60, 100))):
        (raw/f"{start}-images-idx3-ubyte").write_bytes(idx(X[part, 0].numpy()))
        (raw/f"{start}-labels-idx1-ubyte").write_bytes(idx((Y[part] % 2).numpy().astype(np.uint8)))
    data = load("torchvision:KMNIST")
    assert torch.equal(data.x, X[:60]) and data.n_classes == 2
    assert len(load("torchvision:KMNIST", "test")) == 40
    with pytest.raises(ValueError, match="did you mean 'KMNIST'"): load("torchvision:KMINST")
    def fail(*_, **__): raise RuntimeError("no network")
    monkeypatch.setattr(torchvision.datasets.EMNIST, "__init__", fail)
    with pytest.raises(FileNotFoundError, match="could not be downloaded"): load("torchvision:EMNIST/letters")


def test_what_cannot_be_read_gets_a_sentence(tmp_path, capsys):
    (tmp_path/"empty").mkdir()
    (tmp_path/"torn").mkdir()
    (tmp_path/"torn"/"a.png").write_bytes(b"no picture")
    np.savez(tmp_path/"none.npz", table=np.zeros((3, 2)))
    np.savez(tmp_path/"short.npz", x=X, y=Y[:9])
    np.savez(tmp_path/"ids.npz", x=X, y=np.arange(100))
    np.savez(tmp_path/"range.npz", x=X * 3.)
    (tmp_path/"a.gz").write_bytes(gzip.compress(b"text"))
    for name, says in {"./gone": "nothing is there", "empty": "pictures are missing",
                       "torn": "cannot be read as a picture", "none.npz": "is not an .npz file with images",
                       "short.npz": "allowed is one for each", "ids.npz": "100 classes for 100 images",
                       "range.npz": "allowed are bytes", "a.gz": "is no idx file"}.items():
        assert says in refused(capsys, "data", tmp_path/name), name
    folder = write_folder(tmp_path/"folder")
    assert "size is 2, allowed is 4 to 1024" in refused(capsys, "data", folder, "--size", "2")
    assert "allowed with images of your own" in refused(capsys, "data", "mnist_5k", "--size", "32")
    assert "option of data is 'sise'" in refused(capsys, "data", f"{folder}[sise=3]")


def test_the_data_command_says_what_was_understood(tmp_path, capsys):
    folder = write_folder(tmp_path/"folder", torch.cat([X, X[:1]]), torch.cat([Y, Y[:1]]))
    out = typed(capsys, "data", folder, "--out", tmp_path/"new"/"a.png").out
    for says in ("101 images of shape (1, 28, 28)", "10 classes: digit 0 (11)", "1 images come again"):
        assert says in out
    with Image.open(tmp_path/"new"/"a.png") as picture: assert picture.size[0] > 280
    assert "is there already" in refused(capsys, "data", folder, "--out", tmp_path/"new"/"a.png")
    known = json.loads(typed(capsys, "data", folder, "--json", "--size", "30", "--out", tmp_path/"b.png").out)
    assert known["shape"] == [1, 30, 30] and "multiples of 4" in known["networks"]
    assert known["classes"]["digit 9"] == 10
    light = describe_images(write_folder(tmp_path/"light", 255 - X))
    assert any("edges are light" in says for says in light["odd"])


# The wrong way round

RIGHT = torch.cat([X] * 2)
WRONG = {"0 and 1": (RIGHT > 99).byte(), "0, 1 and 255": torch.where(RIGHT == 0, 255, (RIGHT > 250).byte())}
LIKELY = {"dark on light": 255 - RIGHT, "no pixel below 127": (RIGHT.float() / 2 + 127.5).byte(),
          "in every pixel": torch.zeros_like(RIGHT)}


@pytest.mark.parametrize("says", WRONG)
def test_what_is_certainly_broken_is_refused(says, tmp_path, capsys):
    with pytest.raises(ValueError, match=says): Data(WRONG[says], DIGITS.y[:200])
    with pytest.raises(ValueError, match=says): score(WRONG[says], None, "mnist_5k", ("mnist",))
    np.save(tmp_path/"a.npy", WRONG[says].numpy())
    assert says in refused(capsys, "score", tmp_path/"a.npy", "--data", "mnist_5k")
    assert says in refused(capsys, "data", tmp_path/"a.npy", notes=2)


@pytest.mark.parametrize("says", LIKELY)
def test_what_is_likely_broken_is_said(says, tmp_path, capsys):
    with pytest.warns(UserWarning, match=says): score(LIKELY[says][:40], None, "mnist_5k", ("mnist",))
    np.save(tmp_path/"a.npy", LIKELY[says][:40].numpy())
    done = typed(capsys, "score", tmp_path/"a.npy", "--data", "mnist_5k", "--scorer", "mnist", "--html",
                 tmp_path/"page.html")
    assert says in done.err and any(says in odd for odd in json.loads(done.out)["warnings"])
    assert says in (tmp_path/"page.html").read_text(encoding="utf-8")
    if says == "dark on light": return # of images alone nobody knows
    with pytest.warns(UserWarning, match=says): Data(LIKELY[says], DIGITS.y[:200])
    assert says in typed(capsys, "data", tmp_path/"a.npy", "--out", tmp_path/"a.png").out


def test_a_dip_below_zero_is_no_range_from_minus_one(tmp_path, capsys):
    dip = X / 255.
    dip[0, 0, 0, 0] = -.004
    for read in (as_pixels, to_bytes):
        with pytest.raises(ValueError, match="-0.004 to 1"): read(dip)
    np.save(tmp_path/"a.npy", dip.numpy())
    assert "few values below 0" in refused(capsys, "score", tmp_path/"a.npy", "--data", "mnist_5k")
    assert torch.equal(to_bytes(X / 127.5 - 1)[0], X)


def test_right_digits_never_get_a_warning():
    try: digits = load("mnist").x
    except FileNotFoundError: digits = DIGITS.x
    real = digits[:1000]
    for part in digits.split(50): assert odd_bytes(part, real) == []
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert score(X[:50], Y[:50], "mnist_5k", ("mnist",), steps=0)["warnings"][1:] == []


def test_data_takes_what_others_make():
    assert Data(X.permute(0, 2, 3, 1).numpy(), Y.tolist()).shape == (1, 28, 28)
    assert Data(X.numpy(), Y.numpy().astype(np.int32)).y.dtype == torch.int64 and Data(X).n_classes == 1
    transform = torchvision.transforms.ToTensor()
    made = torchvision.datasets.FakeData(12, (3, 8, 10), 4, transform)
    data = Data(made, n_classes=4)
    assert data.shape == (3, 8, 10) and len(data) == 12 and data.x.dtype == torch.uint8
    for x, y, says in ((X, ["a"] * 100, "y of data"), ([1, 2], None, "x of data is a list"),
                       (X[:, 0].numpy(), Y, "shape")):
        with pytest.raises(ValueError, match=says): Data(x, y)
    with pytest.raises(ValueError, match="allowed are"): channels_first(torch.zeros(3))


# Generators of one's own


def test_images_of_any_program_are_scored(tmp_path, capsys):
    np.savez(tmp_path/"a.npz", arr_0=X.permute(0, 2, 3, 1).numpy()) # as samplers of other papers write them
    np.save(tmp_path/"b.npy", X[:, 0].numpy() / 255)
    folder = write_folder(tmp_path/"c", name=str)
    few = ["--data", "mnist_5k", "--scorer", "mnist"]
    made = tmp_path/"a.npz", tmp_path/"b.npy", folder
    found = [json.loads(typed(capsys, "score", what, *few).out) for what in made]
    assert len({one["judges"]["mnist"]["frechet"] for one in found}) == 1
    assert found[0]["judges"]["mnist"]["accuracy"] is None and found[2]["judges"]["mnist"]["accuracy"] > .95
    big = torch.nn.functional.interpolate(X.float(), size=(56, 56)).byte().expand(-1, 3, -1, -1)
    np.save(tmp_path/"d.npy", big.numpy())
    assert "--resize changes" in refused(capsys, "score", tmp_path/"d.npy", *few)
    said = json.loads(typed(capsys, "score", tmp_path/"d.npy", *few, "--resize", "--grey").out)
    assert "resized from 56x56 to 28x28" in said["read"] and "colour became grey" in said["read"]


@pytest.mark.slow
def test_data_without_a_judge_trains_one_and_keeps_it(home, quick_judges, capsys, monkeypatch):
    folder = write_folder(home/"mine")
    np.savez(home/"made.npz", images=X[:20].numpy(), labels=Y[:20].numpy())
    done = typed(capsys, "score", home/"made.npz", "--data", folder)
    scores, kept = json.loads(done.out), home/"home/.cache/gan_course/judges"
    assert [file.stem for file in sorted(kept.iterdir())] == sorted(scores["judges"])
    assert "training a judge" in done.err
    assert any("learned from these images" in says for says in scores["warnings"])
    judges._own_scorer.cache_clear()
    monkeypatch.setattr(judges, "train_classifier", None) # it is not trained twice
    assert json.loads(typed(capsys, "score", home/"made.npz", "--data", folder).out) == scores


def test_without_classes_what_needs_none_is_given(tmp_path, capsys):
    folder = write_folder(tmp_path/"mine", y=None)
    np.save(tmp_path/"made.npy", X[:20].numpy())
    done = typed(capsys, "score", tmp_path/"made.npy", "--data", folder, "--html", tmp_path/"page.html")
    scores = json.loads(done.out)
    (name, judged), = scores["judges"].items()
    assert name == "untrained-1x28x28" and "accuracy" not in judged and "inception" not in judged
    assert {"frechet", "kernel", "precision", "coverage", "copied"} <= {*judged} & {*scores["pixels"]}
    assert any("untrained" in says for says in scores["warnings"])
    page = (tmp_path/"page.html").read_text(encoding="utf-8")
    assert "untrained network" in page and "Which" not in page and "{{" not in page


@pytest.mark.slow
def test_a_scorer_of_ones_own_is_asked_by_its_file(tmp_path, capsys):
    typed(capsys, "scorer", "--data", "mnist_5k", "--epochs", "1", "--out", tmp_path/"j.safetensors")
    np.savez(tmp_path/"a.npz", images=X.numpy(), labels=Y.numpy())
    scores = json.loads(typed(capsys, "score", tmp_path/"a.npz", "--data", "mnist_5k", "--scorer",
                              tmp_path/"j.safetensors").out)
    assert [*scores["judges"]] == [str(tmp_path/"j.safetensors")]
    (tmp_path/"no.safetensors").write_bytes(b"no weights")
    assert "did not write" in refused(capsys, "score", tmp_path/"a.npz", "--data", "mnist_5k", "--scorer",
                                      tmp_path/"no.safetensors")


def test_a_number_stands_beside_its_like_only():
    assert real_spans("mnist", "mnist", 20) == {} and real_spans("mnist", "mnist", 1100)["n"] == 1000
    assert real_spans("mnist", "mine.safetensors", 1000) == {}
    assert real_spans("mnist", "mnist", 10_000)["n"] == 10_000 and real_spans("mnist", "mnist", 3500) == {}
    says, = score(X[:20], Y[:20], "mnist_5k", ("mnist",), steps=0)["warnings"]
    assert says.startswith("20 images are fewer than the 128 features of mnist")


# Runs


def test_quickstart_on_ones_own_images(home, quick_judges, capsys, monkeypatch):
    monkeypatch.setattr("gan_course.runs.run_config", partial(run_config, n_score=200)) # few, for speed
    folder = write_folder(home/"mine", DIGITS.x[::8], DIGITS.y[::8])
    out = typed(capsys, "quickstart", "--data", folder, "--epochs", "2", "--quiet", "--out", home/"q").out
    row = json.loads((home/"q"/"row.json").read_text(encoding="utf-8"))
    page = (home/"q"/"report.html").read_text(encoding="utf-8")
    assert "images drawn as asked" in out and row["config"]["data"].startswith(f"{folder}#")
    assert "Images that nobody made" in page and "digit 3" in page and "{{" not in page
    assert str(home) not in (home/"q"/"README.md").read_text(encoding="utf-8") # it may be shared
    flat = write_folder(home/"flat", DIGITS.x[::8], None)
    typed(capsys, "quickstart", "--data", flat, "--epochs", "1", "--quiet", "--out", home/"p")
    assert "no classes that a classifier" in (home/"p"/"report.html").read_text(encoding="utf-8")


@pytest.mark.slow
@pytest.mark.parametrize("changes", [dict(), dict(n_valid=60, ema=.9), dict(game="bigan"), dict(batch=64)])
def test_a_longer_run_goes_on_to_the_same_bits(tmp_path, changes):
    long = replace(TINY, data="mnist_5k", n_train=300, epochs=4, **changes)
    run_config(replace(long, epochs=2), tmp_path/"a", how=QUIET, n_score=100)
    before = json.loads((tmp_path/"a"/"row.json").read_text(encoding="utf-8"))
    row = run_config(long, tmp_path/"a", True, how=QUIET, n_score=100)
    run_config(long, tmp_path/"b", how=QUIET, n_score=100)
    one, two = (load_generator(tmp_path/run).state_dict() for run in "ab")
    assert all(torch.equal(one[key], two[key]) for key in one)
    rows = [[{k: v for k, v in json.loads(line).items() if k != "seconds"} for line in
             (tmp_path/run/"metrics.jsonl").read_text(encoding="utf-8").splitlines()] for run in "ab"]
    assert rows[0] == rows[1] and row["id"] == config_id(long) != before["id"]


@pytest.mark.slow
def test_a_run_grows_only_where_that_changes_nothing_else(tmp_path):
    config = replace(TINY, data="mnist_5k", n_train=300)
    run_config(config, tmp_path/"a", how=QUIET, n_score=50)
    for other, says in ((dict(epochs=1), "epochs is 1, was 2"), (dict(epochs=3, lr_g=.1), "lr_g is 0.1")):
        with pytest.raises(ValueError, match=says):
            run_config(replace(config, **other), tmp_path/"a", True, how=QUIET)
        assert (tmp_path/"a"/"row.json").exists()
    for name, changes in (("b", dict(net="mlp", game="mix")), ("c", dict(schedule="linear"))):
        run_config(replace(config, epochs=1, **changes), tmp_path/name, how=QUIET, n_score=50)
        with pytest.raises(ValueError, match="epochs is 2, was 1"): resume(tmp_path/name, QUIET, 2)
    (tmp_path/"a"/"row.json").unlink()
    assert resume(tmp_path/"a", QUIET, 3)["config"]["epochs"] == 3


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    "A tiny run on a folder of one's own."
    folder = tmp_path_factory.mktemp("own")
    data = write_folder(folder/"mine", y=None)
    run_config(replace(TINY, data=str(data), n_valid=20), folder/"run", how=QUIET, n_score=50)
    return folder/"run"


def test_a_generator_is_rebuilt_from_its_file_alone(run, tmp_path):
    one = load_generator(run)
    file = tmp_path/"generator.safetensors"
    file.write_bytes((run/"generator.safetensors").read_bytes())
    two = load_generator(file)
    assert all(torch.equal(a, b) for a, b in zip(one.parameters(), two.parameters(), strict=True))
    assert two.config.latent == 4 and two.config.data.startswith("mine#") and not two.training
    assert torch.equal(gc.generate(one, 3)[0], gc.generate(two, 3)[0])
    for chosen in (run/"chosen").iterdir(): assert load_generator(chosen).config.latent == 4
    assert str(run.parent) not in json.dumps(read_facts(file))
    with pytest.raises(ValueError, match="does not say how to rebuild"):
        load_generator(judges.ASSETS/"mnist.safetensors")


def test_samples_are_written_in_the_form_that_the_suffix_names(run, tmp_path, capsys):
    for name in ("new/a.npz", "new/a.png", "new/folder"):
        typed(capsys, "sample", run, "--n", "12", "--out", tmp_path/name)
    assert np.load(tmp_path/"new/a.npz")["images"].shape == (12, 1, 28, 28)
    with Image.open(tmp_path/"new/a.png") as picture: assert picture.size == (302, 62)
    images, y, names, _ = read_images(tmp_path/"new/folder")
    assert np.array_equal(images, np.load(tmp_path/"new/a.npz")["images"]) and names == ("0",)
    said = refused(capsys, "sample", run, "--out", tmp_path/"new/a.jpg")
    assert "allowed are .npz" in said
    for words in ((), ("--overwrite",)): # pictures of two draws would be mixed
        said = refused(capsys, "sample", run, "--out", tmp_path/"new/folder", *words)
        assert "a new or an empty folder" in said
    (tmp_path/"new/b.npz").mkdir()
    assert "a folder, allowed is a new file" in refused(capsys, "sample", run, "--out", tmp_path/"new/b.npz")


def test_export_says_what_is_missing(run, tmp_path, capsys):
    if not all(map(importlib.util.find_spec, ("onnx", "onnxscript"))):
        assert "pip install onnx onnxscript" in refused(capsys, "export", run, "--onnx", tmp_path/"g.onnx")
        return
    with warnings.catch_warnings():
        warnings.simplefilter("ignore") # what the exporter of this torch deprecates
        assert "z, y to images (1, 28, 28)" in typed(capsys, "export", run, "--onnx", tmp_path/"g.onnx").out
    assert (tmp_path/"g.onnx").stat().st_size > 1000


@pytest.mark.parametrize("key,role", [
    ("x_valid", ("val", "x")), ("y_valid", ("val", "y")), ("x_val", ("val", "x")),
    ("validation_labels", ("val", "y")), ("train_images", ("train", "x")),
    ("images", ("all", "x")), ("odd", ("all", ""))])
def test_a_name_of_an_array_says_its_role(key, role):
    assert data._role(key) == role


def test_classes_as_numpys_bytes_are_words(tmp_path):
    names = np.array([b"cat", b"dog"] * 10)
    np.savez(tmp_path/"pets.npz", images=np.random.default_rng(0).integers(0, 256, (20, 8, 8), np.uint8),
             labels=names)
    assert data.find_row(str(tmp_path/"pets.npz")).classes == ("cat", "dog")


def test_classes_that_are_one_number_and_a_home_that_is_nobodys(tmp_path, capsys):
    np.savez(tmp_path/"odd.npz", images=np.zeros((12, 8, 8), np.uint8), labels=np.int64(3))
    for path, said in ((tmp_path/"odd.npz", "classes of shape ()"), ("~nobody/pictures", "nothing is there")):
        with pytest.raises((ValueError, FileNotFoundError)) as error: gc.load(path)
        assert said in str(error.value)
