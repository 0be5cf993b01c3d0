"A new loss, network, data set, score, penalty, optimiser or study is one function and one row."
import json
from contextlib import contextmanager
from dataclasses import replace

import pytest
import torch
from torch import nn

from gan_course.catalogue import STUDIES
from gan_course.cli import main
from gan_course.clinic import dashboard
from gan_course.config import Config, How, Study
from gan_course.data import DATASETS, DataSet, load
from gan_course.diagnosis import diagnose, explain
from gan_course.files import append_row, read_jsonl
from gan_course.losses import LOSSES, PENALTIES, Loss, bce_d, non_saturating_g
from gan_course.networks import NETWORKS, build_cgan
from gan_course.report import write_scores
from gan_course.runs import load_generator, run_config
from gan_course.scores import Reference, score
from gan_course.statistics import SCORES, Score
from gan_course.steps import OPTIMISERS
from gan_course.training import generate

TINY = Config(net="cgan", data="mnist_5k", n_train=200, latent=4, g_hidden=(16,), d_hidden=(16,), batch=50,
              epochs=2)


@contextmanager
def row(table, name, value):
    "A table with one more row."
    assert name not in table
    table[name] = value
    try: yield
    finally: del table[name]


def through_everything(config, folder):
    "Train two arms with alarms on, resume one, diagnose, show, draw; a study of them and its table."
    study = Study('toy-study', "Does it run?", config, {'base': {}, 'other': dict(lr_g=1e-3)})
    rows = {}
    for arm in study.arms:
        rows[arm] = run_config(study.config(arm), folder/arm, how=How('cpu'), n_score=60)
        kept = dict(study='toy-study', arm=arm, form='full') | rows[arm]
        append_row(folder/'results'/'toy-study.jsonl', kept)
    again = run_config(config, folder/'base', resume=True, how=How('cpu'), n_score=60)
    assert again | dict(peak_mib=0) == rows['base'] | dict(peak_mib=0)
    metrics = read_jsonl(folder/'base'/'metrics.jsonl')
    diagnose(metrics, config.loss)
    dashboard(metrics, config.loss)
    assert explain(metrics, config.loss)
    main(['doctor', str(folder/'base')])
    with row(STUDIES, 'toy-study', study):
        main(['table', 'toy-study', '--results', str(folder/'results')])
        main(['list'])
    return rows['base'], *generate(load_generator(folder/'base'), 60, noise=config.noise, norm=config.norm)


def written(images, y, folder, data='mnist_5k'):
    "The scores of images as JSON and as a page."
    real = Reference(load(data, 'test')[::5], load(data)[::20])
    scores = score(images, y, data, real=real, steps=2)
    write_scores(folder/'scores.html', 'toy', scores, images, y, real)
    return json.loads(json.dumps(scores, allow_nan=False)), (folder/'scores.html').read_text(encoding='utf-8')


def toy_g(real, fake): return (-fake).exp().mean(-1)


@pytest.mark.parametrize('loss', [Loss(bce_d, toy_g), Loss(bce_d, non_saturating_g, level=1.4, floor=1.4)])
def test_a_loss_is_a_row(loss, tmp_path):
    with row(LOSSES, 'toy', loss): through_everything(replace(TINY, loss='toy'), tmp_path)


def build_toy(config, shape, n_classes):
    "The MLP players, with one number more in G."
    G, D = build_cgan(config, shape, n_classes)
    G.register_parameter('spare', nn.Parameter(torch.zeros(1)))
    return G, D


def test_a_network_is_a_row(tmp_path):
    with row(NETWORKS, 'toy', build_toy):
        through_everything(replace(TINY, net='toy'), tmp_path)
        with pytest.raises(ValueError, match="attention is True, which the networks of net 'toy' do not"):
            run_config(replace(TINY, net='toy', attention=True), tmp_path/'refused', how=How('cpu'))
    assert not (tmp_path/'refused').exists()


def load_toy(split):
    "Half of the digits, upside down."
    digits = load('mnist_5k', split)[::2]
    return digits.x.flip(2), digits.y


@pytest.mark.parametrize('judge', ['', 'mnist'])
def test_a_data_set_is_a_row(judge, tmp_path):
    with row(DATASETS, 'toy', DataSet(load_toy, (1, 28, 28), 10, judge)):
        made, images, y = through_everything(replace(TINY, data='toy'), tmp_path)
        assert bool(made['scores']) == bool(judge)
        if judge: assert written(images, y, tmp_path, 'toy')[0]['data'] == 'toy'


def mean_distance(generated, real):
    "How far apart the mean features lie."
    return (generated.mean(0) - real.mean(0)).norm().item()


def test_a_score_is_a_row(tmp_path):
    made, images, y = through_everything(TINY, tmp_path)
    with row(SCORES, 'mean-distance', Score('low', 'distance of the mean features', mean_distance)):
        scores, page = written(images, y, tmp_path)
        assert all(said['mean-distance'] > 0 for said in scores['judges'].values())
        assert 'mean-distance' in page and 'distance of the mean features' in page
        main(['table', 'moves'])
    assert 'mean-distance' not in written(images, y, tmp_path)[1]


def toy_penalty(D, x, fake, y=None):
    "D is to be small on real examples."
    return D(x, y).square().mean()


def test_a_penalty_is_a_row(tmp_path):
    config = replace(TINY, penalty='toy', gamma=.1)
    with row(PENALTIES, 'toy', toy_penalty): through_everything(config, tmp_path)


def test_an_optimiser_is_a_row(tmp_path):
    with row(OPTIMISERS, 'toy', lambda params, lr, betas: torch.optim.Adagrad(params, lr)):
        through_everything(replace(TINY, opt='toy'), tmp_path)


def test_a_study_is_a_row(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr('gan_course.engine.in_process', lambda do, *args, **_: do(*args))
    study = Study('toy', "Is it a row?", TINY, small=dict(epochs=1), claims=('mlp-future',))
    with row(STUDIES, 'toy', study):
        main(['list'])
        assert "Is it a row?" in capsys.readouterr().out
        main(['train', 'toy', '--lr-g', '1e-3', '--quiet', '--out', str(tmp_path/'run')])
        config = json.loads((tmp_path/'run'/'config.json').read_text(encoding='utf-8'))
        assert config['epochs'] == 1 and config['lr_g'] == 1e-3
        main(['cost', 'toy', '--seeds', '1', '--n', '60', '--workers', '1', '--device', 'cpu'])
        assert "1 runs left" in capsys.readouterr().out
