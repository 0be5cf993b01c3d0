"Solutions and well-known wrong answers of chapter 13."


def mask(pieces, p):
    dropped = round(p * 2**16)
    return (pieces >= dropped - 2**15) * (2**16 / (2**16 - dropped))


CASES = {
    'cheap-mask': (mask, [
        (lambda pieces, p: (mask(pieces, p) > 0).float(), "in evaluation nothing is dropped"),
        (lambda pieces, p: (pieces >= p * 2**16) / (1 - p), "half of the pieces are negative"),
        (lambda pieces, p: (pieces >= p * 2**15) / (1 - p), "half of the pieces are negative"),
        (lambda pieces, p: (pieces < p * 2**16 - 2**15) / p, "that share is to be kept"),
        (lambda pieces, p: mask(pieces, p) > 0, r"it is torch\.bool"),
        (lambda pieces, p: mask(pieces, p).flatten(), r"asked is that of the pieces"),
        (lambda pieces, p: (mask(pieces, p) > 0) * (1 - p), r"the mean is 0\.360"),
        (lambda pieces, p: (mask(pieces, p) > 0) / p, r"the mean is 1\.500"),
        (lambda pieces, p: (pieces >= 0) * 2., r"50\.0% is zero for p = 0\.4"),
        (lambda pieces, p: pieces * 0 + 1., "nothing is zero"),
        (lambda pieces, p: mask(pieces, .4), r"40\.0% is zero for p = 0\.25")]),
    'who-waits': ({'c', 'e', 'f', 'g'}, [
        ({'a', 'c', 'e', 'f', 'g'}, "nobody has asked for the number"),
        ({'b', 'c', 'e', 'f', 'g'}, "keeps a tensor"),
        ({'c', 'd', 'e', 'f', 'g'}, "d is a gather"),
        ({'e', 'f', 'g'}, "which way to go"),
        ({'c', 'f', 'g'}, "depends on the values"),
        ({'c', 'e', 'g'}, "what is printed"),
        ({'c', 'e', 'f'}, "ordinary memory"),
        ({'c', 'e', 'f', 'g', 'h'}, "letters are a to g")]),
}
