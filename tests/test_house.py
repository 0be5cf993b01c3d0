"The house itself: import order, export in sync, what imports cost."
import ast
import configparser
import json
import os
import re
import subprocess
import sys

import gan_course
from gan_course.cli import MEASUREMENTS
from gan_course.config import config_id, from_dict
from gan_course.judges import SCORERS
from gan_course.studies import STUDIES, read_rows


def chapters(root):
    "Chapter number -> module, from the notebooks' own directives."
    table = {}
    for path in sorted((root/"nbs").glob("[0-9]*.ipynb")):
        source = "".join("".join(cell["source"]) + "\n" for cell in json.loads(path.read_text())["cells"])
        found = re.search(r"^#\|\s*default_exp\s+(\w+)", source, re.M)
        if found: table[found[1]] = int(path.name[:2])
    return table


def test_a_module_imports_only_from_lower_chapters(root):
    numbers = chapters(root)
    assert len(numbers) >= 14
    for module, number in numbers.items():
        tree = ast.parse((root/"gan_course"/f"{module}.py").read_text())
        names = set()
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "gan_course" or (
                    isinstance(node, ast.ImportFrom) and node.level):
                package = (node.module or "").removeprefix("gan_course").strip(".")
                names |= {package} if package else {alias.name for alias in node.names}
        for name in names & set(numbers): assert numbers[name] < number, f"{module} imports {name}"
        assert not names & {"cli", "widgets"}


def test_export_is_in_sync(root, tmp_path):
    "Exporting again into an empty copy gives the same files with the same contents."
    for name in ("nbs", "settings.ini"):
        subprocess.run(["cp", "-r", root/name, tmp_path], check=True)
    (tmp_path/"gan_course").mkdir()
    (tmp_path/"gan_course"/"__init__.py").write_text((root/"gan_course"/"__init__.py").read_text())
    outside = {name: value for name, value in os.environ.items() if name != "IN_TEST"}
    export = "from nbdev.doclinks import nbdev_export; nbdev_export()"
    subprocess.run([sys.executable, "-c", export], cwd=tmp_path, check=True, env=outside)
    mine = {p.name: p.read_text() for p in (root/"gan_course").glob("*.py") if p.name != "__main__.py"}
    again = {p.name: p.read_text() for p in (tmp_path/"gan_course").glob("*.py")}
    assert set(again) == set(mine)
    for name, text in again.items(): assert text == mine[name], f"{name} is not what its notebook exports"


def test_notebooks_are_clean(root):
    for path in (root/"nbs").glob("*.ipynb"):
        notebook = json.loads(path.read_text())
        assert "widgets" not in notebook["metadata"]
        for cell in notebook["cells"]:
            assert cell.get("execution_count") is None and set(cell["metadata"]) <= {"tags"}, path.name


def test_version_is_one(root):
    config = configparser.ConfigParser(delimiters=["="])
    config.read(root/"settings.ini")
    assert config["DEFAULT"]["version"] == gan_course.__version__


def test_config_needs_no_torch():
    code = "import sys, gan_course, gan_course.config; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_library_needs_no_tool_of_the_workshop():
    "Exported code imports neither nbdev nor fastcore, and no notebook machinery."
    code = ("import sys, gan_course.cli; "
            "unwanted = {'nbdev', 'fastcore', 'IPython', 'jupyterlab', 'ipywidgets'}; "
            "sys.exit(', '.join(unwanted & set(sys.modules)) or 0)")
    done = subprocess.run([sys.executable, "-c", code], check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_stored_rows_belong_to_configs_that_exist(root):
    "A committed result names a study, an arm and a config of today, under the id it would get today."
    for file in (root/"nbs"/"results").glob("*.jsonl"):
        rows = read_rows(file) # a broken line warns, and a warning fails
        assert len(rows) == len(file.read_text().splitlines()), f"{file.name} has a run twice"
        for row in rows:
            assert row["device"] and row["versions"]["torch"]
            if file.stem in MEASUREMENTS: continue # tested below
            config = from_dict(row["config"])
            assert row["study"] == file.stem and config_id(config) == row["id"]
            study = STUDIES[row["study"]]
            forms = [study.config(row["arm"], full, seed=config.seed) for full in (True, False)]
            assert config in forms, row["id"]


def test_stored_measurements_are_those_of_today(root):
    "Settings, id and the judges' hashes."
    for name, this in MEASUREMENTS.items():
        keys = [this.key(arm, seed, full) for arm in this.arms for seed in range(3) for full in (True, False)]
        assert len({*keys}) == len(keys)
        for row in read_rows(root/"nbs"/"results"/f"{name}.jsonl"):
            full = row["form"] == "full"
            assert row["study"] == name and row["settings"] == this.settings(full)
            assert row["id"] == this.key(row["arm"], row["seed"], full)
            for judge, said in row.get("scores", {}).get("judges", {}).items():
                assert said["scorer"] == SCORERS[judge]
