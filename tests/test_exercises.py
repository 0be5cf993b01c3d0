"Every exercise accepts its right answers and tells each well-known wrong one why; the library knows none."
import importlib
import json
import math
import pkgutil
import subprocess

import pytest
import torch
from warm import PYTHON

import gan_course.answers
from gan_course.exercises import EXERCISES, Exercise, check, prove, why_wrong
from gan_course.exercises import _find_exercise as find
from gan_course.lessons import questions

try: find('') # loads all of them
except ValueError: NAMES = sorted(EXERCISES)


@pytest.mark.parametrize("name", NAMES)
def test_right_answers_pass_and_wrong_ones_get_their_own_reason(name):
    task = EXERCISES[name]
    assert prove(task) == []
    assert task.question and task.right and task.wrong and task.hints


def test_no_two_chapters_have_an_exercise_of_one_name():
    modules = [m.name for m in pkgutil.iter_modules(gan_course.answers.__path__, "gan_course.answers.")]
    named = [name for module in modules for name in importlib.import_module(module).ANSWERS]
    assert sorted(named) == NAMES and len(modules) > 30


def test_each_chapter_of_the_course_has_three_exercises_or_more_and_one_takes_code(root):
    for path in (root/"nbs").glob("[0-9]*.ipynb"):
        chapter = questions(json.loads(path.read_text(encoding="utf-8"))["cells"])["exercises"]
        if not 2 < int(path.name[:2]) < 34 and path.name[:2] not in ("36", "41"): continue
        if path.name[:2] in ("04", "13", "14", "15", "16"): continue # how the library is built
        assert 3 <= len(chapter) <= 5, (path.name, chapter)
        assert any(callable(EXERCISES[name].right[0]) for name in chapter), path.name


def test_a_broken_exercise_is_found_out():
    question = "Which number is an even prime?"
    for broken in (Exercise(question, right=(2, 3), verdict=lambda answer: answer != 2 and "no" or None),
                   Exercise(question, right=(2,), wrong=((2, "it is odd"),)),
                   Exercise(question, right=(2,), wrong=((1, "one"), (1, "no prime")))):
        assert len(prove(broken)) == 1


def test_an_answer_that_cannot_even_be_looked_at_is_refused(capsys):
    itself = []
    itself.append(itself)
    for answer in (torch.Tensor, itself): # the class; a list that has no end
        assert not check("no-nine", answer) and "your answer raised" in capsys.readouterr().out


@pytest.mark.parametrize("answer", [math.nan, (math.nan,) * 2, [1., math.nan]])
def test_nan_is_refused_whatever_the_verdict_says(answer, capsys):
    EXERCISES['lenient'] = Exercise("Anything will do.", right=(1,), verdict=lambda answer: None)
    try:
        assert check('lenient', 1.) and not check('lenient', answer)
        assert "nan is not a number" in capsys.readouterr().out
    finally: del EXERCISES['lenient']


NUMBERS = [name for name in NAMES if isinstance(EXERCISES[name].right[0], int | float)]


@pytest.mark.parametrize("name", NUMBERS)
def test_a_number_that_is_none_is_no_answer(name):
    assert why_wrong(EXERCISES[name], math.nan) is not None


def test_no_module_of_the_library_loads_an_answer():
    code = ("import sys, gan_course.cli, gan_course.clinic; "
            "sys.exit(', '.join(m for m in sys.modules if m.startswith('gan_course.answers.')) or 0)")
    done = subprocess.run([*PYTHON, "-c", code], check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
