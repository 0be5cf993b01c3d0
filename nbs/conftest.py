"What the notebooks need to run as tests."
import ast
import dis
import os
import re
from functools import lru_cache
from itertools import groupby, repeat
from types import CodeType

import pytest
from IPython.core.inputtransformer2 import TransformerManager
from nbval.plugin import IPyNbCell

os.environ["IN_TEST"] = "1" # predictions are then text, and nbdev_export() at a notebook's end does nothing
SKIPPED = re.compile(r"#\|\s*(eval:\s*false|gpu)\b")
SLOW = re.compile(r"^#\|\s*slow\b", re.M)
HOUSES = re.compile(r"'svhn_10k'")
UNASKED = re.compile(r"^(?!\s*try:).*\bload\('svhn_10k'", re.M) # other chapters try, and do without


def imported(tree):
    "Names of modules that a cell imports."
    return {(alias.asname or alias.name).partition(".")[0] for node in ast.walk(tree)
            if isinstance(node, ast.Import) for alias in node.names}


def changed(tree):
    "Names whose object a cell changes: `name[3] = 1`, `name.part = 1`, or a method called for its effect."
    for node in ast.walk(tree):
        parts = getattr(node, "targets", []) or [getattr(node, "target", None)]
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call): parts = [node.value.func]
        for part in parts:
            if not isinstance(part, (ast.Subscript, ast.Attribute)): continue
            while isinstance(part, (ast.Subscript, ast.Attribute)): part = part.value
            if isinstance(part, ast.Name): yield part.id


def used_and_made(tree):
    "Names that a cell takes from cells above it, and names that it assigns."
    used, made = set(), set()

    def read(code):
        for step in dis.get_instructions(code):
            if step.opname in ("LOAD_NAME", "LOAD_GLOBAL") and step.argval not in made: used.add(step.argval)
            if step.opname in ("STORE_NAME", "STORE_GLOBAL"): made.add(step.argval)
        for part in code.co_consts:
            if isinstance(part, CodeType): read(part)

    read(compile(tree, "cell", "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT, dont_inherit=True))
    return used, made


def slow_cells(sources, mark=SLOW):
    "Is a cell marked `#| slow`, or does it take a name from one that is?"
    lost, modules = set(), set()
    for source in sources:
        try: tree = ast.parse(TransformerManager().transform_cell(source))
        except SyntaxError: tree = ast.parse("") # a cell that shows this error
        modules |= imported(tree)
        used, made = used_and_made(tree)
        slow = bool(mark.search(source) or used & lost)
        lost = lost | made | {*changed(tree)} - modules if slow else lost - made
        yield slow


@lru_cache
def has_houses():
    "Are SVHN's numbers on this machine? Tests download nothing."
    from gan_course.data import _data_roots
    return any((folder/"svhn"/name).exists() for folder in _data_roots()
               for name in ("svhn_test_first10000.npz", "test_32x32.mat"))


def pytest_collection_modifyitems(items):
    cells = (item for item in items if isinstance(item, IPyNbCell))
    for _, chapter in groupby(cells, key=lambda item: item.parent):
        chapter = [*chapter]
        sources = [item.cell.source for item in chapter]
        without = any(map(UNASKED.search, sources)) and not has_houses()
        missing = slow_cells(sources, HOUSES) if without else repeat(False, len(sources))
        for item, slow, missed in zip(chapter, slow_cells(sources), missing, strict=True):
            item.cell.execution_count = 1 # nbdev_clean removes the counts, and nbval refuses cells without
            if slow: item.add_marker(pytest.mark.slow)
            if missed: item.add_marker(pytest.mark.skip(reason="svhn_10k is not here"))
            if SKIPPED.search(item.cell.source): item.add_marker(pytest.mark.skip(reason="marked so"))
