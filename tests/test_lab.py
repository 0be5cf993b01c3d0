"The widgets in a real JupyterLab: cells are run, buttons clicked, the kernel plays."
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

pytestmark = pytest.mark.skipif(not CHROMIUM, reason="no chromium")
QUIET = {"@jupyterlab/apputils-extension/notification.jupyterlab-settings": dict(
    fetchNews="false", checkForUpdates=False, doNotDisturbMode=True),
    "@jupyterlab/notebook-extension/tracker.jupyterlab-settings": dict(windowingMode="none")}
CELLS = ["from gan_course.widgets import debugger, live\ndebugger(seed=1)", "live(seed=1)"]


def notebook(*sources):
    kernel = dict(kernelspec=dict(name="python3", display_name="python3", language="python"))
    plain = dict(cell_type="code", metadata={}, execution_count=None, outputs=[])
    cells = [dict(plain, id=f"cell-{i}", source=source) for i, source in enumerate(sources)]
    return dict(nbformat=4, nbformat_minor=5, metadata=kernel, cells=cells)


@pytest.fixture(scope="module")
def lab(tmp_path_factory, root):
    "A server with folders of its own; yields the address of a notebook."
    tmp_path = tmp_path_factory.mktemp("lab")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    token, work = secrets.token_hex(16), tmp_path/"work"
    work.mkdir()
    (work/"toys.ipynb").write_text(json.dumps(notebook(*CELLS)), encoding="utf-8")
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
        yield lambda name: f"http://127.0.0.1:{port}/lab/tree/{name}.ipynb?token={token}"
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
            page.goto(lab(name))
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


@pytest.mark.slow
def test_widgets_answer_in_a_notebook_and_the_kernel_plays(open_notebook):
    page = open_notebook("toys")
    run_all(page)
    names = "Step debugger", "The kernel's game"
    toy, game = (page.locator(f'section[aria-label="{name}"]') for name in names)
    text_of(toy, "^Round 0")
    text_of(game, "^Round 0")
    game.get_by_role("button", name="Step D").click()
    text_of(game, "^D has moved")
    game.get_by_role("button", name="Play", exact=True).click()
    text_of(game, "Round [1-9]")
