"The house itself: import order, export in sync, what imports cost."
import ast
import configparser
import importlib
import json
import os
import re
import shutil
import subprocess
import symtable
import sys
from pathlib import Path

import pytest
from common import module_at

import gan_course
from gan_course.catalogue import MEASUREMENTS, STUDIES
from gan_course.config import config_id, from_dict
from gan_course.files import read_rows
from gan_course.judges import SCORERS
from gan_course.training import shipped_hash


def imports(tree):
    "What a file takes from gan_course, inside its functions too: (module, name), or (module, None) whole."
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names if alias.name.split(".")[0] == "gan_course"]
            found |= {(name.removeprefix("gan_course").strip("."), None) for name in names}
        elif isinstance(node, ast.ImportFrom):
            package = node.module or ""
            if not node.level and package.split(".")[0] != "gan_course": continue
            package = package.removeprefix("gan_course").strip(".")
            found |= {(package, alias.name) for alias in node.names}
    return found


def modules(taken):
    "The modules of what was taken; `from gan_course import games` takes one, `import lookup` none."
    whole = {name for package, name in taken if not package and name and name in MODULES}
    return whole | {package for package, _ in taken if package}


ROOT = Path(gan_course.__file__).parent
MODULES = {path.stem for path in ROOT.glob("*.py") if not path.stem.startswith("_")}
LEAVES = {"cli", "widgets", "clinic"}
DOORS = {("exercises", "answers")} # `check` finds the exercises there, by name


def test_a_module_imports_only_from_lower_floors(root):
    floor = {name: at for name, (at, _) in module_at(root/".ci"/"house.py").floors(root).items()}
    assert set(floor) == MODULES, "the map of the house in CONTRIBUTING.md names other modules"
    for module in floor:
        for other in modules(imports(ast.parse((ROOT/f"{module}.py").read_text(encoding="utf-8")))):
            if (module, other) in DOORS: continue
            assert other in floor, f"{module} imports {other}, which is on no floor"
            assert floor[other] < floor[module], f"{module} imports {other}"
            assert other not in LEAVES, f"{module} imports {other}, a leaf"


def test_nobody_imports_the_answers():
    for path in ROOT.rglob("*.py"):
        for other in modules(imports(ast.parse(path.read_text(encoding="utf-8")))):
            if (path.stem, other) in DOORS: continue
            assert other.split(".")[0] != "answers", f"{path.name} imports {other}"


# chapters

# these tell how the library is built: any chapter may use what is made there
WORKSHOP = {0, 1, 2, 4, 13, 14, 15, 16, 34, 35, 36, 39, 40, 42, 43, 44, 45}
AHEAD = { # (chapter, module.name) that is defined in a later one -> why it may be
}


def exported(root):
    "Each exported cell: chapter, its place there, the module it goes to, its tree."
    for path in sorted((root/"nbs").glob("[0-9]*.ipynb")):
        notebook = json.loads(path.read_text(encoding="utf-8"))
        cells = [("".join(cell["source"]), cell["cell_type"]) for cell in notebook["cells"]]
        default = re.search(r"^#\|\s*default_exp\s+(\w+)", "\n".join(source for source, _ in cells), re.M)
        for i, (source, kind) in enumerate(cells):
            found = kind == "code" and re.search(r"^#\|\s*export[si]?\b[ \t]*(\w*)", source, re.M)
            if found: yield path.stem, i, found[1] or default[1], source


def binds(tree):
    "The names a cell defines at its top level; imported ones apart."
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef): yield node.name
        for name in ast.walk(node) if isinstance(node, ast.Assign | ast.AnnAssign) else ():
            if isinstance(name, ast.Name) and isinstance(name.ctx, ast.Store): yield name.id


def read_in(scope, inner=None):
    "The global names that a scope and those within it read; of its inner ones only those named, if any are."
    for symbol in scope.get_symbols():
        if symbol.is_referenced() and (scope.get_type() == "module" or symbol.is_global()):
            yield symbol.get_name()
    for child in scope.get_children():
        if inner is None or child.get_name() in inner: yield from read_in(child, inner)


def globals_of(source):
    "The names a cell reads that no function of it binds itself."
    return {*read_in(symtable.symtable(source, "cell", "exec"))}


def resolve(module, name, attributes, taken):
    "Where a global name of a module comes from: (module, name) pairs."
    origin = taken.get((module, name), (module, name))
    if origin[1] is not None: return [origin]
    return [(origin[0], attribute) for attribute in attributes.get(name, ())]


def uses_ahead(cells):
    "(chapter, cell, module.name) for what an exported cell uses and only a later chapter defines."
    defined, taken = {}, {}
    for chapter, _, module, source in cells:
        tree, number = ast.parse(source), int(chapter[:2])
        for name in binds(tree): defined.setdefault((module, name), set()).add(number)
        for node in ast.walk(tree):
            if not isinstance(node, ast.ImportFrom): continue
            if not (node.module or "").startswith("gan_course"): continue
            package = node.module.removeprefix("gan_course").strip(".")
            for alias in node.names:
                whole = not package and alias.name in MODULES
                origin = (alias.name, None) if whole else (package, alias.name)
                taken[module, alias.asname or alias.name] = origin
    for chapter, i, module, source in cells:
        tree, attributes, number = ast.parse(source), {}, int(chapter[:2])
        for node in ast.walk(tree):
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
                attributes.setdefault(node.value.id, set()).add(node.attr)
        used = {origin for name in globals_of(source) for origin in resolve(module, name, attributes, taken)}
        for origin in sorted(used | {found for found in imports(tree) if all(found)}):
            homes = defined.get(origin, {number})
            if any(home <= number or home in WORKSHOP for home in homes): continue
            yield chapter, i, ".".join(origin)


def test_a_chapter_uses_only_what_has_been_defined(root):
    found = {(chapter, name): i for chapter, i, name in uses_ahead([*exported(root)])}
    unknown = [f"chapter {chapter}, cell {i}: {name}" for (chapter, name), i in found.items()
               if (chapter, name) not in AHEAD]
    assert not unknown, "used before it is defined: " + "; ".join(unknown)
    assert not set(AHEAD) - set(found), "these are used no longer, or defined in time: take them out of AHEAD"


def test_what_is_used_ahead_is_found():
    inside = "def h(a):\n    from gan_course.losses import hinge\n    return hinge(a)"
    cells = [("10_early", 0, "data", "from gan_course.losses import hinge\nfrom gan_course import games"),
             ("10_early", 1, "data", "def f(a): return g(hinge(a), later), games.play(a), PLAYERS"),
             ("10_early", 2, "data", inside),
             ("11_late", 0, "losses", "def hinge(x): return x"), ("12_last", 0, "data", "later = 3; g = max"),
             ("14_training", 0, "data", "PLAYERS = {}"), ("20_games", 0, "games", "def play(x): return x")]
    assert [*uses_ahead(cells)] == [
        ("10_early", 0, "losses.hinge"), ("10_early", 1, "data.g"), ("10_early", 1, "data.later"),
        ("10_early", 1, "games.play"), ("10_early", 1, "losses.hinge"), ("10_early", 2, "losses.hinge")]


AT_ONCE = "listcomp", "setcomp", "dictcomp", "genexpr" # scopes whose code runs where it stands


def runs_ahead(cells):
    "(cell, name) for what a code cell needs to run, in functions it calls too, and only a later cell makes."
    made, needs, at_once = {}, {}, []
    for i, source in enumerate(cells):
        top = symtable.symtable(source, "cell", "exec")
        at_once.append({*read_in(top, AT_ONCE)})
        for symbol in top.get_symbols():
            if symbol.is_assigned() or symbol.is_imported(): made.setdefault(symbol.get_name(), i)
        for child in top.get_children():
            if child.get_type() == "function": needs.setdefault(child.get_name(), (i, {*read_in(child)}))
    for i, todo in enumerate(at_once):
        seen = set()
        while todo := todo - seen:
            seen |= todo
            yield from ((i, name) for name in sorted(todo) if made.get(name, 0) > i)
            todo = set().union(*(needs[name][1] for name in todo if name in needs and needs[name][0] <= i))


def test_a_chapter_runs_from_top_to_bottom(root):
    "Its slow cells too, which the quick tests leave out."
    for path in sorted((root/"nbs").glob("*.ipynb")):
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        sources = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]
        for i, name in runs_ahead(sources):
            raise AssertionError(f"{path.name}: {name} is not there yet where\n{sources[i][:200]}")


def test_what_runs_ahead_is_found():
    assert [*runs_ahead(["def f(): return g()", "f()", "def g(): return 1", "f()"])] == [(1, "g")]
    assert not [*runs_ahead(["def f(): return g()", "def g(): return 1"])]
    assert [*runs_ahead(["a = [b for c in d]", "b, c, d = 1, 2, 3"])] == [(0, "b"), (0, "d")]


# questions

def test_a_prediction_is_asked_once(root):
    for path in sorted((root/"nbs").glob("[0-9]*.ipynb")):
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        asked = [name for cell in cells if cell["cell_type"] == "code"
                 for name in re.findall(r"^predict\('([\w-]+)', None", "".join(cell["source"]), re.M)]
        assert len(asked) == len({*asked}), f"{path.name} asks a question twice"


# names in prose

DOTTED = re.compile(r"\bgan_course((?:\.\w+)+)")


def prose(root):
    "Every text that names parts of the library: (where, text)."
    for name in ("README.md", "CONTRIBUTING.md"): yield name, (root/name).read_text(encoding="utf-8")
    for path in sorted((root/"nbs").rglob("*.ipynb")):
        for i, cell in enumerate(json.loads(path.read_text(encoding="utf-8"))["cells"]):
            yield f"{path.name}, cell {i}", "".join(cell["source"])


def exists(dotted):
    "Can `a.b.c` be imported, its last parts as attributes?"
    parts = dotted.split(".")
    for n in range(len(parts), 0, -1):
        try: found = importlib.import_module(".".join(parts[:n]))
        except ModuleNotFoundError: continue
        for part in parts[n:]:
            # a field of a dataclass without default is no attribute of the class
            if part in getattr(found, "__dataclass_fields__", ()): return True
            if not hasattr(found, part): return False
            found = getattr(found, part)
        return True
    return False


def test_every_dotted_name_in_the_texts_exists(root):
    missing = {}
    for where, text in prose(root):
        for dotted in {found[0] for found in DOTTED.finditer(text)}:
            if not exists(dotted): missing.setdefault(dotted, where)
    assert not missing, "; ".join(f"{where}: {dotted}" for dotted, where in missing.items())
    assert exists("gan_course.losses.LOSSES") and not exists("gan_course.scoring.score")


def test_a_public_name_is_listed_once_and_is_there():
    for name in sorted(MODULES):
        module = importlib.import_module(f"gan_course.{name}")
        assert len(module.__all__) == len(set(module.__all__)), f"{name}.__all__ has a name twice"
        assert not [public for public in module.__all__ if not hasattr(module, public)]


def test_export_is_in_sync(root, tmp_path):
    "Exporting again into an empty copy gives the same files with the same contents."
    for name in ("nbs", "settings.ini"):
        subprocess.run(["cp", "-r", root/name, tmp_path], check=True)
    (tmp_path/"gan_course").mkdir()
    shutil.copy(root/"gan_course"/"__init__.py", tmp_path/"gan_course")
    outside = {name: value for name, value in os.environ.items() if name != "IN_TEST"}
    export = "from nbdev.doclinks import nbdev_export; nbdev_export()"
    subprocess.run([sys.executable, "-c", export], cwd=tmp_path, check=True, env=outside)
    mine = {p.name: p.read_text(encoding="utf-8")
            for p in (root/"gan_course").glob("*.py") if p.name != "__main__.py"}
    again = {p.name: p.read_text(encoding="utf-8") for p in (tmp_path/"gan_course").glob("*.py")}
    assert set(again) == set(mine)
    for name, text in again.items(): assert text == mine[name], f"{name} is not what its notebook exports"


def test_notebooks_are_clean(root):
    for path in (root/"nbs").glob("*.ipynb"):
        notebook = json.loads(path.read_text(encoding="utf-8"))
        assert "widgets" not in notebook["metadata"]
        for cell in notebook["cells"]:
            assert cell.get("execution_count") is None and set(cell["metadata"]) <= {"tags"}, path.name


def test_no_output_is_a_complaint_of_the_machine_that_made_it(root):
    for path in (root/"nbs").glob("*.ipynb"):
        for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
            shown = [out for out in cell.get("outputs", []) if out.get("name") == "stderr"]
            said = "".join("".join(out["text"]) for out in shown)
            assert not re.search(r"findfont|\w+Warning: |/site-packages/", said), f"{path.name}: {said[:100]}"


def test_version_is_one(root):
    config = configparser.ConfigParser(delimiters=["="])
    config.read(root/"settings.ini")
    assert config["DEFAULT"]["version"] == gan_course.__version__


@pytest.mark.parametrize("module", ["config", "catalogue"])
def test_what_names_experiments_needs_no_torch(module):
    code = f"import sys, gan_course.{module}; sys.exit('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr or f"gan_course.{module} imports torch"


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
        assert len(rows) == len(file.read_text(encoding="utf-8").splitlines()), f"{file.name} has a run twice"
        for row in rows:
            assert row["device"] and row["versions"]["torch"]
            if file.stem in MEASUREMENTS: continue # tested below
            config = from_dict(row["config"])
            assert row["study"] == file.stem and config_id(config) == row["id"]
            study = STUDIES[row["study"]]
            assert config == study.config(row["arm"], row.get("form", "full"), seed=config.seed), row["id"]


def test_stored_measurements_are_those_of_today(root):
    "Settings, id, the judges' hashes, and the hash of the generator that was measured."
    for name, this in MEASUREMENTS.items():
        keys = [this.key(arm, seed, form) for arm in this.arms for seed in range(3) for form in this.forms]
        assert len({*keys}) == len(keys)
        for row in read_rows(root/"nbs"/"results"/f"{name}.jsonl"):
            assert row["study"] == name and row["settings"] == this.settings(row["form"])
            assert row["id"] == this.key(row["arm"], row["seed"], row["form"])
            for judge, said in row.get("scores", {}).get("judges", {}).items():
                assert said["scorer"] == SCORERS[judge]
            if name not in ("shipped", "hacks-slerp"): continue
            drawn, _, kind = row["arm"].partition(", ") if name == "shipped" else ("mnist", "", "")
            assert row["generator"] == ("" if kind else shipped_hash(drawn))
