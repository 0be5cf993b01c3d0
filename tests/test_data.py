"Files on their way in: torn downloads, a second mirror, SVHN's own format."
import hashlib
from pathlib import Path
from urllib.error import URLError

import numpy as np
import pytest
import scipy.io
from torchvision.datasets import SVHN

from gan_course import data
from gan_course.data import find_file, load

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
