"Solutions and well-known wrong answers to the exercises of the chapter on runs."

CASES = {
    "same-id": (dict(seed=0), [
        (dict(seed=1), "another run"), (dict(epochs=20), "differ from the defaults"),
        (dict(device="cpu"), "no field"), ({}, "at least one")]),
    "written-last": (("config", "generator", "row"), [
        (("row", "config", "generator"), "any config may go on"),
        (("config", "row", "generator"), "no generator to load"),
        (("generator", "row"), "three names")]),
}
