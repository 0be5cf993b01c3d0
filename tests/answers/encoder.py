"Solutions and well-known wrong answers to the exercises of the chapter on encoders."


def both(g, real, fake): return g(fake) + g(-real)


def helps_d(g, real, fake): return g(fake) + g(real)


def saturates(g, real, fake): return g(fake) - g(real)


def g_alone(g, real, fake): return g(fake)


def e_alone(g, real, fake): return g(-real)


def swapped(g, real, fake): return g(real) + g(-fake)


def minimax(g, real, fake): return g(-real) - g(-fake)


CASES = {
    "blind-codes": ((1, 2), [((100, 200), "sum"), ((10, 14), "length"), ((0, 1), "misses by z"), ((.5, 1), "mean of"),
                             ((1, 1), "no better than 0"), ((1, 0), "same numbers"),
                             ((1, 1.4142), "standard deviation"), ((1, 3), "variance")]),
    "pair-signs": (both, [(helps_d, "as D does already"), (saturates, "turn the logit"), (g_alone, "E is not"),
                          (e_alone, "G is not"), (swapped, "G lowers"), (minimax, "minimax")]),
}
