"The widgets in a real JupyterLab: cells are run, buttons clicked, the kernel restarted."
import json
import os
import re
import secrets
import shutil
import socket
import subprocess
import sys
import time
import urllib.request

import pytest

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
FLAGS = ("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
         "--disable-background-networking", "--disable-component-update")
pytestmark = pytest.mark.skipif(not CHROMIUM, reason="no chromium")
QUIET = {"@jupyterlab/apputils-extension/notification.jupyterlab-settings": dict(
    fetchNews="false", checkForUpdates=False, doNotDisturbMode=True),
    "@jupyterlab/notebook-extension/tracker.jupyterlab-settings": dict(windowingMode="none")}
TRAIN = """import torch
from gan_course.data import load
from gan_course.networks import MLPDiscriminator, MLPGenerator
from gan_course.steps import Recipe
from gan_course.training import train
from gan_course.widgets import watch
digits = load('mnist_5k')[:512]
G, D = MLPGenerator(8, (32,), (1, 28, 28)), MLPDiscriminator((32,), (1, 28, 28))
game = train(G, D, digits, Recipe(batch=64, epochs=5000), device='cpu')
epochs = [now.epoch for now in watch(game)]
print('handed on', len(epochs) > 0)"""
CELLS = ["from gan_course.widgets import debugger, live\ndebugger(seed=1)", "live(seed=1)",
         "print('free', 6 * 7)"]


def notebook(*sources):
    kernel = dict(kernelspec=dict(name="python3", display_name="python3", language="python"))
    plain = dict(cell_type="code", metadata={}, execution_count=None, outputs=[])
    cells = [dict(plain, id=f"cell-{i}", source=source) for i, source in enumerate(sources)]
    return dict(nbformat=4, nbformat_minor=5, metadata=kernel, cells=cells)


@pytest.fixture(scope="module")
def lab(tmp_path_factory, root):
    "A server with folders of its own; yields the folder of its notebooks and the address of one."
    tmp_path = tmp_path_factory.mktemp("lab")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    token, work = secrets.token_hex(16), tmp_path/"work"
    work.mkdir()
    for name, sources in dict(toys=CELLS, run=[TRAIN]).items():
        (work/f"{name}.ipynb").write_text(json.dumps(notebook(*sources)), encoding="utf-8")
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
    with (tmp_path/"log").open("w") as log:
        server = subprocess.Popen(command, env=env, stdout=log, stderr=log)
    try:
        for _ in range(240):
            try: urllib.request.urlopen(f"http://127.0.0.1:{port}/api?token={token}"); break
            except OSError: time.sleep(.5)
        yield work, lambda name: f"http://127.0.0.1:{port}/lab/tree/{name}.ipynb?token={token}"
    finally:
        server.terminate()
        server.wait(30)


@pytest.fixture
def open_notebook(lab):
    from playwright.sync_api import sync_playwright
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
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


def run_all(page): page.evaluate("jupyterapp.commands.execute('notebook:run-all-cells')")


def text_of(widget, pattern):
    from playwright.sync_api import expect
    expect(widget.get_by_role("status").first).to_have_text(re.compile(pattern), timeout=90_000)


def test_widgets_answer_and_outlive_a_second_run_and_a_restart(open_notebook, lab):
    page = open_notebook("toys")
    for _ in range(2): # Run All, twice
        run_all(page)
        page.wait_for_timeout(1500)
        page.get_by_text("free 42").first.wait_for()
        names = "Step debugger", "The kernel's game"
        toy, game = (page.locator(f'section[aria-label="{name}"]') for name in names)
        text_of(toy, "^Round 0")
        text_of(game, "^Round 0")
    toy.get_by_role("button", name="Play rounds").click()
    text_of(toy, r"Round 10\.")
    game.get_by_role("button", name="Step D").click()
    text_of(game, "^D has moved")
    game.get_by_role("button", name="Play", exact=True).click()
    text_of(game, "Round [1-9]")
    page.get_by_text("print('free', 6 * 7)").click() # the game goes on, and another cell runs
    page.keyboard.press("Shift+Enter")
    text_of(game, "Round [1-9][0-9]")
    page.evaluate("jupyterapp.shell.currentWidget.context.save()")
    saved = lab[0]/"toys.ipynb"
    page.wait_for_timeout(1500)
    assert "widgets" not in json.loads(saved.read_text(encoding="utf-8"))["metadata"]
    page.evaluate("jupyterapp.shell.currentWidget.context.sessionContext.session.kernel.restart()")
    text_of(game, "^kernel gone, run the cell again$")


def test_a_run_is_watched_paused_and_stopped(open_notebook):
    page = open_notebook("run")
    run_all(page)
    board = page.locator('section[aria-label="A run under way"]')
    text_of(board, "^Epoch [0-9]+, step")
    board.get_by_role("button", name="Pause").click() # while the cell is training
    board.get_by_role("button", name="Go on").wait_for()
    assert re.search("likely causes|nothing serious", board.locator("pre").inner_text())
    assert board.locator(".gan-film").get_attribute("style").count("data:image/png")
    board.get_by_role("button", name="Go on").click()
    board.get_by_role("button", name="Pause").wait_for()
    board.get_by_role("button", name="Stop").click()
    text_of(board, r"^Stopped\. A run with a folder can be resumed")
    page.get_by_text("handed on True").wait_for()
