"Games that are played as before end at the same bits."
import os
import subprocess
from dataclasses import asdict

import pytest
from golden import ARMS, FILE
from warm import PYTHON

from gan_course.config import Config
from gan_course.core import LATENTS
from gan_course.data import AUGMENTS, NORMS
from gan_course.games import GAMES
from gan_course.losses import LOSSES, PENALTIES
from gan_course.networks import NETWORKS
from gan_course.steps import MOVES, OPTIMISERS, SCHEDULES

LEFT_OUT = {'affine'} # how it draws its maps may change, while its law stays
TABLES = dict(game=GAMES, net=NETWORKS, loss=LOSSES, penalty=PENALTIES, opt=OPTIMISERS, moves=MOVES,
              schedule=SCHEDULES, norm=NORMS, noise=LATENTS, augment=AUGMENTS)
DEFAULTS = dict(adversarial=1.0, attention=False, augment='none', batch=64, batch_norm=False, beta1=0.5,
                beta2=0.999, clip=0.0, condition='join', d_hidden=(1024, 512, 256), data='mnist',
                dropout=0.0, ema=0.0, epochs=10, fake_target=(0.0, 0.0), g_hidden=(256, 512, 1024),
                g_out='tanh', g_stats='running', game='gan', gamma=10.0, guessed=0.0, identity=0.0,
                init='torch', keep='all', l1=0.0, latent=100, loss='bce', lr_d=0.0002, lr_g=0.0002,
                maker='none', moves='fresh', n_d=1, n_g=1, n_labels=0, n_train=0, n_valid=0, net='mlp',
                noise='normal', norm='signed', opt='adam', penalty='none', pool=0, real_target=(1.0, 1.0),
                schedule='constant', seed=0, share=0.0, slope=0.2, source='none', spectral=False, width=1.0,
                without='')


def test_every_game_ends_at_the_same_bits():
    done = subprocess.run([*PYTHON, '-m', 'golden'], cwd=FILE.parent, capture_output=True, text=True,
                          check=False, env=os.environ | {'OMP_NUM_THREADS': '1'})
    if not done.returncode and 'made by another torch' in done.stderr: pytest.skip(done.stderr.strip())
    assert done.returncode == 0, (f"{done.stderr}where the results are meant to change: "
                                  "python tests/golden.py --write")


def test_ids_rest_on_the_defaults():
    "An id tells what differs from the defaults: with other defaults, stored rows would mean another game."
    assert asdict(Config()) == DEFAULTS, 'a new field has its line in DEFAULTS; an old one keeps its default'


@pytest.mark.parametrize('field', TABLES)
def test_the_arms_play_every_name(field):
    played = {getattr(config, field) for config in ARMS.values()}
    assert set(TABLES[field]) - played <= LEFT_OUT
