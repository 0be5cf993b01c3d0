"""A whole GAN in one file: torch and matplotlib, nothing else.

    python examples/one_file_gan.py --epochs 12 --out one_file_gan.png

The real examples are points in the plane, eight small clusters on a circle. G turns noise into points, D
says how real a point looks. The picture shows what G draws as it learns. Chapter 03 explains the loop.
"""
import argparse
import math

import torch
from matplotlib.figure import Figure
from torch import nn
from torch.nn.functional import binary_cross_entropy_with_logits, softplus

LATENT, HIDDEN, BATCH, RATE = 2, 64, 100, 2e-3


def ring(n=8000, modes=8, sd=.02, seed=0):
    "n real points, shape (n, 2): `modes` clusters on the unit circle, each with standard deviation `sd`."
    order = torch.Generator().manual_seed(seed)
    angle = 2 * math.pi / modes * torch.randint(modes, (n,), generator=order)
    centres = torch.stack([angle.cos(), angle.sin()], 1)
    return centres + sd * torch.randn(n, 2, generator=order)


def network(n_in, n_out):
    "A multi-layer perceptron with two hidden layers: (N, n_in) -> (N, n_out)."
    return nn.Sequential(nn.Linear(n_in, HIDDEN), nn.LeakyReLU(.2),
                         nn.Linear(HIDDEN, HIDDEN), nn.LeakyReLU(.2), nn.Linear(HIDDEN, n_out))


def players(seed=0):
    "G, noise to a point, and D, a point to a logit: high means real."
    torch.manual_seed(seed)
    return network(LATENT, 2), network(2, 1)


def batches(n, seed, epoch):
    "The indices of one pass over n points, in an order that depends on seed and epoch alone."
    order = torch.Generator().manual_seed(seed * 1_000_003 + epoch)
    return torch.randperm(n, generator=order).split(BATCH)


def cost(logits, target):
    "What each of D's answers costs: -log of the probability it gives to the truth, 1 for real, 0 for fake."
    return binary_cross_entropy_with_logits(logits, target, reduction="none")


def train(G, D, real, epochs, seed=0):
    "Play the game; yields the number of each pass over the data when it is over."
    opt_g = torch.optim.Adam(G.parameters(), RATE, betas=(.5, .999), fused=True)
    opt_d = torch.optim.Adam(D.parameters(), RATE, betas=(.5, .999), fused=True)
    ones, zeros = torch.ones(BATCH, 1), torch.zeros(BATCH, 1)
    torch.manual_seed(seed) # of the noise
    for epoch in range(epochs):
        for index in batches(len(real), seed, epoch):
            x = real[index]
            fake = G(torch.randn(BATCH, LATENT)).detach() # D's move: G stands still
            on_real, on_fake = D(torch.cat([x, fake])).chunk(2)
            d_loss = cost(on_real, ones).mean() + cost(on_fake, zeros).mean()
            opt_d.zero_grad(); d_loss.backward(); opt_d.step()

            D.requires_grad_(False)                       # G's move: D only passes the gradient on
            g_loss = softplus(-D(G(torch.randn(BATCH, LATENT)))).mean()
            opt_g.zero_grad(); g_loss.backward(); opt_g.step()
            D.requires_grad_(True)
        yield epoch + 1


@torch.no_grad()
def draw(G, n=1000, seed=1):
    "n points by G, the same noise every time."
    return G(torch.randn(n, LATENT, generator=torch.Generator().manual_seed(seed)))


def save_picture(frames, real, out):
    "One panel a moment: what G drew (`frames`, epoch -> points) over some of the real points."
    figure = Figure(figsize=(2.4 * len(frames), 3), layout="constrained")
    axes = figure.subplots(1, len(frames), squeeze=False)
    for ax, (epoch, fake) in zip(axes[0], frames.items(), strict=True):
        ax.plot(*real[:1000].T, ".", color="#009E73", ms=3, alpha=.4, label="real")
        ax.plot(*fake.T, ".", color="#D55E00", ms=2, alpha=.5, label="G(z)")
        ax.set(title=f"epoch {epoch}", aspect="equal", xlim=(-1.6, 1.6), ylim=(-1.6, 1.6))
    figure.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside lower center", ncols=2,
                  markerscale=3)
    figure.savefig(out, dpi=120)


def main():
    "Train, print what happens, save the picture."
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--epochs", type=int, default=12, help="passes over the 8,000 real points")
    parser.add_argument("--out", default="one_file_gan.png", help="the picture")
    parser.add_argument("--seed", type=int, default=0, help="of everything random")
    args = parser.parse_args()
    if args.epochs < 1: parser.error(f"epochs is {args.epochs}, allowed is 1 or more")
    torch.set_num_threads(1) # so small a game gains nothing from more
    real, (G, D) = ring(), players(args.seed)
    shown = {1, max(1, args.epochs // 3), args.epochs}
    frames = {0: draw(G)}
    for epoch in train(G, D, real, args.epochs, args.seed):
        with torch.no_grad(): says = [D(points).sigmoid().mean().item() for points in (real, draw(G))]
        print(f"epoch {epoch}: D's probability of real: {says[0]:.2f} on real, {says[1]:.2f} on fakes")
        if epoch in shown: frames[epoch] = draw(G)
    save_picture(frames, real, args.out)
    print(f"the picture is {args.out}")


if __name__ == "__main__":
    main()
