"Solutions and well-known wrong answers to the exercises of the chapter on the convolutional GAN."


def pads(n, kernel, stride):
    total = max((-(-n // stride) - 1) * stride + kernel - n, 0)
    return total // 2, total - total // 2


def as_pytorch(n, kernel, stride): return kernel // 2, kernel // 2


def odd_one_first(n, kernel, stride): return pads(n, kernel, stride)[::-1]


def never_mind_the_rest(n, kernel, stride): # rounds the number of windows down
    total = max((n // stride - 1) * stride + kernel - n, 0)
    return total // 2, total - total // 2


def may_cut(n, kernel, stride):
    total = (-(-n // stride) - 1) * stride + kernel - n
    return total // 2, total - total // 2


def any_side_alike(n, kernel, stride):
    total = max(kernel - stride, 0)
    return total // 2, total - total // 2


def keeps_the_size(n, kernel, stride): # right for a stride of 1 alone
    return (kernel - 1) // 2, kernel // 2


CASES = {
    "same-pads": (pads, [
        (as_pytorch, "shifted"), (odd_one_first, "in front"), (never_mind_the_rest, "too few"),
        (may_cut, "negative"), (any_side_alike, "too few"), (keeps_the_size, "shifted")]),
    "lost-pixels": ((13, 25), [
        ((14, 28), "output_padding"), ((14, 27), "first layer loses"), ((17, 37), "not taken off"),
        ((15, 33), "[Pp]adding|each end"), ((15, 31), "stamps"), ((4, 2), "larger"), ((21, 49), "add them"),
        ((13, 28), "second layer")]),
}
