"""GANs and a classifier as public code writes them: the loops that ours are measured against.

Each loop is an endless iterator; `next(loop)` plays one step. Nothing here is part of the library.
"""
import gzip
import shutil
from pathlib import Path

import torch
from torch import nn
from torch.utils.data import DataLoader
from torchvision import datasets, transforms

from gan_course.data import find_file


def mnist(folder):
    "MNIST as a torchvision dataset, unpacked into `folder` by its own rules."
    raw = Path(folder)/'MNIST'/'raw'
    raw.mkdir(parents=True, exist_ok=True)
    md5s = dict(datasets.MNIST.resources)
    for name in ('train-images-idx3-ubyte.gz', 'train-labels-idx1-ubyte.gz',
                 't10k-images-idx3-ubyte.gz', 't10k-labels-idx1-ubyte.gz'):
        urls = tuple(mirror + name for mirror in datasets.MNIST.mirrors)
        with gzip.open(find_file(f'MNIST/raw/{name}', md5s[name], urls)) as packed:
            with open(raw/name.removesuffix('.gz'), 'wb') as plain: shutil.copyfileobj(packed, plain)
    transform = transforms.Compose([transforms.ToTensor(), transforms.Normalize((.5,), (.5,))])
    return datasets.MNIST(folder, train=True, transform=transform)


def batches(dataset, batch, workers):
    "Epoch after epoch of a DataLoader."
    loader = DataLoader(dataset, batch, shuffle=True, drop_last=True, num_workers=workers)
    while True: yield from loader


def mlp_gan():
    "W1: G 100-256-512-1024-784, D 784-1024-512-256-1."
    G = nn.Sequential(nn.Linear(100, 256), nn.LeakyReLU(.2), nn.Linear(256, 512), nn.LeakyReLU(.2),
                      nn.Linear(512, 1024), nn.LeakyReLU(.2), nn.Linear(1024, 784), nn.Tanh(),
                      nn.Unflatten(1, (1, 28, 28)))
    D = nn.Sequential(nn.Flatten(), nn.Linear(784, 1024), nn.LeakyReLU(.2), nn.Dropout(.4),
                      nn.Linear(1024, 512), nn.LeakyReLU(.2), nn.Dropout(.4),
                      nn.Linear(512, 256), nn.LeakyReLU(.2), nn.Dropout(.4), nn.Linear(256, 1), nn.Sigmoid())
    return G, D


def dcgan():
    "W2: the DCGAN of the report; 'same' padding of kernel 5 at stride 2 takes 28 to 14, 7 and 4."
    G = nn.Sequential(nn.Linear(100, 12544, bias=False), nn.BatchNorm1d(12544), nn.LeakyReLU(.3),
                      nn.Unflatten(1, (256, 7, 7)),
                      nn.ConvTranspose2d(256, 128, 5, 1, 2, bias=False),
                      nn.BatchNorm2d(128), nn.LeakyReLU(.3),
                      nn.ConvTranspose2d(128, 64, 5, 2, 2, 1, bias=False),
                      nn.BatchNorm2d(64), nn.LeakyReLU(.3),
                      nn.ConvTranspose2d(64, 1, 5, 2, 2, 1, bias=False), nn.Tanh())
    D = nn.Sequential(nn.Conv2d(1, 64, 5, 2, 2), nn.LeakyReLU(.3), nn.Dropout(.3),
                      nn.Conv2d(64, 128, 5, 2, 2), nn.LeakyReLU(.3), nn.Dropout(.3),
                      nn.Conv2d(128, 256, 5, 2, 2), nn.LeakyReLU(.3), nn.Dropout(.3),
                      nn.Flatten(), nn.Linear(256 * 4 * 4, 1), nn.Sigmoid())
    return G, D


def gan_loop(networks, dataset, batch, workers, device='cpu', lr_g=2e-4, lr_d=2e-4):
    "A GAN's loop: two passes of D, the same fakes for D and G, and losses read at every step."
    G, D = (net.to(device) for net in networks)
    criterion = nn.BCELoss()
    opt_g = torch.optim.Adam(G.parameters(), lr=lr_g, betas=(.5, .999))
    opt_d = torch.optim.Adam(D.parameters(), lr=lr_d, betas=(.5, .999))
    for real, _ in batches(dataset, batch, workers):
        real = real.to(device)
        ones, zeros = torch.ones(len(real), 1, device=device), torch.zeros(len(real), 1, device=device)
        fake = G(torch.randn(len(real), 100, device=device))
        opt_d.zero_grad()
        d_loss = criterion(D(real), ones) + criterion(D(fake.detach()), zeros)
        d_loss.backward()
        opt_d.step()
        opt_g.zero_grad()
        g_loss = criterion(D(fake), ones)
        g_loss.backward()
        opt_g.step()
        yield d_loss.item(), g_loss.item()


def digit_classifier():
    "W3: the layers of `gan_course.networks.classifier`, activation first, as most people order them."
    layers = []
    for n_in, n_out in ((1, 32), (32, 64), (64, 128)):
        layers += [nn.Conv2d(n_in, n_out, 3, padding=1, bias=False), nn.BatchNorm2d(n_out), nn.ReLU(),
                   nn.MaxPool2d(2)]
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(128 * 3 * 3, 128, bias=False), nn.BatchNorm1d(128),
                         nn.ReLU(), nn.Linear(128, 10))


def classifier_loop(net, dataset, batch, workers, device='cpu', lr=1e-3):
    "A classifier's loop, its loss read at every step."
    net = net.to(device)
    criterion = nn.CrossEntropyLoss()
    optimizer = torch.optim.Adam(net.parameters(), lr=lr)
    for x, y in batches(dataset, batch, workers):
        x, y = x.to(device), y.to(device)
        optimizer.zero_grad()
        loss = criterion(net(x), y)
        loss.backward()
        optimizer.step()
        yield loss.item()


def critic():
    "W4: the DCGAN's networks, D without dropout and without a sigmoid."
    G, D = dcgan()
    return G, nn.Sequential(*(m for m in D[:-1] if not isinstance(m, nn.Dropout)))


def gradient_penalty(D, real, fake):
    "The penalty as public code writes it."
    alpha = torch.rand(len(real), 1, 1, 1, device=real.device)
    mixed = (alpha * real + (1 - alpha) * fake).requires_grad_(True)
    scores = D(mixed)
    gradients = torch.autograd.grad(outputs=scores, inputs=mixed, grad_outputs=torch.ones_like(scores),
                                    create_graph=True, retain_graph=True, only_inputs=True)[0]
    return ((gradients.view(len(gradients), -1).norm(2, dim=1) - 1)**2).mean()


def wgan_gp_loop(networks, dataset, batch, workers, device='cpu'):
    "A penalised critic's loop, one move of each player."
    G, D = (net.to(device) for net in networks)
    opt_g, opt_d = (torch.optim.Adam(net.parameters(), lr=1e-4, betas=(0., .9)) for net in (G, D))
    for real, _ in batches(dataset, batch, workers):
        real = real.to(device)
        fake = G(torch.randn(len(real), 100, device=device)).detach()
        opt_d.zero_grad()
        d_loss = D(fake).mean() - D(real).mean() + 10 * gradient_penalty(D, real, fake)
        d_loss.backward()
        opt_d.step()
        opt_g.zero_grad()
        g_loss = -D(G(torch.randn(len(real), 100, device=device))).mean()
        g_loss.backward()
        opt_g.step()
        yield d_loss.item(), g_loss.item()
