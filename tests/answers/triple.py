"Solutions and well-known wrong answers to the exercises of the chapter on the triple GAN."
import math

import torch


def join(*pairs): return tuple(torch.cat(parts) for parts in zip(*pairs, strict=True))


def sort_pairs(few, guessed, made): return few, join(guessed, made)


def believe_guesses(few, guessed, made): return join(few, guessed), made


def believe_made(few, guessed, made): return join(few, made), guessed


def two_players(few, guessed, made): return few, made


def no_generator(few, guessed, made): return few, guessed


def everything_fake(few, guessed, made): return few, join(few, guessed, made)


def crossed(few, guessed, made):
    return few, (torch.cat([guessed[0], made[0]]), torch.cat([made[1], guessed[1]]))


def twice(few, guessed, made): return join(few, few), join(guessed, made)


CASES = {
    "sort-pairs": (sort_pairs, [
        (believe_guesses, "nobody could object"), (believe_made, "taught to believe"),
        (two_players, "C would play against nobody"), (no_generator, "G would play against nobody"),
        (everything_fake, "object to the truth"), (crossed, "another order"), (twice, "there once")]),
    "objection-slope": (3/16 * math.log(1/4), [
        (3/16 * math.log(4), "turned round"), (3/4 * math.log(1/4), "value"), (math.log(1/4), "slope in p"),
        (3/16 * math.log(3/4), "log D"), (-3/16 * math.log(3/4), "non-saturating"),
        (3/32 * math.log(1/4), "half"), (1., "multiply")]),
}
