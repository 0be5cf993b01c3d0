"""What is raced: the textbook's loops and ours, each an endless iterator that plays one step at a time."""
import tempfile
from dataclasses import dataclass, field
from functools import partial

import torch

from benchmarks import textbook
from gan_course.core import Stream
from gan_course.data import index_batches, load, normalise
from gan_course.dcgan import DCGANDiscriminator, DCGANGenerator
from gan_course.fast import Replay, keep_memory, lowered, products_in, stack
from gan_course.judges import classifier, learn
from gan_course.losses import LOSSES
from gan_course.mlp_gan import MLPDiscriminator, MLPGenerator
from gan_course.steps import update_d, update_g
from gan_course.training import Recipe, index_steps, play_step, prepare, set_up
from gan_course.wgan import make_penalty


def mlp_players(): return MLPGenerator(), MLPDiscriminator(dropout=.4)
def dcgan_players(): return DCGANGenerator(), DCGANDiscriminator()
def critic_players(): return DCGANGenerator(), DCGANDiscriminator(dropout=0.)


def textbook_gan(networks, batch, workers, device, **rates):
    with tempfile.TemporaryDirectory() as folder:
        yield from textbook.gan_loop(networks(), textbook.mnist(folder), batch, workers, device, **rates)


def textbook_critic(batch, workers, device):
    with tempfile.TemporaryDirectory() as folder:
        yield from textbook.wgan_gp_loop(textbook.critic(), textbook.mnist(folder), batch, workers, device)


def textbook_classifier(batch, workers, device):
    with tempfile.TemporaryDirectory() as folder:
        net = textbook.digit_classifier()
        yield from textbook.classifier_loop(net, textbook.mnist(folder), batch, workers, device)


def plain_gan(players, recipe, device):
    "The moves of chapter 12 on resident data, nothing else."
    data = load('mnist').to(device)
    G, D = (net.to(device) for net in players())
    parts = set_up(G, D, recipe)
    def z(): return torch.randn(recipe.batch, G.latent, device=device)
    for index in index_batches(len(data), recipe.batch, device=device):
        x = normalise(data.x[index])
        yield (update_d(G, D, parts['opt_d'], recipe.loss, x, z())
               | update_g(G, D, parts['opt_g'], recipe.loss, x, z()))


def our_gan(players, recipe, precision, device, n_seeds=1):
    "The steps of `train`, or of `train_stack`."
    device, data = torch.device(device), load('mnist')
    games = [players() for _ in range(n_seeds)]
    for G, D in games: *_, data = prepare(G, D, data, recipe, device)
    G, D = games[0] if n_seeds == 1 else map(stack, zip(*games, strict=True))
    parts = set_up(G, D, recipe)
    move = Replay(partial(play_step, parts, data, recipe, precision=precision), device.type == 'cuda')
    with Stream(0), products_in(precision, device):
        for indices in index_steps(len(data), recipe, range(n_seeds), 0, device): yield move(indices)


def our_classifier(batch, precision, device):
    "The steps of `train_classifier`."
    device, data = torch.device(device), load('mnist').to(device)
    if device.type == 'cpu': keep_memory()
    net = classifier().to(device).to(memory_format=torch.channels_last)
    opt = torch.optim.Adam(net.parameters(), 1e-3, fused=True, capturable=device.type == 'cuda')
    move = Replay(lambda index: learn(lowered(net, precision), opt, normalise(data.x[index]), data.y[index]),
                  device.type == 'cuda')
    with products_in(precision, device):
        for index in index_batches(len(data), batch, device=device): yield move(index)


@dataclass
class Workload:
    "Loops to race, at one batch size."
    title:str
    batch:int
    steps:int                                  # in a turn
    loops:dict = field(default_factory=dict)   # name -> (function of a device, models trained at once)


def _gan(players, networks, recipe, ours, **rates):
    "The loops of a GAN: the textbook's, the plain moves, and ours by precision and moves."
    loops = {f'textbook, {w} workers': (partial(textbook_gan, networks, recipe['batch'], w, **rates), 1)
             for w in (0, 2)}
    loops['plain moves'] = (partial(plain_gan, players, Recipe(**recipe)), 1)
    for name in ours:
        precision, moves = name.split(', ')
        loops[name] = (partial(our_gan, players, Recipe(**recipe, moves=moves), precision), 1)
    return loops


_w1, _w2 = dict(batch=64), dict(batch=256, lr_g=1e-3, lr_d=1e-4)
_w4 = dict(loss=LOSSES['wasserstein'], penalty=make_penalty('gp'), batch=64, lr_g=1e-4, lr_d=1e-4, beta1=0.,
           beta2=.9)
_all = ('fp32, fresh', 'fp32, shared', 'bf16, fresh', 'bf16, shared', 'bf16, simultaneous')
_stacks = {f'stack of {n}, {p}, shared': (partial(our_gan, mlp_players, Recipe(**_w1, moves='shared'), p,
                                                  n_seeds=n), n)
           for n, p in ((4, 'bf16'), (8, 'fp32'), (8, 'bf16'), (16, 'bf16'))}
_lessons = {f'textbook, {w} workers': (partial(textbook_classifier, 128, w), 1) for w in (0, 2)}

WORKLOADS = {
    'W1': Workload('MLP GAN', 64, 20, _gan(mlp_players, textbook.mlp_gan, _w1, _all)),
    'W2': Workload('DCGAN', 256, 1, _gan(dcgan_players, textbook.dcgan, _w2, _all[1:], lr_g=1e-3, lr_d=1e-4)),
    'W3': Workload('digit classifier', 128, 8,
                   _lessons | {p: (partial(our_classifier, 128, p), 1) for p in ('fp32', 'bf16')}),
    'W4': Workload('WGAN-GP', 64, 1, {
        **{f'textbook, {w} workers': (partial(textbook_critic, 64, w), 1) for w in (0, 2)},
        **{f'{p}, {moves}': (partial(our_gan, critic_players, Recipe(**_w4, moves=moves), p), 1)
           for p in ('fp32', 'bf16') for moves in ('fresh', 'shared')}}),
    'W1x8': Workload('MLP GAN, seeds at once', 64, 4, {
        'textbook, 0 workers': (partial(textbook_gan, textbook.mlp_gan, 64, 0), 1), **_stacks}),
}
