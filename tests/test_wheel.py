"A wheel, built and installed into an environment that has never seen the checkout."
import ast
import json
import os
import re
import subprocess
import sys
import sysconfig
import venv
import zipfile

import pytest

BY_NAME = dict(PIL="pillow", IPython="ipython") # imported by another name than it is installed by


def test_declared_requirements_cover_every_import(root):
    settings = (root/"settings.ini").read_text(encoding="utf-8")
    names = " ".join(re.findall(r"^(?:cluster_|lab_)?requirements = (.*)$", settings, re.M)).split()
    declared = {re.split(r"[<>=]", name)[0] for name in names}
    for path in (root/"gan_course").glob("*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        modules = {node.module.split(".")[0] for node in ast.walk(tree)
                   if isinstance(node, ast.ImportFrom) and node.module and not node.level}
        modules |= {alias.name.split(".")[0] for node in ast.walk(tree) if isinstance(node, ast.Import)
                    for alias in node.names}
        names = {BY_NAME.get(name, name) for name in modules}
        foreign = names - set(sys.stdlib_module_names) - {"gan_course"}
        assert foreign <= declared, f"{path.name} imports {foreign - declared}"


@pytest.mark.slow
def test_a_wheel_works_in_a_clean_environment(root, tmp_path):
    build = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "-w", tmp_path, "."]
    copy = tmp_path/"checkout"
    listing = ["git", "-C", root, "ls-files", "-co", "--exclude-standard"]
    for name in subprocess.run(listing, check=True, capture_output=True, text=True).stdout.splitlines():
        if not (root/name).is_file(): continue
        (copy/name).parent.mkdir(parents=True, exist_ok=True)
        (copy/name).write_bytes((root/name).read_bytes())
    subprocess.run(build, cwd=copy, check=True)
    venv.create(tmp_path/"clean", with_pip=True)
    scripts = tmp_path/"clean"/("Scripts" if os.name == "nt" else "bin")
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as parts:
        names = parts.namelist()
        told = parts.read(next(name for name in names if name.endswith(".dist-info/METADATA"))).decode()
    assert {"gan_course/nbs/glossary.md", "gan_course/nbs/teach.md"} <= {*names}
    assert "gan_course/py.typed" in names and any(name.endswith("licenses/NOTICE") for name in names)
    for line in ("License-Expression: Apache-2.0 AND CC-BY-4.0", "Classifier: Typing :: Typed",
                 "Project-URL: Source, "):
        assert line in told
    assert [link for link in re.findall(r"\]\(([^)\s]+)", told) if not link.startswith("https://")] == []
    subprocess.run([scripts/"python", "-m", "pip", "install", "--quiet", "--no-deps", wheel], check=True)
    # The libraries it needs are lent, not installed again: a path on PYTHONPATH runs no .pth file, so the
    # checkout that is installed there in development mode stays out of sight.
    env = os.environ | {"PYTHONPATH": sysconfig.get_paths()["purelib"], "IN_TEST": "1"}

    def run(*words):
        return subprocess.run(words, cwd=tmp_path, env=env, check=True, capture_output=True, text=True).stdout
    where = run(scripts/"python", "-c", "import gan_course; print(gan_course.__file__)")
    assert str(tmp_path/"clean") in where
    assert len(json.loads(run(scripts/"gan-course", "list", "--json"))) >= 10
    assert "| baseline " in run(scripts/"gan-course", "table", "hacks") # the rows travel with it
    run(scripts/"gan-course", "start", "mine")
    assert len(list((tmp_path/"mine").glob("[0-9]*.ipynb"))) >= 14
    assert (tmp_path/"mine"/"results"/"hacks.jsonl").exists()
    assert not (tmp_path/"mine"/"widgets").exists() # the library has its own
    shown = "from gan_course.widgets import bundle; print(bundle('seven'))"
    assert "render" in run(scripts/"python", "-c", shown)
    run(scripts/"gan-course", "train", "cgan", "--epochs", "1", "--g-hidden", "32", "--out", "run")
    assert json.loads((tmp_path/"run"/"row.json").read_text(encoding="utf-8"))["scores"]["scorer"]
