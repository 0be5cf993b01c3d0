"What a built site gets from us: folded code, tables, a search for whole words, notebooks to take along."
import ast
import json
import re
import shutil
from configparser import ConfigParser
from html.parser import HTMLParser
from pathlib import Path

from links import without_pictures
from words import NBS, chapters, page_of, read, source

HERE = Path(__file__).resolve().parent
CI_SCRIPT = HERE/"site.js"
NUMBER_CELL = re.compile(r"(?=.*\d)[-+−±–~≈<>≤≥\s\d.,%()eE/×:]*(?:to[-−\s\d.,%]+)?(?:%|s|ms)?"
                         r"|nan|NaN|inf|[-–]")
LESSON = re.compile(r"\b(?:predict|reveal|check|print|backward|update_[dg]|train_step)\(") # to be read
PLOTS = re.compile(r"\b(?:plt|fig|figure|axe?s?|plot\w*|COLOURS)\b")
VOID = {"img", "br", "hr", "input", "meta", "link", "source", "wbr", "col", "area", "base", "embed", "track"}


# --- before rendering: which code is folded

def is_test(statement):
    "Does a statement only compare?"
    if isinstance(statement, ast.Assert): return True
    call = statement.value if isinstance(statement, ast.Expr) else None
    if isinstance(call, ast.Call): return re.search("assert|refuse", ast.unparse(call.func)) is not None
    return isinstance(statement, ast.With | ast.For) and all(map(is_test, statement.body))


def has_picture(cell):
    return any(kind.startswith("image/") for out in cell.get("outputs", []) for kind in out.get("data", {}))


def summary_of(cell, code):
    "What a folded cell is called; None where its code is to be read."
    lines = [line for line in code.splitlines() if line.strip()]
    if len(lines) <= 3 or LESSON.search(code): return None
    try: body = ast.parse(code).body
    except SyntaxError: return None
    if has_picture(cell): # a loop that trains is the lesson, even where a figure follows
        plotting = sum(PLOTS.search(line) is not None for line in lines)
        return "Code of the figure" if plotting >= .3 * len(lines) else None
    return "Test" if sum(map(is_test, body)) > len(body) / 2 else None


def fold(cell):
    "The source of a code cell: exported code is shut, and so are figures and tests of more than three lines."
    text = re.sub(r"^#\| code-fold: show$", "#| code-fold: true", source(cell), flags=re.M)
    if "#| code-fold:" in text or "#| echo: false" in text: return text
    summary = summary_of(cell, re.sub(r"^#\|.*\n?", "", text, flags=re.M))
    return f'#| code-fold: true\n#| code-summary: "{summary}"\n{text}' if summary else text


# --- tables

def text_of(html): return re.sub(r"<[^>]+>", "", html).strip()


def number_table(found):
    "A table with numbers marked, and the heads of columns that hold nothing else."
    table = re.sub(r' border="1"', "", found[0])
    table = re.sub(r'<tr style="text-align: right;">', "<tr>", table)
    def mark(cell):
        return f'<td class="number"{cell[1]}>{cell[2]}</td>' if is_number(cell[2]) else cell[0]
    table = re.sub(r"<td((?: style=\"[^\"]*\")?)>(.*?)</td>", mark, table, flags=re.S)
    if "span=" in table: return table
    head = re.search(r"<thead>.*?</thead>", table, re.S)
    rows = re.findall(r"<tr[^>]*>(.*?)</tr>", table, re.S)
    cells = [re.findall(r"<t([hd])([^>]*)>", row) for row in rows]
    body = [row for row in cells if any(kind == "d" for kind, _ in row)]
    if not head or not body or len({len(row) for row in cells}) != 1: return table
    numeric = [all(kind == "d" and "number" in attrs for kind, attrs in column)
               for column in zip(*body, strict=True)]
    columns = iter(numeric * head[0].count("<tr"))
    def mark_head(cell): return f'<th class="number"{cell[1]}>' if next(columns) else cell[0]
    return table.replace(head[0], re.sub(r"<th((?: [^>]*)?)>", mark_head, head[0]))


def is_number(html): return NUMBER_CELL.fullmatch(text_of(html)) is not None


def dress_tables(html):
    "Numbers of all tables to the right, and pandas' own style away."
    html = re.sub(r"<style scoped>.*?</style>\s*", "", html, flags=re.S)
    return re.sub(r"<table\b.*?</table>", number_table, html, flags=re.S)


# --- search

class Sections(HTMLParser):
    "The sections of a page: [anchor, title, prose, words of code], without what its code printed."
    def __init__(self, html):
        super().__init__()
        self.sections, self.stack, self.ids = [["", "", "", ""]], [], []
        self.feed(html)

    def within(self, *marks): return any(mark in self.stack for mark in marks)

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        if tag in VOID: return
        if "cell-output" in (attrs.get("class") or ""): tag_mark = "output"
        elif tag in ("h2", "h3", "dt"):
            tag_mark = "head"
            self.sections.append([attrs.get("data-anchor-id") or attrs.get("id") or "", "", "", ""])
        elif tag == "main" or tag in ("pre", "script", "style", "summary", "button", "svg"): tag_mark = tag
        else: tag_mark = ""
        self.stack.append(tag_mark)
        self.ids.append(tag)

    def handle_endtag(self, tag):
        if tag not in self.ids: return
        while self.ids.pop() != tag: self.stack.pop()
        self.stack.pop()

    def handle_data(self, data):
        unread = ("output", "script", "style", "summary", "button", "svg")
        if "main" not in self.stack or self.within(*unread): return
        place = 1 if self.within("head") else 3 if self.within("pre") else 2
        self.sections[-1][place] += data if place == 1 else f" {data}" if place == 3 else data


def search_entries(site):
    "One entry a section: address, page, section, prose, the different words of its code."
    entries = []
    for page in sorted(site.glob("*.html")):
        html = page.read_text(encoding="utf-8")
        title = text_of(re.search(r"<h1[^>]*>(.*?)</h1>", html, re.S)[1])
        for anchor, section, prose, code in Sections(without_pictures(html)).sections:
            words = " ".join(dict.fromkeys(re.findall(r"[A-Za-z_]\w{2,}", code)))
            prose = re.sub(r"\s+", " ", prose).strip()
            if not (section or prose or words): continue
            address = page.name + (f"#{anchor}" if anchor else "")
            entries.append([address, title, section.strip(), prose, words])
    return entries


def own_search(site):
    "Our search in place of smalldocs's, which finds FID in conFIDence and cannot read its index from a disk."
    script = site/"site_libs"/"smalldocs.js"
    text, start = script.read_text(encoding="utf-8"), '$$(".smalldocs-search").forEach((box) => {'
    if text.count(start) != 1: raise SystemExit("smalldocs.js has changed: its search cannot be found")
    text = text.replace(start, start.replace("-search", "-search-unused"))
    script.write_text(text, encoding="utf-8")
    (site/"search.json").unlink()
    shutil.rmtree(site/"site_libs"/"fuse")
    index = json.dumps(search_entries(site), ensure_ascii=False, separators=(",", ":"))
    (site/"site_libs"/"search.js").write_text(f"window.SEARCH={index};\n", encoding="utf-8")


# --- notebooks to take along

def bare(notebook):
    "A notebook without outputs."
    for cell in notebook["cells"]:
        if cell["cell_type"] == "code": cell |= dict(outputs=[], execution_count=None)
    return notebook


def take_along(site):
    "Copies of the chapters beside the pages; page -> the links to its notebook."
    config = ConfigParser(delimiters=["="])
    config.read(HERE.parent/"settings.ini", encoding="utf-8")
    repo, links = config["DEFAULT"], {}
    (site/"notebooks").mkdir(exist_ok=True)
    for path in chapters():
        text = json.dumps(bare(read(path)), ensure_ascii=False, indent=1)
        (site/"notebooks"/path.name).write_text(text + "\n", encoding="utf-8")
        place = f"{repo['user']}/{repo['repo']}/blob/{repo['branch']}/nbs/{path.name}"
        colab = f"https://colab.research.google.com/github/{place}"
        links[page_of(path)] = (
            f'<p class="chapter-links"><a href="notebooks/{path.name}" download>Download this notebook</a> '
            f'<a href="{colab}" title="Run there first: %pip install git+{repo["git_url"]}">Open in Colab</a>'
            '</p>')
    return links


# --- the whole

def finish(site, tool):
    "Dress every page of a built site."
    site = Path(site)
    shutil.copy(NBS/"digits.png", site/"digits.png") # the picture that a link to the site shows
    links = take_along(site)
    for page in sorted(site.glob("*.html")):
        html = dress_tables(page.read_text(encoding="utf-8"))
        if page.name in links:
            head, end, rest = re.split(r'(?<=</div>)(</header>)', html, maxsplit=1) # of the title's block
            html = head + links[page.name] + end + rest
        html = re.sub(r'<script src="[^"]*fuse\.min\.js"></script>', "", html)
        html = re.sub(r'(<i class="bi[^"]*") role="img">', r'\1 aria-hidden="true">', html)
        html = html.replace('role="navigation" aria-expanded', 'role="button" tabindex="0" aria-expanded')
        html = '<script src="site_libs/site.js"></script>\n</body>'.join(html.rsplit("</body>", 1))
        page.write_text(html, encoding="utf-8")
    shutil.copy(CI_SCRIPT, site/"site_libs"/"site.js")
    for css in (site/"site_libs").glob("themes/*.css"): # a theme's font from elsewhere: the system's will do
        text = css.read_text(encoding="utf-8")
        css.write_text(re.sub(r"@import url\(https?://[^)]*\);?", "", text), encoding="utf-8")
    if tool == "smalldocs": own_search(site)
