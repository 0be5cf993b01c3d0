"Solutions and well-known wrong answers to the exercises of the chapter on games by name."

_ALL = 100 * 64 + 64 * 64 + 64 * 784

CASES = {
    "same-start": ({"b", "d"}, [
        ({"a", "b", "d"}, "the seed opens"), ({"b", "c", "d"}, "other widths"),
        ({"b", "d", "e"}, "another rule"),
        ({"d"}, "read by the optimiser"), ({"b"}, "do not know it")]),
    "quarter-width": (14400, [
        (_ALL, "full width"), (_ALL // 4, "loses more"), (_ALL // 16, "not scaled"), (14400 + 816, "biases"),
        (1, "three products")]),
}
