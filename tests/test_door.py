"The front door: what `import gan_course as gc` shows, what it costs, how it answers mistakes."
import importlib
import inspect
import subprocess
import sys
from multiprocessing import get_context
from textwrap import dedent

import pytest
import torch
from torch import nn

import gan_course as gc
from gan_course.config import config_id
from gan_course.data import load
from gan_course.training import train

FUNCTIONS = [name for name in gc.DOOR if inspect.isfunction(getattr(gc, name))]


class Generator(nn.Module):
    latent, n_classes = 2, 0
    def __init__(self): super().__init__(); self.body = nn.Linear(2, 2)
    def forward(self, z, y=None): return self.body(z)


class Discriminator(nn.Module):
    def __init__(self): super().__init__(); self.body = nn.Linear(2, 1)
    def forward(self, x, y=None): return self.body(x)[:, 0]


@pytest.fixture(scope='module')
def ring(): return load('ring8')[torch.arange(200)]


def test_the_door_is_light():
    "No torch, and next to no time: it is about 0.01 s of the processor."
    code = ("import sys, time; began = time.process_time(); import gan_course as gc; dir(gc); "
            "took = time.process_time() - began; sys.exit('torch' in sys.modules or took > .2)")
    assert subprocess.run([sys.executable, '-c', code], check=False).returncode == 0


def test_every_name_leads_to_its_module():
    assert dir(gc) == sorted(gc.DOOR)
    for name, module in gc.DOOR.items():
        assert getattr(gc, name) is getattr(importlib.import_module(f'gan_course.{module}'), name), name


def test_an_unknown_name_is_answered_with_the_names_there_are():
    with pytest.raises(AttributeError, match="has no attribute 'trian'; it has Config, .*train"): gc.trian # noqa: B018
    assert not hasattr(gc, 'torch')


@pytest.mark.parametrize('name', FUNCTIONS)
def test_help_tells_every_argument(name):
    f = getattr(gc, name)
    for argument in inspect.signature(f).parameters:
        assert f.__doc__.count(f'\n    {argument}: ') == 1, argument


def test_a_module_loaded_again_tells_each_argument_once():
    code = """
        import importlib
        from gan_course import speed, config
        for _ in range(2): importlib.reload(speed); importlib.reload(config)
        for f in (speed.race, speed.matmul_precision, config.config_id):
            assert f.__doc__.count('Args:') == 1, f
    """
    subprocess.run([sys.executable, '-c', dedent(code)], check=True)


def test_functions_travel_to_a_new_process():
    with get_context('spawn').Pool(1) as pool:
        assert pool.apply(config_id, (gc.Config(epochs=3),)) == config_id(gc.Config(epochs=3))


def test_the_example_at_the_door_runs_as_it_stands(tmp_path, monkeypatch, capsys):
    lines = [line[4:] for line in gc.__doc__.splitlines() if line.startswith('    ')]
    assert lines[0] == 'import gan_course as gc' and len(lines) >= 6
    monkeypatch.chdir(tmp_path)
    exec('\n'.join(lines), {})
    assert (tmp_path/'sevens.png').stat().st_size > 1000
    assert capsys.readouterr().out.startswith('1')


def test_a_copy_of_a_snapshot_stays_as_it_was(ring):
    snapshots = train(Generator(), Discriminator(), ring, gc.Recipe(batch=50, epochs=3, ema=.9), device='cpu')
    first = next(snapshots)
    kept, before = first.copy(), [p.clone() for p in first.G.parameters()]
    for snapshot in snapshots: assert snapshot.G is first.G # one G, which goes on learning
    def same(net): return all(torch.equal(p, q) for p, q in zip(net.parameters(), before, strict=True))
    assert same(kept.G) and not same(first.G)
    assert kept.step == first.step == 4 and kept.metrics == first.metrics
    assert kept.parts['G'] is kept.G and kept.parts['G_ema'].module is kept.G_ema # one copy of each


def without_classes():
    G = Generator()
    G.n_classes = None
    return G


class OneInput(Discriminator):
    def forward(self, x): return self.body(x)[:, 0]


@pytest.mark.parametrize(('G', 'D', 'sentence'), [
    (nn.Sequential(nn.Linear(2, 2)), Discriminator(), r"G is a Sequential without the number `latent`, "),
    (without_classes(), Discriminator(), r"G is a Generator without the number `n_classes`, allowed is a "),
    (Generator(), nn.Sequential(nn.Linear(2, 1)), r"D is a Sequential, which cannot be called with two"),
    (Generator(), OneInput(), r"D is a OneInput, which cannot be called with two inputs, .* forward\(x, y\)"),
    (Generator(), torch.sum, r"D is a builtin.*, allowed is a module with forward\(x, y\)"),
    (lambda z, y: z, Discriminator(), r"G is a function without the number `latent`, allowed is a "),
])
def test_players_that_cannot_play_get_one_sentence(ring, G, D, sentence):
    with pytest.raises(ValueError, match=sentence) as refused: train(G, D, ring, device='cpu')
    assert '\n' not in str(refused.value)
