"""Recorded steps against plain ones: every game, loss, penalty, optimiser and move.

A CUDA graph keeps the operators of one step and their tensors, and repeats those: whatever the step decides
in Python stays as it was. Here a CPU does the same, so that what cannot be recorded is found without a GPU.
"""
from dataclasses import replace
from functools import partial

import pytest
import torch
from golden import ARMS, digest, play
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_flatten

from gan_course import training
from gan_course.catalogue import MAKERS
from gan_course.config import How
from gan_course.games import GAMES, build_recipe, load_train_valid
from gan_course.speed import Replay, count_host_syncs

SHORT = dict(n_train=120, batch=20, epochs=1)
# arms whose steps are those of another one, with other numbers, sizes or first weights
REPEATED = {'seed, held out', 'batch', 'widths', 'normal', 'raw', 'report', 'smooth', 'dcgan of three layers',
            'dcgan, radford', 'stacked', 'mix, small', 'retrain, small'}


def tensors(value): return [v for v in tree_flatten(value)[0] if isinstance(v, torch.Tensor)]


def memory(tensor): return tensor.untyped_storage()._cdata


class Tape(TorchDispatchMode):
    "The operators of a step, with the very tensors they read and wrote."
    def __init__(self):
        super().__init__()
        self.kept, self.played = [], []

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        out = func(*args, **kwargs)
        self.kept.append((args, kwargs, out)) # what is freed in a step would give its place to another tensor
        own = {memory(t) for t in tensors((args, kwargs))}
        new = any(memory(t) not in own for t in tensors(out)) # else a view: its memory is written anyway
        if new or func._schema.is_mutable: self.played.append((func, args, kwargs, out))
        return out

    @torch.no_grad()
    def replay(self):
        for func, args, kwargs, out in self.played:
            again = func(*args, **kwargs)
            if func._schema.is_mutable: continue
            for old, new in zip(tensors(out), tensors(again), strict=True):
                if memory(old) != memory(new): old.detach().copy_(new)


def state_of(parts):
    "Every tensor that a game changes."
    states = [part.state for part in parts.values() if isinstance(part, torch.optim.Optimizer)]
    nets = [part.state_dict() for part in parts.values() if not isinstance(part, torch.optim.Optimizer)]
    return tensors([[*state.values()] for state in states]) + tensors(nets)


class Recorded(Replay):
    "A `Replay` whose graph is a `Tape`; recording leaves the game as it was, as recording a CUDA graph does."
    parts, made = None, []

    def __init__(self, step, capture=False, warm_up=1, **settings):
        super().__init__(step, True, warm_up, **settings)
        self.made.append(self)

    def _on_side_stream(self, index): return self.step(index)

    def _record(self, index):
        before, chance = [t.clone() for t in state_of(self.parts)], torch.get_rng_state()
        self.index, tape = index.clone(), Tape()
        with tape: self.out = self.step(self.index)
        with torch.no_grad():
            for tensor, old in zip(state_of(self.parts), before, strict=True): tensor.copy_(old)
        torch.set_rng_state(chance)
        self.graph = tape
        return True


@pytest.fixture(autouse=True)
def short_makers(monkeypatch):
    "Where a classifier's game trains a generator first, that is a short game too."
    def shortened(make, *args):
        maker = make(*args)
        return replace(maker, epochs=1, **({} if maker.n_labels else dict(n_train=120, batch=20)))
    for name, make in MAKERS.items(): monkeypatch.setitem(MAKERS, name, partial(shortened, make))


@pytest.fixture
def recorded(monkeypatch):
    "Inside the test, a game started after `recorded()` plays recorded steps."
    def begin():
        real = training._run_steps
        def run_steps(parts, *args):
            monkeypatch.setattr(Recorded, 'parts', parts)
            yield from real(parts, *args)
        monkeypatch.setattr(Recorded, 'made', [])
        monkeypatch.setattr(training, '_run_steps', run_steps)
        monkeypatch.setattr(training, 'Replay', Recorded)
    return begin


# what grows is never recorded: a size that comes in brings weights that no optimiser has moved yet
@pytest.mark.parametrize('name', [name for name, config in ARMS.items()
                                  if config.game != 'growing' and name not in REPEATED])
def test_recorded_steps_play_the_plain_game_to_the_bit(name, tmp_path, recorded):
    config = replace(ARMS[name], **SHORT)
    plain = play(config, tmp_path/'plain')
    recorded()
    assert play(config, tmp_path/'recorded') == plain
    assert Recorded.made and all(len(replay.graph.played) > 20 for replay in Recorded.made)


def test_a_rate_changed_between_snapshots_counts_in_a_recording_too(tmp_path, recorded):
    config = replace(ARMS['mlp'], **SHORT)
    def end():
        data, _ = load_train_valid(config)
        for now in GAMES[config.game](config, data, build_recipe(config))(None, How('cpu', 'strict')):
            for name in ('opt_g', 'opt_d'): now.parts[name].param_groups[0]['lr'] /= 10
        return digest(now.G.state_dict(), now.metrics)
    plain = end()
    recorded()
    assert end() == plain and plain != play(config, tmp_path/'run')


def test_the_tape_finds_a_step_that_decides_in_python(recorded):
    "A counter of Python's stays in the recording as it was; a host read cannot be recorded at all."
    count, total = [0], torch.zeros(1)
    def step(index):
        count[0] += 1
        return total.add_(count[0]).clone()
    Recorded.parts = {}
    replay = Recorded(step)
    ends = [replay(torch.zeros(1)).item() for _ in range(4)]
    assert ends != [1, 3, 6, 10]
    assert count_host_syncs(lambda: total.item()) == 1
