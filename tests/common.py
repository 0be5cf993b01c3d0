"What the tests of several parts use."
import importlib.util

import pytest

from gan_course.cli import main


def refused(capsys, *words, notes=0):
    "Run a command that must fail, and return the one sentence it says, after so many notes on a file."
    with pytest.raises(SystemExit) as stop: main([*map(str, words)])
    said = capsys.readouterr().err
    assert stop.value.code == 1 and len(said.splitlines()) == notes + 1, said
    return said.splitlines()[-1]


def module_at(file):
    "A file outside of the library as a module; others lie beside it."
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(file.parent))
        spec = importlib.util.spec_from_file_location(file.stem, file)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    return module
