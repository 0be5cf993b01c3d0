"What the notebooks need to run as tests."
import dis
import os
import re
from itertools import groupby
from types import CodeType

import pytest
from IPython.core.inputtransformer2 import TransformerManager
from nbval.plugin import IPyNbCell

os.environ["IN_TEST"] = "1" # predictions are then text, and nbdev_export() at a notebook's end does nothing
SKIPPED = re.compile(r"#\|\s*(eval:\s*false|gpu)\b")
SLOW = re.compile(r"^#\|\s*slow\b", re.M)


def used_and_made(source):
    "Names that a cell takes from cells above it, and names that it leaves to those below."
    used, made = set(), set()

    def read(code):
        for step in dis.get_instructions(code):
            if step.opname in ("LOAD_NAME", "LOAD_GLOBAL") and step.argval not in made: used.add(step.argval)
            if step.opname in ("STORE_NAME", "STORE_GLOBAL"): made.add(step.argval)

    def within(code):
        for part in code.co_consts:
            if isinstance(part, CodeType): yield part; yield from within(part)

    try: whole = compile(TransformerManager().transform_cell(source), "cell", "exec", dont_inherit=True)
    except SyntaxError: return used, made # one that shows an error
    read(whole)
    for part in within(whole): read(part)
    return used, made


def slow_cells(sources):
    "Is a cell marked `#| slow`, or does it take a name from one that is?"
    lost = set()
    for source in sources:
        used, made = used_and_made(source)
        slow = bool(SLOW.search(source) or used & lost)
        lost = lost | made if slow else lost - made
        yield slow


def pytest_collection_modifyitems(items):
    cells = (item for item in items if isinstance(item, IPyNbCell))
    for _, chapter in groupby(cells, key=lambda item: item.parent):
        chapter = [*chapter]
        for item, slow in zip(chapter, slow_cells(item.cell.source for item in chapter), strict=True):
            item.cell.execution_count = 1 # nbdev_clean removes the counts, and nbval refuses cells without
            if slow: item.add_marker(pytest.mark.slow)
            if SKIPPED.search(item.cell.source): item.add_marker(pytest.mark.skip(reason="marked so"))
