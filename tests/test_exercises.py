"Every exercise accepts its solution and refuses the well-known wrong answers, saying why."
import contextlib
import importlib.util
import io
import math
import re
from pathlib import Path

import pytest

from gan_course.exercises import EXERCISES, check

FILES = sorted((Path(__file__).parent/"answers").glob("*.py"))


def cases(path):
    spec = importlib.util.spec_from_file_location(f"answers_{path.stem}", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    importlib.import_module(f"gan_course.{path.stem}") # registers its exercises
    return module.CASES


CASES = {name: case for path in FILES for name, case in cases(path).items()}


def graded(name, answer):
    said = io.StringIO()
    with contextlib.redirect_stdout(said): right = check(name, answer)
    return right, said.getvalue()


@pytest.mark.parametrize("name", CASES)
def test_the_solution_is_right(name):
    right, said = graded(name, CASES[name][0])
    assert right, said


WRONGS = [(name, *pair) for name, (_, pairs) in CASES.items() for pair in pairs]


@pytest.mark.parametrize("name,wrong,why", WRONGS)
def test_a_wrong_answer_is_refused_and_told_why(name, wrong, why):
    right, said = graded(name, wrong)
    assert not right and re.search(why, said), said


def test_every_exercise_is_proved():
    importlib.import_module("gan_course.cli") # and with it every chapter
    assert set(EXERCISES) == set(CASES)
    for name, (_, wrongs) in CASES.items(): assert wrongs, f"{name} has no wrong answer"
    for name, task in EXERCISES.items(): assert task.question and task.hints, name


@pytest.mark.parametrize("answer", [math.nan, (math.nan,) * 2, [math.nan] * 4])
def test_no_exercise_takes_nan_for_an_answer(answer):
    for name in EXERCISES: assert not check(name, answer), name
