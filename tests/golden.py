"""A few steps of every kind of game, as hashes: they stay, whatever moves or is renamed."""
import argparse
import hashlib
import json
import os
import platform
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

if __name__ == '__main__': # before torch: the kernels that most machines have
    os.environ |= dict(ATEN_CPU_CAPABILITY='avx2', ONEDNN_MAX_CPU_ISA='AVX2')

import torch

from gan_course.catalogue import STUDIES
from gan_course.config import Config, How, config_id
from gan_course.files import RunDir
from gan_course.games import GAMES, build_recipe, load_train_valid

FILE = Path(__file__).with_suffix('.json')
BASE = Config(data='mnist_5k', n_train=300, latent=8, g_hidden=(16, 16), d_hidden=(16, 16), lr_g=2e-3,
              lr_d=2e-3, batch=100, epochs=2)
ARMS = {name: replace(BASE, **changes) for name, changes in { # augment='affine' is left out: see the test
    'mlp': dict(),
    'seed, held out': dict(seed=1, n_valid=60),
    'batch': dict(batch=64), # one that reaches into the next epoch
    'widths': dict(width=.5, slope=0., latent=5, beta1=.9, beta2=.99, lr_g=1e-3),
    'normal': dict(init='normal'),
    'uniform': dict(noise='uniform'),
    'unit': dict(norm='unit', g_out='sigmoid'),
    'raw': dict(norm='raw', g_out='linear'),
    'report': dict(norm='report'),
    'minimax': dict(loss='minimax'),
    'least squares': dict(loss='least_squares'),
    'hinge': dict(loss='hinge'),
    'wasserstein': dict(loss='wasserstein'),
    'relativistic': dict(loss='relativistic'),
    'smooth': dict(real_target=(.9, .9), fake_target=(.1, .1)),
    'noisy': dict(real_target=(.7, 1.2), fake_target=(0., .3)),
    'rmsprop': dict(opt='rmsprop'),
    'sgd': dict(opt='sgd', lr_g=.1, lr_d=.1),
    'momentum': dict(opt='momentum', lr_g=.1, lr_d=.1),
    'linear': dict(schedule='linear'),
    'cosine': dict(schedule='cosine', opt='rmsprop'),
    'warm-up': dict(schedule='warm-up', opt='momentum', lr_g=.1, lr_d=.1),
    'half, of three players': dict(schedule='half', game='triple', net='cdcgan', n_labels=100),
    'n_d': dict(n_d=2),
    'n_g': dict(n_g=2),
    'n_d, n_g': dict(n_d=2, n_g=2, ema=.9, dropout=.3),
    'clip': dict(loss='wasserstein', clip=.05, opt='rmsprop', n_d=2),
    'simultaneous': dict(moves='simultaneous', loss='minimax', dropout=.3),
    'gp': dict(penalty='gp', loss='wasserstein', n_d=2, beta1=0., beta2=.9),
    'r1': dict(penalty='r1', gamma=1.),
    'r2': dict(penalty='r2', gamma=1.),
    'r1+r2': dict(penalty='r1+r2', gamma=.1, loss='relativistic', moves='shared'),
    'cgan': dict(net='cgan', batch_norm=True, dropout=.3),
    'cgan project, gp': dict(net='cgan', condition='project', penalty='gp', gamma=1.),
    'half': dict(net='half', batch_norm=True, dropout=.3),
    'dcgan': dict(net='dcgan', init='glorot', batch_norm=True, dropout=.3, moves='shared'),
    'dcgan of three layers': dict(net='dcgan', g_hidden=(16, 8, 8), d_hidden=(8, 8, 16), slope=.3),
    'dcgan, batch statistics': dict(net='dcgan', batch_norm=True, g_stats='batch', ema=.9),
    'dcgan, radford': dict(net='dcgan', init='radford', batch_norm=True, loss='hinge'),
    'dcgan, attention': dict(net='dcgan', attention=True),
    'dcgan, spectral': dict(net='dcgan', spectral=True, moves='simultaneous'),
    'dcgan, gp': dict(net='dcgan', penalty='gp', loss='wasserstein'),
    'cdcgan': dict(net='cdcgan', batch_norm=True, dropout=.3, moves='shared', ema=.9),
    'cdcgan, project': dict(net='cdcgan', condition='project', init='glorot', n_g=2),
    'cdcgan, all in one': dict(net='cdcgan', d_hidden=(8, 8), batch_norm=True, attention=True, spectral=True,
                           penalty='r1'),
    'cdcgan, diff': dict(net='cdcgan', condition='project', augment='diff', penalty='r1', moves='shared'),
    'resnet': dict(net='resnet', latent=5, g_out='linear', loss='relativistic', penalty='r1+r2',
                   moves='shared'),
    'growing': dict(game='growing', net='growing', latent=5, g_hidden=(16, 8, 8), d_hidden=(8, 8, 16), ema=.9,
                    penalty='r1', moves='shared'),
    'growing, without': dict(game='growing', net='growing', n_d=2,
                             without='fade-in+minibatch-std+equalised+pixel-norm'),
    'growing, at once': dict(net='growing', without='minibatch-std', schedule='cosine'),
    'flow': dict(game='flow', net='unet', latent=100, d_hidden=(1024, 512, 256), lr_d=2e-4, ema=.9),
    'cycle': dict(game='cycle', net='translator', source='mnist_5k', data='stacked_5k', n_train=120,
                  latent=100, loss='least_squares', l1=5., identity=2.5, pool=60, batch=40),
    'cycle, sketches': dict(game='cycle', net='translator', source='edges', latent=100, pool=0, l1=1.,
                            n_train=120),
    'pairs': dict(game='pairs', net='translator', source='edges', latent=100, l1=50., adversarial=.5),
    'ring8': dict(data='ring8', latent=2, g_out='linear', init='glorot'),
    'grid25': dict(data='grid25', net='cgan', latent=2, g_out='linear', loss='relativistic', penalty='r1'),
    'stacked': dict(data='stacked_5k', net='dcgan', batch_norm=True),
    'icgan': dict(game='icgan', net='cdcgan', batch_norm=True, ema=.9, norm='unit', g_out='sigmoid'),
    'bigan': dict(game='bigan', net='cdcgan', batch_norm=True, dropout=.3, loss='hinge'),
    'triple': dict(game='triple', net='cdcgan', n_labels=100, batch_norm=True, dropout=.3, ema=.9),
    'triple, guessed': dict(game='triple', net='cdcgan', n_labels=100, batch_norm=True, guessed=.9),
    'plain': dict(game='plain', n_labels=100, dropout=.3),
    'mix': dict(game='mix'),
    'mix, few labels': dict(game='mix', n_labels=50, n_valid=60, ema=.9, epochs=1),
    'mix, small': dict(game='mix', maker='small', share=.2, epochs=1),
    'mix, few and agreed': dict(game='mix', maker='few', share=.2, n_labels=100, keep='agreed', epochs=1),
    'retrain': dict(game='retrain', n_valid=60, epochs=1),
    'retrain, small': dict(game='retrain', maker='small', share=1., ema=.9, epochs=1),
}.items()}


def digest(*values):
    "The first 16 digits of a hash over tensors, numbers and text, and dicts and lists of them."
    seen = hashlib.sha256()
    def feed(value):
        if isinstance(value, dict): value = sorted(value.items(), key=lambda item: str(item[0]))
        if isinstance(value, (list, tuple)):
            seen.update(f'{len(value)} of '.encode())
            for part in value: feed(part)
        elif isinstance(value, torch.Tensor):
            seen.update(f'{value.dtype} {tuple(value.shape)} '.encode())
            seen.update(value.detach().cpu().contiguous().numpy().tobytes())
        else: seen.update(f'{value!r} '.encode())
    feed(values)
    return seen.hexdigest()[:16]


def play(config, folder):
    "The hash of a game: every player and optimiser at its end, and the metrics on the way."
    data, _ = load_train_valid(config)
    start = GAMES[config.game](config, data, build_recipe(config))
    shots = [(now, now.step, now.metrics) for now in start(RunDir(folder/'run'), How('cpu', 'strict'))]
    state = {name: part.state_dict() for name, part in shots[-1][0].parts.items()}
    return digest(state, [rest for _, *rest in shots])


def golden():
    "Name -> hash, of every arm, and of the ids of all the studies' runs."
    ids = sorted(config_id(study.config(arm, form, seed=seed)) for study in STUDIES.values()
                 for arm in study.arms for form in study.forms for seed in (0, 1))
    with tempfile.TemporaryDirectory() as folder:
        hashes = {name: play(config, Path(folder, name)) for name, config in ARMS.items()}
    return hashes | dict(ids=digest(ids))


def made_by():
    "What the last bit of a sum may depend on; virtual machines of several generations have one model's name."
    info = Path('/proc/cpuinfo')
    lines = info.read_text(encoding='utf-8').split('\n\n')[0].splitlines() if info.exists() else []
    facts = {name.strip(): fact.strip() for name, _, fact in (line.partition(':') for line in lines)}
    names = 'model name', 'cpu family', 'model', 'stepping', 'cache size'
    parts = [f'{name} {facts[name]}' for name in names if name in facts] or [
        platform.processor() or platform.machine()]
    parts += torch.backends.cpu.get_cpu_capability(), f'{torch.get_num_threads()} thread'
    return dict(torch=torch.__version__, machine=', '.join(parts))


def main():
    "Compare with the file, or write it; the exit status."
    torch.set_num_threads(1)
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--write', action='store_true', help=f"keep today's hashes in {FILE.name}")
    parser.add_argument('--strict', action='store_true', help="compare with another torch's, too")
    args, here = parser.parse_args(), made_by()
    kept = {} if args.write else json.loads(FILE.read_text(encoding='utf-8'))
    other = [f'{name} is {now}, was {kept[name]}' for name, now in here.items() if kept and kept[name] != now]
    if other: print(f"{FILE.name} was made by another torch: {'; '.join(other)}", file=sys.stderr)
    if other and not args.strict: return 0
    hashes = golden()
    text = json.dumps(here | dict(hashes=hashes), indent=1, sort_keys=True)
    print(text)
    if args.write: FILE.write_text(text + '\n', encoding='utf-8'); return 0
    differ = sorted(name for name in hashes | kept['hashes'] if hashes.get(name) != kept['hashes'].get(name))
    for name in differ: print(f'differs: {name}', file=sys.stderr)
    return int(bool(differ))


if __name__ == '__main__': sys.exit(main())
