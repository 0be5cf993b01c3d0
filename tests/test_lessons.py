"Copies for learners give nothing away and run; a returned notebook, whatever it holds, ends as honest lines."
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from random import Random

import pytest

from gan_course import exercises
from gan_course.cli import main
from gan_course.exercises import EXERCISES, check, predict, progress, reveal
from gan_course.lessons import chapters_folder, grade_notebook, questions, write_copies


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


def test_no_copy_shows_an_outcome_before_the_prediction(copies):
    for path in copies.glob("[0-9]*.ipynb"):
        cells = cells_of(path)
        for name in questions(cells_of(chapters_folder()/path.name))["predictions"]:
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
        assert answers == questions(cells_of(chapters_folder()/path.name))["exercises"]
        for name in answers:
            asked = next(i for i, cell in enumerate(cells) if source(cell).startswith(f"**{name}.**"))
            assert source(cells[asked + 1]).endswith(f"check('{name}', answer);")
            assert "answer = ..." in source(cells[asked + 1])


def test_teachers_get_solutions_and_outputs(tmp_path):
    write_copies(tmp_path/"all", solutions=True, with_outputs=True)
    cells = cells_of(tmp_path/"all"/"02_exercises.ipynb")
    assert any("<summary>Solution" in source(cell) for cell in cells) and any(c.get("outputs") for c in cells)


@pytest.mark.parametrize("chapter", ["02_exercises", "16_catalogue"])
def test_a_copy_executes(copies, chapter):
    nbclient = pytest.importorskip("nbclient")
    import nbformat
    notebook = nbformat.read(copies/f"{chapter}.ipynb", 4)
    nbclient.NotebookClient(notebook, timeout=120, resources={"metadata": {"path": str(copies)}}).execute()


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
    assert known["predictions"]["coin"]["choice"] == "heads"
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


def test_six_notebooks_become_six_honest_lines(tmp_path, capsys):
    cases = dict(
        right=((IMPORT, NINE, CLOSE), "right"),
        wrong=((IMPORT, NINE, "check('write-check', lambda answer, truth: True)"), "wrong"),
        loop=((IMPORT, NINE, LOOP), "timeout"),
        raises=((IMPORT, NINE, "close = 1 / 0\ncheck('write-check', close)"), "error"),
        deleted=((IMPORT, NINE), "missing"),
        tampered=((IMPORT, TAMPERED, NINE, "check('write-check', lambda answer, truth: True)"), "wrong"))
    for name, (sources, _) in cases.items(): returned(tmp_path/f"{name}.ipynb", *sources)
    (tmp_path/"torn.ipynb").write_text('{"cells": [', encoding="utf-8")
    files = [str(tmp_path/f"{name}.ipynb") for name in (*cases, "torn")]
    out = tmp_path/"marks.csv"
    main(["grade", *files, "--out", str(out), "--seconds", "5"])
    said = capsys.readouterr()
    for name, (_, verdict) in cases.items():
        assert f"{name}.ipynb: write-check: {verdict}\n" in said.out
        assert f"{name}.ipynb: no-nine: right\n" in said.out
    assert "torn.ipynb: -: unreadable" in said.out and "runs code here" in said.err
    table = out.read_text(encoding="utf-8")
    assert len(table.splitlines()) == 2 + 2 * len(cases) and "it has a check of its own" in table
    assert len(list((tmp_path/"marks_by_notebook").glob("*.json"))) == len(files)
    with pytest.raises(SystemExit): main(["grade", *files, "--out", str(out)])


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


# in a real JupyterLab

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
FLAGS = ("--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
         "--disable-component-update --disable-sync").split()
READY = """async () => {
  const wait = () => new Promise(done => setTimeout(done, 100));
  while (!window.jupyterapp) await wait();
  await window.jupyterapp.restored;
  for (;; await wait()) {
    const now = window.jupyterapp.shell.currentWidget;
    if (!now?.context) continue;
    await now.context.ready; await now.sessionContext.ready;
    if (now.sessionContext.session?.kernel) { await now.sessionContext.session.kernel.info; return; }
  }
}"""
OUTPUT = """text => JSON.stringify([...window.jupyterapp.shell.currentWidget.content.model.cells]
  .map(cell => cell.toJSON()).find(cell => cell.source.includes(text)).outputs)"""
RUN = """async ([text, source]) => {
  const book = window.jupyterapp.shell.currentWidget.content;
  book.activeCellIndex = [...book.model.cells].findIndex(cell => cell.toJSON().source.includes(text));
  book.activeCell.model.sharedModel.setSource(source);
  await window.jupyterapp.commands.execute('notebook:run-cell');
}"""
CHAPTER = ["from gan_course.exercises import check, hint, predict, progress, reveal",
           "predict('coin', None, ('heads', 'tails'))",
           "reveal('coin')\nfrom IPython.display import HTML, display\nprint('it lands')\n"
           "display(HTML('<b>so</b>'))\nreveal('coin', 'tails')", "later = 'not kept back'; print(later)",
           "answer = ...\ncheck('no-nine', answer);", "print(progress('99_end'))"]


@pytest.fixture
def lab(tmp_path):
    "JupyterLab on a learner's folder with one short chapter; a page that shows it."
    sync_api = pytest.importorskip("playwright.sync_api", reason="no playwright")
    pytest.importorskip("jupyterlab", reason="no JupyterLab")
    mine = tmp_path/"mine"
    mine.mkdir()
    returned(mine/"99_end.ipynb", *CHAPTER)
    chapters = {"99_end": dict(predictions=["coin"], exercises=["no-nine"])}
    (mine/"progress.json").write_text(json.dumps(dict(variant="", chapters=chapters)), encoding="utf-8")
    quiet = tmp_path/"lab"/"config"/"lab"/"user-settings"/"@jupyterlab"/"apputils-extension"
    quiet.mkdir(parents=True)
    (quiet/"notification.jupyterlab-settings").write_text('{"fetchNews": "false"}', encoding="utf-8")
    names = ("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR", "IPYTHONDIR")
    parts = (str(tmp_path/"lab"/part) for part in ("config", "data", "run", "ip"))
    folders = dict(zip(names, parts, strict=True))
    outside = {name: value for name, value in os.environ.items() if name != "IN_TEST"}
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    words = ["--no-browser", "--allow-root", f"--port={port}", "--ServerApp.port_retries=0",
             "--IdentityProvider.token=t", "--LabApp.expose_app_in_browser=True",
             f"--ServerApp.root_dir={mine}"]
    with open(tmp_path/"log", "w", encoding="utf-8") as log:
        server = subprocess.Popen([sys.executable, "-m", "jupyterlab", *words], cwd=mine, stdout=log,
                                  stderr=subprocess.STDOUT, env=outside | folders, start_new_session=True)
    try:
        while not (tmp_path/"log").read_text(encoding="utf-8").count("is running at"):
            assert server.poll() is None, (tmp_path/"log").read_text(encoding="utf-8")
            time.sleep(.2)
        with sync_api.sync_playwright() as play:
            browser = play.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
            page = browser.new_page(viewport=dict(width=1200, height=1000))
            page.set_default_timeout(120_000)
            page.goto(f"http://127.0.0.1:{port}/lab/tree/99_end.ipynb?token=t")
            page.evaluate(READY)
            yield mine, page
            browser.close()
    finally:
        os.killpg(server.pid, signal.SIGTERM)
        server.wait()


@pytest.mark.skipif(not CHROMIUM, reason="no chromium")
def test_a_learner_predicts_by_click_and_answers_wrong_then_right(lab):
    mine, page = lab
    page.evaluate("() => window.jupyterapp.commands.execute('notebook:run-all-cells')")
    held = page.evaluate(OUTPUT, "reveal('coin')")
    assert "waits for your prediction" in held and "it lands" not in held and "<b>so</b>" not in held
    assert "not kept back" in page.evaluate(OUTPUT, "later =")
    assert "how sure are you" in page.locator(".jp-OutputArea").nth(1).inner_text()
    page.get_by_role("button", name="sure (95%)", exact=True).click()
    page.get_by_text("coin: choose one first").wait_for()
    page.get_by_text("tails", exact=True).click()
    page.get_by_role("button", name="fairly sure (75%)").click()
    page.get_by_text("coin: measured 'tails'; as you expected").wait_for()
    shown = page.evaluate(OUTPUT, "reveal('coin')")
    assert "it lands" in shown and "<b>so</b>" in shown and "waits for" not in shown
    for answer, said in ((65, "no-nine: not yet: almost"), (66, "no-nine: right")):
        page.evaluate(RUN, ["check('no-nine'", f"answer = {answer}\ncheck('no-nine', answer);"])
        assert said in page.evaluate(OUTPUT, "check('no-nine'")
    page.evaluate(RUN, ["print(progress(", "print(progress('99_end'))"])
    end = page.evaluate(OUTPUT, "print(progress(")
    assert "1 of 1 predictions made, 1 as expected; 1 of 1 exercises done, 0 right at first try" in end
    assert "fairly sure (75%): 1 of 1 came true" in end
    known = json.loads((mine/"progress.json").read_text(encoding="utf-8"))
    assert known["predictions"]["coin"] == dict(choice="tails", outcome="tails", right=True, sure=.75)
