"Make what ships and no chapter has time to train: generators, an encoder, digits with answers, replays."
import argparse
import base64
import json
import time
from dataclasses import replace
from functools import partial
from pathlib import Path

import torch

from gan_course.catalogue import PLAYGROUND, QUICKSTART, STUDIES
from gan_course.config import How
from gan_course.core import png_bytes, set_seed
from gan_course.data import load, normalise
from gan_course.files import fingerprint, read_json, weights_of, write_atomically
from gan_course.games import build_networks, setup
from gan_course.judges import class_logits, load_scorer
from gan_course.losses import LOSSES
from gan_course.networks import Encoder
from gan_course.report import make_sprite
from gan_course.runs import encoder_scores, load_generator, run_config, versions
from gan_course.steps import Recipe, update_d
from gan_course.training import _SHIPPED, generate, load_playground, train, train_encoder

ASSETS = Path(__file__).resolve().parents[1]/"gan_course"/"assets"
EPOCHS = (1, 2, 3, 4, 6, 8, 11, 15, 20) # that a replay shows
LENGTHS = dict(dcgan=EPOCHS[:6], wgan=(1, 2, 4, 7, 11, 16, 23, 32, 45)) # convolutions are dear, critics slow


def make_generator(name, config):
    "A generator in float16; a run that was interrupted goes on."
    run = Path("runs")/name
    row = run_config(config, run, resume=(run/"config.json").exists(), how=How("cpu"))
    data = weights_of(load_generator(run).half(), dict(data=config.data, seed=0, versions=versions()))
    write_atomically(ASSETS/f"{name}.safetensors", data)
    print(row["scores"], len(data), fingerprint(data))


def make_encoder(epochs=4):
    "Encoders for the shipped generator; some minutes on one core."
    set_seed(0)
    G, began = load_playground(), time.monotonic()
    E = Encoder(G.latent, G.n_classes, channels=(32, 64, 64), slope=.2)
    recipe = Recipe(batch=128, epochs=epochs, lr_d=1e-3, beta1=.9)
    for now in train_encoder(G, E, load("mnist"), recipe, how=How("cpu")):
        print(now.epoch, now.metrics, flush=True)
    how = dict(epochs=epochs, batch=128, lr=1e-3, seconds=round(time.monotonic() - began))
    save_encoder(E.half().float(), how)


def save_encoder(E, how):
    "Write the encoder in float16, with how it was made and how well it does on digits it has not seen."
    test = load("mnist", "test")[:1000]
    facts = dict(how, data="mnist", seed=0, versions=versions(),
                 **encoder_scores(load_playground(), E, test, PLAYGROUND))
    data = weights_of(E.half(), facts)
    write_atomically(ASSETS/"encoder.safetensors", data)
    print(facts, len(data), fingerprint(data))


def train_spotter(train_set, steps=300, batch=64, lr=1e-3):
    "A discriminator of the shipped generator's kind, trained against it; the generator stands still."
    set_seed(0)
    G = load_playground()
    D = build_networks(PLAYGROUND, train_set)[1]
    opt = torch.optim.Adam(D.parameters(), lr, betas=(.5, .999))
    for step in range(steps):
        index = torch.randint(len(train_set), (batch,))
        x, y = normalise(train_set.x[index]), train_set.y[index]
        found = update_d(G, D, opt, LOSSES["bce"], x, torch.randn(batch, G.latent), y)
        if step % 50 == 0: print(step, {name: round(v.item(), 2) for name, v in found.items()}, flush=True)
    return D.eval()


def make_spot(n=40):
    "Real and generated digits, with the answers of D and of the judge; and ten real digits to redraw."
    digits = load("mnist_5k", "test") # that D has not seen
    D, judge = train_spotter(load("mnist_5k")), load_scorer("mnist")
    classes = torch.arange(n) % 10
    at = [[*(digits.y == c).nonzero()[:, 0]] for c in range(10)]
    real = digits.x[torch.stack([at[c].pop(0) for c in classes.tolist()])]
    fake = generate(load_playground(), n, classes, seed=7)[0]
    images, y = torch.cat([real, fake]), torch.cat([classes, classes])
    with torch.no_grad():
        logits, sure = D(normalise(images), y), class_logits(judge, images).softmax(1)
    cut = sure.amax(1).median()
    items = [dict(real=i < n, says=[d > 0, s.max().item() > cut.item()],
                  notes=[f" (logit {d:.1f})", f" (a {s.argmax()}, {100 * s.max():.2f} % sure)"])
             for i, (d, s) in enumerate(zip(logits.tolist(), sure, strict=True))]
    right = sum(item["says"][0] == item["real"] for item in items) / len(items)
    observers = [
        dict(name="D", about=f"trained for 300 moves against this generator, which stood still; right on "
             f"{right:.0%} of the {2 * n} digits stored here."),
        dict(name="The judge", about=f"the classifier of chapter 29, asked how sure it is of its class; it "
             f"says real above {100 * cut:.2f} %, where half of the stored digits are.")]
    examples = digits.x[torch.stack([rest[0] for rest in at])]
    text = {name: base64.b64encode(v.numpy().tobytes()).decode()
            for name, v in dict(images=images, examples=examples).items()}
    stored = dict(side=28, items=items, observers=observers, **text)
    write_atomically(ASSETS/"spot.json", json.dumps(stored).encode())
    for o, watcher in enumerate(observers):
        print(watcher, sum(item["says"][o] == item["real"] for item in items))


def film(name, config, epochs):
    "A run of a config as a replay: sprite, curves."
    G, D, data, recipe = setup(replace(config, epochs=max(epochs)))
    frames, rows = {}, []
    for now in train(G, D, data, recipe, device="cpu"):
        m = now.metrics
        d_loss = m["d_loss_real"] + m["d_loss_fake"]
        rows.append(dict(round=round(now.epoch), d=round(d_loss, 3), g=round(m["g_loss"], 3)))
        if round(now.epoch) in epochs:
            images = generate(now.G_ema, 20, noise=config.noise, norm=config.norm)[0]
            frames[round(now.epoch)] = png_bytes(images)
    sprite, size = make_sprite(frames, 16)
    print(name, len(sprite), rows[-1], flush=True)
    return dict(name=name, epochs=[*frames], sprite=sprite, size=size, rows=rows)


def make_replays():
    "Replays for chapters 20 to 24, one seed each, on the training part of 5,000 digits."
    hacks, critics, small = STUDIES["hacks"], STUDIES["wgan-mnist"], dict(data="mnist_5k", n_valid=0)
    often = dict(batch=64, ema=.99) # four times the moves in an epoch
    wanted = {
        "hacks": {arm: hacks.config(arm) for arm in ("baseline", "final")},
        "cgan": dict(quickstart=QUICKSTART),
        "dcgan": dict(convolutional=replace(PLAYGROUND, width=.25, ema=0.)),
        "wgan": {arm: replace(critics.config(arm, "small"), **often) for arm in ("clip-1", "gp-1")},
    }
    file = ASSETS/"replay.json"
    films = read_json(file) if file.exists() else {}
    for name, arms in wanted.items():
        if name in films: continue # delete the file to make all of them again
        epochs = LENGTHS.get(name, EPOCHS)
        films[name] = [film(arm, replace(config, **small), epochs) for arm, config in arms.items()]
        write_atomically(file, json.dumps(films).encode())


if __name__ == "__main__":
    makers = {name: partial(make_generator, name, config) for config, name, _ in _SHIPPED.values()}
    makers |= dict(encoder=make_encoder, spot=make_spot, replay=make_replays)
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=makers)
    makers[parser.parse_args().what]()
