"""What is raced: the textbook's loops and ours, each an endless iterator that plays one step at a time."""
import tempfile
from dataclasses import dataclass, field
from functools import partial

import torch

from benchmarks import textbook
from gan_course.config import How
from gan_course.core import RandomState
from gan_course.data import index_batches, load, normalise
from gan_course.judges import update_classifier
from gan_course.losses import LOSSES, make_penalty
from gan_course.networks import DCGANDiscriminator, DCGANGenerator, MLPDiscriminator, MLPGenerator, classifier
from gan_course.speed import Replay, keep_freed_memory, lower_precision, matmul_precision
from gan_course.steps import Recipe, train_step, update_d, update_g
from gan_course.training import index_steps, make_parts, to_device_checked


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
    parts = make_parts(G, D, recipe)
    def z(): return torch.randn(recipe.batch, G.latent, device=device)
    for index in index_batches(len(data), recipe.batch, device=device):
        x = normalise(data.x[index])
        yield (update_d(G, D, parts['opt_d'], recipe.loss, x, z())
               | update_g(G, D, parts['opt_g'], recipe.loss, x, z()))


def our_gan(players, recipe, precision, device):
    "The steps of `train`."
    device, data = torch.device(device), load('mnist')
    G, D, data = to_device_checked(*players(), data, recipe, How(device.type))
    parts = make_parts(G, D, recipe)
    move = Replay(partial(train_step, parts, data, recipe, precision=precision), device.type == 'cuda')
    with RandomState(0, device), matmul_precision(precision, device), keep_freed_memory(device):
        for indices in index_steps(len(data), recipe, device=device): yield move(indices)


def our_classifier(batch, precision, device):
    "The steps of `train_classifier`."
    device, data = torch.device(device), load('mnist').to(device)
    net = classifier().to(device).to(memory_format=torch.channels_last)
    opt = torch.optim.Adam(net.parameters(), 1e-3, fused=True, capturable=device.type == 'cuda')
    def step(index):
        x, y = normalise(data.x[index]), data.y[index]
        return update_classifier(lower_precision(net, precision), opt, x, y)
    move = Replay(step, device.type == 'cuda')
    with matmul_precision(precision, device), keep_freed_memory(device):
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
}
