"""What a page must show: formulas, tables and cells of code, counted in a notebook and in its page."""
import re

KINDS = ("formulas", "tables", "cells of code")
FENCED = re.compile(r"^(```+|~~~+).*?^\1", re.M | re.S)
INLINE_CODE = re.compile(r"(`+)(?!`).+?(?<!`)\1(?!`)", re.S)
DISPLAY = re.compile(r"\$\$.+?\$\$", re.S)
INLINE = re.compile(r"(?<!\\)\$(?!\s)(?:\\.|[^$\\])+?(?<!\s)\$(?!\d)", re.S) # as pandoc reads it
PIPES = re.compile(r"^\|?\s*:?-+:?\s*(\|\s*:?-+:?\s*)+\|?\s*$", re.M) # the line below a table's head
HTML_TABLE = re.compile(r"<table\b")


def joined(text): return "".join(text)


def in_markdown(text):
    "Formulas and tables of a Markdown text; what is shown as code holds none."
    text = INLINE_CODE.sub("", FENCED.sub("", text))
    tables = len(PIPES.findall(text)) + len(HTML_TABLE.findall(text))
    rest, displays = DISPLAY.subn("", text)
    return displays + len(INLINE.findall(rest)), tables


def in_notebook(
    notebook, # as handed to the renderer
):            # formulas, tables, cells of code
    "What a prepared notebook asks a page to show; the title cell and its subtitle count too."
    formulas = tables = cells = 0
    for cell in notebook["cells"]:
        source = joined(cell["source"])
        texts = [source] if cell["cell_type"] == "markdown" else []
        if cell["cell_type"] == "code":
            shown = re.sub(r"^#\|.*\n?", "", source, flags=re.M).strip()
            cells += bool(shown) and "#| echo: false" not in source
        for data in (out.get("data", {}) for out in cell.get("outputs", [])):
            if "text/markdown" in data: texts.append(joined(data["text/markdown"]))
            elif "text/html" in data: tables += len(HTML_TABLE.findall(joined(data["text/html"])))
        for found in map(in_markdown, texts): formulas, tables = formulas + found[0], tables + found[1]
    return formulas, tables, cells


def in_page(
    html, # of a page, by Quarto or by smalldocs
):        # formulas, tables, cells of code
    "What a page shows."
    marks = r'<span class="math (?:inline|display)"', r"<table\b", r'class="[^"]*\bcell-code\b'
    return tuple(len(re.findall(mark, html)) for mark in marks)
