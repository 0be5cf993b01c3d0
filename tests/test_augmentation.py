"Generated images as training data: nothing leaks, arms are equal, and what many runs share is made once."
import json
from dataclasses import replace

import pytest
import torch
from safetensors.torch import load_file
from torch import nn
from torch.testing import assert_close
from torchvision.transforms.v2 import InterpolationMode
from torchvision.transforms.v2.functional import affine as reference

from gan_course import games
from gan_course.catalogue import MAKERS, PLAYGROUND, STUDIES, _few_maker
from gan_course.config import Config, How, config_id
from gan_course.core import set_seed
from gan_course.data import AUGMENTS, Augment, Data, _affine_maps, affine, diff_augment, load, mix_datasets
from gan_course.files import read_jsonl
from gan_course.games import NETWORK_FIELDS, _load_labelled, build_networks, load_train, load_train_valid
from gan_course.judges import accuracy
from gan_course.report import stored_rows
from gan_course.runs import run_config
from gan_course.steps import METRICS, build_recipe, train_step
from gan_course.training import (
    draw_generated,
    generate,
    keep_agreeing,
    load_playground,
    make_parts,
    step_counts,
)

TINY = Config(game='mix', data='mnist_5k', n_train=260, n_valid=60, n_labels=50, batch=50, epochs=2,
              lr_g=2e-3, beta1=.9, ema=.9)
MADE = replace(TINY, maker='few', share=.5)


def played(config, folder): return run_config(config, folder/'run', how=How('cpu', quiet=True), n_score=50)


def weights(folder): return torch.load(folder/'run'/'checkpoint.pt', weights_only=True)['parts']['C']


@pytest.fixture
def seen(monkeypatch):
    "The real images that each network is trained on: G by `train`, a classifier out of `mix_datasets`."
    handed = []
    gan, whole = games.train, games.mix_datasets
    def watch_gan(G, D, data, *rest):
        handed.append(('G', data)); return gan(G, D, data, *rest)
    def watch_mix(real, *rest):
        handed.append(('C', real)); return whole(real, *rest)
    monkeypatch.setattr(games, 'train', watch_gan)
    monkeypatch.setattr(games, 'mix_datasets', watch_mix)
    return handed


def test_generator_judge_and_classifier_are_handed_the_labelled_images_only(seen, tmp_path):
    config = replace(MADE, keep='agreed', augment='affine')
    played(config, tmp_path)
    few = _load_labelled(config, load_train_valid(config)[0])
    allowed = {(bytes(x.flatten().tolist()), int(y)) for x, y in zip(few.x, few.y, strict=True)}
    assert len(allowed) == 50 and [name for name, _ in seen] == ['G', 'C', 'C'] # maker, judge, classifier
    for _, data in seen:
        assert {(bytes(x.flatten().tolist()), int(y)) for x, y in zip(data.x, data.y, strict=True)} == allowed


@pytest.mark.slow
def test_replacing_every_other_image_by_noise_changes_nothing(monkeypatch, tmp_path):
    config = replace(MADE, keep='agreed')
    played(config, tmp_path/'true')
    true = load('mnist_5k')
    few = _load_labelled(config, load_train_valid(config)[0])
    is_few = (true.x.flatten(1)[:, None] == few.x.flatten(1)[None]).all(2).any(1)
    noise = torch.randint(0, 256, true.x.shape, dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    hidden = replace(true, x=torch.where(is_few[:, None, None, None], true.x, noise))
    monkeypatch.setattr(games, 'load', lambda name, split: hidden)
    played(config, tmp_path/'hidden')
    assert_close(weights(tmp_path/'hidden'), weights(tmp_path/'true'), rtol=0, atol=0)
    other = replace(true, x=torch.where(is_few[:, None, None, None], noise, true.x)) # the proof can fail
    monkeypatch.setattr(games, 'load', lambda name, split: other)
    played(config, tmp_path/'other')
    assert not torch.equal(weights(tmp_path/'other')['0.weight'], weights(tmp_path/'true')['0.weight'])


def test_what_many_runs_share_is_trained_once(seen, tmp_path):
    for arm in (MADE, replace(MADE, augment='affine'), replace(MADE, share=.25)):
        run_config(arm, tmp_path/config_id(arm), how=How('cpu', quiet=True), n_score=50)
    assert [name for name, _ in seen].count('G') == 1
    rows = [json.loads(file.read_text(encoding='utf-8')) for file in tmp_path.glob('*/row.json')]
    assert len({json.dumps(row['needed']) for row in rows}) == 1 # each row's price contains the maker's
    assert all(row['seconds'] >= round(sum(row['needed'].values()), 1) > 0 for row in rows)
    assert len([*tmp_path.glob('gan-fp32-*/trained.safetensors')]) == 1
    played(replace(MADE, seed=1), tmp_path) # other images, another maker
    assert [name for name, _ in seen].count('G') == 2


def test_a_maker_broken_off_is_gone_on_with(monkeypatch, tmp_path):
    played(MADE, tmp_path/'through')
    whole = games.train
    def cut(*args):
        yield next(whole(*args))
        raise KeyboardInterrupt
    monkeypatch.setattr(games, 'train', cut)
    with pytest.raises(KeyboardInterrupt): played(MADE, tmp_path/'broken')
    monkeypatch.setattr(games, 'train', whole)
    run_config(MADE, tmp_path/'broken'/'run', resume=True, how=How('cpu', quiet=True), n_score=50)
    assert_close(weights(tmp_path/'broken'), weights(tmp_path/'through'), rtol=0, atol=0)


@pytest.mark.parametrize('changes', [{}, dict(augment='affine'), dict(maker='small', share=.4),
                                     dict(maker='small', share=1.), dict(maker='few', share=.5)])
def test_every_arm_makes_as_many_updates(changes, tmp_path):
    config = replace(TINY, **changes)
    row = played(config, tmp_path)
    assert row['step'] == 8 == step_counts(200, games.build_recipe(config))[-1]
    assert {'classified', 'validated'} <= set(row['scores']) and len(row['validation']) == 2
    C = games.build_learner(config, load('mnist_5k'))
    C.load_state_dict(load_file(tmp_path/'run'/'classifier.safetensors'))
    held = accuracy(C, load_train_valid(config)[1])
    assert row['scores']['validated'] == pytest.approx(held, abs=1e-4)
    assert ('as_asked' in row['metrics'][-1]) == (config.share > 0)
    assert 'chosen' not in row


def test_retraining_starts_from_the_trained_classifier_and_keeps_both_curves(tmp_path):
    config = replace(TINY, game='retrain', maker='small', share=1., n_labels=0)
    row = played(config, tmp_path)
    [first] = tmp_path.glob('mix-fp32-*/metrics.jsonl')
    before = read_jsonl(first)
    assert len(before) == 2 and row['step'] == before[-1]['step'] == 8
    assert all({'trained', 'validated'} <= set(at) for at in row['validation'])
    C, (_, held) = games.build_learner(config, load('mnist_5k')), load_train_valid(config)
    untrained = accuracy(C, held)
    C.load_state_dict(load_file(first.parent/'trained.safetensors'))
    assert row['metrics'][-1]['before'] == pytest.approx(accuracy(C, held), abs=1e-4) != untrained


def test_a_run_killed_before_its_row_still_says_how_it_ended(tmp_path):
    row = played(TINY, tmp_path)
    (tmp_path/'run'/'row.json').unlink()
    again = run_config(TINY, tmp_path/'run', resume=True, how=How('cpu', quiet=True), n_score=50)
    assert again['scores'] == row['scores']


@pytest.mark.parametrize('changes,why', [
    (dict(share=.5), 'share is 0.5'), (dict(maker='few'), 'share is 0.0'),
    (dict(maker='me', share=.5), "maker is 'me'"), (dict(maker='few', share=2.), 'share is 2.0'),
    (dict(keep='best', maker='few', share=.5), "keep is 'best'"), (dict(keep='agreed'), "keep is 'agreed'"),
    (dict(norm='unit'), "norm is 'unit'"), (dict(n_labels=300), 'n_labels is 300'),
    (dict(game='gan', n_labels=0, n_valid=0, share=.5, maker='few'), 'share is 0.5'),
])
def test_what_cannot_be_mixed_is_refused_before_anything_is_written(changes, why, tmp_path):
    with pytest.raises(ValueError, match=why): played(replace(TINY, **changes), tmp_path)
    assert not [*tmp_path.iterdir()]


@pytest.mark.parametrize('size', [28, 32])
def test_affine_is_torchvisions(size):
    g = torch.Generator().manual_seed(0)
    inside = torch.zeros(6, 1, size, size, dtype=torch.uint8)
    filled = torch.randint(0, 256, (6, 1, size - 12, size - 12), dtype=torch.uint8, generator=g)
    inside[:, :, 6:-6, 6:-6] = filled
    angle, scale, shear = torch.linspace(-10, 10, 6), torch.linspace(.9, 1.1, 6), torch.linspace(5, -5, 6)
    shift = torch.tensor([[-2., 1.], [0., 0.], [2., 2.], [1., -2.], [0., -1.], [-1., 0.]])
    maps = _affine_maps(angle, shift / (size / 2), scale, shear)
    grid = nn.functional.affine_grid(maps, inside.shape, align_corners=False)
    ours = nn.functional.grid_sample(inside.float(), grid, align_corners=False)
    for i in range(6):
        theirs = reference(inside[i].float(), angle[i].item(), shift[i].tolist(), scale[i].item(),
                           [shear[i].item(), 0.], InterpolationMode.BILINEAR, 0)
        assert_close(ours[i], theirs, atol=.5, rtol=0)


def test_affine_keeps_type_and_draws_for_each_image():
    x = load('mnist_5k').x[:1].expand(64, -1, -1, -1)
    changed = affine(x)
    assert changed.dtype == torch.uint8 and changed.shape == x.shape
    assert len(changed.flatten(1).unique(dim=0)) > 60


def test_generated_images_are_fresh_for_each_seed_and_even_over_classes():
    G = load_playground()
    first, again, other = (draw_generated(G, 25, PLAYGROUND, seed=seed) for seed in (0, 0, 1))
    assert torch.equal(first.x, again.x) and not torch.equal(first.x, other.x)
    assert sorted(first.y.bincount(minlength=10).tolist()) == [2] * 5 + [3] * 5
    assert not G.training and all(weights.requires_grad for weights in G.parameters())


def test_what_is_done_to_a_shipped_generator_changes_no_other_copy():
    G, fresh = load_playground().train(), load_playground()
    for weights in G.parameters(): weights.data.zero_()
    assert not fresh.training and not load_playground().training
    assert torch.equal(*(generate(one, 3)[0] for one in (fresh, load_playground())))


def test_a_judge_that_agrees_with_nothing_leaves_the_classes_even():
    class Nine(nn.Module):
        def __init__(self): super().__init__(); self.unused = nn.Parameter(torch.zeros(1))
        def forward(self, x): return nn.functional.one_hot(torch.full((len(x),), 9), 10).float()
    made = Data(torch.randint(256, (60, 1, 28, 28), dtype=torch.uint8), torch.arange(60) % 10)
    assert keep_agreeing(made, Nine(), 30).y.bincount().tolist() == [3] * 10


def test_a_mixture_repeats_real_images_evenly_and_never_loses_one():
    real = Data(torch.arange(7, dtype=torch.uint8).view(7, 1, 1, 1), torch.arange(7))
    counts = mix_datasets(real, real[:0], 30).y.bincount(minlength=7)
    assert counts.sum() == 30 and counts.min() == 4 and counts.max() == 5
    with pytest.raises(ValueError, match='n is 3'): mix_datasets(real, real[:5], 3)


def test_the_maker_of_few_plays_as_long_for_100_images_as_for_6000():
    numbers = 100, 300, 600, 1000, 6000
    steps = [step_counts(n, games.build_recipe(_few_maker(TINY, n, 782)))[-1] for n in numbers]
    assert all(4 * 782 <= s <= 4 * 782 + 6000 / 64 + 1 for s in steps)
    assert all(MAKERS['few'](TINY, n, 782).n_labels == n for n in (100, 6000))


@pytest.mark.parametrize('name', ['depth-mix', 'depth-retrain', 'few-share', 'few-labels'])
def test_arms_of_a_study_differ_in_nothing_that_changes_the_number_of_updates(name, root):
    study = STUDIES[name]
    for form in study.forms:
        lengths = {(c.data, c.n_train, c.n_valid, c.batch, c.epochs, c.ema, c.lr_g)
                   for c in (study.config(arm, form) for arm in study.arms)}
        assert len(lengths) == 1
    rows = stored_rows(name, root/'nbs'/'results')
    assert {row['arm'] for row in rows} <= {*study.arms}
    assert len({row['step'] for row in rows}) == 1 # and so it was when they were played


# what D is shown

SMALL = Config(data='mnist_5k', n_train=200, latent=4, g_hidden=(8, 8), d_hidden=(8, 8), batch=50, epochs=1)

def convolutional(**changes):
    config = replace(SMALL, net='cdcgan', condition='project', augment='diff', **changes)
    return config, load_train(config)


def test_d_sees_real_and_generated_images_through_the_same_changes(monkeypatch):
    "A change to grey: real and generated images look alike, and neither player is told anything."
    monkeypatch.setitem(AUGMENTS, 'diff', Augment(seen=lambda x: 0 * x))
    for moves in ('fresh', 'shared'):
        config, data = convolutional(moves=moves)
        parts = make_parts(*build_networks(config, data), build_recipe(config))
        before = [p.clone() for p in parts['G'].parameters()]
        row = train_step(parts, data, build_recipe(config), torch.arange(50)[None])
        assert row[METRICS.index('real_logit')] == row[METRICS.index('fake_logit')]
        for old, new in zip(before, parts['G'].parameters(), strict=True): assert torch.equal(old, new)


@pytest.mark.parametrize('changes', [{}, dict(moves='shared', penalty='r1', gamma=.5),
                                     dict(loss='relativistic', penalty='r1+r2', gamma=.5),
                                     dict(moves='simultaneous')])
def test_g_learns_through_the_changes(changes):
    config, data = convolutional(**changes)
    parts = make_parts(*build_networks(config, data), build_recipe(config))
    weights = {f'{player}.{name}': p for player in 'GD' for name, p in parts[player].named_parameters()}
    before = {name: p.clone() for name, p in weights.items()}
    row = train_step(parts, data, build_recipe(config), torch.arange(50)[None], 'fp32')
    assert row.isfinite().all() and all(p.requires_grad for p in weights.values())
    still = {name for name, p in weights.items() if torch.equal(p, before[name])}
    assert still <= ({'D.head.bias'} if config.loss == 'relativistic' else set()) # it cancels in a difference


@pytest.mark.parametrize('shape', [(1, 28, 28), (3, 32, 32), (3, 20, 12)])
def test_what_d_is_shown_stays_an_image(shape):
    "In range, of one image's own draws, at most a quarter erased; a batch of one works too."
    set_seed(0)
    x = (2 * torch.rand(1, *shape) - 1).expand(40, -1, -1, -1)
    seen = diff_augment(x)
    assert seen.shape == x.shape and seen.dtype == x.dtype and seen.abs().max() <= 1
    assert len(seen.flatten(1).unique(dim=0)) == 40
    assert diff_augment(x[:1]).shape == (1, *shape) and diff_augment(x.bfloat16()).dtype == torch.bfloat16


@pytest.mark.parametrize('changes, why', [
    (dict(norm='unit', g_out='sigmoid'), "norm is 'unit', allowed with augment 'diff'"),
    (dict(data='ring8', n_train=0, latent=2, g_out='linear'), "augment is 'diff', allowed for ring8"),
    (dict(game='mix') | {name: getattr(Config(), name) for name in (*NETWORK_FIELDS, 'net')},
     "augment is 'diff', allowed only in game 'gan'")])
def test_changes_that_nobody_could_make_are_refused(changes, why, tmp_path):
    with pytest.raises(ValueError, match=why):
        run_config(replace(SMALL, augment='diff', **changes), tmp_path/'run', how=How('cpu', quiet=True))
    assert not (tmp_path/'run').exists()
