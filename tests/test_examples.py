"The GAN in one file plays the library's game, needs nothing but torch and matplotlib, and draws."
import ast
import sys

import pytest
import torch
from common import module_at

from gan_course.data import Data
from gan_course.networks import MLPDiscriminator, MLPGenerator
from gan_course.steps import Recipe
from gan_course.training import train


@pytest.fixture(scope="module")
def file(root): return root/"examples"/"one_file_gan.py"


@pytest.fixture(scope="module")
def one_file(file): return module_at(file)


def test_it_is_short_and_needs_two_packages(file):
    text = file.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 120
    taken = [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Import | ast.ImportFrom)]
    names = {name for node in taken for name in ([node.module] if isinstance(node, ast.ImportFrom)
                                                 else [alias.name for alias in node.names])}
    assert {name.split(".")[0] for name in names} - sys.stdlib_module_names == {"torch", "matplotlib"}


@pytest.mark.parametrize("seed", [0, 1])
def test_it_reaches_the_weights_of_the_library_to_the_bit(one_file, seed):
    real, (G, D) = one_file.ring(300), one_file.players(seed)
    shared = dict(shape=(2,), slope=.2)
    G2 = MLPGenerator(one_file.LATENT, (one_file.HIDDEN,) * 2, out="linear", **shared)
    D2 = MLPDiscriminator((one_file.HIDDEN,) * 2, **shared)
    G2.body.load_state_dict(G.state_dict()), D2.body.load_state_dict(D.state_dict())
    before = [p.clone() for p in G.parameters()]
    recipe = Recipe(lr_g=one_file.RATE, lr_d=one_file.RATE, batch=one_file.BATCH, epochs=3, seed=seed)
    data = Data(real, torch.zeros(len(real), dtype=torch.int64), "ring", 1)
    assert [*one_file.train(G, D, real, 3, seed)] == [1, 2, 3]
    *_, last = train(G2, D2, data, recipe, device="cpu", precision="strict")
    assert last.step == 9 and not any(map(torch.equal, before, G.parameters()))
    for mine, theirs in ((G, G2), (D, D2)):
        for p, q in zip(mine.parameters(), theirs.parameters(), strict=True): assert torch.equal(p, q)


def test_it_runs_and_saves_one_picture(one_file, tmp_path, monkeypatch, capsys):
    out, small = tmp_path/"picture.png", one_file.ring(200)
    monkeypatch.setattr(one_file, "ring", lambda: small)
    monkeypatch.setattr(sys, "argv", ["one_file_gan.py", "--epochs", "2", "--out", str(out)])
    threads = torch.get_num_threads()
    try: one_file.main()
    finally: torch.set_num_threads(threads)
    assert [*tmp_path.iterdir()] == [out] and out.stat().st_size > 5000
    assert capsys.readouterr().out.count("epoch") == 2


def test_it_refuses_no_epochs(one_file, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["one_file_gan.py", "--epochs", "0"])
    with pytest.raises(SystemExit): one_file.main()
    assert "epochs is 0, allowed is 1 or more" in capsys.readouterr().err
