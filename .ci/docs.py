"""Build the site into _docs: nbdev prepares the notebooks, Quarto renders them, smalldocs where it is not.

nbdev's own commands are not used: they try to download Quarto, as root. --offline takes KaTeX from the cache
only. The build fails where a link is broken, or a page shows less than its notebook holds.
"""
import argparse
import ast
import base64
import hashlib
import html
import importlib
import inspect
import io
import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

from content import KINDS, in_notebook, in_page
from finish import finish, fold
from house import BUILT, floors
from links import problems
from PIL import Image, ImageChops, ImageStat
from words import NUMBER, chapters, glossary, glossary_html, read, source

ROOT = Path(__file__).resolve().parents[1]
NBS, PROC, SITE = ROOT/"nbs", ROOT/"_proc", ROOT/"_docs"
KATEX, KATEX_SHA256 = "katex-0.16.11", "8c5494c5f7d8e8bf73ff3fe64d4bd09a340e4878b7eec9bbd9ef8d8f3e24193f"
KATEX_ADDRESS = re.compile(r"https://cdn\.jsdelivr\.net/npm/katex@[^/\"']+/dist")
WIDGET = "application/vnd.jupyter.widget-view+json"
SCRIPT = re.compile(r"<script\b.*?(</script>|\Z)", re.S | re.I)


def write(path, notebook):
    "Write a notebook for a renderer: texts as lists of lines, for Quarto drops the line ends of one string."
    for cell in notebook["cells"]:
        cell["source"] = source(cell).splitlines(keepends=True)
        for out in cell.get("outputs", []):
            if "text" in out: out["text"] = "".join(out["text"]).splitlines(keepends=True)
    path.write_text(json.dumps(notebook), encoding="utf-8")


def write_sidebar():
    "The chapters in two groups, with their numbers, and the pages that are no chapters."
    import yaml
    parts = {"The course": [], "How the library is built": []}
    for path, title in chapters().items():
        entry = dict(text=f"{path.name[:2]} {title}", href=re.sub(NUMBER, "", path.name))
        course, built = parts.values()
        (built if int(path.name[:2]) in BUILT else course).append(entry)
    contents = [dict(text="Home", href="index.ipynb"), dict(text="Playground", href="playground.ipynb"),
                dict(text="Teach", href="teach.ipynb"),
                *(dict(section=name, contents=entries) for name, entries in parts.items()),
                dict(text="Glossary", href="glossary.ipynb"),
                dict(text="The claims, one by one", href="ledger.ipynb"),
                dict(text="The library, name by name", href="api.ipynb")]
    sidebar = dict(website=dict(sidebar=dict(contents=contents)))
    (PROC/"sidebar.yml").write_text(yaml.safe_dump(sidebar, sort_keys=False), encoding="utf-8")


def signature(found):
    "The arguments of a function or class, without types: those are where it is taught."
    try: given = inspect.signature(found)
    except (TypeError, ValueError): return ""
    plain = [arg.replace(annotation=arg.empty) for arg in given.parameters.values()]
    for i, arg in enumerate(plain): # a default that is an object would print as its address
        if " at 0x" in repr(arg.default) or len(repr(arg.default)) > 30: plain[i] = arg.replace(default=...)
    return str(given.replace(parameters=plain, return_annotation=given.empty))


def describe(found):
    "The first line of a docstring of its own, or what kind of object it is."
    if callable(found) and not isinstance(found, dict):
        says = (inspect.getdoc(found) or "").partition("\n")[0]
        return "" if says.startswith(f"{getattr(found, '__name__', '')}(") else says
    if isinstance(found, dict):
        names = [f"`{key}`" for key in found]
        return f"A table of {len(names)} rows: {', '.join(names[:8])}{', ...' if len(names) > 8 else ''}"
    plain = isinstance(found, str | int | float | tuple) and len(repr(found)) <= 60
    return f"`{found!r}`" if plain else ""


def homes(module, names):
    "Name -> the page that teaches it: nbdev knows functions and classes, a notebook's cells the tables."
    from gan_course._modidx import d
    known = {name.removeprefix(f"gan_course.{module}."): page
             for name, (page, _) in d["syms"].get(f"gan_course.{module}", {}).items()}
    text = (ROOT/"gan_course"/f"{module}.py").read_text(encoding="utf-8")
    found = {}
    for part in re.split(r"^# %% ", text, flags=re.M)[1:]:
        page = re.sub(NUMBER, "", Path(part.split()[0]).stem) + ".html"
        for name in re.findall(r"^(\w+)(?:\s*:[^=\n]+)?\s*=", part, flags=re.M): found.setdefault(name, page)
    return {name: known.get(name) or found.get(name, "") for name in names}


def write_page(name, texts):
    "A page of texts alone, as a notebook; the first is `# Title`, an empty line, `> description`."
    import yaml
    title, _, description = texts[0].partition("\n\n> ")
    front = yaml.safe_dump(dict(title=title.removeprefix("# "), description=description.strip()))
    cells = [dict(cell_type="raw", metadata={}, source=f"---\n{front}---\n"),
             *(dict(cell_type="markdown", metadata={}, source=text) for text in texts[1:])]
    kernel = dict(kernelspec=dict(name="python3", display_name="python3", language="python"))
    page = dict(nbformat=4, nbformat_minor=5, metadata=kernel, cells=cells)
    write(PROC/f"{name}.ipynb", page)


def write_api():
    "The page of the library: module by module from the ground up, each public name with its arguments."
    texts = ["# The library\n\n> Every public name, module by module, from the ground up",
             "A module imports only from the ones above it on this page. Each name leads to the chapter that "
             "teaches it, where types, shapes and units stand next to every argument."]
    for name, (_, says) in floors().items():
        module = importlib.import_module(f"gan_course.{name}")
        lines = [f"## {name}\n\n`gan_course.{name}`: {says}.\n"]
        for public, page in homes(name, module.__all__).items():
            found = getattr(module, public)
            shown = f"`{public}{signature(found)}`"
            lines.append(f"- [{shown}]({page})" + (f"<br>{words}" if (words := describe(found)) else ""))
        texts.append("\n".join(lines))
    write_page("api", texts)


def write_ledger():
    "The page of the claims: what the reports say, what the stored rows say to it, one table a report."
    from gan_course.claims import CLAIMS, REPORTS, claim_table, judged, report_of, verdicts
    found = verdicts(NBS/"results")
    told = f"{judged(found)} of {len(found)} claims of five reports are judged"
    texts = [f"# The claims, one by one\n\n> {told}",
             "Each sentence is a rule, and the verdict is computed from the rule and the stored rows "
             "([how](claims.html)). The numbers are those of the part that decides; `gan-course claims ID` "
             "shows every part, and `gan-course claims --html FILE` writes this page with a filter."]
    for report, title in REPORTS.items():
        lines = [f"## {title}\n",
                 "| claim | verdict | n | estimate | 95 % interval | p | scale | still open |",
                 "| --- | --- | --- | --- | --- | --- | --- | --- |"]
        for line in claim_table([v for v in found if report_of(v.id) == report]):
            claim = CLAIMS[line.pop("claim")]
            page = re.sub(NUMBER, "", claim.chapter) + ".html"
            lines.append(f"| [{claim.says}]({page}) | **{line.pop('verdict')}** | "
                         + " | ".join(map(str, line.values())) + " |")
        texts.append("\n".join(lines))
    write_page("ledger", texts)


def write_glossary():
    "The page of words, from nbs/glossary.md."
    title = (NBS/"glossary.md").read_text(encoding="utf-8").partition("\n\n|")[0]
    write_page("glossary", [title, *glossary_html(glossary())])


def write_teach(repository):
    "The page for teachers, nbs/teach.md."
    text = (NBS/"teach.md").read_text(encoding="utf-8")
    title, rest = re.match(r"(# .+\n\n> .+)\n((?s:.+))", text).groups()
    write_page("teach", [title, site_links(re.sub(r"<!--.*?-->\n?", "", rest), repository)])


PLAYGROUND = dict(
    debugger="## A game in the plane\n\nD learns to tell real points from fakes, G to make fakes that pass. "
    "Move one player at a time, or let them play. [Chapter 12](steps.ipynb) explains the moves, "
    "[chapter 11](losses.ipynb) the losses.",
    seven="## Draw me a seven\n\nThe generators that ship with the course, trained in "
    "[chapter 23](cgan.ipynb): one draws handwritten digits, the other house numbers in colour.",
    redraw="## Redraw\n\nDraw a digit. An encoder ([chapter 25](encoder.ipynb)) reads its class and its "
    "code, and the same generator draws the code again, as every digit.",
    spot="## Spot the fake\n\nTwenty digits, half of them real. Can you tell? Can a discriminator, or a "
    "judge ([chapter 29](judges.ipynb))?",
    replay="## Training replay\n\nThe first and the last rung of the ladder of [chapter 21](hacks.ipynb), at "
    "the same epoch, one seed each.")
FRONT = "replay('cgan')" # on the front page


def place(name, **options):
    "A place for a widget, which `add_widgets` fills."
    given = html.escape(json.dumps(options), quote=True)
    return f'<div data-widget="{name}" data-options="{given}"></div>'


def write_playground():
    "The page of the widgets: a text and a place for each."
    first = ("# Playground\n\n> Toys that run in your browser: games to take apart, digits to draw, read "
             "and tell apart, runs to replay", "[Chapter 42](widgets.ipynb) tells how they are made. "
             "One more, a game that the kernel plays, needs a kernel: [chapter 44](watching.ipynb).")
    write_page("playground", [*first, *(f"{text}\n\n{place(name)}" for name, text in PLAYGROUND.items())])


def placed(source):
    "The place for the widget that a cell ends with, or '': a call of one word, with plain arguments."
    from gan_course.widgets import WIDGETS
    try: call = ast.parse(source).body[-1].value
    except (SyntaxError, IndexError, AttributeError): return ""
    name = getattr(getattr(call, "func", None), "id", "").removesuffix("_digit")
    if name not in WIDGETS or not WIDGETS[name].on_page: return ""
    given = [ast.literal_eval(arg) for arg in call.args]
    named = {arg.arg: ast.literal_eval(arg.value) for arg in call.keywords}
    usual = WIDGETS[name].options()
    wanted = WIDGETS[name].options(*given, **named)
    return place(name, **{key: value for key, value in wanted.items() if value != usual[key]})


FIRST_SCREEN = re.compile(r"^(!\[.+?\]\(digits\.png\))\n\[!\[.+?\]\(seven\.png\)\]\(.+?\)$", re.M)
LIVING = """<div class="first-screen">
<div>

{picture}

</div>
<figure>
<figcaption>Draw me a seven: a trained generator, here in your browser
(<a href="playground.html">more of it</a>).</figcaption>
{widget}
</figure>
</div>"""


def first_screen(text):
    "The first pictures of the front page, the second as the widget that it shows."
    return FIRST_SCREEN.sub(lambda found: LIVING.format(picture=found[1], widget=place("seven")), text)


def add_widgets():
    "Give each page with places for widgets the script that fills them; the script lies beside the pages."
    from gan_course.widgets import WIDGETS, page_script, set_aside
    for page in SITE.rglob("*.html"):
        text, up = page.read_text(encoding="utf-8"), "../" * len(page.relative_to(SITE).parents[1:])
        names = [name for name in WIDGETS if f'data-widget="{name}"' in text]
        if not names: continue
        script = SITE/"site_libs"/"widgets"/f"{'-'.join(names)}.js"
        script.parent.mkdir(parents=True, exist_ok=True)
        if not script.exists():
            options = {name: WIDGETS[name].options() for name in names}
            script.write_text(page_script(set_aside(options, script.parent)), encoding="utf-8")
        tag = f'<script src="{up}site_libs/widgets/{script.name}"></script>\n</body>'
        page.write_text(tag.join(text.rsplit("</body>", 1)), encoding="utf-8")


def only_imports(text):
    try: body = ast.parse(text).body
    except SyntaxError: return False # a magic, a shell command
    return bool(body) and all(isinstance(line, ast.Import | ast.ImportFrom) for line in body)


def stage(folder):
    "Copy nbs for nbdev, which runs every cell with an import: leave it the exported ones and mere imports."
    shutil.copytree(NBS, folder, ignore=shutil.ignore_patterns(".*", "answers", "*.md"))
    for path in folder.glob("*.ipynb"):
        notebook = read(path)
        for cell in notebook["cells"]:
            run = re.search(r"^#\|\s*(export|exports|exporti|default_exp)\b|^show_doc", source(cell), re.M)
            if run: cell["source"] = re.sub(r"^#\| exporti\b", "#| exports", source(cell)) # to be shown
            if cell["cell_type"] != "code" or run or only_imports(source(cell)): continue
            cell["source"] = f"#| eval: false\n{source(cell)}"
        end = dict(cell_type="markdown", metadata={}, source="<!-- end -->") # nbdev wants no export last
        notebook["cells"].append(end)
        path.write_text(json.dumps(notebook), encoding="utf-8")


def is_transient(output):
    "A widget, or a progress bar: on a page without a kernel both are noise."
    if WIDGET in output.get("data", {}): return True
    return output.get("name") == "stderr" and re.search(r"\d+%\|", "".join(output["text"])) is not None


def without_scripts(output):
    "An output without its scripts: for one script, Quarto has a page load jquery and requirejs from a CDN."
    data = output.get("data", {})
    data.pop("application/javascript", None)
    if "text/html" in data: data["text/html"] = SCRIPT.sub("", "".join(data["text/html"]))
    return output


def slim(picture):
    "Type and base64 of a PNG, smaller where no eye sees it: 256 colours, or for photographs JPEG."
    raw = base64.b64decode("".join(picture))
    image, few, photo = Image.open(io.BytesIO(raw)), io.BytesIO(), io.BytesIO()
    plain, same = image.convert("RGB"), ("image/png", picture)
    if image.mode == "RGBA" and image.getchannel("A").getextrema()[0] < 255: return same # see-through
    palette = plain.quantize(256, dither=Image.Dither.NONE)
    off = ImageStat.Stat(ImageChops.difference(plain, palette.convert("RGB"))).mean # levels, a channel each
    palette.save(few, "PNG", optimize=True)
    plain.save(photo, "JPEG", quality=88, subsampling=0, optimize=True)
    kind, small = ("image/png", few) if max(off) <= 1 else ("image/jpeg", photo)
    if len(small.getvalue()) >= len(raw) * (1 if kind == "image/png" else .5): return same
    return kind, base64.b64encode(small.getvalue()).decode()


def join_streams(outputs):
    "What was printed in pieces, as one text."
    joined = []
    for out in outputs:
        if joined and out.get("name") and joined[-1].get("name") == out["name"]:
            joined[-1]["text"] = "".join(joined[-1]["text"]) + "".join(out["text"])
        else: joined.append(out)
    return joined


def unlink_code(text):
    "Take nbdev's links out of blocks of code, which show them as they are written."
    def plain(block): return re.sub(r"\[(`[^`\]]+`)\]\([^)\s]+\)", r"\1", block[0])
    return re.sub(r"^```.*?^```", plain, text, flags=re.M | re.S)


def site_links(text, repository=""):
    "Links of a text for a reader of nbs/, as the site needs them."
    text = re.sub(rf"(\]\(){NUMBER}(\w+\.ipynb)", r"\1\2", text)
    text = re.sub(r"(\]\((?:glossary|teach)\.)md\b", r"\1ipynb", text)
    return re.sub(r"(\]\()\.\./", rf"\1{repository}/blob/main/", text) if repository else text


def tidy(notebook, repository):
    "Take out what a page cannot show, and point links where the site has them."
    notebook["metadata"].pop("widgets", None)
    cells, notebook["cells"] = notebook["cells"], []
    for cell in cells:
        notebook["cells"].append(cell)
        cell["source"] = re.sub(r"^(#\| eval: false|output-file: .*)\n", "", source(cell), flags=re.M)
        shown = [without_scripts(out) for out in cell.get("outputs", []) if not is_transient(out)]
        for data in (out.get("data", {}) for out in shown):
            if "image/png" in data: data.update([slim(data.pop("image/png"))])
            if "text/markdown" in data: data["text/markdown"] = unlink_code("".join(data["text/markdown"]))
        if "outputs" in cell: cell["outputs"] = join_streams(shown)
        toy = cell["cell_type"] == "code" and placed(cell["source"])
        if toy: # in its place, not the line that says where it is to be seen
            cell["outputs"] = []
            notebook["cells"].append(dict(cell_type="markdown", metadata={}, source=toy))
        if cell["cell_type"] == "code": cell["source"] = fold(cell)
        if cell["cell_type"] != "markdown": continue
        text = re.sub(r"\[(`_\w+`)\]\([^)\s]+\)", r"\1", cell["source"]) # a private name has no anchor
        text = re.sub(r"<!-- /?\w+ -->", "", text) # marks of places that are computed
        cell["source"] = site_links(first_screen(text), repository)
    return notebook


def prepare():
    "nbdev's part: docs of exports, links, directives; then names without numbers. Returns the address."
    from nbdev.config import get_config
    from nbdev.quarto import refresh_quarto_yml
    from nbdev.serve import proc_nbs
    config = get_config()
    shutil.rmtree(PROC, ignore_errors=True)
    refresh_quarto_yml()
    with tempfile.TemporaryDirectory() as folder:
        stage(Path(folder)/"nbs")
        proc_nbs(f"{folder}/nbs", n_workers=0)
    for path in sorted(PROC.glob("*.ipynb")):
        notebook = tidy(read(path), config.git_url)
        if path.stem == "index": # below the doors: the run that `make run` makes, as a film
            film = f"Twenty epochs of the GAN that `make run` trains, on real digits:\n\n{placed(FRONT)}"
            doors = next(i for i, cell in enumerate(notebook["cells"]) if "| door |" in source(cell))
            notebook["cells"].insert(doors + 1, dict(cell_type="markdown", metadata={}, source=film))
        path.unlink()
        write(PROC/re.sub(f"^{NUMBER}", "", path.name), notebook)
    write_sidebar()
    write_api()
    write_ledger()
    write_playground()
    write_glossary()
    write_teach(config.git_url)
    return f"{config.doc_host}{config.doc_baseurl}/"


def render(tool):
    "Quarto's part, or smalldocs's."
    if tool == "quarto": # its options stand behind the folder, or it renders the checkout
        command = ["quarto", "render", str(PROC), "--no-execute"]
        maths = "format:\n  html:\n    html-math-method: katex\n" # smalldocs has no other, and warns
        with (PROC/"nbdev.yml").open("a", encoding="utf-8") as file: file.write(maths)
    else: command = [sys.executable, "-m", "smalldocs.cli", "render", "--quiet", str(PROC)]
    subprocess.run(command, check=True)
    shutil.rmtree(SITE, ignore_errors=True)
    shutil.move(PROC/"_docs", SITE)


def missing():
    "What the notebooks hold and their pages do not show, a sentence each."
    for path in sorted(PROC.glob("*.ipynb")):
        page = SITE/f"{path.stem}.html"
        if not page.exists(): yield f"{page.name} was not made"; continue
        for kind, asked, shown in zip(KINDS, in_notebook(read(path)),
                                      in_page(page.read_text(encoding="utf-8")), strict=True):
            if shown < asked: yield f"{page.name} shows {shown} {kind}, its notebook has {asked}"


def fetch_katex(offline):
    "What typesets formulas, from the cache or from npm; None, with a reason printed, where neither has it."
    cache = ROOT/".cache"
    archive = cache/f"{KATEX}.tgz"
    try:
        if not archive.exists():
            if offline: raise OSError("it is not in the cache")
            cache.mkdir(exist_ok=True)
            npm = ["npm", "pack", KATEX.replace("-", "@"), "--fetch-retries=1", "--fetch-timeout=30000"]
            subprocess.run([*npm, "--silent"], cwd=cache, check=True, timeout=120, stdout=subprocess.DEVNULL)
        if hashlib.sha256(archive.read_bytes()).hexdigest() != KATEX_SHA256:
            archive.unlink()
            raise OSError("its checksum is wrong")
        with tarfile.open(archive) as packed: packed.extractall(cache/KATEX, filter="data")
    except (OSError, subprocess.SubprocessError) as error:
        print(f"formulas are shown as TeX: no {KATEX} ({error}); with npm and a network, run this again")
        return None
    return cache/KATEX/"package"/"dist"


def vendor_katex(katex):
    "Load KaTeX from the site itself, or not at all."
    if katex:
        place = SITE/"site_libs"/"katex"
        for name in ("katex.min.css", "katex.min.js", "contrib/auto-render.min.js"):
            (place/name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(katex/name, place/name)
        shutil.copytree(katex/"fonts", place/"fonts")
    for page in SITE.rglob("*.html"):
        html, up = page.read_text(encoding="utf-8"), "../" * len(page.relative_to(SITE).parents[1:])
        load = rf"<(script|link)[^>]+{KATEX_ADDRESS.pattern}[^>]*>(</script>)?"
        if not katex: html = re.sub(load, "", html)
        page.write_text(KATEX_ADDRESS.sub(f"{up}site_libs/katex", html), encoding="utf-8")


def keep_home(address):
    "nbdev links names to the published site: make those links stay in this copy."
    for page in SITE.glob("*.html"):
        html = page.read_text(encoding="utf-8")
        html = re.sub(rf'(<a [^>]*href="){re.escape(address)}([\w.]+\.html)', r"\1\2", html)
        page.write_text(html, encoding="utf-8")


def main():
    parser = argparse.ArgumentParser(description="Build the site into _docs.")
    found = "quarto" if shutil.which("quarto") else "smalldocs"
    parser.add_argument("--tool", choices=["quarto", "smalldocs"], default=found, help="what renders")
    parser.add_argument("--offline", action="store_true", help="take KaTeX from the cache, never from npm")
    args = parser.parse_args()
    os.chdir(ROOT)
    sys.path.insert(0, str(ROOT)) # the widgets are those of this checkout
    address = prepare()
    render(args.tool)
    vendor_katex(fetch_katex(args.offline))
    finish(SITE, args.tool)
    add_widgets()
    keep_home(address)
    found = problems(SITE)
    for what in found: print(what, file=sys.stderr)
    if args.tool == "quarto": # whose own pages may load something
        found = [what for what in found if "elsewhere" not in what]
    lost = [*missing()]
    for what in lost: print(what, file=sys.stderr)
    if found or lost: sys.exit(1)
    print(f"{SITE}: {len(list(SITE.glob('*.html')))} pages, every link checked; "
          "to read them: python -m http.server -d _docs")


if __name__ == "__main__":
    main()
