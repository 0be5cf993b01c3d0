"The words of the course, and what its chapters promise, as data: the glossary's rows, goals, minutes."
import html
import json
import re
from pathlib import Path

NBS = Path(__file__).resolve().parents[1]/"nbs"
NUMBER = r"\d\d_"
ROW = re.compile(r"^\| ([^|]+?) \| ([^|]*?) ?\| ([^|]+) \| \[(\d\d)\]\(([^)]+)\) \|$", re.M)
MINUTES = re.compile(r"(?:\*\*(?:Time|Minutes)[.:]?\*\*[.:]? (?:About )?|\bAbout )(\d+)(?= minutes|[.: ])")
GOALS = re.compile(r"(?:^|[ *])(?:After (?:this|the) chapter y|Y)ou (?:can|will be able to)\b", re.M)


def read(path): return json.loads(Path(path).read_text(encoding="utf-8"))


def source(cell): return "".join(cell.get("source", ""))


def slug(words):
    "The anchor of a word: `mode collapse` becomes mode-collapse."
    return re.sub(r"\W+", "-", words.casefold()).strip("-")


def page_of(chapter):
    "The page of a chapter's notebook."
    return re.sub(f"^{NUMBER}", "", Path(chapter).name).replace(".ipynb", ".html")


def glossary(nbs=NBS):
    "The rows of nbs/glossary.md: word, other words for it, what it is, number and notebook of the chapter."
    rows = ROW.findall((Path(nbs)/"glossary.md").read_text(encoding="utf-8"))
    return [dict(word=word, also=[name.strip() for name in also.split(",") if name.strip()], says=says,
                 number=number, chapter=chapter) for word, also, says, number, chapter in rows]


def pattern(row):
    "Finds a word of the glossary, or another word for it; short forms such as IS only as they are written."
    def form(word):
        if len(re.findall("[A-Z]", word)) > 1: return re.escape(word)
        return f"[{word[0].upper()}{word[0].lower()}]{re.escape(word[1:])}"
    return re.compile(rf"\b(?:{'|'.join(map(form, [row['word'], *row['also']]))})(?:e?s)?\b")


def glossary_html(rows):
    "The rows as lists, one for each first letter, with an anchor for every word and every other word for it."
    parts, taken = [], {slug(row["word"]) for row in rows}
    for row in rows:
        letter = row["word"][0].upper()
        if not parts or parts[-1][0] != letter: parts.append((letter, []))
        also = []
        for name in row["also"]:
            anchor = f' id="{slug(name)}"' if slug(name) not in taken and len(slug(name)) > 2 else ""
            taken.add(slug(name))
            also.append(f"<span{anchor}>{html.escape(name)}</span>")
        also = f' <span class="also">also: {", ".join(also)}</span>' if also else ""
        parts[-1][1].append(
            f'<dt id="{slug(row["word"])}">{html.escape(row["word"])}{also}</dt>\n'
            f'<dd>{html.escape(row["says"])} '
            f'<a href="{page_of(row["chapter"])}">Chapter {row["number"]}</a></dd>')
    return [f'## {letter}\n\n<dl class="glossary">\n' + "\n".join(lines) + "\n</dl>"
            for letter, lines in parts]


def opening(chapter):
    "The prose at the head of a chapter."
    texts = []
    for cell in read(chapter)["cells"][1:8]:
        if cell["cell_type"] == "markdown": texts.append(source(cell))
    return "\n\n".join(texts)


def minutes(chapter):
    "How long a chapter says it takes, in minutes."
    found = MINUTES.search(opening(chapter))
    if not found: raise ValueError(f"{Path(chapter).name} says nowhere at its head how many minutes it takes")
    return int(found[1])


def goals(chapter):
    "What the reader can do after a chapter, in its own words, as one sentence without its beginning."
    text = opening(chapter)
    found = GOALS.search(text)
    if not found: raise ValueError(f"{Path(chapter).name} says nowhere at its head what one can do after it")
    text = text[found.end():].strip().lstrip("*").strip()
    if text.startswith("-"): text = re.split(r"\n\n(?!- )", text)[0] # a list of goals
    else: text = re.split(r"\n\n|\s*\*\*(?:Time|Minutes|Cost)", text)[0]
    lines = [re.sub(r"\s+", " ", part).strip(" ,;.")
             for part in re.split(r"^- ", text, flags=re.M) if part.strip()]
    return re.sub(r"; (and )?to ", r"; \1", "; ".join(lines)) + "."


READ_AFTER = {18: 11} # a chapter whose number is not its place -> the one that it follows


def place(number):
    "A key that sorts chapters by their numbers in reading order."
    return READ_AFTER.get(int(number), int(number)), int(number)


def chapters(nbs=NBS):
    "Notebook -> title, in reading order."
    return {path: re.search(r"^# (.+)", source(read(path)["cells"][0])).group(1).strip()
            for path in sorted(Path(nbs).glob("[0-9][0-9]_*.ipynb"), key=lambda p: place(p.name[:2]))}


PLANS = { # weeks of a course -> what each is about, and its chapters
    "six": [("The game", (3, 10, 11, 18)), ("Moves and tricks", (12, 20, 21)),
            ("Images on request", (22, 23)), ("Is it good?", (29, 30, 36)), ("When it fails", (24, 27, 32)),
            ("What is it good for?", (31, 41))],
    "twelve": [("First digits", (3,)), ("The game", (10, 11, 18)), ("The moves", (12, 20)), ("Tricks", (21,)),
               ("Convolutions", (22,)), ("Images on request", (23,)), ("A critic", (24,)),
               ("Is it good?", (29, 30)), ("How sure are we?", (36,)), ("When it fails", (27, 32)),
               ("More players", (25, 26)), ("What is it good for?", (31, 41))],
}


def plan_table(weeks, nbs=NBS):
    "A plan as a table: week, subject, chapters, and their minutes added up."
    known = {int(path.name[:2]): (path, title) for path, title in chapters(nbs).items()}
    lines = ["| week | about | chapters | minutes |", "| --- | --- | --- | --- |"]
    total = 0
    for i, (about, numbers) in enumerate(weeks, 1):
        links = ", ".join(f"[{number:02} {known[number][1]}]({known[number][0].name})" for number in numbers)
        spent = sum(minutes(known[number][0]) for number in numbers)
        lines.append(f"| {i} | {about} | {links} | {spent} |")
        total += spent
    return "\n".join([*lines, f"| | | all | {total} |"])


def goals_table(built, nbs=NBS):
    "What each chapter of the course says one can do after it, and in how many minutes."
    lines = ["| chapter | afterwards you can | minutes |", "| --- | --- | --- |"]
    lines += [f"| [{path.name[:2]} {title}]({path.name}) | {goals(path)} | {minutes(path)} |"
              for path, title in chapters(nbs).items() if int(path.name[:2]) not in built]
    return "\n".join(lines)
