"Solutions and well-known wrong answers of chapter 12."
import math

import torch
import torch.nn.functional as F

LN3 = math.log(3)


def loss_of(G, D, z): return F.softplus(-D(G(z))).mean()


def right(G, D, opt, z):
    loss = loss_of(G, D, z)
    opt.zero_grad()
    loss.backward(inputs=list(G.parameters()))
    opt.step()


def leaves_a_gradient(G, D, opt, z):
    opt.zero_grad(); loss_of(G, D, z).backward(); opt.step()


def moves_d(G, D, opt, z):
    both = torch.optim.SGD([*G.parameters(), *D.parameters()], 1.)
    both.zero_grad(); loss_of(G, D, z).backward(); both.step()


def leaves_d_frozen(G, D, opt, z):
    D.requires_grad_(False)
    opt.zero_grad(); loss_of(G, D, z).backward(); opt.step()


def cut_off(G, D, opt, z):
    with torch.no_grad(): fake = G(z)
    opt.zero_grad(); F.softplus(-D(fake)).mean().backward(inputs=list(D.parameters())); opt.step()
    D.zero_grad()


def old_gradient(G, D, opt, z):
    loss_of(G, D, z).backward(inputs=list(G.parameters())); opt.step()


def minimax(G, D, opt, z):
    loss = -F.softplus(D(G(z))).mean()
    opt.zero_grad(); loss.backward(inputs=list(G.parameters())); opt.step()


def wrong_sign(G, D, opt, z):
    loss = -loss_of(G, D, z)
    opt.zero_grad(); loss.backward(inputs=list(G.parameters())); opt.step()


CASES = {
    'leak-gradient': (-LN3 / 2, [(-.75 * LN3, "as if the fakes"), (LN3 / 4, "only what D's"),
                                 (-LN3, "opposite signs"), (LN3 / 2, "the sign is not"),
                                 (-LN3 / 4, "minimax"), (0., "add dL_D/da")]),
    'g-step': (right, [(leaves_a_gradient, "left in D"), (moves_d, "D's weight moved"),
                       (leaves_d_frozen, "left frozen"), (cut_off, "not moved"),
                       (old_gradient, "old gradient as well"), (minimax, "three times smaller"),
                       (wrong_sign, "turned round")]),
}
