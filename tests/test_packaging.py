"What surrounds the library: workflows, licences, how notebooks are merged, the commands for contributors."
import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import tomllib
from contextlib import nullcontext
from pathlib import Path

import pytest
import warm
import yaml
from common import module_at

import gan_course

BIN = Path(sys.executable).parent


@pytest.mark.slow
def test_a_contributors_command_passes_on_an_untouched_chapter(root):
    "The very words of CONTRIBUTING.md, on a short chapter."
    text = (root/"CONTRIBUTING.md").read_text(encoding="utf-8")
    words = shlex.split(re.search(r"`(pytest --nbval\S* [^`]+) nbs/\d\d_\w+\.ipynb`", text)[1])
    command = [sys.executable, "-m", *words, "-p", "no:cacheprovider", "nbs/04_files.ipynb"]
    done = subprocess.run(command, cwd=root, check=False, capture_output=True, text=True, encoding="utf-8")
    assert done.returncode == 0 and " passed" in done.stdout, done.stdout


@pytest.mark.parametrize("served", [False, True])
def test_a_python_whose_imports_are_done_is_a_python(served, tmp_path, monkeypatch):
    "Status, streams, folder, variables and ctrl-c, with and without a process that serves."
    monkeypatch.setenv(warm.SOCKET, "") # so that what is there now comes back
    monkeypatch.delenv(warm.SOCKET)
    code = ("import os, sys, time\n"
            "try: print(os.getcwd(), os.environ['A'], sys.argv, input(), flush=True); time.sleep(60)\n"
            "except KeyboardInterrupt: sys.exit('stopped')")
    streams = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
    command, env = [*warm.PYTHON, "-c", code, "b"], dict(A="3")
    with (warm.start(tmp_path, ["socket"]) if served else nullcontext() as server,
          subprocess.Popen(command, **streams, text=True, cwd=tmp_path, env=os.environ | env) as run):
        run.stdin.write("typed\n")
        run.stdin.flush()
        assert run.stdout.readline() == f"{tmp_path} 3 ['-c', 'b'] typed\n"
        run.send_signal(signal.SIGINT)
        assert run.stderr.read() == "stopped\n" and run.wait() == 1
    assert not served or server.returncode == 0


def workflows(root): return sorted((root/".github"/"workflows").glob("*.yml"))


def test_workflows_name_actions_by_commit_and_ask_for_little(root):
    for path in workflows(root):
        text = path.read_text(encoding="utf-8")
        jobs = yaml.safe_load(text)
        assert jobs["permissions"] == {}, path.name
        for used in re.findall(r"uses: (\S+)", text): assert re.search(r"@[0-9a-f]{40}$", used), used
        for name, job in jobs["jobs"].items():
            asked = {kind for kind, level in job["permissions"].items() if level != "read"}
            assert asked <= ({"pages", "id-token"} if name == "publish" else set()), (path.name, name)
            assert job["timeout-minutes"] and "continue-on-error" not in job


def test_one_commit_an_action_everywhere(root):
    used = {}
    for path in workflows(root):
        for name, commit in re.findall(r"uses: (\S+)@(\S+)", path.read_text(encoding="utf-8")):
            assert used.setdefault(name, commit) == commit, name


def test_forms_and_settings_can_be_read(root):
    for path in [*(root/".github").rglob("*.yml"), root/".pre-commit-config.yaml", root/"CITATION.cff"]:
        assert yaml.safe_load(path.read_text(encoding="utf-8")), path.name
    assert json.loads((root/".devcontainer"/"devcontainer.json").read_text(encoding="utf-8"))["image"]
    tools = tomllib.loads((root/"pyproject.toml").read_text(encoding="utf-8"))
    assert tools["tool"]["pytest"]["ini_options"]["filterwarnings"] == ["error"]
    assert all(tools["tool"]["repo-review"]["ignore"].values()), "each exception has its reason"


def test_the_citation_is_of_this_version(root):
    cited = yaml.safe_load((root/"CITATION.cff").read_text(encoding="utf-8"))
    assert str(cited["version"]) == gan_course.__version__ and cited["license"] == "Apache-2.0"


def test_the_notice_names_all_weights_and_data_sets(root):
    from gan_course.data import DATASETS, TOYS
    notice = (root/"NOTICE").read_text(encoding="utf-8")
    for path in (root/"gan_course"/"assets").glob("*.safetensors"): assert path.name in notice
    for name in set(DATASETS) - set(TOYS): assert re.search(rf"\b{name}\b", notice, re.I), name


def notebook(outputs, first, second):
    "A notebook of two cells, the first one with an output."
    shown = dict(output_type="stream", name="stdout", text=[outputs])
    cells = [dict(cell_type="code", execution_count=None, id=name, metadata={}, outputs=out, source=[text])
             for name, text, out in (("aaaaaaaa", first, [shown]), ("bbbbbbbb", second, []))]
    return json.dumps(dict(cells=cells, metadata={}, nbformat=4, nbformat_minor=5), indent=1) + "\n"


def test_notebooks_that_differ_in_outputs_alone_are_merged(root, git, tmp_path):
    "Two people ran the same chapter, and each changed another cell: with `make hooks`, that is no conflict."
    make = (root/"Makefile").read_text(encoding="utf-8")
    driver = re.search(r'merge\.nbdev-merge\.driver "\$\(BIN\)/(.+)"', make)[1]
    shutil.copy(root/".gitattributes", tmp_path)
    shutil.copy(root/"settings.ini", tmp_path)
    git("init", "-q")
    git("config", "merge.nbdev-merge.driver", f"{BIN}/{driver}")
    file = tmp_path/"a.ipynb"
    states = dict(base=("1", "x", "y"), theirs=("2", "x", "theirs"), ours=("3", "x", "y"))
    for branch, parts in states.items():
        if branch == "ours": git("checkout", "-q", "base")
        git("checkout", "-q", "-b", branch)
        file.write_text(notebook(*parts), encoding="utf-8")
        git("add", "-A")
        git("commit", "-q", "-m", branch)
    git("merge", "-q", "--no-edit", "theirs")
    merged = json.loads(file.read_text(encoding="utf-8"))["cells"]
    assert [cell["source"] for cell in merged] == [["x"], ["theirs"]]
    assert merged[0]["outputs"][0]["text"] == ["3"]


def test_the_makefile_does_what_it_lists(root):
    make = (root/"Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z-]+):.*##", make, re.M))
    assert targets | {"help"} == set(re.search(r"^\.PHONY: (.+)$", make, re.M)[1].split())
    if shutil.which("make"):
        shown = subprocess.run(["make", "--no-print-directory", "help"], cwd=root, check=True,
                               env=os.environ | dict(MAKEFLAGS=""), capture_output=True, text=True,
                               encoding="utf-8").stdout
        assert {line.split("\t")[0] for line in shown.splitlines()} == targets


def test_what_needs_a_slow_cell_is_slow_and_nothing_else(root):
    conftest = module_at(root/"nbs"/"conftest.py")
    cells = {"import time\nrows, other = [], 1": False, "#| slow\nrows = play()": True,
             "def mean(): return sum(rows)": True, "rows = 3\nprint(rows)": False, "other + rows": False,
             "def late(rows): return rows": False, "mean()": True, "%time print(other)": False,
             "this shows an error(": False, "fine = {}": False, "#| slow\nfine['a'] = 1": True, "fine": True,
             "fine = []": False, "#| slow\nfor i in range(3): fine.append(i); time.sleep(0)": True,
             "len(fine)": True, "await time.wait()": False}
    assert [*conftest.slow_cells(cells)] == [*cells.values()]
