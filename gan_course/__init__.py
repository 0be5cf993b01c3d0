"A course on generative adversarial networks that is also a library."
__version__ = "0.1.0"

from collections.abc import Mapping
from difflib import get_close_matches


def pick(
    table:Mapping, # name -> object
    name:str,      # the name somebody typed
    what:str,      # which argument it was, for the sentence
):                 # `table[name]`
    "Look `name` up in `table`, or say what would have been allowed; it lives here because it needs no torch."
    if name in table: return table[name]
    near = get_close_matches(str(name), table, n=1)
    hint = f"; did you mean {near[0]!r}?" if near else ""
    raise ValueError(f"{what} is {name!r}, allowed are {', '.join(map(repr, table))}{hint}")
