"The pages that are no chapters (words, plans for teachers), and what dresses every page; no site is built."
import importlib
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

CI = Path(__file__).resolve().parents[1]/".ci"


@pytest.fixture(scope="module")
def ci():
    "The scripts of .ci as modules."
    sys.path.insert(0, str(CI))
    try: yield {name: importlib.import_module(name) for name in ("words", "finish", "house", "docs")}
    finally: sys.path.remove(str(CI))


# --- the glossary

def test_the_glossary_is_in_order_and_each_word_is_once(ci):
    words = [row["word"] for row in ci["words"].glossary()]
    assert len(words) >= 80
    assert words == sorted(words, key=str.casefold)
    anchors = [ci["words"].slug(word) for word in words]
    assert len({*anchors}) == len(anchors)


def test_no_line_of_the_glossary_is_lost(ci):
    text = (CI.parent/"nbs"/"glossary.md").read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if line.startswith("|")][2:]
    assert len(lines) == len(ci["words"].glossary())


def test_each_chapter_uses_the_words_that_the_glossary_sends_to_it(ci):
    words = ci["words"]
    for row in words.glossary():
        path = CI.parent/"nbs"/row["chapter"]
        assert path.exists() and row["chapter"].startswith(row["number"]), row
        text = re.sub(r"\s+", " ", " ".join(words.source(cell) for cell in words.read(path)["cells"]))
        assert words.pattern(row).search(text), f"{row['word']}: {row['chapter']} never uses it"


def test_every_word_has_an_anchor_and_so_has_every_other_word_for_it(ci):
    page = "\n".join(ci["words"].glossary_html(ci["words"].glossary()))
    ids = re.findall(r' id="([^"]+)"', page)
    assert len({*ids}) == len(ids)
    assert {"mode-collapse", "fid", "frechet-distance", "frechet-inception-distance", "lsgan"} <= {*ids}


def test_short_forms_are_found_as_they_are_written_only(ci):
    score = ci["words"].pattern(dict(word="IS", also=["inception score"]))
    assert score.search("the IS of") and score.search("Inception scores") and not score.search("it is so")


# --- goals, minutes, plans

def test_every_chapter_says_its_minutes_and_goals(ci):
    words = ci["words"]
    for path in words.chapters():
        assert 5 <= words.minutes(path) <= 120, path
        assert 20 < len(words.goals(path)) < 600 and "**" not in words.goals(path), (path, words.goals(path))


def test_the_plans_name_chapters_of_the_course_and_add_up(ci):
    words, built = ci["words"], ci["house"].BUILT
    known = {int(path.name[:2]): path for path in words.chapters()}
    assert [len(words.PLANS[name]) for name in ("six", "twelve")] == [6, 12]
    for weeks in words.PLANS.values():
        numbers = [number for _, some in weeks for number in some]
        assert len({*numbers}) == len(numbers) and {*numbers} <= {*known} - built
        total = sum(words.minutes(known[number]) for number in numbers)
        assert words.plan_table(weeks).endswith(f"| | | all | {total} |")
    assert words.PLANS["six"][0][1][0] == 3


def test_the_test_for_students_has_ten_questions_and_a_key_that_fits():
    text = (CI.parent/"nbs"/"teach.md").read_text(encoding="utf-8")
    test, key = text.partition("## A test for before and after")[2].split("### The key")
    questions = re.findall(r"^\d+\. .+(?:\n   .+)+", test, re.M)
    rows = re.findall(r"^\| (\d+) \| ([abcd]) \| (.+) \|$", key, re.M)
    assert len(questions) == 10 and [int(number) for number, *_ in rows] == list(range(1, 11))
    for question, (_, right, wrong) in zip(questions, rows, strict=True):
        assert re.findall(r"\(([a-d])\)", question) == list("abcd")
        named = re.findall(r"\(([a-d])\)", wrong)
        assert named and right not in named


# --- what dresses a page

def cell(text, *kinds):
    return dict(cell_type="code", source=text, outputs=[dict(data={kind: ""}) for kind in kinds])


LOOP = "for step in range(9):\n    loss.backward()\n    opt.step()\nax.plot(losses)\nplt.show()"
FIGURE = "fig, ax = plt.subplots()\nax.plot(x)\nax.set_xlabel('step')\nax.set_title('It falls')"
TEST = "a = f(1)\nassert a == 2\nassert f(2) == 4\nassert f(3) == 6"


@pytest.mark.parametrize(("text", "kinds", "summary"), [
    (FIGURE, ("image/png",), "Code of the figure"), (FIGURE, (), None), (TEST, (), "Test"),
    ("assert f(1) == 2", (), None), (LOOP, ("image/png",), None), ("%magic\na\nb\nc\nd", (), None),
    (f"predict('q', None)\n{TEST}", (), None), (f"check('q', None)\n{TEST}", (), None),
    ("a = 1\nb = 2\nc = 3\nd = a + b + c", (), None)])
def test_figures_and_tests_are_folded_and_lessons_are_not(ci, text, kinds, summary):
    folded = ci["finish"].fold(cell(text, *kinds))
    assert folded.endswith(text)
    assert ("code-fold: true" in folded) == (summary is not None)
    assert summary is None or summary in folded


def test_exported_code_is_shut_and_a_cell_may_say_what_it_wants(ci):
    fold = ci["finish"].fold
    exported = "#| code-fold: show\n#| code-summary: 'Exported source'\ndef f(): pass"
    assert "code-fold: true" in fold(cell(exported)) and "show" not in fold(cell(exported))
    assert fold(cell(f"#| code-fold: false\n{TEST}")).startswith("#| code-fold: false")


def test_numbers_of_a_table_stand_under_each_other(ci):
    table = ci["finish"].dress_tables(
        '<style scoped>.x {}</style><table border="1" class="dataframe"><thead>'
        '<tr style="text-align: right;"><th></th>'
        "<th>arm</th><th>score</th></tr></thead><tbody><tr><th>0</th><td>base</td><td>0.534</td></tr>"
        "<tr><th>1</th><td>gp 2</td><td>8.0 ± 1</td></tr></tbody></table>")
    assert '<td class="number">0.534</td>' in table and '<td class="number">8.0 ± 1</td>' in table
    assert "<td>gp 2</td>" in table and "<th>arm</th>" in table
    assert '<th class="number">score</th>' in table
    assert "style" not in table and "border" not in table


NUMBERS = ("1", "-0.5", "1,234", "12 %", "0.3 to 0.5", "1e-5", "nan", "3.1 ± 0.2", "-")
WORDS = ("", "base", "seed 3", "3 of them", "True")


def test_a_number_is_known_by_its_looks(ci):
    assert [text for text in (*NUMBERS, *WORDS) if ci["finish"].is_number(text)] == [*NUMBERS]


PAGE = """<h1>Scores</h1><main><p>All about confidence.</p><section>
<h2 data-anchor-id="fid">The <code>FID</code></h2><p>A distance.</p><pre>def fid_of(x): pass</pre>
<div class="cell-output"><pre>printed</pre></div><p>After<br>it.</p>
</section></main><footer>foot</footer>"""


def test_a_page_becomes_sections_without_what_was_printed(ci):
    first, second = ci["finish"].Sections(PAGE).sections
    assert "confidence" in first[2]
    assert second[:2] == ["fid", "The FID"] and "distance" in second[2] and "After" in second[2]
    assert "fid_of" in second[3] and "printed" not in "".join(second) and "foot" not in "".join(second)


@pytest.mark.skipif(not shutil.which("node"), reason="no node")
def test_search_finds_whole_words_and_prefers_prose_to_code():
    script = """
require(process.argv[1]);
const entries = [
  ['a.html', 'Seeds', 'An interval', 'its confidence interval', ''],
  ['b.html', 'Fast', 'A step', 'nothing here', 'fid mode'],
  ['c.html', 'Scoring', 'A distance', 'the FID and its modes', ''],
  ['d.html', 'Glossary', 'FID', 'a distance', ''],
];
const found = (query) => searchEntries(entries, query).map((entry) => entry[0][0]).join('');
const queries = ['FID', 'fid distance', 'mode', 'conf', 'con', 'zebra', ''];
console.log(queries.map(found).join());
"""
    command = ["node", "-e", script, str(CI/"site.js")]
    done = subprocess.run(command, text=True, capture_output=True, check=False)
    assert done.stdout.strip() == "dcb,cd,cb,a,,,", done.stderr


def test_the_first_screen_has_the_widget_in_place_of_its_picture(ci):
    index = ci["words"].read(CI.parent/"nbs"/"index.ipynb")
    page = ci["docs"].first_screen("\n".join(map(ci["words"].source, index["cells"])))
    assert page.count('data-widget="seven"') == 1 and "(digits.png)" in page and "seven.png" not in page


# --- colours

GROUNDS = {"html:not(.quarto-dark)": ("#ffffff", "--row"), "html.quarto-dark": ("#222222", "--row")}


def brightness(colour):
    "The relative luminance of `#rrggbb`, by WCAG 2."
    parts = [int(colour[i:i + 2], 16) / 255 for i in (1, 3, 5)]
    red, green, blue = (c / 12.92 if c <= .04045 else ((c + .055) / 1.055) ** 2.4 for c in parts)
    return .2126 * red + .7152 * green + .0722 * blue


def contrast(a, b):
    dark, light = sorted(map(brightness, (a, b)))
    return (light + .05) / (dark + .05)


@pytest.mark.parametrize("scheme", GROUNDS)
def test_every_ink_can_be_read_on_every_ground(scheme):
    assert round(contrast("#000000", "#ffffff")) == 21
    css = (CI.parent/"nbs"/"styles.css").read_text(encoding="utf-8")
    block = re.search(re.escape(scheme) + r" \{(.*?)\}", css, re.S)[1]
    colours = dict(re.findall(r"(--[\w-]+): (#[0-9a-f]{6});", block))
    inks = [name for name in colours if name not in ("--row", "--line")]
    assert len(inks) >= 6
    for ground in GROUNDS[scheme]:
        for ink in inks: assert contrast(colours[ink], colours.get(ground, ground)) >= 4.5, (ink, ground)
