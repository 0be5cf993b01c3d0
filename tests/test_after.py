"R3GAN's players and a flow: what they promise, what is refused, and what one row holds."
from dataclasses import replace

import pytest
import torch

from gan_course import runs
from gan_course.catalogue import STUDIES
from gan_course.config import Config, Study
from gan_course.data import load
from gan_course.games import build_networks, check_game
from gan_course.networks import ResidualDiscriminator, ResidualGenerator, UNet

FLOW = Config(game='flow', net='unet', data='mnist_5k', n_train=100, g_hidden=(4, 4), batch=50, epochs=1)


@pytest.mark.parametrize('wrong,says', [
    (dict(penalty='r1'), "penalty is 'r1', allowed in game 'flow' is 'none'"),
    (dict(loss='hinge'), "loss is 'hinge', allowed in game 'flow' is 'bce'"),
    (dict(lr_d=1e-3), "lr_d is 0.001, allowed in game 'flow' is 0.0002"),
    (dict(n_valid=20), "n_valid is 20, allowed in game 'flow' is 0"),
    (dict(net='resnet'), "net is 'resnet', allowed in game 'flow' is 'unet'"),
    (dict(game='gan'), "net is 'unet', which has no D, allowed in game 'gan' is one with G and D")])
def test_a_flow_refuses_what_it_would_ignore(wrong, says):
    with pytest.raises(ValueError, match=says): check_game(replace(FLOW, **wrong), load('mnist_5k'))


@pytest.mark.parametrize('shape,widths', [((1, 28, 28), (4, 8)), ((3, 32, 32), (4, 8, 8)),
                                          ((3, 32, 16), (4,))])
def test_residual_networks_fit_every_shape(shape, widths):
    z, y, x = torch.randn(2, 5), torch.tensor([1, 9]), torch.randn(2, *shape)
    fake = ResidualGenerator(5, widths[::-1], shape)(z, y)
    assert fake.shape == x.shape and ResidualDiscriminator(widths, shape)(fake, y).shape == (2,)
    assert UNet(widths, shape)(x, torch.rand(2), y).shape == x.shape


def test_a_shape_that_cannot_be_halved_is_refused():
    with pytest.raises(ValueError, match='H and W multiples of 8'): UNet((4, 4, 4), (1, 28, 28))


def test_what_images_are_worth_and_cost(monkeypatch):
    monkeypatch.setitem(STUDIES, 'toy', Study('toy', "?", FLOW, {'flow': {}}, seeds=1))
    monkeypatch.setattr(runs, 'score', lambda images, y, data, real, drawn: dict(
        taught=.5, judges=dict(mnist_5k=dict(frechet=2., coverage=.3, accuracy=len(images) / 100))))
    found = runs.sample_worth('flow', 0, 'toy', 'full', n=60, walks=[1])
    assert found['scores'] == dict(taught=.5, frechet=2., coverage=.3, accuracy=.6)
    assert found['cpu_seconds'] > 0 and found['by_steps'].pop('8') == dict(ms=found['ms'], frechet=2.)
    assert {*found['by_steps']} == {'1'}
    assert all(walk['ms'] > 0 and walk['frechet'] > 0 for walk in found['by_steps'].values())


def test_worth_by_held_out_images_leaves_the_test_set_alone(monkeypatch):
    "Where a study holds images out, these are the real ones, and none of them was learned."
    study = Study('toy', "?", replace(FLOW, n_train=300, n_valid=100), {'flow': {}}, seeds=1)
    monkeypatch.setitem(STUDIES, 'toy', study)
    monkeypatch.setattr(runs, 'reference', None)
    seen = []
    def score(images, y, data, real, drawn):
        seen.append(real)
        return dict(taught=.5, judges=dict(mnist_5k=dict(frechet=2., coverage=.3, accuracy=.5)))
    monkeypatch.setattr(runs, 'score', score)
    assert {*runs.sample_worth('flow', 0, 'toy', 'full', n=60, walks=[1])['by_steps']} == {'1', '8'}
    held, train = seen[0].held.x.flatten(1), seen[0].train.x.flatten(1)
    assert (len(held), len(train)) == (100, 200)
    assert not (held[:, None] == train[None]).all(2).any()


def test_a_flow_ends_where_its_noise_and_class_lead():
    "The same z and class give the same image, whatever stands beside them in the batch."
    G, _ = build_networks(FLOW, load('mnist_5k'))
    torch.nn.init.normal_(G.velocity.leave[0].weight)
    z, y = torch.randn(4, 784, generator=torch.Generator().manual_seed(0)), torch.tensor([3, 3, 7, 7])
    torch.testing.assert_close(G(z, y)[1:2], G(z[1:2], y[1:2]), rtol=1e-4, atol=1e-3)
