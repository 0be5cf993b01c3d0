"Translators: what is refused, who moves in a step, what the pool and the scores promise."
from dataclasses import replace

import pytest
import torch
from torch import nn

from gan_course import runs
from gan_course.catalogue import STUDIES
from gan_course.cli import main
from gan_course.config import Config, How
from gan_course.data import blank, edges, fit_images, load, load_source, normalise
from gan_course.diagnosis import diagnose, explain
from gan_course.games import GAMES, build_networks, check_game, load_train
from gan_course.losses import LOSSES
from gan_course.networks import PatchDiscriminator, Translator
from gan_course.scores import DISTURBANCES, cycle_errors
from gan_course.speed import count_host_syncs
from gan_course.steps import ImagePool, Recipe, build_recipe, cycle_step, pairs_step
from gan_course.training import drawable, make_parts, train_cycle, train_pairs, translate

CYCLE = Config(game='cycle', net='translator', source='mnist_5k', data='mnist_5k', n_train=80,
               g_hidden=(4, 8), d_hidden=(4, 8), loss='least_squares', l1=5., identity=2.5, pool=20,
               batch=20, epochs=1)
PAIRS = replace(CYCLE, game='pairs', source='edges', identity=0., pool=0)


@pytest.mark.parametrize('config,wrong,says', [
    (CYCLE, dict(loss='relativistic'), "loss is 'relativistic', allowed in game 'cycle' is one"),
    (CYCLE, dict(pool=7), "pool is 7, allowed is 0, or 20 or more"),
    (CYCLE, dict(l1=-1.), "l1 is -1.0, allowed is a weight of 0 or more"),
    (CYCLE, dict(l1=0., adversarial=0.), "l1 and adversarial are 0"),
    (CYCLE, dict(ema=.9), "ema is 0.9, allowed in game 'cycle' is 0.0"),
    (CYCLE, dict(net='dcgan'), "net is 'dcgan', allowed in game 'cycle' is 'translator'"),
    (CYCLE, dict(game='gan'), "source is 'mnist_5k', allowed in game 'gan' is 'none'"),
    (PAIRS, dict(pool=20), "pool is 20, allowed in game 'pairs' is 0"),
    (PAIRS, dict(penalty='r1'), "penalty is 'r1', allowed in game 'pairs' is 'none'")])
def test_translators_refuse_what_they_would_ignore(config, wrong, says):
    with pytest.raises(ValueError, match=says): check_game(replace(config, **wrong), load('mnist_5k'))


def test_each_image_is_translated_once_however_many_are_asked_for(house_numbers):
    "Copies would pass for a collapse of the translator, and teach a classifier nothing."
    G, _ = build_networks(replace(CYCLE, source='svhn_10k', data='svhn_10k'), blank('svhn_10k'))
    assert G.n_inputs() == 2000 and drawable(G, 10_000) == 2000
    for n in (50, 1990, 2000):
        shown, y = G.draw_inputs(n)
        assert len({*map(bytes, shown.numpy())}) == len(y) == n
    with pytest.raises(ValueError, match="n is 2001, allowed is 1 to 2000"): G.draw_inputs(2001)


def test_data_sets_of_unlike_classes_have_no_judge_for_both_ways(tmp_path):
    for source, data in (('mnist_5k', 'stacked_5k'), ('stacked_5k', 'mnist_5k')):
        config = replace(CYCLE, source=source, data=data)
        with pytest.raises(ValueError, match=f"source is '{source}', of 10.* classes, allowed with"):
            runs.run_config(config, tmp_path/'run', how=How('cpu', quiet=True))
    assert not (tmp_path/'run').exists()


def test_as_many_translations_are_drawn_as_there_are_images(tmp_path, capsys):
    runs.run_config(replace(PAIRS, epochs=1), tmp_path/'run', how=How('cpu', quiet=True), n_score=10)
    main(['sample', str(tmp_path/'run'), '--out', str(tmp_path/'x.npz')])
    assert '1,000 images' in capsys.readouterr().out


def test_the_way_back_is_shown_images_of_the_data(house_numbers):
    config = replace(CYCLE, data='svhn_10k', n_train=40, batch=20, epochs=1)
    data = load_train(config)
    *_, last = GAMES['cycle'](config, data, build_recipe(config))(None, How('cpu'))
    shown, _ = last.parts['F'].draw_inputs(2000)
    torch.testing.assert_close(shown.sum(), normalise(house_numbers['test'].x).sum())


def test_a_patch_discriminator_leaves_something_to_normalise():
    with pytest.raises(ValueError, match="each layer halves the image"):
        PatchDiscriminator((16, 32, 64, 128), (1, 28, 28))


@pytest.mark.parametrize('wrong', [dict(ema=.9), dict(n_d=2), dict(clip=.1), dict(augment='affine')])
def test_translators_refuse_a_recipe_that_they_would_not_follow(wrong):
    data = load('mnist_5k')[:40]
    G, D = build_networks(PAIRS, data)
    with pytest.raises(ValueError, match=next(iter(wrong))):
        train_pairs(G, D, edges, data, Recipe(batch=20, **wrong))


def test_a_pool_smaller_than_the_batch_is_refused_in_the_library_too():
    "Before a step is made: half of what D is shown comes from there."
    data = load('mnist_5k')[:40]
    players = build_networks(replace(CYCLE, data='mnist_5k'), data), build_networks(CYCLE, data)
    with pytest.raises(ValueError, match="pool is 4, allowed is 0, or 8 or more: the batch"):
        train_cycle(*players, data, data, Recipe(batch=8), pool=4)


@pytest.mark.parametrize('config,says', [
    (replace(CYCLE, source='none'), "source is 'none', allowed are 'edges'"),
    (replace(PAIRS, source='mnist_5k'), "source is 'mnist_5k', allowed"),
    (replace(CYCLE, data='ring8'), "data is 'ring8', which are points")])
def test_a_game_begins_with_a_source_that_fits(config, says):
    with pytest.raises(ValueError, match=says):
        GAMES[config.game](config, load_train(config), build_recipe(config))


@pytest.mark.parametrize('config', [CYCLE, PAIRS])
def test_the_clinic_reads_the_game_of_a_translator(config):
    *_, last = GAMES[config.game](config, data := load_train(config), build_recipe(config))(None, How('cpu'))
    row = dict(epoch=1., **last.metrics)
    assert "D gives real" in explain([row], config.loss) and len(data) == 80
    sure = row | dict(d_loss_real=1e-3, d_loss_fake=1e-3, g_loss=.5)
    assert [finding.name for finding in diagnose([sure], config.loss)] == ['d-wins']


@pytest.mark.parametrize('size,n', [(5, 5), (7, 3), (50, 16)])
def test_a_pool_shows_old_and_new_and_keeps_nothing_twice(size, n):
    torch.manual_seed(0)
    pool, shown = ImagePool(size, (1, 2, 2)), []
    for i in range(60):
        fake = (torch.arange(n) + n * i).float().view(-1, 1, 1, 1).expand(-1, 1, 2, 2)
        shown.append(pool(fake)[:, 0, 0, 0])
        assert shown[-1].max() < n * (i + 1)
        kept = pool.images[:, 0, 0, 0] if pool.count >= size else pool.images[:int(pool.count), 0, 0, 0]
        assert len(kept.unique()) == len(kept)
    late = torch.stack(shown)[-30:]
    assert .3 < (late < n * torch.arange(30, 60)[:, None]).float().mean() < .7


def test_a_pool_is_part_of_what_a_checkpoint_keeps():
    first, second = ImagePool(4, (1,)), ImagePool(4, (1,))
    first(torch.arange(4.)[:, None])
    second.load_state_dict(first.state_dict())
    torch.manual_seed(1); shown = first(torch.full((2, 1), 9.))
    torch.manual_seed(1); assert torch.equal(second(torch.full((2, 1), 9.)), shown)


def parts_and_data():
    data, recipe = load_train(CYCLE), build_recipe(CYCLE)
    *_, last = GAMES['cycle'](CYCLE, data, recipe)(None, How('cpu', 'strict'))
    return last.parts, data, recipe


def test_a_step_reads_no_number_on_the_host_and_leaves_d_able_to_learn():
    parts, data, recipe = parts_and_data()
    index = torch.arange(20)[None]
    weights = dict(source=data, l1=5., identity=2.5)
    assert count_host_syncs(lambda: cycle_step(parts, data, recipe, index, 'strict', **weights)) == 0
    assert all(p.requires_grad for name in ('D', 'D_back') for p in parts[name].parameters())
    pair = make_parts(*build_networks(PAIRS, data), recipe)
    assert count_host_syncs(lambda: pairs_step(pair, data, recipe, index, 'strict', edges, 5.)) == 0


def test_both_translators_and_both_discriminators_move_in_a_step():
    parts, data, recipe = parts_and_data()
    nets = 'G', 'F', 'D', 'D_back'
    old = {name: [p.clone() for p in parts[name].parameters()] for name in nets}
    cycle_step(parts, data, recipe, torch.arange(20)[None], 'strict', source=data, l1=5., identity=0.)
    for name in nets:
        assert any(not torch.equal(a, b) for a, b in zip(old[name], parts[name].parameters(), strict=True))
    both = zip(parts['G'].parameters(), parts['F'].parameters(), strict=True)
    assert not all(torch.equal(a, b) for a, b in both) # two networks, not one twice


class Shade(nn.Module):
    "Makes images darker by a known amount."
    def __init__(self, by):
        super().__init__()
        self.by = nn.Parameter(torch.tensor(by))
    def forward(self, x, y=None): return (x + self.by).clamp(-1, 1)


def test_cycle_errors_of_translators_that_are_known():
    x = torch.full((6, 1, 4, 4), 128, dtype=torch.uint8)
    found = cycle_errors(Shade(-.5), Shade(.25), x, batch=4)
    assert {*found} == {*DISTURBANCES}
    assert found['none'] == dict(change=0., error=pytest.approx(.25, abs=1e-6))
    assert found['blur']['error'] == pytest.approx(.25, abs=1e-6) # an even image is its own blur
    assert found['noise']['change'] == pytest.approx(.03 * .8, rel=.2)


def test_translation_scores_of_one_that_does_nothing():
    "Digits translated to digits by a G that leaves them alone: the judges read them as what they are."
    class Still(nn.Module):
        def __init__(self): super().__init__(); self.w = nn.Parameter(torch.tensor(1.))
        def forward(self, x, y=None): return self.w * x
    found = runs.translation_scores(Still(), Still(), CYCLE, n=2000)
    assert found['cycle'] == found['back_cycle'] == 0 and found['back_accuracy'] > .95
    assert found['back_accuracy_b'] > .95 and sum(map(sum, found['confusion'])) == 200
    assert sum(found['confusion'][c][c] for c in range(10)) > 190
    x = load('mnist_5k', 'test').x[:5]
    assert torch.equal(translate(Still(), x, batch=2), x)
    assert runs.translation_scores(Still(), None, PAIRS, n=50)['pair_l1'] > .05 # edges are no digits


@pytest.mark.parametrize('shape', [(1, 28, 28), (3, 32, 32), (3, 32, 16)])
def test_translators_fit_every_shape(shape):
    x = torch.randn(2, *shape)
    assert Translator((4, 8), shape)(x).shape == x.shape
    assert PatchDiscriminator((4, 8), shape)(x).shape == (2,)
    assert PatchDiscriminator((4, 8), shape, told=shape[0])(x, x).shape == (2,)


def test_images_fit_and_colours_that_cannot_are_refused():
    x = torch.randint(256, (3, 3, 8, 8), dtype=torch.uint8)
    assert torch.equal(fit_images(fit_images(x, (3, 12, 10)), (3, 8, 8)), x)
    assert fit_images(x, (1, 8, 8)).shape == (3, 1, 8, 8)
    with pytest.raises(ValueError, match="x has 3 channels, allowed for 4 are 1 and 4"):
        fit_images(x, (4, 8, 8))
    shown = load_source('edges', 'mnist_5k', 'test')
    assert shown.x.unique().tolist() == [0, 255] and torch.equal(shown.y, load('mnist_5k', 'test').y)
    assert blank('mnist_5k').shape == shown.shape and normalise(shown.x).abs().min() == 1


def test_more_images_in_a_step_than_there_are_is_refused():
    data = load('mnist_5k')[:10]
    there, back = build_networks(CYCLE, data), build_networks(CYCLE, data)
    with pytest.raises(ValueError, match="batch is 20, allowed is 1 to 10"):
        train_cycle(there, back, data, data, Recipe(loss=LOSSES['least_squares'], batch=20))


def test_each_arm_of_the_studies_can_begin():
    for name in ('translation', 'pairs'):
        for arm in STUDIES[name].arms:
            config = STUDIES[name].config(arm, 'small')
            try: data = load_train(config)
            except FileNotFoundError as e: pytest.skip(str(e))
            check_game(config, data)
            assert callable(GAMES[config.game](config, data, build_recipe(config)))
