"Every game of a config: broken off and resumed it ends at the same weights; a bad one is refused."
from dataclasses import fields, replace
from types import SimpleNamespace

import pytest
import torch
from golden import digest
from safetensors.torch import load_file
from torch import nn
from torch.testing import assert_close

from gan_course.catalogue import PLAYGROUND
from gan_course.cli import main
from gan_course.config import Config, How, Rules, Track
from gan_course.data import Data, load
from gan_course.files import RUN_FILES, RunDir, read_jsonl
from gan_course.games import (
    GAMES,
    LEARNERS,
    _build_classifier,
    _load_labelled,
    build_networks,
    build_recipe,
    load_train,
    load_train_valid,
)
from gan_course.judges import PANELS, label_scores, load_scorer
from gan_course.losses import grad_norm_squared
from gan_course.runs import (
    _as_in_test,
    generator_scores,
    load_generator,
    midpoint_scores,
    record_faults,
    run_config,
    run_track,
    score_run,
)
from gan_course.scores import frechet_distance, sharpness
from gan_course.steps import Recipe
from gan_course.training import Snapshot, generate, load_playground, train_triple, validation_losses

TINY = Config(net='cdcgan', data='mnist_5k', n_train=200, g_hidden=(8, 8), d_hidden=(8, 8), batch_norm=True,
              latent=4, dropout=.3, batch=50, epochs=3)
LEARNER = Config(game='mix', data='mnist_5k', n_train=200, batch=50, epochs=3)
CONFIGS = {game: replace(TINY, game=game, n_labels=100 * (game in ('triple', 'plain'))) for game in GAMES} | {
    'clipped': replace(TINY, loss='wasserstein', clip=.1, opt='rmsprop', n_d=2),
    'penalised, spectral, attention': replace(TINY, penalty='gp', spectral=True, attention=True),
    'cycle': Config(game='cycle', net='translator', source='mnist_5k', data='mnist_5k', n_train=120,
                    g_hidden=(4, 8), d_hidden=(4, 8), loss='least_squares', l1=5., identity=2.5, pool=40,
                    batch=30, epochs=3),
    'pairs': Config(game='pairs', net='translator', source='edges', data='mnist_5k', n_train=120,
                    g_hidden=(4, 8), d_hidden=(4, 8), loss='least_squares', l1=50., batch=30, epochs=3),
    'mix': LEARNER, 'retrain': replace(LEARNER, game='retrain'),
    'flow': Config(game='flow', net='unet', data='mnist_5k', n_train=200, g_hidden=(8, 8), ema=.9, batch=50,
                   epochs=3),
    'growing': replace(TINY, game='growing', net='growing', batch_norm=False, dropout=0., ema=.9,
                       penalty='r1', moves='shared'),
    'grown at once': replace(TINY, net='growing', batch_norm=False, dropout=0., without='equalised'),
    'residual': replace(TINY, net='resnet', batch_norm=False, dropout=0., loss='relativistic',
                        penalty='r1+r2'),
    'averaged': replace(TINY, game='triple', ema=.9, n_labels=100),
    'guessed': replace(TINY, game='triple', guessed=.9, n_labels=100),
    'batch statistics': replace(TINY, g_stats='batch'),
    'cosine': replace(TINY, game='triple', n_labels=100, schedule='cosine', opt='rmsprop'),
}


def begin(config, folder, resume=False):
    data = load_train(config)
    start = GAMES[config.game](config, data, build_recipe(config))
    return start(RunDir(folder, resume, seconds=0), How('cpu'))


def config_has_source(game): return CONFIGS[game].source != 'none'


def state(now):
    return {name: part.state_dict() for name, part in now.parts.items() if isinstance(part, nn.Module)}


@pytest.mark.parametrize('name', CONFIGS)
def test_a_game_broken_off_and_resumed_ends_at_the_same_weights(name, tmp_path):
    *_, through = begin(CONFIGS[name], tmp_path/'through')
    game = begin(CONFIGS[name], tmp_path/'broken')
    next(game); game.close() # a checkpoint stands at every snapshot
    *_, resumed = begin(CONFIGS[name], tmp_path/'broken', resume=True)
    assert_close(state(resumed), state(through), rtol=0, atol=0)
    rows = [[row | dict(seconds=0) for row in read_jsonl(tmp_path/run/'metrics.jsonl')]
            for run in ('through', 'broken')]
    assert rows[0] == rows[1] and len(rows[0]) == 3


@pytest.mark.parametrize('game', GAMES)
def test_a_game_becomes_a_row(game, tmp_path):
    row = run_config(CONFIGS[game], tmp_path/'run', how=How('cpu', quiet=True), n_score=50)
    expected = dict(gan={'frechet'}, icgan={'frechet', 'reconstruction', 'named', 'kept', 'redrawn'},
                    bigan={'frechet', 'reconstruction'}, triple={'frechet', 'classified'},
                    plain={'classified'}, mix={'classified'}, retrain={'classified'}, flow={'frechet'},
                    cycle={'frechet', 'cycle', 'back_accuracy', 'hidden', 'confusion'},
                    pairs={'frechet', 'pair_l1'}, growing={'frechet'})
    assert expected[game] <= set(row['scores'])
    files = dict(icgan='encoder', bigan='encoder', cycle='translator_back')
    files |= dict.fromkeys(('triple', *LEARNERS), 'classifier')
    if game in files: assert (tmp_path/'run'/f'{files[game]}.safetensors').exists()
    if game in LEARNERS: return
    G = load_generator(tmp_path/'run')
    assert G.n_classes == (0 if config_has_source(game) else 10) and generate(G, 12)[1].max() < 10


@pytest.mark.parametrize('name', ['triple', 'guessed'])
def test_the_classes_of_unlabelled_images_are_never_read(name):
    config = CONFIGS[name]
    data, recipe = load_train(config), build_recipe(config)
    ends = []
    for y in (data.y, data.y.flip(0)):
        G, D = build_networks(config, data)
        C, few = _build_classifier(config, data), _load_labelled(config, data)
        *_, now = train_triple(G, D, C, replace(data, y=y), few, recipe, how=How('cpu'),
                               guessed=config.guessed)
        ends.append(state(now))
    assert_close(ends[0], ends[1], rtol=0, atol=0)


HELD = replace(TINY, n_valid=60)


@pytest.fixture(scope='module')
def validated(tmp_path_factory):
    "The row of a run that looks at held-out images, and that nobody interrupted."
    return run_config(HELD, tmp_path_factory.mktemp('held')/'run', how=How('cpu', quiet=True), n_score=50)


def test_held_out_images_are_never_trained_on(tmp_path, monkeypatch):
    from gan_course import games, runs
    seen, play, look = dict(learn=[], held=[]), games.train, runs._validate
    def train(G, D, data, *rest): seen['learn'].append(data); return play(G, D, data, *rest)
    def validate(now, held, *rest): seen['held'].append(held); return look(now, held, *rest)
    monkeypatch.setattr(games, 'train', train)
    monkeypatch.setattr(runs, '_validate', validate)
    run_config(HELD, tmp_path/'run', how=How('cpu', quiet=True), n_score=50)
    assert (len(seen['learn']), len(seen['held'])) == (1, 3)
    learn, *held = ({*map(bytes, data.x.numpy())} for data in (*seen['learn'], *seen['held']))
    assert len(learn) == 140 and all(len(part) == 60 and not part & learn for part in held)


def test_a_row_tells_of_every_epoch_that_was_looked_at(validated):
    row = validated
    assert [round(r['epoch']) for r in row['validation']] == [1, 2, 3]
    assert row['chosen']['last'] == dict(epoch=3, accuracy=row['scores']['accuracy'],
                                         frechet=row['scores']['frechet'])
    assert all(1 <= choice['epoch'] <= 3 for choice in row['chosen'].values())


def test_each_rule_keeps_and_scores_the_average_of_the_epoch_it_chose(tmp_path, monkeypatch):
    from gan_course import runs
    monkeypatch.setattr(runs, 'choose_epoch', lambda rows, rule: rows[0 if rule == 'g-loss' else -1])
    config = replace(HELD, ema=.5)
    chosen = run_config(config, tmp_path/'run', how=How('cpu', quiet=True), n_score=50)['chosen']
    game = GAMES['gan'](config, load_train(config), build_recipe(config))(None, How('cpu'))
    ends = [{name: v.clone() for name, v in now.G_ema.state_dict().items()} for now in game]
    G, _ = build_networks(config, load('mnist_5k'))
    for rule, found in chosen.items():
        end = ends[found['epoch'] - 1]
        assert_close(load_file(tmp_path/'run'/'chosen'/f'{rule}.safetensors'), end, rtol=0, atol=0)
        G.load_state_dict(end)
        scores = generator_scores(G, config, 50, brief=True)
        assert (found['accuracy'], found['frechet']) == (scores['accuracy'], scores['frechet'])
    assert (chosen['g-loss']['epoch'], chosen['last']['epoch']) == (1, 3)


def test_held_out_images_are_looked_at_in_the_range_of_the_game():
    class Black(nn.Module):
        latent, n_classes = 1, 0
        def forward(self, z, y=None): return z.new_zeros(len(z), 1, 8, 8)
    class Mean(nn.Module):
        def __init__(self): super().__init__(); self.w = nn.Parameter(torch.ones(()))
        def forward(self, x, y=None): return self.w * x.mean((1, 2, 3))
    G, grey = Black(), Data(torch.full((4, 1, 8, 8), 51, dtype=torch.uint8))
    for norm, level in (('signed', -.6), ('unit', .2)):
        found = validation_losses(Snapshot(0, 0., 0., {}, G, Mean(), G, {}), grey, Recipe(norm=norm))
        assert found['real_score'] == pytest.approx(torch.tensor(level).sigmoid().item())


def test_each_seed_holds_out_other_images():
    "Of all there are, so that the choice of `n_train` images has no part in it."
    first, again, other = (load_train_valid(replace(TINY, n_train=0, n_valid=60, seed=seed))
                           for seed in (0, 0, 1))
    for part in (0, 1): assert torch.equal(first[part].x, again[part].x)
    pictures = [{bytes(x.flatten().tolist()) for x in held.x} for _, held in (first, other)]
    assert len(pictures[0] & pictures[1]) < 10 # of 60 out of 4,000, by chance about one
    chosen = [load_train(replace(TINY, seed=seed)).x for seed in (0, 1)]
    assert not torch.equal(*chosen)


def test_a_race_reads_the_test_images_only_when_it_is_over(monkeypatch):
    "Other test images change what the classifier reads, and nothing that was trained."
    from gan_course import runs
    track = Track("a toy", replace(TINY, epochs=1), n=20, steps=2)
    ends, real = [run_track(track, 3, How('cpu'))], load
    def flipped(name, part='train'):
        data = real(name, part)
        return replace(data, y=9 - data.y) if part == 'test' else data
    monkeypatch.setattr(runs, 'load', flipped)
    ends.append(run_track(track, 3, How('cpu')))
    kept = 'id', 'seed', 'step', 'kilobytes'
    first, second = ({name: end[name] for name in kept} for end in ends)
    assert first == second and first['seed'] == 3
    assert ends[0]['rules'] != ends[1]['rules'] # they are in the hash
    assert ends[0]['kilobytes'] == round(sum(p.nbytes for p in build_networks(
        replace(TINY, seed=3), load_train(TINY))[0].state_dict().values()) / 1024, 1)


def test_a_race_is_decided_on_test_images_by_what_the_average_draws(monkeypatch):
    from gan_course import runs
    track, asked = Track("a toy", replace(TINY, epochs=1, ema=.5), n=20, steps=2), []
    monkeypatch.setattr(runs, 'train_on_generated', lambda *what: asked.append(what) or .5)
    found, config = run_track(track, 3, How('cpu')), replace(track.config, seed=3)
    (images, _, test, steps, seed), = asked
    game = GAMES['gan'](config, load_train(config), build_recipe(config))(None, How('cpu', every=10**9))
    *_, last = game
    averaged, plain = (generate(G, 20, seed=1)[0] for G in (last.G_ema, last.G))
    assert torch.equal(images, averaged) and not torch.equal(images, plain)
    assert torch.equal(test.x, load('mnist_5k', 'test').x) and (steps, seed, found['taught']) == (2, 3, .5)


def test_a_contestant_can_be_tried_on_training_digits_that_are_held_out(monkeypatch):
    "Then nothing of it depends on the test images."
    from gan_course import runs
    track, asked = Track("a toy", replace(TINY, epochs=1, n_valid=50), n=20, steps=2), []
    monkeypatch.setattr(runs, 'train_on_generated', lambda *what: asked.append(what) or .5)
    found = run_track(track, 3, How('cpu'))
    _, held = load_train_valid(replace(track.config, seed=3))
    assert found['n_valid'] == 50 == len(held) and torch.equal(asked[0][2].x, held.x)


def test_every_rule_of_a_track_is_in_its_hash_and_the_contestant_is_not():
    track = Track("a toy", TINY)
    for change in (dict(least=.5), dict(seconds=9.), dict(kilobytes=9.), dict(n=9), dict(steps=9),
                   dict(device='cuda'), dict(precision='bf16'), dict(threads=9)):
        assert replace(track, **change).rules('x') != track.rules('x'), change
    assert track.rules('x') != track.rules('y')
    same = replace(track, config=replace(TINY, epochs=9), aim='')
    assert same.rules('x') == track.rules('x')


@pytest.mark.parametrize('change,said', [
    ({}, []), (dict(seconds=61.), ['61 s in the slowest run, allowed are 60']),
    (dict(kilobytes=65.), ['65 KiB of weights, allowed are 64']),
    (dict(taught=.5), ['that the mean passes 0.9 by luck']),
    (dict(device='cuda'), ['trained on cuda in fp32, asked is cpu in fp32']),
    (dict(precision='bf16'), ['trained on cpu in bf16, asked is cpu in fp32']),
    (dict(threads=16), ['16 threads, allowed are 2']),
    (dict(n_valid=1000), ['1,000 training digits held out to test on, asked are the test digits'])])
def test_a_record_obeys_every_rule(change, said):
    "By its worst run; and ten that pass only just are not enough."
    track = Track("a toy", TINY, least=.9, seconds=60., kilobytes=64.)
    rows = [dict(taught=.93 + .004 * (seed % 2), seconds=50., kilobytes=64., device='cpu', precision='fp32',
                 threads=2, n_valid=0) for seed in range(10)]
    rows[3] |= change
    found = record_faults(track, rows)
    assert len(found) == len(said) and all(part in fault for part, fault in zip(said, found, strict=True))
    assert len(record_faults(track, rows[:-1])) == len(said) + 1
    assert record_faults(replace(track, least=.932), rows) # the mean is, but not by far enough
    good = dict(rows[0], seconds=1., kilobytes=1.)
    assert not record_faults(replace(track, least=0.), [good] * 10)


def test_a_row_tells_of_g_and_of_its_average(tmp_path):
    averaged, plain = (run_config(replace(TINY, ema=ema, epochs=1), tmp_path/str(ema), n_score=50,
                                  how=How('cpu', quiet=True))['scores'] for ema in (.5, 0.))
    assert averaged['raw_frechet'] == plain['frechet'] != averaged['frechet'] # the same G
    assert averaged['raw_accuracy'] == plain['accuracy'] and 'raw_frechet' not in plain


def test_a_row_holds_both_judges_and_the_test_sets_class_counts():
    G, config = load_playground(), replace(PLAYGROUND, data='mnist_5k')
    said, (images, y) = generator_scores(G, config, n=300), generate(G, 300, seed=1)
    test = load('mnist_5k', 'test')
    first, second = map(load_scorer, PANELS['mnist_5k'])
    old = label_scores(images, y, first) | dict(frechet=frechet_distance(images, test.x, first))
    assert old == {name: said[name] for name in old} # what rows have always told is told as before
    assert said['accuracy_b'] == label_scores(images, y, second)['accuracy']
    counts = _as_in_test(test, 300)
    assert counts.bincount().tolist() == 10 * [30]
    mixed = test[torch.randperm(len(test), generator=torch.Generator().manual_seed(0))]
    assert torch.equal(_as_in_test(mixed, 300), counts) # whatever the order of the test images
    assert torch.equal(_as_in_test(mixed, len(test)), mixed.y)
    asked, _ = generate(G, 300, counts, seed=1)
    assert said['frechet_matched'] == pytest.approx(frechet_distance(asked, test.x, first))
    assert said['sharpness'] == pytest.approx(sharpness(images, test.x))
    assert len(said['diversity_by_class']) == 10


class Still(nn.Module):
    "Leaves images alone; as a classifier, it finds the first class."
    def __init__(self, n=0): super().__init__(); self.n, self.w = n, nn.Parameter(torch.ones(()))
    def forward(self, x, y=None): return torch.eye(self.n)[[0] * len(x)] if self.n else self.w * x


def test_what_a_game_trained_is_examined_on_test_images_only(monkeypatch):
    from gan_course import runs
    asked = []
    def noting(read):
        def noted(*words): asked.append(words[-1]); return read(*words)
        return noted
    for name in ('load', 'load_source'): monkeypatch.setattr(runs, name, noting(getattr(runs, name)))
    monkeypatch.setattr(runs, 'encoder_scores', lambda *_: {})
    parts = dict(C=Still(10), E=None, F=Still())
    found = score_run(SimpleNamespace(G=Still(), G_ema=None, parts=parts), CONFIGS['cycle'], 50)
    zeros = (load('mnist_5k', 'test').y == 0).float().mean().item()
    assert asked == ['test'] * 4 and found['classified'] == pytest.approx(zeros)


def test_all_that_a_run_draws_is_in_the_range_and_from_the_noise_of_its_game(tmp_path, monkeypatch):
    config = replace(HELD, noise='uniform', norm='unit', g_out='sigmoid', ema=.5, epochs=1)
    asked = []
    def note(G, n, y=None, noise='normal', norm='signed', *more, **named):
        asked.append((noise, norm))
        return generate(G, n, y, noise, norm, *more, **named)
    for module in ('runs', 'training'): monkeypatch.setattr(f'gan_course.{module}.generate', note)
    run_config(config, tmp_path/'run', how=How('cpu', quiet=True), n_score=50)
    main(['sample', str(tmp_path/'run'), '--n', '5', '--out', str(tmp_path/'x.npz')])
    assert len(asked) == 7 and {*asked} == {('uniform', 'unit')}


def test_pictures_do_not_depend_on_how_many_are_drawn_at_a_time():
    G, y = load_playground(), torch.tensor([3, 1, 4, 1, 5, 9, 2])
    one, two = (generate(G, 7, y, batch=batch)[0].float() for batch in (3, 500))
    assert_close(one, two, rtol=0, atol=1)


RULED = Config(data='mnist_5k', n_train=120, latent=4, g_hidden=(8,), d_hidden=(8,), batch=40, epochs=1,
               lr_g=2e-3, lr_d=2e-3)
OTHER = dict(opt='rmsprop', lr_g=1e-3, lr_d=1e-3, schedule='linear', beta1=.9, beta2=.9, batch=30, epochs=2,
             n_d=2, n_g=2, moves='shared', clip=.01, noise='uniform', norm='unit', augment='affine', ema=.5,
             seed=1)


def end_of(config):
    *_, last = GAMES['gan'](config, load_train(config), build_recipe(config))(None, How('cpu', 'strict'))
    return digest(last.G_ema.state_dict(), last.D.state_dict())


@pytest.mark.parametrize('name', [field.name for field in fields(Rules)])
def test_every_rule_reaches_the_game(name):
    assert end_of(replace(RULED, **{name: OTHER[name]})) != end_of(RULED)


def test_a_way_between_latents_that_there_is_none_of_is_refused():
    with pytest.raises(ValueError, match="arm is 'chord'"): midpoint_scores('chord', 0)


def test_the_price_of_an_encoder_contains_its_generator(tmp_path):
    row = run_config(CONFIGS['icgan'], tmp_path/'run', how=How('cpu', quiet=True), n_score=50)
    own, others = (read_jsonl(tmp_path/'run'/file)[-1]['seconds']
                   for file in ('metrics.jsonl', 'generator/metrics.jsonl'))
    assert row['needed'] == dict(generator=others) and row['seconds'] == pytest.approx(own + others, abs=.11)
    assert row['scores']['mean_of_all'] > 0 and row['scores']['draw_of_any'] > 0
    assert {file.name for file in (tmp_path/'run').iterdir() if file.name[0] != '.'} <= set(RUN_FILES)


def test_validation_goes_on_after_a_break(tmp_path, monkeypatch, validated):
    from gan_course import runs
    whole, calls = runs._validate, []
    def break_off(*args):
        calls.append(args)
        if len(calls) == 2: raise KeyboardInterrupt
        return whole(*args)
    monkeypatch.setattr(runs, '_validate', break_off)
    with pytest.raises(KeyboardInterrupt): run_config(HELD, tmp_path/'broken', how=How('cpu', quiet=True))
    monkeypatch.setattr(runs, '_validate', whole)
    resumed = run_config(HELD, tmp_path/'broken', resume=True, how=How('cpu', quiet=True), n_score=50)
    def plain(rows): return [row | dict(seconds=0) for row in rows]
    assert plain(resumed['validation']) == plain(validated['validation'])
    assert resumed['chosen'] == validated['chosen']


@pytest.mark.parametrize('changes,why', [
    (dict(game='chess'), "game is 'chess'"), (dict(penalty='lp'), "penalty is 'lp'"),
    (dict(penalty='gp', gamma=-1.), 'gamma is -1'), (dict(clip=-.1), 'clip is -0.1'),
    (dict(width=0.), 'width is 0'), (dict(g_stats='none'), "g_stats is 'none'"),
    (dict(n_valid=200), 'n_valid is 200'), (dict(condition='glue'), "condition is 'glue'"),
    (dict(game='triple', n_labels=500), 'n_labels is 500'), (dict(init='he'), "init is 'he'"),
    (dict(game='triple', net='dcgan'), "net is 'dcgan'"), (dict(game='icgan', net='mlp'), "net is 'mlp'"),
    (dict(game='bigan', net='dcgan'), "net is 'dcgan'"), (dict(game='bigan', n_d=2), 'n_d is 2'),
    (dict(game='triple', penalty='r1'), "penalty is 'r1'"), (dict(game='plain', clip=.1), 'clip is 0.1'),
    (dict(game='icgan', n_valid=50), 'n_valid is 50'),
    (dict(guessed=.5), 'guessed is 0.5'), (dict(game='triple', guessed=1.), 'guessed is 1.0'),
    (dict(data='ring8', n_train=0), 'shape is .2,.'), (dict(n_labels=9), 'n_labels is 9'),
    (dict(game='bigan', loss='relativistic'), "loss is 'relativistic'"),
    (dict(game='bigan', loss='least_squares'), "loss is 'least_squares'"),
    (dict(game='bigan', moves='shared'), "moves is 'shared'"),
    (dict(game='triple', moves='shared'), "moves is 'shared'"),
    (dict(game='plain', loss='hinge'), "loss is 'hinge'"), (dict(game='plain', ema=.9), 'ema is 0.9'),
    (dict(game='mix', lr_d=1.), 'lr_d is 1.0'), (dict(game='mix', dropout=.5), 'dropout is 0.5'),
    (dict(game='retrain', net='dcgan'), "net is 'dcgan'"), (dict(game='plain', norm='raw'), "norm is 'raw'"),
    (dict(game='plain', noise='uniform'), "noise is 'uniform'"),
    (dict(game='triple', norm='unit'), "norm is 'unit'"), (dict(game='bigan', spectral=True), 'spectral is'),
    *[(dict(game=game, net='cgan', data='ring8', n_train=0), r'data is .ring8., of shape .2,., allowed in')
      for game in ('icgan', 'bigan', 'triple', 'plain')],
    *[(dict(game=game, data='ring8', n_train=0), r'data is .ring8., of shape .2,., allowed in')
      for game in ('mix', 'retrain')],
    *[(dict(game=game, batch=999), 'batch is 999, allowed is 1 to ') for game in ('bigan', 'plain', 'mix')],
    (dict(net='cgan', batch_norm=True, batch=1), 'batch is 1, allowed with batch normalisation'),
    (dict(game='retrain', real_target=(.9, 1.)), 'real_target is'),
])
def test_what_cannot_be_played_is_refused_before_anything_is_written(changes, why, tmp_path):
    with pytest.raises(ValueError, match=why):
        base = LEARNER if changes.get('game') in ('mix', 'retrain') else TINY
        run_config(replace(base, **changes), tmp_path/'run', how=How('cpu', quiet=True))
    assert not (tmp_path/'run').exists()


@pytest.mark.parametrize('y,says', [
    (torch.tensor([], dtype=torch.int64), 'y has 0 classes, allowed are 5 classes 0 to 9'),
    (torch.tensor([0, 1, 2, 3, 10]), 'y has 5 classes from 0 to 10, allowed are'), ([1] * 5, 'y is '),
    (torch.zeros(5), 'y is tensor')])
def test_classes_that_cannot_be_asked_for_are_named(y, says):
    with pytest.raises(ValueError, match=says): generate(load_playground(), 5, y)


def test_a_run_on_colour_numbers_is_scored_by_their_own_scorer(house_numbers, tmp_path):
    config = replace(TINY, data='svhn_10k', epochs=1)
    row = run_config(config, tmp_path/'run', how=How('cpu', quiet=True), n_score=50)
    assert row['scores']['frechet'] > 0 and row['scores']['scorer'] == 'ba4ab0f1cce281fe'


def test_self_attention_of_any_width_can_be_penalised():
    "Torch's fast attention on a CPU has no second derivative; it is chosen by width."
    x = torch.randn(2, 1, 28, 28)
    for width in (.125, .5):
        _, D = build_networks(replace(TINY, net='dcgan', attention=True, width=width), load('mnist_5k'))
        grad_norm_squared(D, x, None).sum().backward()
        assert all(p.grad is None or p.grad.isfinite().all() for p in D.parameters())
