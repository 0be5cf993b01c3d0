"The site, built by smalldocs from a copy, and the front page."
import base64
import functools
import html
import io
import json
import os
import re
import shutil
import subprocess
import sys
import threading
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest
from browser import CHROMIUM, LOCAL, launch, listen
from common import module_at
from PIL import Image

# what a site is built from
PARTS = (".ci", ".cache", "nbs", "gan_course", "settings.ini", "_quarto.yml", "CONTRIBUTING.md")
PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR4nGNgYGD4DwABBAEAX+XDSwAAAABJRU5ErkJggg=="


def markdown(text): return dict(cell_type="markdown", metadata={}, source=text)


def code(text, *outputs):
    return dict(cell_type="code", metadata={}, source=text, execution_count=None, outputs=list(outputs))


def display(**data): return dict(output_type="display_data", metadata={}, data=data)


PROBE = [ # one cell for each thing a chapter may show
    markdown("# Probe\n\n> What a page must show"),
    markdown("## A heading\n\nHere $D^*(x)$ and\n\n$$\\begin{aligned} a &= b \\\\ c &= d \\end{aligned}$$"),
    markdown("::: {.callout-note}\nAn aside.\n:::"),
    markdown("<details><summary>Solution</summary>\n\n```python\nx = 'folded'\n```\n\n</details>"),
    markdown("See [losses](11_losses.ipynb), `slerp`, and [the licence](../LICENSE)."),
    code('#| fig-alt: "One black dot"\nprint(1)', display(**{"image/png": PIXEL})),
    code("bar()", dict(output_type="stream", name="stderr", text=" 50%|###   | 1/2 [00:01<00:01,  1.00it/s]"),
         display(**{"application/vnd.jupyter.widget-view+json": {}, "text/plain": "IntSlider"})),
    code("table()", display(**{"text/html": "<table><tr><td>7</td></tr></table><script>require()</script>"})),
    code("import nowhere_to_be_found\nnowhere_to_be_found.run()"), # building the site runs no lesson
]


def run(folder, script, *args):
    "One of .ci's scripts, with the library beside it."
    return subprocess.run([sys.executable, f".ci/{script}", *args], cwd=folder, check=False, text=True,
                          env=os.environ | dict(PYTHONPATH=str(folder)), capture_output=True)


def build(root, copy, tool):
    "The site of a copy of the checkout, with one chapter more, by one of the two renderers."
    for name in PARTS:
        if (root/name).is_dir(): shutil.copytree(root/name, copy/name)
        elif (root/name).exists(): shutil.copy(root/name, copy/name)
    kernel = dict(kernelspec=dict(name="python3", display_name="python3", language="python"))
    probe = dict(nbformat=4, nbformat_minor=5, metadata=kernel, cells=PROBE)
    (copy/"nbs"/"99_probe.ipynb").write_text(json.dumps(probe), encoding="utf-8")
    done = run(copy, "docs.py", f"--tool={tool}", "--offline")
    assert done.returncode == 0, done.stdout + done.stderr
    return copy/"_docs"


@pytest.fixture(scope="module")
def site(request, tmp_path_factory):
    return build(request.config.rootpath, tmp_path_factory.mktemp("checkout"), "smalldocs")


def script(root, name): return module_at(root/".ci"/f"{name}.py")


@pytest.fixture(scope="module")
def links(request):
    "The link checker of `make docs`."
    return script(request.config.rootpath, "links")


def numbered(root): return {path.name for path in (root/"nbs").glob("[0-9][0-9]_*.ipynb")}


def test_readme_is_what_the_index_says(root):
    done = run(root, "readme.py", "--check")
    assert done.returncode == 0, done.stderr


def test_readme_links_exist(root):
    for target in re.findall(r"\]\(([^)#:]+)\)", (root/"README.md").read_text(encoding="utf-8")):
        assert (root/target).exists(), target


def test_the_map_lists_every_chapter(root):
    readme = (root/"README.md").read_text(encoding="utf-8")
    listed = re.findall(r"\| (\d\d) \| \[[^]]+\]\(nbs/(\d\d)(_\w+\.ipynb)\)", readme)
    assert {number + name for _, number, name in listed} == numbered(root)
    assert all(shown == number for shown, number, _ in listed)


def titles(root):
    "Number -> the title a chapter gives itself."
    return {name[:2]: "".join(json.loads((root/"nbs"/name).read_text(encoding="utf-8"))["cells"][0]["source"])
            .partition("\n")[0].removeprefix("# ") for name in numbered(root)}


def test_the_map_has_two_tracks_and_the_titles_of_the_chapters(root):
    readme = (root/"README.md").read_text(encoding="utf-8")
    house = script(root, "house")
    course, built = readme.partition("### The course")[2].partition("### How the library is built")[::2]
    rows = [dict(re.findall(r"^\| (\d\d) \| \[([^]]+)\]", part, re.M)) for part in (course, built)]
    assert rows[0] | rows[1] == titles(root)
    assert {int(number) for number in rows[1]} == house.BUILT
    assert all([*row] == sorted(row, key=script(root, "words").place) for row in rows)


def test_the_sidebar_has_the_titles_of_the_chapters(root, site):
    front = (site/"index.html").read_text(encoding="utf-8")
    for number, title in titles(root).items():
        assert f"{number} {html.escape(title, quote=False)}" in front, title


def test_every_chapter_has_its_page(root, site):
    front = (site/"index.html").read_text(encoding="utf-8")
    for name in numbered(root):
        page = f"{name[3:].removesuffix('.ipynb')}.html"
        assert (site/page).exists() and f'href="{page}"' in front
        shown = (site/page).read_text(encoding="utf-8")
        assert "<h2" in shown and "`](http" not in shown, page # no link is shown as it is written


TOYS = ("debugger", "seven", "redraw", "spot", "replay")


def test_the_playground_has_every_widget_and_one_small_script(site):
    page, front = ((site/f"{name}.html").read_text(encoding="utf-8") for name in ("playground", "index"))
    for name in TOYS: assert page.count(f'data-widget="{name}"') == 1
    [script] = re.findall(r'<script src="(site_libs/widgets/[^"]+)"></script>', page)
    size = len(page) + (site/script).stat().st_size
    assert all(name in script for name in TOYS) and size < 3_000_000
    assert 'href="playground.html"' in front


def test_a_chapter_shows_the_widget_its_cell_ends_with(site):
    page = (site/"widgets.html").read_text(encoding="utf-8")
    for name in ("debugger", "seven", "redraw", "spot"): assert f'data-widget="{name}"' in page
    assert "to be seen in JupyterLab" not in page.split("<h2")[-1]


@pytest.mark.skipif(not CHROMIUM, reason="no chromium")
@pytest.mark.parametrize("width", [390, 1280])
def test_every_toy_of_the_playground_answers_from_a_disk(site, width):
    from playwright.sync_api import expect, sync_playwright
    complaints = []
    with sync_playwright() as play:
        browser = launch(play)
        page = browser.new_page(viewport=dict(width=width, height=900))
        listen(page, complaints, local=LOCAL)
        page.goto(f"file://{site}/playground.html")
        toys = {name: page.locator(f'[data-widget="{name}"]') for name in TOYS}
        for name, button in dict(debugger="Play rounds", seven="Draw a 3", redraw="A real digit",
                                 spot="Generated").items():
            toys[name].scroll_into_view_if_needed()
            status = toys[name].get_by_role("status")
            status.wait_for()
            picture = toys[name].locator("canvas").first
            page.wait_for_timeout(300)
            before = picture.evaluate("c => c.toDataURL()"), status.inner_text()
            toys[name].get_by_role("button", name=button, exact=True).click()
            handles = [picture.element_handle(), status.element_handle()]
            page.wait_for_function("([c, old]) => c.toDataURL() !== old", arg=[handles[0], before[0]])
            page.wait_for_function("([s, old]) => s.textContent !== old", arg=[handles[1], before[1]])
        pad = toys["redraw"].get_by_role("application")
        pad.scroll_into_view_if_needed()
        toys["redraw"].get_by_role("button", name="Clear").click()
        box, old = pad.bounding_box(), toys["redraw"].get_by_role("status").inner_text()
        page.mouse.move(box["x"] + box["width"] / 2, box["y"] + 40)
        page.mouse.down()
        page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] - 40, steps=8)
        page.mouse.up()
        status = toys["redraw"].get_by_role("status").element_handle()
        is_read = "([s, old]) => s.textContent !== old && /reads a/.test(s.textContent)"
        page.wait_for_function(is_read, arg=[status, old])
        toys["replay"].scroll_into_view_if_needed()
        slider = toys["replay"].get_by_role("slider", name="Epoch")
        films = toys["replay"].locator(".gan-film")
        films.first.wait_for()
        before = films.first.get_attribute("style")
        slider.press("Home")
        expect(films.first).not_to_have_attribute("style", before)
        at_once = [re.compile(": epoch 1$")] * 2 # both films, at the same epoch
        expect(toys["replay"].locator("figcaption")).to_have_text(at_once)
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        browser.close()
    assert complaints == []


def text_of(piece): return re.sub(r"<[^>]+>", "", piece).strip()


def pages_of(site):
    return {page.name: page.read_text(encoding="utf-8") for page in sorted(site.glob("*.html"))}


def test_every_page_says_what_it_is(site):
    pages, titles = pages_of(site), set()
    for name, page in pages.items():
        assert '<html lang="en"' in page, name
        title = re.search(r"<title>(.+?)</title>", page)[1]
        assert title not in titles, title
        titles.add(title)
        for mark in ('name="description" content="[^"]{10,}', 'property="og:image" content="https://[^"]+'):
            assert re.search(f"<meta {mark}", page), (name, mark)
        assert "CC BY 4.0" in page and 'href="teach.html#adopt-and-cite"' in page, name
    assert (site/"digits.png").exists()


def test_every_page_has_one_h1_and_leaves_no_level_out(site):
    for name, page in pages_of(site).items():
        levels = [int(level) for level in re.findall(r"<h([1-6])\b", page.partition("<main")[2])]
        assert levels.count(1) == 1 and levels[0] == 1, (name, levels)
        assert all(b <= a + 1 for a, b in zip(levels, levels[1:], strict=False)), (name, levels)


def test_every_picture_has_a_description(site):
    for name, page in pages_of(site).items():
        for picture in re.findall(r"<img\b[^>]{0,400}", page):
            assert re.search(r'alt="[^"]{5,}"', picture), (name, picture[:80])


def test_no_page_is_heavy(site):
    for name, page in pages_of(site).items():
        parts = [site/path for path in re.findall(r'(?:src|href)="([\w./-]+\.(?:js|css|png|svg))"', page)]
        weight = len(page.encode()) + sum(path.stat().st_size for path in {*parts})
        assert weight < 3e6, f"{name}: {weight / 1e6:.1f} MB"


def test_a_picture_gets_smaller_where_nobody_sees_it(root):
    slim = script(root, "docs").slim

    def png(x):
        file = io.BytesIO()
        Image.fromarray(x).save(file, "PNG")
        return base64.b64encode(file.getvalue()).decode()

    grey = np.random.default_rng(0).integers(0, 256, (60, 60, 1), dtype=np.uint8).repeat(3, 2)
    kind, small = slim(png(grey))
    assert kind == "image/png" and len(small) < len(png(grey))
    shown = Image.open(io.BytesIO(base64.b64decode(small)))
    assert shown.mode == "P" and (np.asarray(shown.convert("RGB")) == grey).all() # 256 levels fit
    noise = np.random.default_rng(0).integers(0, 256, (60, 60, 3), dtype=np.uint8)
    seen_through = np.dstack([grey, grey[..., :1] // 2])
    for x in (noise, seen_through): assert slim(png(x)) == ("image/png", png(x))
    soft = np.asarray(Image.fromarray(noise[:6, :6]).resize((200, 200), Image.Resampling.BICUBIC))
    kind, photo = slim(png(soft))
    assert kind == "image/jpeg" and len(photo) < len(png(soft)) / 2
    off = np.abs(np.asarray(Image.open(io.BytesIO(base64.b64decode(photo)))).astype(int) - soft).mean()
    assert off < 3 # grey levels


def test_a_chapter_can_be_taken_along(root, site):
    for name in numbered(root):
        page = (site/f"{name[3:].removesuffix('.ipynb')}.html").read_text(encoding="utf-8")
        assert f'href="notebooks/{name}" download' in page and f"/blob/main/nbs/{name}" in page
        copy = json.loads((site/"notebooks"/name).read_text(encoding="utf-8"))
        assert not any(cell.get("outputs") for cell in copy["cells"])


def test_the_pages_of_words_and_for_teachers(root, site):
    words, teach = ((site/f"{name}.html").read_text(encoding="utf-8") for name in ("glossary", "teach"))
    for anchor in ("mode-collapse", "fid", "gradient-penalty", "t-interval"): assert f'id="{anchor}"' in words
    assert words.count("<dt ") >= 80 and 'href="hacks.html"' in words
    assert teach.count('href="first_gan.html"') >= 3 and "<!--" not in teach.partition("<main")[2]
    front = (site/"index.html").read_text(encoding="utf-8")
    assert 'href="glossary.html"' in front and 'href="teach.html"' in front


def test_the_first_screen_needs_no_kernel(site):
    front = (site/"index.html").read_text(encoding="utf-8")
    first = front.partition("<main")[2].partition("<h2")[0]
    assert 'data-widget="seven"' in first and "digits.png" in first and "first_gan.html" in first
    assert re.search(r"site_libs/widgets/[\w-]*seven", front)
    assert "claims" not in re.findall(r"<!-- (\w+)", front)


def test_no_link_is_broken_and_nothing_comes_from_elsewhere(site, links):
    assert links.problems(site) == []


def test_the_link_check_finds_what_is_wrong(tmp_path, links):
    (tmp_path/"index.html").write_text(
        '<a href="gone.html">1</a><a href="#gone">2</a><img src="gone.png"><a href="two.html#there">right</a>'
        '<script src="https://example.org/a.js"></script><a href="https://example.org">right</a>',
        encoding="utf-8")
    (tmp_path/"two.html").write_text('<p id="there">right</p><a href="index.html#gone">3</a>',
                                     encoding="utf-8")
    (tmp_path/"a.css").write_text("@import url(https://example.org/font.css);", encoding="utf-8")
    assert len(links.problems(tmp_path)) == 6
    assert links.problems(tmp_path/"gone") != []


def test_a_page_shows_what_a_chapter_may_hold(site):
    page = (site/"probe.html").read_text(encoding="utf-8")
    for piece in ("<h1", "What a page must show", "callout-note", "<summary>Solution</summary>", "folded",
                  'alt="One black dot"', r"\(D^*(x)\)", r"\begin{aligned}", 'href="losses.html"',
                  'href="core.html#slerp"', "blob/main/LICENSE", "nowhere_to_be_found"):
        assert piece in page, piece
    for noise in ("IntSlider", "it/s]", "#| ", "```", "99_probe.html"): assert noise not in page, noise


def counts_agree(site, content):
    "Each page shows what its notebook, as handed to the renderer, holds."
    asked, shown = {}, {}
    for path in sorted((site.parent/"_proc").glob("*.ipynb")):
        asked[path.stem] = content.in_notebook(json.loads(path.read_text(encoding="utf-8")))
        shown[path.stem] = content.in_page((site/f"{path.stem}.html").read_text(encoding="utf-8"))
    assert len(asked) > 30 and shown == asked
    return asked


def test_pages_show_every_formula_table_and_cell(root, site):
    asked = counts_agree(site, script(root, "content"))
    assert asked["probe"] == (2, 1, 4)


@pytest.mark.skipif(not shutil.which("quarto"), reason="Quarto is not installed")
def test_quarto_shows_what_smalldocs_shows(root, site, tmp_path_factory):
    content = script(root, "content")
    other = build(root, tmp_path_factory.mktemp("checkout"), "quarto")
    assert counts_agree(other, content) == counts_agree(site, content)
    for page in other.glob("*.html"): assert "requirejs" not in page.read_text(encoding="utf-8"), page.name


def test_what_is_handed_over_suits_quarto(root, site):
    "Texts are lists of lines, no output asks for a script, and options stand behind the folder."
    for path in (site.parent/"_proc").glob("*.ipynb"):
        for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
            assert isinstance(cell["source"], list), path.name
            assert "<script" not in json.dumps(cell.get("outputs", [])), path.name
    docs, asked = script(root, "docs"), []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(docs, "PROC", site.parent)
        patch.setattr(docs.subprocess, "run", lambda command, **_: asked.append(command))
        patch.setattr(docs.shutil, "rmtree", lambda *_, **__: None)
        patch.setattr(docs.shutil, "move", lambda *_: None)
        docs.render("quarto")
    assert asked == [["quarto", "render", str(site.parent), "--no-execute"]]


def test_what_a_page_must_show_is_counted(root):
    content = script(root, "content")
    text = ("$a$ and $5 or $6, `$b$`\n\n$$\nc\n$$\n\n| d | e |\n| --- | ---: |\n| $f$ | 1 |\n\n"
            "```\n$g$\n```")
    assert content.in_markdown(text) == (3, 1)
    table = display(**{"text/html": "<table></table>"})
    cells = [markdown(text), code("#| echo: false\nx"), code("x", table)]
    assert content.in_notebook(dict(cells=cells)) == (3, 2, 1)
    page = '<span class="math inline">a</span><table class="b"><pre class="python cell-code">'
    assert content.in_page(page) == (1, 1, 1)


AXE = Path(os.environ.get("AXE_CORE", Path(__file__).parents[1]/".cache"/"axe.min.js")) # npm's axe-core


@pytest.fixture
def from_disk(site):
    "A browser's page for the site as it lies on the disk, and what it complained of."
    from playwright.sync_api import sync_playwright
    complaints = []
    with sync_playwright() as play:
        browser = launch(play)
        page = browser.new_page(viewport=dict(width=1280, height=900))
        listen(page, complaints, local=LOCAL)
        yield page, lambda name: page.goto((site/f"{name}.html").as_uri(), wait_until="load")
        browser.close()
    assert complaints == []


@pytest.mark.skipif(not CHROMIUM, reason="no chromium")
def test_the_site_works_from_a_disk(from_disk):
    page, go = from_disk
    go("index")
    page.locator('[data-widget="seven"] canvas').first.wait_for() # it comes with its weights
    page.get_by_role("searchbox").fill("FID")
    page.locator(".search-result").first.wait_for()
    found = page.locator(".search-result").all_inner_texts()
    assert found[0].startswith("Glossary") and all(re.search(r"\bFID\b", text, re.I) for text in found)
    assert {mark.lower() for mark in page.locator(".search-result mark").all_inner_texts()} == {"fid"}
    page.get_by_role("searchbox").press("Enter")
    page.wait_for_url("**/glossary.html#fid")
    go("probe")
    picture = page.get_by_role("button", name="One black dot")
    picture.focus()
    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid" # it is seen
    page.keyboard.press("Enter")
    assert page.locator("dialog.zoom[open] img").get_attribute("alt") == "One black dot"
    page.keyboard.press("Escape")
    page.locator("dialog.zoom[open]").wait_for(state="detached")


@pytest.mark.skipif(not CHROMIUM, reason="no chromium")
@pytest.mark.skipif(not AXE.exists(), reason=f"no {AXE}: set AXE_CORE to axe.min.js of npm's axe-core")
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_no_barrier(site, from_disk, scheme):
    page, go = from_disk
    page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
    barriers = {}
    for file in sorted(site.glob("*.html")):
        go(file.stem)
        page.evaluate(AXE.read_text(encoding="utf-8"))
        found = page.evaluate("axe.run({runOnly: ['wcag2a', 'wcag2aa'], preload: false})")["violations"]
        if found: barriers[file.stem] = [(v["id"], v["impact"], [n["html"][:160] for n in v["nodes"][:3]])
                                         for v in found]
    assert barriers == {}


@pytest.mark.skipif(not CHROMIUM, reason="no chromium")
def test_a_browser_has_nothing_to_complain_of(site):
    from playwright.sync_api import sync_playwright
    complaints, seen = [], []
    quiet = type("Quiet", (SimpleHTTPRequestHandler,), dict(log_message=lambda *_: None))
    with (ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(quiet, directory=str(site))) as server,
          sync_playwright() as play):
        threading.Thread(target=server.serve_forever, daemon=True).start()
        home = f"http://127.0.0.1:{server.server_port}/"
        browser = launch(play)
        page = browser.new_page(viewport=dict(width=390, height=900))
        listen(page, complaints)
        page.on("request", lambda r: seen.append(r.url))
        for name in ("index", "probe", "losses", "playground", "teach", "glossary", "ledger"):
            page.goto(f"{home}{name}.html", wait_until="networkidle")
            assert page.evaluate("document.documentElement.scrollWidth") <= 390, f"{name} scrolls sideways"
        page.goto(home + "probe.html", wait_until="networkidle")
        assert page.locator(".katex").count() >= 2 or not (site/"site_libs"/"katex").exists()
        browser.close()
        server.shutdown()
    assert complaints == []
    assert [url for url in seen if not url.startswith((home, "data:", "blob:"))] == []
