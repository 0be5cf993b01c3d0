"Every exercise accepts its right answers and tells each well-known wrong one why; the library knows none."
import math
import subprocess
import sys

import pytest

from gan_course.exercises import EXERCISES, Exercise, check, prove, why_wrong
from gan_course.exercises import _find_exercise as find

try: find('') # loads all of them
except ValueError: NAMES = sorted(EXERCISES)


@pytest.mark.parametrize("name", NAMES)
def test_right_answers_pass_and_wrong_ones_get_their_own_reason(name):
    task = EXERCISES[name]
    assert prove(task) == []
    assert task.question and task.right and task.wrong and task.hints


def test_a_broken_exercise_is_found_out():
    question = "Which number is an even prime?"
    for broken in (Exercise(question, right=(2, 3), verdict=lambda answer: answer != 2 and "no" or None),
                   Exercise(question, right=(2,), wrong=((2, "it is odd"),)),
                   Exercise(question, right=(2,), wrong=((1, "one"), (1, "no prime")))):
        assert len(prove(broken)) == 1


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
    done = subprocess.run([sys.executable, "-c", code], check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
