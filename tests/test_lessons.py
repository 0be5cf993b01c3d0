"Copies for learners give nothing away and run; a returned notebook, whatever it holds, ends as honest lines."
import json
import os
import re
import shutil
import subprocess
import sys
from random import Random

import numpy as np
import pytest
from warm import SOCKET

from gan_course import exercises, lessons
from gan_course.cli import main
from gan_course.exercises import EXERCISES, check, predict, progress, reveal
from gan_course.files import CHAPTERS
from gan_course.lessons import grade_notebook, questions, write_copies


def cells_of(path): return json.loads(path.read_text(encoding="utf-8"))["cells"]


def source(cell): return "".join(cell["source"])


@pytest.fixture(scope="module")
def copies(tmp_path_factory):
    folder = tmp_path_factory.mktemp("learner")/"mine"
    write_copies(folder)
    return folder


def test_no_copy_holds_an_output_a_directive_a_solution_or_an_exporting_cell(copies):
    for path in copies.glob("*.ipynb"):
        for cell in cells_of(path):
            text = source(cell)
            assert not cell.get("outputs") and cell.get("execution_count") is None
            if cell["cell_type"] == "markdown": assert "<summary>Solution" not in text, path.name
            else: assert not re.search(r"^#\||^import nbdev|: import nbdev;", text, re.M), path.name


def test_a_learner_gets_no_key_to_the_teachers_test(copies):
    assert not (copies/"teach.md").exists() and (copies/"glossary.md").exists()


def test_no_copy_shows_an_outcome_before_the_prediction(copies):
    for path in copies.glob("[0-9]*.ipynb"):
        cells = cells_of(path)
        for name in questions(cells_of(CHAPTERS/path.name))["predictions"]:
            reveals = re.compile(rf"^\s*reveal\('{name}', ", re.M)
            showing = [source(cell) for cell in cells if reveals.search(source(cell))]
            assert showing, f"{path.name}: {name} is never revealed"
            assert showing[0].startswith(f"reveal('{name}')\n"), f"{path.name}: {name} does not wait"
            assert not re.search(r"^assert ", showing[0], re.M), f"{path.name}: {name}"


def test_every_exercise_of_a_chapter_has_its_question_and_an_empty_answer(copies):
    for path in copies.glob("[0-9]*.ipynb"):
        cells = cells_of(path)
        answers = [cell["metadata"]["gan_course"]["exercise"] for cell in cells
                   if cell["metadata"].get("gan_course")]
        assert answers == questions(cells_of(CHAPTERS/path.name))["exercises"]
        for name in answers:
            asked = next(i for i, cell in enumerate(cells) if source(cell).startswith(f"**{name}.**"))
            assert source(cells[asked + 1]).endswith(f"check('{name}', answer);")
            assert "answer = ..." in source(cells[asked + 1])


@pytest.mark.parametrize("code,left", [
    ("x = 1; assert x == 1", "x = 1"), ("assert x; print(x)", "print(x)"), ("assert x # as told", ""),
    ("a = 1; assert a; b = 2", "a = 1; b = 2"), ("s = 'Fréchet'; assert s", "s = 'Fréchet'"),
    ("a = 1\nassert (a ==\n        1)\nb = 2", "a = 1\nb = 2"), ("for i in x:\n    assert i", None)])
def test_an_assertion_goes_and_what_shares_its_line_stays(code, left):
    assert lessons._without_asserts(code) == (code if left is None else left)


def test_teachers_get_solutions_and_outputs(tmp_path):
    write_copies(tmp_path/"all", solutions=True, with_outputs=True)
    cells = cells_of(tmp_path/"all"/"02_exercises.ipynb")
    assert any("<summary>Solution" in source(cell) for cell in cells) and any(c.get("outputs") for c in cells)


@pytest.mark.parametrize("chapter", ["02_exercises", "16_catalogue"])
def test_a_copy_executes(copies, chapter):
    nbclient = pytest.importorskip("nbclient")
    import nbformat
    notebook = nbformat.read(copies/f"{chapter}.ipynb", 4)
    kernel = "warm" if SOCKET in os.environ else "python3"
    nbclient.NotebookClient(notebook, timeout=120, kernel_name=kernel,
                            resources={"metadata": {"path": str(copies)}}).execute()


def test_only_the_author_exports(root, tmp_path):
    code = source(json.loads((root/"nbs"/"16_catalogue.ipynb").read_text(encoding="utf-8"))["cells"][-1])
    fake = "types.SimpleNamespace(nbdev_export=lambda: print('exports'))"
    probe = f"import sys, types\nsys.modules['nbdev'] = {fake}\n{code}"
    outside = {name: value for name, value in os.environ.items() if name != "GAN_COURSE_EDIT"}
    for env, said in ((outside, ""), (outside | {"GAN_COURSE_EDIT": "1"}, "exports\n")):
        done = subprocess.run([sys.executable, "-c", probe], env=env, check=True, capture_output=True,
                              text=True)
        assert done.stdout == said
    for path in (root/"nbs").rglob("*.ipynb"):
        for cell in cells_of(path):
            if cell["cell_type"] == "code" and "nbdev.nbdev_export()" in source(cell)[-30:]:
                assert "if 'GAN_COURSE_EDIT' in os.environ" in source(cell), path.name


# progress

@pytest.fixture
def record(tmp_path, monkeypatch):
    "A learner's folder with one chapter, where this process keeps its record."
    monkeypatch.setattr(exercises, "_FOLDER", tmp_path)
    monkeypatch.setattr(exercises, "PREDICTIONS", {})
    two = exercises.Exercise("An even prime?", right=(2,), wrong=((1, "no prime"),))
    monkeypatch.setitem(EXERCISES, "two", two)
    chapters = {"99_end": dict(predictions=["coin"], exercises=["two"])}
    (tmp_path/"progress.json").write_text(json.dumps(dict(variant="", chapters=chapters)), encoding="utf-8")
    return tmp_path


def test_what_was_said_survives_a_restart_and_the_first_word_counts(record, monkeypatch, capsys):
    predict("coin", "heads", ("heads", "tails"))
    monkeypatch.setattr(exercises, "PREDICTIONS", {}) # a new kernel
    predict("coin", None, ("heads", "tails"))
    assert "you expect 'heads'" in capsys.readouterr().out
    predict("coin", "tails", ("heads", "tails"))
    reveal("coin", "tails")
    for answer in (1, 2, 1): check("two", answer)
    known = json.loads((record/"progress.json").read_text(encoding="utf-8"))
    assert known["predictions"]["coin"] == dict(choice="heads", outcome="tails", right=False)
    assert known["exercises"]["two"] == dict(tries=2, right=True)
    assert "1 of 1 exercises done, 0 right at first try" in progress("99_end")
    main(["progress", str(record)])
    assert "99_end: 1 of 1 predictions made" in capsys.readouterr().out


def test_a_damaged_record_stops_nothing(record, capsys):
    (record/"progress.json").write_text('{"exercises":', encoding="utf-8")
    exercises._record("exercises", "two", lambda row: row.update(right=True))
    assert "nothing was recorded" in capsys.readouterr().err
    predict("coin", None, ("heads", "tails"))
    assert check("two", 2) and "coin: choose one of" in capsys.readouterr().out


@pytest.mark.parametrize("damage", [dict(predictions=[]), dict(predictions=None), dict(exercises=["two"]),
                                    dict(predictions=dict(coin=3))])
def test_a_record_of_another_form_stops_nothing_either(record, damage, capsys):
    (record/"progress.json").write_text(json.dumps(damage), encoding="utf-8")
    predict("coin", None, ("heads", "tails"))
    predict("coin", "heads", ("heads", "tails"))
    assert check("two", 2)
    said = capsys.readouterr()
    assert "coin: you expect 'heads'" in said.out and "nothing was recorded" in said.err
    assert json.loads((record/"progress.json").read_text(encoding="utf-8")) == damage


def test_a_choice_that_is_no_longer_offered_is_asked_for_again(record, capsys):
    predict("coin", "edge", ("heads", "tails", "edge"))
    predict("coin", None, ("heads", "tails"))
    assert "coin: choose one of 'heads', 'tails'" in capsys.readouterr().out


def test_a_number_that_numpy_measured_can_be_recorded(record, capsys):
    predict("coin", 4.)
    reveal("coin", np.float64(4.))
    known = json.loads((record/"progress.json").read_text(encoding="utf-8"))
    assert known["predictions"]["coin"]["right"] is True
    assert not capsys.readouterr().err


def test_no_record_is_begun_where_nobody_asked_for_one(tmp_path, monkeypatch):
    monkeypatch.setattr(exercises, "_FOLDER", tmp_path)
    predict("coin", "heads", ("heads", "tails"))
    assert list(tmp_path.iterdir()) == [] and "no progress is kept here" in progress()


def test_variants_differ_between_learners_and_are_sound():
    exercises._find_exercise("no-nine")
    varying = {name: task for name, task in EXERCISES.items() if task.vary}
    assert len(varying) >= 3
    for name, task in varying.items():
        made = [task.vary(Random(f"{who}/{name}")) for who in ("anna", "ben", "chris", "dora", "emil")]
        assert len({some.question for some in made}) > 1, name
        for some in made: assert exercises.prove(some) == [], name
        again = exercises._find_exercise(name, "anna")
        assert again.question == made[0].question and exercises._find_exercise(name).question == task.question


# marks

def returned(path, *sources, chapter="02_exercises", marked=()):
    "A notebook as a learner would return it."
    cells = [dict(cell_type="code", metadata={}, outputs=[], source=text) for text in sources]
    for cell, name in zip(cells, marked, strict=False):
        cell["metadata"] = dict(gan_course=dict(exercise=name))
    ours = dict(gan_course=dict(chapter=chapter))
    notebook = dict(nbformat=4, nbformat_minor=5, cells=cells, metadata=ours)
    path.write_text(json.dumps(notebook), encoding="utf-8")


IMPORT = "from gan_course.exercises import check\nimport math"
NINE = "answer = math.ceil(math.log(1/1000, .9))\ncheck('no-nine', answer);"
CLOSE = """def close(answer, truth): return abs(answer - truth) <= .01 * abs(truth)
check('write-check', close);"""
LOOP = "def close(answer, truth):\n    while True: pass\ncheck('write-check', close);"
TAMPERED = """import gan_course.exercises as e
e.why_wrong = e.why_refused = lambda *more: None
e.is_same = lambda *more: True
def check(name, answer): return True
"""


def test_whatever_is_returned_becomes_honest_lines(root, tmp_path, capsys, monkeypatch):
    folder = tmp_path/"chapters" # without results: no answer here reads them
    (folder/"results").mkdir(parents=True)
    for chapter in ("02_exercises", "23_cgan"): shutil.copy(root/"nbs"/f"{chapter}.ipynb", folder)
    monkeypatch.setattr(lessons, "CHAPTERS", folder)
    returned(tmp_path/"four.ipynb", IMPORT, "check('projection', 2);", "check('plane-params', 1);",
             "change = 1 / 0\ncheck('fake-labels', change);", chapter="23_cgan")
    returned(tmp_path/"loop.ipynb", IMPORT, NINE, LOOP)
    returned(tmp_path/"tampered.ipynb", IMPORT, TAMPERED, NINE,
             "check('write-check', lambda answer, truth: True)")
    cases = dict(four={"projection": "right", "plane-params": "wrong", "fake-labels": "error",
                       "class-change": "missing"},
                 loop={"no-nine": "right", "write-check": "timeout"},
                 tampered={"no-nine": "right", "write-check": "wrong"})
    (tmp_path/"torn.ipynb").write_text('{"cells": [', encoding="utf-8")
    files = [str(tmp_path/f"{name}.ipynb") for name in (*cases, "torn")]
    out = tmp_path/"marks.csv"
    main(["grade", *files, "--out", str(out), "--seconds", "2"])
    said = capsys.readouterr()
    for name, verdicts in cases.items():
        for exercise, verdict in verdicts.items(): assert f"{name}.ipynb: {exercise}: {verdict}\n" in said.out
    assert "torn.ipynb: -: unreadable" in said.out and "runs code here" in said.err
    table = out.read_text(encoding="utf-8")
    assert len(table.splitlines()) == 2 + sum(map(len, cases.values()))
    assert "it has a check of its own" in table
    assert len(list((tmp_path/"marks_by_notebook").glob("*.json"))) == len(files)
    with pytest.raises(SystemExit): main(["grade", *files, "--out", str(out)])


@pytest.mark.slow
def test_a_notebook_that_ends_its_process_or_outlives_its_time_leaves_lines(tmp_path):
    returned(tmp_path/"a.ipynb", IMPORT, NINE, "import os; os._exit(3)", CLOSE)
    verdicts = {row["exercise"]: row for row in grade_notebook(tmp_path/"a.ipynb")}
    assert verdicts["no-nine"]["verdict"] == "right"
    assert verdicts["write-check"]["verdict"] == "not reached" and "code 3" in verdicts["write-check"]["says"]
    stubborn = "import signal\nsignal.signal(signal.SIGALRM, signal.SIG_IGN)\nwhile True: pass"
    returned(tmp_path/"b.ipynb", IMPORT, stubborn, CLOSE)
    late = {row["exercise"]: row for row in grade_notebook(tmp_path/"b.ipynb", seconds=1, total=8)}
    assert late["write-check"]["verdict"] == "not reached" and "8 seconds" in late["write-check"]["says"]


def test_an_edited_cell_and_dots_are_told_from_a_missing_cell(tmp_path):
    returned(tmp_path/"a.ipynb", "print('no-nine: right')", "from gan_course.exercises import check",
             "answer = ...\ncheck('write-check', answer);", marked=("no-nine",))
    assert [row["verdict"] for row in grade_notebook(tmp_path/"a.ipynb")] == ["edited", "unanswered"]


def test_half_a_character_and_a_strange_mark_are_lines_like_any_other(tmp_path):
    half = "print('\ud800')" # as JSON may hold it: no bytes of UTF-8 are its name
    returned(tmp_path/"a.ipynb", IMPORT, NINE, half, "raise ValueError('\ud800')")
    notebook = json.loads((tmp_path/"a.ipynb").read_text(encoding="utf-8"))
    notebook["cells"][0]["metadata"] = dict(gan_course=dict(exercise=["a"]))
    (tmp_path/"a.ipynb").write_text(json.dumps(notebook), encoding="utf-8")
    rows = grade_notebook(tmp_path/"a.ipynb")
    assert [row["verdict"] for row in rows] == ["right", "missing"]
    lessons.write_marks(tmp_path/"marks.csv", {"a.ipynb": [row | dict(says="\ud800") for row in rows]})
    assert "\\ud800" in (tmp_path/"marks.csv").read_text(encoding="utf-8")


def test_marks_are_kept_as_they_come_and_none_is_overwritten(tmp_path):
    rows = {"anna lee.ipynb": [dict(exercise="a")], "anna-lee.ipynb": [dict(exercise="b")]}
    for table in (dict([*rows.items()][:1]), rows):
        lessons.write_marks(tmp_path/"marks.csv", table)
        files = [json.loads(file.read_text(encoding="utf-8"))
                 for file in (tmp_path/"marks_by_notebook").glob("*.json")]
        assert sorted(marks[0]["exercise"] for marks in files) == ["a", "b"][:len(table)]
