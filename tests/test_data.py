"Files on their way in: torn downloads, a second mirror, the formats of SVHN and CIFAR-10."
import hashlib
import pickle
import tarfile
from pathlib import Path
from urllib.error import URLError

import numpy as np
import pytest
import scipy.io
import torch
from torchvision.datasets import CIFAR10, SVHN

from gan_course import data
from gan_course.data import find_file, full_name, load

WHOLE = b"0123456789"
MD5 = hashlib.md5(WHOLE).hexdigest()


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.delenv("GAN_COURSE_DATA", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    return tmp_path


def serve(monkeypatch, **mirrors):
    "Replace the network: a mirror writes its bytes, or raises after half of them."
    def download(url, root, filename, md5):
        sent, error = mirrors[url]
        Path(root, filename).write_bytes(sent)
        if error: raise error

    monkeypatch.setattr(data, "download_url", download)


@pytest.mark.parametrize("error", [URLError("reset"), RuntimeError("corrupted"), KeyboardInterrupt()])
def test_a_torn_download_leaves_nothing_behind(home, monkeypatch, error):
    serve(monkeypatch, first=(WHOLE[:5], error))
    with pytest.raises((FileNotFoundError, KeyboardInterrupt)): find_file("set/file.bin", MD5, ("first",))
    assert not [p for p in home.rglob("*") if p.is_file()]


def test_the_second_mirror_is_asked_when_the_first_sends_rubbish(home, monkeypatch):
    serve(monkeypatch, first=(b"<html>", RuntimeError("corrupted")), second=(WHOLE, None))
    found = find_file("set/file.bin", MD5, ("first", "second"))
    assert found.read_bytes() == WHOLE and home in found.parents
    assert find_file("set/file.bin", MD5) == found


def test_svhn_is_read_from_its_matlab_file(tmp_path, monkeypatch):
    images = np.arange(32 * 32 * 3 * 5, dtype=np.int64).astype(np.uint8).reshape(32, 32, 3, 5)
    file = tmp_path/"svhn"/"train_32x32.mat"
    file.parent.mkdir()
    scipy.io.savemat(file, dict(X=images, y=np.array([[10], [1], [2], [9], [10]], dtype=np.uint8)))
    md5 = hashlib.md5(file.read_bytes()).hexdigest()
    monkeypatch.setitem(SVHN.split_list, "train", ["http://example.invalid", file.name, md5])
    monkeypatch.setenv("GAN_COURSE_DATA", str(tmp_path))
    svhn = load("svhn")
    assert svhn.y.tolist() == [0, 1, 2, 9, 0] and svhn.shape == (3, 32, 32)
    assert (svhn.x[3].numpy() == images[..., 3].transpose(2, 0, 1)).all()


def test_ten_thousand_house_numbers_are_those_of_the_published_file(house_numbers, tmp_path, monkeypatch):
    own, test = house_numbers["train"], house_numbers["test"]
    both, y = torch.cat([own.x, test.x]), torch.cat([own.y, test.y])
    monkeypatch.setattr(data, "_svhn", lambda split: (torch.cat([both, both[:5]]), torch.cat([y, y[:5]])))
    monkeypatch.setenv("GAN_COURSE_DATA", str(tmp_path)) # no small file
    monkeypatch.setattr("gan_course.data.Path.home", lambda: tmp_path)
    for part, split in ((own, "train"), (test, "test")):
        x, labels = data._svhn_10k(split)
        assert torch.equal(x, part.x) and torch.equal(labels, part.y)


def test_svhn_extra_trains_on_both_parts_and_tests_on_the_same(tmp_path, monkeypatch):
    folder = tmp_path/"svhn"
    folder.mkdir()
    for value, (split, n) in enumerate(dict(train=2, extra=3, test=2).items()):
        file = folder/f"{split}_32x32.mat"
        scipy.io.savemat(file, dict(X=np.full((32, 32, 3, n), value, dtype=np.uint8),
                                    y=np.full((n, 1), 10 - value, dtype=np.uint8)))
        md5 = hashlib.md5(file.read_bytes()).hexdigest()
        monkeypatch.setitem(SVHN.split_list, split, ["http://example.invalid", file.name, md5])
    monkeypatch.setenv("GAN_COURSE_DATA", str(tmp_path))
    monkeypatch.setattr(data, "_refuse_odd", lambda *_: None) # pictures of one colour
    assert load("svhn_extra").y.tolist() == [0, 0, 9, 9, 9] and len(load("svhn")) == 2
    assert load("svhn_extra").x[:, 0, 0, 0].tolist() == [0, 0, 1, 1, 1]
    assert load("svhn_extra", "test").y.tolist() == [8, 8]


@pytest.fixture
def cifar(tmp_path, monkeypatch):
    "An archive in the form of the published one, with two images in each of its six batches."
    random, folder = np.random.default_rng(0), tmp_path/"made"/CIFAR10.base_folder
    folder.mkdir(parents=True)

    def add(name, content):
        (folder/name).write_bytes(pickle.dumps(content))
        return hashlib.md5((folder/name).read_bytes()).hexdigest()

    batches = {name: random.integers(0, 256, (2, 3072), dtype=np.uint8)
               for name in (*(f"data_batch_{i}" for i in range(1, 6)), "test_batch")}
    md5s = [[name, add(name, dict(data=x, labels=[i, 9 - i]))] for i, (name, x) in enumerate(batches.items())]
    monkeypatch.setattr(CIFAR10, "train_list", md5s[:5])
    monkeypatch.setattr(CIFAR10, "test_list", md5s[5:])
    meta = dict(CIFAR10.meta, md5=add("batches.meta", dict(label_names=["airplane", "automobile"])))
    monkeypatch.setattr(CIFAR10, "meta", meta)
    archive = tmp_path/"cifar10"/CIFAR10.filename
    archive.parent.mkdir()
    with tarfile.open(archive, "w:gz") as packed: packed.add(folder, CIFAR10.base_folder)
    monkeypatch.setattr(CIFAR10, "tgz_md5", hashlib.md5(archive.read_bytes()).hexdigest())
    monkeypatch.setenv("GAN_COURSE_DATA", str(tmp_path))
    return archive, batches


def test_cifar10_is_read_from_its_archive(cifar):
    _, batches = cifar
    train, test = load("cifar10"), load("cifar10", "test")
    assert train.y.tolist() == [0, 9, 1, 8, 2, 7, 3, 6, 4, 5] and test.y.tolist() == [5, 4]
    assert (test.x.numpy() == batches["test_batch"].reshape(2, 3, 32, 32)).all() # channel by channel
    assert train.shape == (3, 32, 32) and data.DATASETS["cifar10"].classes[9] == "truck"


def test_a_damaged_archive_of_cifar10_is_refused(cifar):
    archive, _ = cifar
    archive.write_bytes(archive.read_bytes()[:-9])
    with pytest.raises(ValueError, match="is damaged"): load("cifar10")


@pytest.mark.parametrize("options,said", [(dict(size=-32), "size is -32, allowed is 0 or more"),
                                          (dict(seed=-1), "seed is -1, allowed is 0 or more")])
def test_options_of_ones_own_images_that_cannot_be(options, said, tmp_path):
    with pytest.raises(ValueError, match=said): full_name(tmp_path, **options)
