"Players that grow: what they promise at every size, what is refused, and that only the step decides how far."
from dataclasses import replace
from itertools import pairwise

import pytest
import torch
from torch.testing import assert_close

from gan_course.clinic import EXAMINATIONS
from gan_course.config import Config, How
from gan_course.data import load
from gan_course.engine import _time_run
from gan_course.files import RunDir
from gan_course.games import GAMES, build_networks, check_game, load_train
from gan_course.networks import TRICKS, GrowingDiscriminator, GrowingGenerator, kept_tricks
from gan_course.runs import load_generator, run_config
from gan_course.speed import d_logits, uses_batch_statistics
from gan_course.steps import build_recipe
from gan_course.training import generate, growth

TINY = Config(game='growing', net='growing', data='mnist_5k', n_train=200, latent=4, g_hidden=(8, 8, 8),
              d_hidden=(8, 8, 8), batch=50, epochs=3, ema=.9)


def begin(config, folder=None, resume=False, every=1):
    data = load_train(config)
    run = RunDir(folder, resume, seconds=0) if folder else None
    return GAMES[config.game](config, data, build_recipe(config))(run, How('cpu', every=every))


@pytest.mark.parametrize('shape,widths', [((1, 28, 28), (8, 6, 4)), ((3, 32, 32), (8, 8, 4, 4)),
                                          ((3, 32, 16), (4,)), ((1, 8, 16), (4, 4))])
@pytest.mark.parametrize('without', ['', 'fade-in+minibatch-std+equalised+pixel-norm'])
def test_players_fit_every_shape_at_every_size(shape, widths, without):
    tricks = kept_tricks(without)
    G = GrowingGenerator(5, widths, shape, tricks=tricks)
    D = GrowingDiscriminator(widths[::-1], shape, tricks=tricks)
    z, y = torch.randn(3, 5), torch.tensor([1, 9, 0])
    for grown in torch.linspace(0, G.top, 7).tolist():
        G.grow(grown), D.grow(grown)
        fake = G(z, y)
        assert fake.shape == (3, *shape) and D(fake, y).shape == (3,)
        (D(fake, y).sum() / 3).backward()


def test_a_new_size_begins_where_the_old_one_ends():
    "No picture and no answer jumps; without fade-in both do."
    for fades in (True, False):
        torch.manual_seed(0)
        tricks = [name for name in TRICKS if name != 'fade-in' or fades]
        G = GrowingGenerator(5, (8, 8), (1, 8, 8), tricks=tricks)
        D = GrowingDiscriminator((8, 8), (1, 8, 8), tricks=tricks)
        z, y, seen = torch.randn(9, 5), torch.arange(9), []
        for grown in (0., .001, .5, .999, 1.):
            G.grow(grown), D.grow(grown)
            with torch.no_grad(): seen.append((G(z, y), D(G(z, y), y)))
        jumps = [[(b - a).abs().max().item() for a, b in zip(*pair, strict=True)] for pair in pairwise(seen)]
        assert (max(jumps[0]) < .02 and max(jumps[3]) < .02) is fades


@pytest.mark.parametrize('n', [1, 7, 120])
def test_growth_only_goes_on(n):
    far = [growth(step / n, 3) for step in range(n + 1)]
    assert far == sorted(far) and far[-1] == 3 and all(0 <= value <= 3 for value in far)


def test_only_the_step_decides_how_far():
    now = [(shot.step, shot.G.grown.item(), shot.D.grown.item(), shot.G_ema.grown.item())
           for shot in begin(TINY)]
    for step, *far in now: assert far == pytest.approx(3 * [growth(step / 12, 2)], abs=1e-3)


def test_a_run_killed_while_a_size_fades_in_goes_on_to_the_same_weights(tmp_path):
    *_, through = begin(TINY, tmp_path/'through')
    game = begin(TINY, tmp_path/'broken')
    for shot in game:
        if 0 < shot.G.grown.item() % 1: break
    stopped = shot.G_ema.grown.item()
    game.close()
    game = begin(TINY, tmp_path/'broken', resume=True)
    assert next(game).G_ema.grown.item() == stopped
    *_, resumed = game
    for name in ('G', 'D', 'G_ema'):
        assert_close(resumed.parts[name].state_dict(), through.parts[name].state_dict(), rtol=0, atol=0)


def test_a_stored_generator_draws_what_it_drew(tmp_path):
    row = run_config(TINY, tmp_path/'run', how=How('cpu', quiet=True), n_score=50)
    *_, last = begin(TINY, every=0)
    stored = load_generator(tmp_path/'run')
    assert stored.stage == 2 and row['step'] == 12
    assert torch.equal(generate(stored, 20)[0], generate(last.G_ema, 20)[0])
    with pytest.raises(ValueError, match='epochs is 4, was 3'): # growth has another pace there
        run_config(replace(TINY, epochs=4), tmp_path/'run', resume=True, how=How('cpu', quiet=True))


@pytest.mark.parametrize('wrong,says', [
    (dict(net='cdcgan'), "net is 'cdcgan', allowed in game 'growing' is 'growing'"),
    (dict(n_labels=50), "n_labels is 50, allowed in game 'growing' is 0"),
    (dict(augment='diff'), "augment is 'diff', allowed only in game 'gan'")])
def test_the_game_refuses_what_it_would_ignore(wrong, says):
    with pytest.raises(ValueError, match=says): check_game(replace(TINY, **wrong), load('mnist_5k'))


@pytest.mark.parametrize('wrong,says', [
    (dict(without='fadein'), "without is 'fadein', allowed are 'fade-in', .*did you mean 'fade-in'"),
    (dict(without='pixel-norm+fade-in'), "allowed are names joined by \\+ in the order of"),
    (dict(without='fade-in+fade-in'), "allowed are names joined by"),
    (dict(game='gan', without='fade-in'), "allowed in game 'gan', where nothing grows"),
    (dict(d_hidden=(8, 8)), "d_hidden has 2 widths, allowed are 3"),
    (dict(g_hidden=4 * (8,), d_hidden=4 * (8,)), "halved 3 times are images .*multiples of 8"),
    (dict(dropout=.3), "dropout is 0.3, which the networks of net 'growing' do not have"),
    (dict(net='mlp', game='gan', without='pixel-norm'), "without is 'pixel-norm', which the networks")])
def test_networks_refuse_what_they_cannot_be(wrong, says):
    with pytest.raises(ValueError, match=says): build_networks(replace(TINY, **wrong), load('mnist_5k'))


def test_real_and_generated_pictures_pass_in_batches_of_their_own():
    _, D = build_networks(TINY, load('mnist_5k'))
    real, fake, y = torch.rand(4, 1, 28, 28), torch.zeros(4, 1, 28, 28), torch.arange(4)
    assert uses_batch_statistics(D)
    on_real, on_fake = d_logits(D, real, fake, y)
    assert_close(on_real, D(real, y)); assert_close(on_fake, D(fake, y))
    _, plain = build_networks(replace(TINY, without='minibatch-std'), load('mnist_5k'))
    assert not uses_batch_statistics(plain)
    with pytest.raises(ValueError, match="moves is 'simultaneous' and D has batch normalisation"):
        begin(replace(TINY, moves='simultaneous'))


def test_the_clinic_takes_the_minibatch_channel_for_what_it_is():
    from types import SimpleNamespace
    config = replace(TINY, penalty='r1')
    _, D = build_networks(config, load('mnist_5k'))
    played = SimpleNamespace(game=SimpleNamespace(D=D, recipe=build_recipe(config)), config=config)
    assert EXAMINATIONS['mixed-critic'](played) is None


def test_the_cost_of_a_run_that_grows_is_that_of_its_full_size():
    for without in ('', 'fade-in', 'fade-in+pixel-norm'):
        took = _time_run(replace(TINY, without=without, batch=20), How('cpu'), n_score=50, steps=8)
        assert took['step'] > 0
