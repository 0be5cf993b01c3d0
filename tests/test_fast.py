"The fast paths against the plain ones they stand for, over every loss and every family of networks."
import copy
from dataclasses import replace

import pytest
import torch
from torch import nn
from torch.optim import SGD
from torch.testing import assert_close

from gan_course.config import Config, How
from gan_course.core import RandomState
from gan_course.data import Data
from gan_course.losses import LOSSES, PENALTIES, make_penalty
from gan_course.networks import build_cdcgan, build_cgan, build_dcgan, build_mlp
from gan_course.speed import (
    PRECISIONS,
    Dropout,
    Replay,
    _onednn_is_accurate,
    count_host_syncs,
    lower_precision,
)
from gan_course.steps import (
    MOVES,
    Recipe,
    train_step,
    update_d,
    update_d_fast,
    update_g,
    update_shared,
    update_simultaneous,
)
from gan_course.training import index_steps, make_parts, to_device_checked, train

SMALL = Config(latent=8, g_hidden=(32, 64), d_hidden=(64, 32))
FAMILIES = {
    'mlp': (build_mlp, SMALL),
    'mlp, G with batch norm': (build_mlp, replace(SMALL, batch_norm=True)),
    'cgan, join': (build_cgan, replace(SMALL, net='cgan')),
    'cgan, project': (build_cgan, replace(SMALL, net='cgan', condition='project', batch_norm=True)),
}
CONV = replace(SMALL, g_hidden=(8, 8, 8), d_hidden=(8, 8, 8), batch_norm=True)
CONVOLUTIONAL = { # these cannot be stacked
    'dcgan': (build_dcgan, replace(CONV, net='dcgan')),
    'dcgan, attention': (build_dcgan, replace(CONV, net='dcgan', attention=True)),
    'cdcgan, join': (build_cdcgan, replace(CONV, net='cdcgan')),
    'cdcgan, project': (build_cdcgan, replace(CONV, net='cdcgan', condition='project')),
}
ALL = FAMILIES | CONVOLUTIONAL
CLOSE = dict(rtol=1e-4, atol=1e-6) # float32 sums in another order


@pytest.fixture(scope='module')
def digits():
    order = torch.Generator().manual_seed(0)
    x = torch.randint(0, 256, (256, 1, 28, 28), dtype=torch.uint8, generator=order)
    return Data(x, torch.arange(256) % 10, 'random pictures')


def players(family, seed=0, **changes):
    build, config = ALL[family]
    with RandomState(seed): return build(replace(config, **changes), (1, 28, 28), 10)


def inputs(n=16, seed=1):
    with RandomState(seed):
        return torch.rand(n, 1, 28, 28) * 2 - 1, torch.randn(n, 8), torch.randint(0, 10, (n,))


def weights(*nets): return [p.detach() for net in nets for p in net.parameters()]


def sgd(net): return SGD(net.parameters(), .5)


@pytest.mark.parametrize('family', ALL)
@pytest.mark.parametrize('name', LOSSES)
def test_one_pass_of_d_is_two(name, family):
    loss, (x, z, y) = LOSSES[name], inputs()
    ends = []
    for update in (update_d, update_d_fast):
        G, D = players(family)
        said = update(G, D, sgd(D), loss, x, z, y)
        ends.append((weights(G, D), said))
    assert_close(ends[0], ends[1], **CLOSE)


@pytest.mark.parametrize('name', LOSSES)
def test_shared_moves_are_both_moves_on_the_same_latents(name):
    loss, (x, z, y) = LOSSES[name], inputs()
    G, D = players('cgan, join')
    update_d(G, D, sgd(D), loss, x, z, y); update_g(G, D, sgd(G), loss, x, z, y)
    G2, D2 = players('cgan, join')
    update_shared(G2, D2, sgd(G2), sgd(D2), loss, x, z, y)
    assert_close(weights(G, D), weights(G2, D2), **CLOSE)


@pytest.mark.parametrize('family', ALL)
@pytest.mark.parametrize('name', ('bce', 'minimax'))
def test_simultaneous_moves_follow_the_old_d(name, family):
    loss, (x, z, y) = LOSSES[name], inputs()
    G, D = players(family)
    old = copy.deepcopy(D)
    update_d(G, D, sgd(D), loss, x, z, y); update_g(G, old, sgd(G), loss, x, z, y)
    G2, D2 = players(family)
    update_simultaneous(G2, D2, sgd(G2), sgd(D2), loss, x, z, y)
    assert_close(weights(G, D), weights(G2, D2), **CLOSE)


@pytest.mark.parametrize('family', ALL)
@pytest.mark.parametrize('name', [name for name in PENALTIES if name != 'none'])
def test_a_penalty_enters_the_fast_moves_as_the_plain_ones(name, family):
    loss, (x, z, y), penalty = LOSSES['wasserstein'], inputs(), make_penalty(name)
    ends = []
    for update in (update_d, update_d_fast):
        G, D = players(family)
        with RandomState(3): said = update(G, D, sgd(D), loss, x, z, y, penalty)
        ends.append((weights(D), said))
    assert_close(ends[0], ends[1], rtol=1e-3, atol=1e-5)
    assert ends[0][1]['penalty'] > 0
    G, D = players(family)
    with RandomState(3): said = update_shared(G, D, sgd(G), sgd(D), loss, x, z, y, penalty)
    assert_close(weights(D), ends[0][0], rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize('moves', ('fresh', 'shared'))
def test_weights_stay_in_their_box_whatever_the_moves(digits, moves):
    recipe = Recipe(loss=LOSSES['wasserstein'], clip=.01, opt='rmsprop', moves=moves, batch=32, epochs=1)
    *_, now = train(*players('cdcgan, join'), digits, recipe, device='cpu')
    assert max(p.abs().max().item() for p in now.D.parameters()) <= .01
    assert max(p.abs().max().item() for p in now.G.parameters()) > .01


def test_penalties_are_refused_where_they_are_not_defined(digits):
    penalty = make_penalty('gp')
    with pytest.raises(ValueError, match='a penalty'): Recipe(penalty=penalty, moves='simultaneous')


@pytest.mark.parametrize('moves', ('shared', 'simultaneous'))
def test_other_games_are_never_played_silently(moves):
    assert Recipe().moves == Config().moves == 'fresh'
    with pytest.raises(ValueError, match='n_d 2'): Recipe(moves=moves, n_d=2)


@pytest.mark.parametrize('loss', [LOSSES['hinge'], LOSSES['least_squares'], LOSSES['relativistic']])
def test_simultaneous_moves_refuse_losses_whose_slope_can_vanish(loss):
    with pytest.raises(ValueError, match="'bce' or 'minimax'"): Recipe(loss=loss, moves='simultaneous')


@pytest.mark.parametrize('precision', PRECISIONS)
@pytest.mark.parametrize('name', [name for name in PENALTIES if name != 'none'])
def test_a_penalised_step_never_asks_the_host(digits, name, precision):
    recipe = Recipe(loss=LOSSES['wasserstein'], penalty=make_penalty(name), clip=.1, batch=16, n_d=2)
    game, cpu = players('cdcgan, project', spectral=True), How('cpu')
    G, D, data = to_device_checked(*game, digits, recipe, cpu)
    parts, indices = make_parts(G, D, recipe), index_steps(256, recipe)
    train_step(parts, data, recipe, next(indices), precision) # the optimisers make their state
    assert count_host_syncs(lambda: train_step(parts, data, recipe, next(indices), precision)) == 0


@pytest.mark.parametrize('precision', PRECISIONS)
@pytest.mark.parametrize('moves', MOVES)
def test_a_step_never_asks_the_host(digits, moves, precision):
    recipe = Recipe(moves=moves, batch=16, ema=.9)
    game, cpu = players('cgan, project', dropout=.3), How('cpu')
    G, D, data = to_device_checked(*game, digits, recipe, cpu)
    parts, indices = make_parts(G, D, recipe), index_steps(256, recipe)
    train_step(parts, data, recipe, next(indices), precision) # the optimisers make their state
    assert count_host_syncs(lambda: train_step(parts, data, recipe, next(indices), precision)) == 0


def test_reads_are_counted():
    x = torch.ones(3)
    assert count_host_syncs(lambda: (x.sum().item(), bool(x[0] > 0), x[x > 0], (x > 0).nonzero())) == 4
    assert count_host_syncs(lambda: x.sum() + x[torch.arange(2)].sum()) == 0


def end_of(digits, precision, seed=0, **changes):
    recipe = Recipe(batch=16, epochs=2, ema=.9, seed=seed, **changes)
    game = players('cgan, project', seed, dropout=.3)
    *_, now = train(*game, digits, recipe, device='cpu', precision=precision)
    return now


@pytest.mark.parametrize('moves', MOVES)
def test_float32_by_onednn_plays_the_same_game(digits, moves):
    "Thirty-two steps of Adam apart: rounding grows, but stays far below a step."
    if not _onednn_is_accurate(): pytest.skip("fast products are not accurate here, and are not taken")
    strict, fp32 = (end_of(digits, precision, moves=moves) for precision in ('strict', 'fp32'))
    for name, value in strict.metrics.items(): assert abs(fp32.metrics[name] - value) < .01, name


def test_bfloat16_stays_within_the_spread_of_seeds(digits):
    "What D says at the end differs less between precisions than between seeds."
    def said(precision):
        return torch.tensor([end_of(digits, precision, seed).metrics['d_loss'] for seed in range(4)])
    exact, low = said('strict'), said('bf16')
    assert (low - exact).abs().mean() < exact.std() + .02
    assert all(p.dtype == torch.float32 for p in end_of(digits, 'bf16').G_ema.parameters())


def test_dropout_agrees_with_torchs_in_law():
    x = torch.randn(400, 500)
    with RandomState(0): ours, theirs = Dropout(.3)(x), nn.Dropout(.3)(x)
    for y in (ours, theirs): assert abs((y == 0).double().mean() - .3) < 4 * (.3 * .7 / x.numel())**.5
    kept = (ours != 0) & (theirs != 0)
    assert_close(ours[kept], theirs[kept], rtol=1e-4, atol=0)
    with RandomState(0): again = Dropout(.3)(x)
    assert torch.equal(again, ours)


def test_replay_without_a_gpu_calls_the_step_each_time():
    steps = []
    replay = Replay(lambda index: steps.append(index) or index + 1)
    for k in range(5): assert replay(torch.tensor(k)) == k + 1
    assert len(steps) == 5


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_a_recorded_step_plays_the_plain_game(digits):
    recipe = Recipe(batch=16, ema=.9)
    ends = []
    for capture in (False, True):
        torch.cuda.manual_seed(0)
        game, cuda = players('cgan, project', dropout=0.), How('cuda')
        G, D, data = to_device_checked(*game, digits, recipe, cuda)
        parts, indices = make_parts(G, D, recipe), index_steps(256, recipe, device='cuda')
        move = Replay(lambda i, p=parts, d=data: train_step(p, d, recipe, i), capture)
        with RandomState(0): ends.append(torch.stack([move(next(indices)) for _ in range(20)]).cpu())
    assert_close(ends[0], ends[1], rtol=1e-2, atol=1e-2)


def test_simultaneous_moves_refuse_a_discriminator_that_mixes_its_batch(digits):
    G, _ = players('mlp')
    D = nn.Sequential(nn.Flatten(), nn.Linear(784, 4), nn.BatchNorm1d(4), nn.Linear(4, 1), nn.Flatten(0))
    D.forward = lambda x, y=None: nn.Sequential.forward(D, x)
    with pytest.raises(ValueError, match='batch normalisation'):
        train(G, D, digits, Recipe(moves='simultaneous', batch=16), device='cpu')


@pytest.mark.parametrize('logit', (-60., -20., 0.))
def test_simultaneous_moves_hold_where_d_is_sure(logit):
    "Far out, where float32 nearly loses D's slope."
    G, D = players('mlp')
    nn.init.constant_(D.body[-1].bias, logit)
    x, z, _ = inputs()
    old = copy.deepcopy(D)
    before = copy.deepcopy(G)
    update_simultaneous(G, D, sgd(G), sgd(D), LOSSES['bce'], x, z)
    update_g(before, old, sgd(before), LOSSES['bce'], x, z)
    assert_close(weights(G), weights(before), rtol=1e-3, atol=1e-6)


def test_a_penalty_is_worked_out_in_full_even_where_layers_have_half_the_bits():
    G, D = build_mlp(Config(net="mlp", latent=4, g_hidden=(8,), d_hidden=(8,)), (1, 28, 28), 10)
    seen = []
    def penalty(D, x, fake, y): seen.append(fake.dtype); return fake.sum() * 0
    half = lower_precision(G, "bf16", torch.bfloat16)
    x = torch.rand(3, 1, 28, 28)
    update_d_fast(half, lower_precision(D, "bf16"), SGD(D.parameters(), .1), LOSSES["bce"], x,
                  torch.randn(3, 4), penalty=penalty)
    assert seen == [torch.float32]
