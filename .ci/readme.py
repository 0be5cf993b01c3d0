"""Write README.md from nbs/index.ipynb; with --check, write nothing and exit 1 when it differs."""
import json
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
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


if __name__ == "__main__":
    text = render(json.loads((ROOT/"nbs"/"index.ipynb").read_text(encoding="utf-8")))
    readme = ROOT/"README.md"
    if "--check" not in sys.argv: readme.write_text(text, encoding="utf-8")
    elif readme.read_text(encoding="utf-8") != text:
        sys.exit("README.md is not what nbs/index.ipynb says; run: python .ci/readme.py")
