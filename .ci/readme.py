"""Write what texts hold that is computed, and README.md from nbs/index.ipynb.

Computed are the plans and goals in nbs/teach.md and the count of claims in nbs/index.ipynb. With --check,
write nothing and exit 1 when one of the three differs.
"""
import json
import re
import sys
from pathlib import Path

from house import BUILT
from words import PLANS, goals_table, plan_table

ROOT = Path(__file__).resolve().parents[1]
MARKED = re.compile(r"(<!-- (\w+) -->)(.*?)(<!-- /\2 -->)", re.S) # <!-- name -->computed<!-- /name -->
INLINE_LINK = re.compile(r"(\]\()(?!\w+:|#|/)([^)\s]+)")


def from_root(text):
    "Relative links, written for a reader of nbs/, as a reader of README.md needs them."
    def move(found): return found[1] + (found[2][3:] if found[2].startswith("../") else f"nbs/{found[2]}")
    return INLINE_LINK.sub(move, text)


def fenced(text, language=""): return f"```{language}\n{text.strip()}\n```"


def said(cell):
    "What a cell printed; pictures stay in the notebook."
    return "".join("".join(out["text"]) for out in cell.get("outputs", []) if out.get("name") == "stdout")


def render(notebook):
    "Markdown cells as they are, code cells fenced, neighbouring code together."
    parts, code = [], []
    for cell in [*notebook["cells"], dict(cell_type="markdown", source=[])]:
        source = "".join(cell["source"])
        if cell["cell_type"] == "code":
            if not re.search(r"^#\|\s*hide\b", source, re.M):
                code.append(re.sub(r"^#\|.*\n", "", source, flags=re.M))
                if not said(cell): continue
        if code: parts.append(fenced("\n\n".join(code), "python")); code = []
        if cell["cell_type"] == "markdown": parts.append(from_root(source.strip()))
        elif said(cell): parts.append(fenced(said(cell)))
    return "\n\n".join(part for part in parts if part) + "\n"


def count_claims():
    "How many claims of the reports have a verdict, and how many there are."
    sys.path.insert(0, str(ROOT))
    from gan_course.claims import judged, verdicts
    found = verdicts(ROOT/"nbs"/"results")
    return f"{judged(found)} of {len(found)}"


COMPUTED = { # name of a marked place -> what stands there
    "claims": count_claims, "goals": lambda: f"\n{goals_table(BUILT)}\n",
    "six": lambda: f"\n{plan_table(PLANS['six'])}\n", "twelve": lambda: f"\n{plan_table(PLANS['twelve'])}\n",
}


def fill(text):
    "The text, with what is computed in its marked places."
    return MARKED.sub(lambda found: found[1] + COMPUTED[found[2]]() + found[4], text)


def fill_notebook(text):
    "A notebook's text, with what is computed in its markdown."
    notebook = json.loads(text)
    for cell in notebook["cells"]:
        if cell["cell_type"] != "markdown": continue
        cell["source"] = fill("".join(cell["source"])).splitlines(keepends=True)
    return json.dumps(notebook, indent=1, ensure_ascii=False, sort_keys=True) + "\n"


def files():
    "Path -> what its text has to be."
    index, teach = ROOT/"nbs"/"index.ipynb", ROOT/"nbs"/"teach.md"
    filled = fill_notebook(index.read_text(encoding="utf-8"))
    readme = MARKED.sub(r"\3", render(json.loads(filled)))
    return {index: filled, teach: fill(teach.read_text(encoding="utf-8")), ROOT/"README.md": readme}


if __name__ == "__main__":
    for path, text in files().items():
        if "--check" not in sys.argv: path.write_text(text, encoding="utf-8")
        elif path.read_text(encoding="utf-8") != text:
            sys.exit(f"{path.name} is not what the notebooks say; run: python .ci/readme.py")
