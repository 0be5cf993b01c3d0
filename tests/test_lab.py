"A real JupyterLab: a learner works through a chapter, widgets answer, a kernel plays, a run is stopped."
import json
import os
import re
import secrets
import socket
import subprocess
import sys
import time
import urllib.request

import pytest
from browser import CHROMIUM, launch

from gan_course.lessons import write_copies

pytestmark = pytest.mark.skipif(not CHROMIUM, reason="no chromium")
QUIET = {"@jupyterlab/apputils-extension/notification.jupyterlab-settings": dict(
    fetchNews="false", checkForUpdates=False, doNotDisturbMode=True),
    "@jupyterlab/notebook-extension/tracker.jupyterlab-settings": dict(windowingMode="none")}
CELLS = ["from gan_course.widgets import debugger, live\ndebugger(seed=1)", "live(seed=1)"]
RUN = """import torch
from gan_course.core import set_seed
from gan_course.data import Data
from gan_course.files import RunDir
from gan_course.networks import MLPDiscriminator, MLPGenerator
from gan_course.steps import Recipe
from gan_course.training import train
from gan_course.widgets import watch
set_seed(0)
noise = torch.randint(0, 256, (512, 1, 8, 8), dtype=torch.uint8)
data = Data(noise, torch.zeros(512, dtype=torch.long), 'noise', 1)
G, D = MLPGenerator(4, (16,), (1, 8, 8)), MLPDiscriminator((16,), (1, 8, 8))
"""
WATCHED = [RUN, """recipe = Recipe(batch=16, epochs=10_000)
for snapshot in watch(train(G, D, data, recipe, RunDir('run'), device='cpu')): pass
print('stopped after epoch', snapshot.epoch)"""]


def notebook(*sources):
    kernel = dict(kernelspec=dict(name="python3", display_name="python3", language="python"))
    plain = dict(cell_type="code", metadata={}, execution_count=None, outputs=[])
    cells = [dict(plain, id=f"cell-{i}", source=source) for i, source in enumerate(sources)]
    return dict(nbformat=4, nbformat_minor=5, metadata=kernel, cells=cells)


@pytest.fixture(scope="module")
def lab(tmp_path_factory, root):
    "A server with folders of its own; yields its notebooks' folder and the address of each."
    tmp_path = tmp_path_factory.mktemp("lab")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    token, work = secrets.token_hex(16), tmp_path/"work"
    work.mkdir()
    for name, cells in dict(toys=CELLS, watched=WATCHED).items():
        (work/f"{name}.ipynb").write_text(json.dumps(notebook(*cells)), encoding="utf-8")
    for name in ("mine", "whole"): write_copies(work/name)
    for name, settings in QUIET.items():
        file = tmp_path/"config"/"lab"/"user-settings"/name
        file.parent.mkdir(parents=True)
        file.write_text(json.dumps(settings), encoding="utf-8")
    folders = {f"JUPYTER_{kind.upper()}_DIR": str(tmp_path/kind) for kind in ("config", "data", "runtime")}
    env = os.environ | folders | dict(IPYTHONDIR=str(tmp_path/"ipython"), PYTHONPATH=str(root))
    env.pop("IN_TEST", None) # here is a front end
    command = [sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", f"--port={port}",
               "--port-retries=0", f"--IdentityProvider.token={token}", f"--ServerApp.root_dir={work}",
               "--LabApp.expose_app_in_browser=True"]
    with (tmp_path/"log").open("w", encoding="utf-8") as log:
        server = subprocess.Popen(command, env=env, stdout=log, stderr=log)
    try:
        for _ in range(240):
            try: urllib.request.urlopen(f"http://127.0.0.1:{port}/api?token={token}"); break
            except OSError: time.sleep(.5)
        at = f"http://127.0.0.1:{port}/lab/workspaces" # one a notebook: no tab of another test is opened
        yield work, lambda name: f"{at}/{name.replace('/', '-')}/tree/{name}.ipynb?token={token}"
    finally:
        server.terminate()
        server.wait(30)


@pytest.fixture
def open_notebook(lab):
    from playwright.sync_api import sync_playwright
    with sync_playwright() as play:
        browser = launch(play)
        def open_notebook(name):
            page = browser.new_page(viewport=dict(width=1400, height=1400))
            page.set_default_timeout(90_000)
            page.goto(lab[1](name))
            page.wait_for_function("window.jupyterapp?.shell.currentWidget?.context")
            page.evaluate("""async () => {
                await jupyterapp.restored;
                const {context} = jupyterapp.shell.currentWidget;
                await context.ready; await context.sessionContext.ready;
                await context.sessionContext.session.kernel.info;
            }""")
            return page
        yield open_notebook
        browser.close()


AT = """const book = jupyterapp.shell.currentWidget.content;
    const at = (text) => [...book.model.cells].findIndex((cell) => cell.sharedModel.source.includes(text));"""


def run_all(page): # its end is seen on the page
    page.evaluate("() => { jupyterapp.commands.execute('notebook:run-all-cells') }")


def run(page, text, source=None, command="run-cell"):
    "Run the first cell with a text in it, its source replaced where one is given."
    page.evaluate(f"""([text, source, command]) => {{
        {AT}
        book.activeCellIndex = at(text);
        if (source !== null) book.activeCell.model.sharedModel.setSource(source);
        return jupyterapp.commands.execute(`notebook:${{command}}`);
    }}""", [text, source, command])


def shown(page, text):
    "What the first cell with a text in it shows, as JSON."
    return page.evaluate(f"text => {{ {AT} return JSON.stringify("
                         "book.model.cells.get(at(text)).sharedModel.outputs); }", text)


def saved(page, path):
    "The notebook's file after a click on Save."
    page.evaluate("jupyterapp.shell.currentWidget.context.save()")
    return json.loads(path.read_text(encoding="utf-8"))


def text_of(widget, pattern):
    from playwright.sync_api import expect
    expect(widget.get_by_role("status").first).to_have_text(re.compile(pattern), timeout=90_000)


@pytest.mark.slow
def test_a_learner_predicts_by_click_and_answers_wrong_then_right(lab, open_notebook):
    page, mine = open_notebook("mine/03_first_gan"), lab[0]/"mine"
    run(page, "predict('still'", command="run-all-above")
    held = shown(page, "right = []")
    assert "d-says: the outcome waits for your prediction" in held and "of 8 modes" not in held
    page.get_by_role("button", name="sure (95%)", exact=True).click()
    page.get_by_text("d-says: choose one first").wait_for()
    page.get_by_label("about one half").click()
    page.get_by_role("button", name="fairly sure (75%)").click()
    page.get_by_text("d-says: measured 'about one half'; as you expected").wait_for()
    assert "of 8 modes" in shown(page, "right = []") and "waits for" not in shown(page, "right = []")
    for answer, says in (("...", "Which probability"), ("15 / 75", "not yet: that is the share of fakes"),
                         ("60 / 75", "best-guess: right")):
        run(page, "check('best-guess'", f"answer = {answer}\ncheck('best-guess', answer);")
        assert says in shown(page, "check('best-guess'")
    run(page, "progress('03_first_gan')")
    end = shown(page, "progress('03_first_gan')")
    assert "1 of 3 predictions made, 1 as expected" in end and "exercises done, 0 right at first try" in end
    known = json.loads((mine/"progress.json").read_text(encoding="utf-8"))
    assert known["predictions"]["d-says"] == dict(choice="about one half", outcome="about one half",
                                                  right=True, sure=.75)
    assert known["exercises"]["best-guess"] == dict(right=True, tries=2)


def solutions(root, chapter):
    "Exercise -> the code that a chapter's solution gives; an answer that is no code is the row's."
    cells = json.loads((root/"nbs"/f"{chapter}.ipynb").read_text(encoding="utf-8"))["cells"]
    texts = [text for cell in cells if "<summary>Solution" in (text := "".join(cell["source"]))]
    blocks = [block for text in texts for block in re.findall(r"```python\n(.*?)```", text, re.S)]
    return {name: block for block in blocks for name in re.findall(r"^check\('([\w-]+)'", block, re.M)}


def typed(name, place):
    "The cell of a learner who gives an answer of the exercise's row: `right[0]`, `wrong[0][0]`."
    return ("from gan_course.exercises import Between, _find_exercise\n"
            f"answer = _find_exercise('{name}').{place}\n"
            f"check('{name}', answer.low if isinstance(answer, Between) else answer);")


@pytest.mark.slow
@pytest.mark.parametrize("chapter", ["03_first_gan", "11_losses", "20_mlp_gan", "23_cgan"])
def test_a_learner_does_a_whole_chapter(root, lab, open_notebook, chapter):
    "Every prediction by click, every exercise once wrong and once right."
    asked = json.loads((lab[0]/"whole"/"progress.json").read_text(encoding="utf-8"))["chapters"][chapter]
    predictions, exercises, solved = asked["predictions"], asked["exercises"], solutions(root, chapter)
    assert len(predictions) >= 1 and len(exercises) >= 3
    page = open_notebook(f"whole/{chapter}")
    page.evaluate("jupyterapp.commands.execute('notebook:run-all-cells')")
    for name in predictions:
        box = page.locator(".widget-vbox").filter(has_text=f"{name}: what do you expect").last
        if box.get_by_role("radio").count(): box.get_by_role("radio").first.check()
        else: box.get_by_role("textbox").fill("1")
        box.get_by_role("button", name="fairly sure").click()
        page.get_by_text(re.compile(f"^{name}: measured .*you expected")).first.wait_for()
    for name in exercises:
        for source, says in ((typed(name, "wrong[0][0]"), f"{name}: not yet: "),
                             (solved.get(name) or typed(name, "right[0]"), f"{name}: right")):
            run(page, f"check('{name}'", source)
            assert says in shown(page, f"check('{name}'"), name
    run(page, f"progress('{chapter}')")
    end = shown(page, f"progress('{chapter}')")
    assert f"{len(predictions)} of {len(predictions)} predictions made" in end
    assert f"{len(exercises)} of {len(exercises)} exercises done, 0 right at first try" in end
    page.evaluate("jupyterapp.shell.currentWidget.context.sessionContext.shutdown()")


@pytest.mark.slow
def test_widgets_answer_and_survive_running_all_twice_and_a_restart(lab, open_notebook):
    page = open_notebook("toys")
    run_all(page)
    names = "Step debugger", "The kernel's game"
    toy, game = (page.locator(f'section[aria-label="{name}"]') for name in names)
    text_of(toy, "^Round 0")
    text_of(game, "^Round 0")
    game.get_by_role("button", name="Step D").click()
    text_of(game, "^D has moved")
    step, cells = game.get_by_role("button", name="Step D"), page.locator(".jp-Cell").count()
    for key in ("r", "ArrowDown", "x"): step.press(key) # JupyterLab's own keys: raw cell, next cell, cut
    assert page.locator(".jp-Cell").count() == cells and page.locator(".jp-RawCell").count() == 0
    game.get_by_role("button", name="Play", exact=True).click()
    text_of(game, "Round [1-9]")
    run_all(page) # a second time: one of each, and the first game has ended
    text_of(game, "^Round 0")
    assert toy.count() == game.count() == 1
    game.get_by_role("button", name="Play", exact=True).click()
    text_of(game, "Round [1-9]")
    book = saved(page, lab[0]/"toys.ipynb")
    assert "widgets" not in book["metadata"] and len(json.dumps(book)) < 5000
    page.evaluate("() => jupyterapp.shell.currentWidget.context.sessionContext.session.kernel.restart()")
    text_of(game, "^The kernel has stopped. Run the cell again")
    assert game.get_by_role("button", name="Step D").is_disabled()
    run_all(page)
    text_of(game, "^Round 0")


@pytest.mark.slow
def test_a_watched_run_is_paused_stopped_and_gone_on_with(open_notebook):
    page = open_notebook("watched")
    run(page, "set_seed(0)")
    start = (f"() => {{ {AT} book.activeCellIndex = at('for snapshot in'); " # and do not wait for its end
             "jupyterapp.commands.execute('notebook:run-cell'); }")
    page.evaluate(start)
    board = page.locator('section[aria-label="A run under way"]')
    text_of(board, "^Epoch [1-9]")
    board.get_by_role("button", name="Pause").click()
    board.get_by_role("button", name="Go on").click() # its name says that the kernel has heard of the pause
    board.get_by_role("button", name="Stop").click()
    text_of(board, "^Stopped. A run with a folder can be resumed")
    def ended():
        said = page.get_by_text(re.compile(r"^stopped after epoch \d"))
        said.wait_for()
        return int(re.search(r"\d+", said.inner_text())[0])
    first = ended()
    page.evaluate("jupyterapp.commands.execute('notebook:clear-all-cell-outputs')")
    page.evaluate(f"() => {{ {AT} const cell = book.model.cells.get(at('for snapshot in')).sharedModel; "
                  "cell.setSource(cell.source.replace(\"'run'\", \"'run', resume=True\")); }")
    page.evaluate(start) # goes on where it was stopped
    text_of(board, f"^Epoch ({'|'.join(str(first + i) for i in range(1, 400))})\\b")
    board.get_by_role("button", name="Stop").click()
    assert ended() > first
