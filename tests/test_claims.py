"The ledger: every claim has a rule, every rule can come out each way, and no verdict is typed in."
import html
import json
import math
import re
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import replace
from itertools import pairwise

import pytest

from gan_course import claims as ledger
from gan_course import engine
from gan_course.catalogue import MEASUREMENTS, STUDIES
from gan_course.claims import (
    CLAIMS,
    READINGS,
    REPORTS,
    VERDICTS,
    Alike,
    Claim,
    Compare,
    Count,
    Exact,
    Gate,
    Job,
    Level,
    Task,
    as_plain,
    claim_table,
    combine,
    counted_rows,
    describe_claim,
    find,
    in_order,
    judged,
    missing,
    report_of,
    settle,
    settling_command,
    stored_seconds,
    verdict,
    verdicts,
    write_claims,
)
from gan_course.cli import main
from gan_course.config import Config, How, Measurement, Study, config_id
from gan_course.files import append_row

RULES = [(name, rule) for name, claim in CLAIMS.items() for rule in claim.rules]
TINY = Config(data="mnist_5k", n_train=200, latent=4, g_hidden=(16,), d_hidden=(16,), batch=50, epochs=2)
TOY = Study("toy", "Is it a toy?", TINY, {"old": {}, "new": dict(lr_g=1e-3)}, dict(epochs=1))


@pytest.fixture
def toy(monkeypatch):
    monkeypatch.setitem(STUDIES, "toy", TOY)


def row(arm, seed, value=None, form="full", **more):
    "A stored row of the toy study; without a value, of a run that diverged."
    config = TOY.config(arm, form, seed=seed)
    end = dict(failed="Diverged: nan") if value is None else dict(scores=dict(frechet=value))
    plain = dict(seed=seed, epochs=config.epochs, data="mnist_5k", n_train=200, latent=4, g_hidden=[16],
                 d_hidden=[16], batch=50, lr_g=config.lr_g)
    return dict(study="toy", arm=arm, id=config_id(config), form=form, config=plain,
                precision="fp32", seconds=10.) | end | more


def only(monkeypatch, rule):
    monkeypatch.setattr(ledger, "CLAIMS", {"toy": Claim("a toy", "21_hacks", (rule,))})


def store(folder, *rows):
    folder.mkdir(exist_ok=True)
    for one in rows: append_row(folder/"toy.jsonl", one)
    return folder


def toy_rows(old, new, form="full"):
    return [row(arm, s, v, form) for arm, vs in (("old", old), ("new", new)) for s, v in enumerate(vs)]


# the table

def test_every_claim_that_a_study_serves_is_in_the_ledger():
    served = {claim for this in (*STUDIES.values(), *MEASUREMENTS.values()) for claim in this.claims}
    assert served - set(CLAIMS) == set() and len(CLAIMS) == 44
    assert {report_of(claim) for claim in CLAIMS} == set(REPORTS)


@pytest.mark.parametrize(("name", "rule"), RULES, ids=[f"{name}-{i}" for i, (name, _) in enumerate(RULES)])
def test_a_rule_names_studies_arms_and_readings_that_there_are(name, rule):
    if isinstance(rule, Exact) or not rule.study: return
    arms = ({row["arm"] for row in counted_rows("clinic", "nbs/results")} if rule.study == "clinic" else
            {**STUDIES, **MEASUREMENTS}[rule.study].arms)
    gone = [arm for arm in rule.reads if arm not in arms]
    assert not gone, f"{name}: {rule.study} has no arm {', '.join(gone)}; it has {', '.join(arms)}"
    for reading in (getattr(rule, "reading", "frechet"), rule.gate.reading if rule.gate else "frechet"):
        assert reading in READINGS
    assert rule.seeds >= 3 or isinstance(rule, Task)


def test_the_clinics_first_seed_and_its_notes_count_for_nothing(tmp_path):
    "Its limits were set with seed 0 in view; a note is no alarm, a run that ended early is one."
    case = dict(case="strong-d", cured=False, looks=[], failed="", id="x")
    lost, even = dict(d_loss=.001, g_loss=9.), dict(d_loss=1.3, g_loss=.7)
    rows = [case | new for new in (
        dict(seed=0, rules=["d-wins"], now=lost), dict(seed=1, rules=["d-wins"], now=lost),
        dict(seed=2, rules=["undecided"], now=even), dict(seed=3, rules=[], failed="Diverged", now={}))]
    (tmp_path/"clinic").mkdir()
    lines = "".join(json.dumps(row) + "\n" for row in rows)
    (tmp_path/"clinic"/"cases.jsonl").write_text(lines, encoding="utf-8")
    counted = counted_rows("clinic", tmp_path)
    assert [row["seed"] for row in counted] == [1, 2, 3]
    assert [READINGS["alarm"].of(row) for row in counted] == [1., 0., 1.]
    assert [READINGS["as_reported"].of(row) for row in counted] == [1., 0., 0.]


def test_a_claim_names_its_chapter_and_has_a_sentence(root):
    for claim in CLAIMS.values():
        assert (root/"nbs"/f"{claim.chapter}.ipynb").exists() and claim.rules and len(claim.says) > 20


# each way out

OLD = (10., 12., 11., 9., 10., 13.)
WAYS = dict(holds=(.8, .7, .75, .8, .9, .8), fails=(1.3, 1.2, 1.4, 1.3, 1.1, 1.2),
            level=(1.01, .99, 1., 1.02, .98, 1.), open=(.7, 1.3, .8, 1.1, .9, 1.2))
BETTER = Compare(study="toy", arm="new", base="old", way="lower", least=1.1)


def times(factors): return [old * factor for old, factor in zip(OLD, factors, strict=True)]


@pytest.mark.parametrize("outcome", WAYS)
def test_a_comparison_comes_out_each_way(outcome):
    rows = toy_rows(OLD, times(WAYS[outcome]))
    found = BETTER.judge(rows)
    assert found.outcome == outcome and found.n == 6 and (found.more > 0) == (outcome == "open")
    assert "claimed is lower by a factor of 1.1" in found.why and 0 < found.p <= 1
    denied = dict(holds="fails", fails="holds", level="holds", open="open")
    assert replace(BETTER, denied=True).judge(rows).outcome == denied[outcome]
    assert replace(BETTER, arm="old", base="new", way="higher").judge(rows).outcome == outcome


def test_a_run_that_diverged_is_the_worst_and_an_accident_is_missing():
    assert BETTER.judge(toy_rows(OLD, [None] * 6)).outcome == "fails"
    assert BETTER.judge(toy_rows([None] * 6, OLD)).outcome == "holds"
    lost = toy_rows([None] * 6, [None] * 6) # level, and a gate is there to refuse it
    assert BETTER.judge(lost).outcome == "level" and Gate(arm="old", below=20.).refusal(lost)
    rows = toy_rows(OLD, times(WAYS["holds"]))
    rows[-1] = rows[-1] | dict(failed="OSError: the disk is full")
    found = BETTER.judge(rows)
    assert (found.outcome, found.n, found.more) == ("open", 5, 1)


def test_accidents_at_full_length_do_not_outweigh_runs_that_ended(toy, tmp_path):
    crash = dict(failed="OSError: the disk is full")
    store(tmp_path, *toy_rows(OLD, times(WAYS["holds"]), "small"),
          *[one | crash for one in toy_rows(OLD, times(WAYS["holds"]))])
    found = find(BETTER, tmp_path)
    assert found.outcome == "holds" and found.scale == "1 of 2 epochs, fp32"


def test_more_runs_are_of_the_form_that_is_judged(toy, tmp_path, monkeypatch):
    only(monkeypatch, BETTER)
    monkeypatch.setitem(ledger.STUDIES, "toy", replace(TOY, medium=dict(batch=25)))
    store(tmp_path, *toy_rows((*OLD, 11.), (*times(WAYS["open"]), 12.)))
    jobs = missing(verdict("toy", tmp_path), tmp_path, most=200)
    assert {job.form for job in jobs} == {"full"} and min(job.seed for job in jobs) == 7


@pytest.mark.parametrize(("factor", "least", "few"), [(.93, 1.1, False), (.5, 1.1, True), (1.05, 1.1, True)])
def test_the_seeds_that_are_missing_tell_the_mean_from_the_nearer_bound(factor, least, few):
    wiggle = (.9, 1.1, .95, 1.08, .97)
    new = [old * factor * w for old, w in zip(OLD, wiggle, strict=False)]
    found = replace(BETTER, least=least).judge(toy_rows(OLD[:5], new))
    assert found.outcome == "open" and (found.more == 1) == few


def test_a_mean_on_the_bound_itself_wants_more_seeds_than_there_are():
    found = Level(study="toy", arm="old", above=11.).judge(toy_rows((10., 12.) * 3, ()))
    assert found.outcome == "open" and found.more > 20
    values = toy_rows([.88, .92, .89, .91, .87, .93], ())
    for one in values: one["scores"] = dict(accuracy=one["scores"]["frechet"])
    found = Level(study="toy", arm="old", reading="accuracy", above=.9).judge(values)
    assert found.outcome == "open" and found.more == 100


def test_one_run_that_diverged_proves_nothing_by_itself():
    noise = Level(study="toy", arm="old", above=25.)
    assert noise.judge(toy_rows((2., 2., 3., 2., 2., None), ())).outcome == "open"
    assert noise.judge(toy_rows([None] * 6, ())).outcome == "holds"
    assert replace(noise, seeds=3).judge(toy_rows([None] * 3, ())).more == 3 # six of six are a majority
    same = [old * .999 for old in OLD[:5]] + [OLD[5]]
    assert BETTER.judge(toy_rows((*OLD[:5], None), same)).outcome == "open"
    alike = Alike(study="toy", arm="new", base="old", margin=1.25)
    assert alike.judge(toy_rows((*OLD[:5], None), same)).outcome == "open"


def test_where_neither_end_is_good_a_run_that_diverged_has_no_value():
    rows = toy_rows(OLD, ())
    for one in rows: one["scores"] = dict(density=one["scores"]["frechet"] / 10)
    rows.append(row("old", 6))
    assert Level(study="toy", arm="old", reading="density", above=.5).judge(rows).n == 6


def test_nothing_is_judged_below_the_seeds_asked_for():
    rows = toy_rows(OLD[:5], times(WAYS["holds"])[:5])
    assert BETTER.judge(rows).outcome == "open" and replace(BETTER, seeds=5).judge(rows).outcome == "holds"
    assert replace(BETTER, seeds=1).judge(toy_rows(OLD[:1], [1.])).outcome == "open"
    nothing = BETTER.judge([])
    assert nothing.outcome == "open" and nothing.n == 0 and nothing.more == 6


@pytest.mark.parametrize(("factors", "outcome"), [((1.1, 1., .95, 1.05, 1., 1.1), "holds"),
                                                  (WAYS["open"], "open"),
                                                  ((1.5, 1.4, 1.6, 1.5, 1.3, 1.5), "fails")])
def test_alike_comes_out_each_way(factors, outcome):
    rule = Alike(study="toy", arm="new", base="old", margin=1.25)
    assert rule.judge(toy_rows(OLD, times(factors))).outcome == outcome
    assert rule.judge(toy_rows(OLD, [None] * 6)).outcome == "fails"


@pytest.mark.parametrize(("values", "outcome"), [((30., 31., 34., 29., 30., 33.), "holds"), (OLD, "fails"),
                                                 ((20., 31., 24., 26., 35., 22.), "open"), (OLD[:2], "open")])
def test_a_level_comes_out_each_way(values, outcome):
    above = Level(study="toy", arm="old", above=25.).judge(toy_rows(values, ()))
    assert above.outcome == outcome and (above.more > 0) == (outcome == "open")
    turned = dict(holds="fails", fails="holds", open="open")
    below = Level(study="toy", arm="old", below=25.)
    assert below.judge(toy_rows(values, ())).outcome == turned[outcome]
    assert below.judge(toy_rows([*values[:5], None], ())).outcome == ("fails" if len(values) > 2 else "open")


@pytest.mark.parametrize(("k", "outcome"), [(12, "holds"), (1, "fails"), (6, "open")])
def test_a_count_comes_out_each_way(k, outcome):
    one_class = dict(class_share=[1.] + [0.] * 9)
    rows = [row("old", s, 9.) | dict(scores=one_class if s < k else {}) for s in range(12)]
    found = Count(study="toy", arms=("old",), above=.5).judge(rows)
    assert found.outcome == outcome and found.estimate == k / 12 and (found.more > 0) == (outcome == "open")
    lost = [row("old", s) for s in range(6)]
    assert Count(study="toy", arms=("old",), above=.5).judge(lost).outcome == "holds"
    assert Count(study="toy", arms=("old",), above=.5).judge([]).outcome == "open"


def test_a_theorem_and_a_task(toy, tmp_path):
    for check, outcome in ((lambda: True, "holds"), (lambda: False, "fails")):
        assert find(Exact(check=check, why="by hand")).outcome == outcome
    store(tmp_path, *toy_rows((1., 2., 3.), (1., 2.)))
    task = Task(study="toy", seeds=3)
    found = find(task, tmp_path)
    assert (found.outcome, found.more) == ("open", 1) and "2 seeds of 'new'" in found.why
    assert find(replace(task, arms=("old",)), tmp_path).outcome == "done"
    assert find(replace(task, arms=("old",), holds="validation"), tmp_path).outcome == "open"
    store(tmp_path, row("new", 2)) # it diverged: that is a result
    assert find(task, tmp_path).outcome == "done"
    assert find(Task(), tmp_path, "no-such-claim").why == "no study or measurement serves it yet"


def test_a_base_that_draws_mush_refuses(toy, tmp_path):
    store(tmp_path, *toy_rows(OLD, times(WAYS["holds"])))
    assert find(BETTER, tmp_path).outcome == "holds"
    found = find(replace(BETTER, gate=Gate(arm="old", below=10.)), tmp_path)
    assert found.outcome == "open" and found.refused and found.more == 0
    assert "frechet of 'old' is 10.8, asked is below 10" in found.why
    assert find(replace(BETTER, gate=Gate(arm="old", below=11.)), tmp_path).outcome == "holds"
    other = Level(study="toy", arm="new", below=11., gate=Gate(arm="old", below=10.))
    assert find(other, tmp_path).refused # the gate's arm need not be one of those judged


def test_a_task_that_is_done_leaves_the_verdict_to_the_rule():
    assert combine(["holds", "done"]) == "confirmed"
    assert {*VERDICTS} == {"confirmed", "contradicted", "mixed", "no effect", "undecided", "task done"}


# which rows

def test_rows_of_arms_that_are_gone_do_not_count(toy, tmp_path):
    kept, other = row("old", 0, 1.), row("old", 1, 1.) | dict(id="0123456789")
    store(tmp_path, kept, other, row("old", 2, 1.) | dict(arm="gone"))
    assert counted_rows("toy", tmp_path) == [kept]
    store(tmp_path, row("old", 3, 1.))
    assert len(counted_rows("toy", tmp_path)) == 2 # read again when the file has changed


def test_rows_of_a_measurement_that_asked_something_else_do_not_count(tmp_path, monkeypatch):
    this = Measurement("toy", "How many?", "scores.toy", dict(n=10), dict(n=1), ("a",))
    monkeypatch.setitem(MEASUREMENTS, "toy", this)
    other = replace(this, full=dict(n=5))
    store(tmp_path, *[dict(arm="a", seed=seed, form="full", id=asked.key("a", seed))
                      for seed, asked in enumerate((this, other))])
    assert [row["seed"] for row in counted_rows("toy", tmp_path)] == [0]


def test_lengths_and_precisions_are_never_mixed_and_the_nicer_outcome_is_not_chosen(toy, tmp_path):
    full = toy_rows(OLD, times(WAYS["holds"]))
    store(tmp_path, *full[:3], *full[6:9], *[one | dict(precision="bf16") for one in (*full[3:6], *full[9:])])
    assert find(BETTER, tmp_path).n == 3
    small = toy_rows(OLD, times(WAYS["fails"]), form="small")
    store(tmp_path, *small)
    assert find(BETTER, tmp_path).outcome == "fails" # six short pairs; at full length there are three
    assert find(BETTER, tmp_path).scale == "1 of 2 epochs, fp32"
    assert find(replace(BETTER, form="full"), tmp_path).n == 3
    more = tmp_path/"more"
    store(more, *small, *full)
    assert find(BETTER, more).outcome == "holds" and find(BETTER, more).scale == "2 epochs, fp32"


def test_an_arm_that_is_missing_is_named(toy, tmp_path):
    with pytest.raises(ValueError, match="arm of toy is 'nwe'.*did you mean 'new'"):
        find(replace(BETTER, arm="nwe"), tmp_path)


# the stored verdicts

@pytest.fixture(scope="module")
def now(root): return verdicts(root/"nbs"/"results")


def test_the_chapter_shows_what_rules_and_rows_say_now(root, now):
    cells = json.loads((root/"nbs"/"41_claims.ipynb").read_text(encoding="utf-8"))["cells"]
    shown = next(cell for cell in cells if "claim_table(now)" in "".join(cell["source"])
                 and cell["cell_type"] == "code" and "def " not in "".join(cell["source"]))
    page = "".join(next(out for out in shown["outputs"] if "data" in out)["data"]["text/html"])
    cells = re.findall(r"<t[dh]>(.*?)</t[dh]>", page.partition("<tbody>")[2])
    cells = [html.unescape(cell).strip() for cell in cells]
    lines = claim_table(now)
    wanted = [str(value) for line in lines for value in line.values()]
    assert cells == wanted, "run chapter 41 again: nbs/41_claims.ipynb shows another ledger"
    assert f"{judged(now)} of 44 claims judged" in json.dumps(shown["outputs"])


def test_a_verdict_is_plain_whole_and_explained(root, now):
    for found in now:
        plain = as_plain(found)
        assert json.loads(json.dumps(plain, allow_nan=False)) == plain
        assert plain["verdict"] in VERDICTS and all(part["why"] for part in plain["parts"])
        text = describe_claim(found, root/"nbs"/"results")
        assert found.id in text and found.verdict in text
        if found.verdict != "undecided": assert not missing(found, root/"nbs"/"results")


def test_the_commands_that_settle_are_of_missing_runs(root, now):
    for found in now:
        command, jobs = settling_command(found, root/"nbs"/"results"), missing(found, root/"nbs"/"results")
        assert command.startswith(f"gan-course claims {found.id} --settle HOURS\n") if jobs else not command


def test_the_command_line(capsys, root, tmp_path):
    main(["claims", "hacks-wider"])
    assert "hacks-wider: " in capsys.readouterr().out
    main(["claims", "dcgan-half", "--json", "--html", str(tmp_path/"claims.html")])
    assert json.loads(capsys.readouterr().out)[0]["verdict"] == "confirmed"
    for words, said in ((["hacks-widr"], "did you mean 'hacks-wider'"), (["--settle", "-1"], "hours is -1"),
                        (["--html", str(tmp_path/"claims.html")], "--overwrite"),
                        (["--settle", "1", "--n", "10"], "n is 10"),
                        (["--settle", "1", "--workers", "-1"], "workers is -1"),
                        (["--results", str(tmp_path/"none")], "allowed is a folder of rows")):
        with pytest.raises(SystemExit): main(["claims", *words])
        error = capsys.readouterr().err
        assert said in error and len(error.splitlines()) == 1
    main(["claims"])
    out = capsys.readouterr().out
    assert all(f"| {name} " in out for name in CLAIMS) and "of 44 claims judged" in out


def test_the_page_needs_nothing_but_itself(root, tmp_path, now):
    write_claims(tmp_path/"claims.html", root/"nbs"/"results")
    page = (tmp_path/"claims.html").read_text(encoding="utf-8")
    assert page.count("<section>") == len(REPORTS) == 5 and page.count('data-verdict="') == len(CLAIMS)
    for name, claim in CLAIMS.items():
        assert f'id="{name}"' in page and f"{claim.chapter[3:]}.html" in page
    assert not re.search(r"(src|srcset)=|<link|@import|url\(|fetch\(|import\(", page)


# what is missing, and in which order

def test_missing_runs_and_their_cost(toy, tmp_path, monkeypatch):
    only(monkeypatch, replace(BETTER, form="full"))
    store(tmp_path, *toy_rows(OLD[:4], times(WAYS["holds"])[:4]))
    found = verdict("toy", tmp_path)
    assert found.verdict == "undecided" and found.more == 2
    jobs = [Job("toy", arm, seed, "full") for seed in (4, 5) for arm in ("new", "old")]
    assert missing(found, tmp_path) == jobs
    assert settling_command(found, tmp_path).endswith("runs that are missing: 4 of toy, full, fp32")
    assert stored_seconds(Job("toy", "new", 4, "full"), tmp_path) == 10.
    assert stored_seconds(Job("toy", "new", 4, "small"), tmp_path) == 5. # half the epochs
    assert stored_seconds(Job("toy", "new", 4, "full"), tmp_path/"none") is None
    assert "about 2 more seeds" in claim_table([found])[0]["open"]


def test_runs_of_another_precision_are_all_missing(toy, tmp_path, monkeypatch):
    only(monkeypatch, replace(BETTER, form="full"))
    store(tmp_path, *toy_rows(OLD[:4], times(WAYS["holds"])[:4]))
    jobs = missing(verdict("toy", tmp_path), tmp_path, "bf16")
    assert len(jobs) == 12 and {job.precision for job in jobs} == {"bf16"}


def test_half_the_width_is_a_quarter_of_the_time(tmp_path, monkeypatch):
    monkeypatch.setitem(STUDIES, "toy", replace(TOY, small=dict(epochs=1, width=.5)))
    store(tmp_path, *toy_rows(OLD, OLD))
    assert stored_seconds(Job("toy", "new", 9, "small"), tmp_path) == 10 / 2 / 4


def test_a_study_with_a_medium_form_is_judged_by_it(toy, tmp_path, monkeypatch):
    "The shortest form that may decide: medium where there is one; what is shorter does not count."
    only(monkeypatch, BETTER)
    small, longer = toy_rows(OLD, times(WAYS["fails"]), "small"), replace(TOY, medium=dict(batch=25))
    assert BETTER.forms == ["small", "full"] and replace(BETTER, form="full").forms == ["full"]
    monkeypatch.setitem(ledger.STUDIES, "toy", longer)
    assert BETTER.forms == ["medium", "full"]
    store(tmp_path, *small)
    found = verdict("toy", tmp_path)
    assert found.verdict == "undecided" and found.found[0].n == 0
    assert {job.form for job in missing(found, tmp_path)} == {"medium"}
    assert settling_command(found, tmp_path).endswith("runs that are missing: 12 of toy, medium, fp32")
    forms = [longer.config("old", form, seed=0) for form in longer.forms]
    assert [(config.epochs, config.batch) for config in forms] == [(1, 50), (2, 25), (2, 50)]


def test_a_refused_small_form_calls_for_the_full_one(toy, tmp_path, monkeypatch):
    rule = replace(BETTER, gate=Gate(arm="old", below=5.), seeds=2)
    only(monkeypatch, rule)
    store(tmp_path, *[row(arm, s, 9., form="small") for s in range(2) for arm in TOY.arms])
    full = [Job("toy", arm, s, "full") for s in range(2) for arm in ("new", "old")]
    assert missing(verdict("toy", tmp_path), tmp_path) == full
    store(tmp_path, *toy_rows((9., 9.), (9., 9.)))
    found = verdict("toy", tmp_path)
    assert missing(found, tmp_path) == [] and claim_table([found])[0]["open"] == "other or longer runs"


def test_cheap_verdicts_come_first_and_shared_runs_count_for_all():
    jobs = [Job("toy", arm, 0, "full") for arm in "abcd"]
    seconds = dict(zip(jobs, (60., 40., 50., 90.), strict=True))
    needed = {"one": jobs[:1], "two": jobs[:1], "three": [jobs[1]], "four": jobs[2:], "none": []}
    order = in_order(needed, seconds)
    assert order == [jobs[0], jobs[1], jobs[2], jobs[3]] # 30 s a verdict, 40 s, 140 s
    assert len(set(order)) == 4 and all(a != b for a, b in pairwise(order))


@contextmanager
def here(workers, gpus, address="", device="cpu"):
    "An engine that calls in this process, at once."
    def submit(do, jobs):
        futures = [Future() for _ in jobs]
        for future, job in zip(futures, jobs, strict=True):
            try: future.set_result(do(*job))
            except Exception as error: future.set_exception(error)
        return futures
    yield submit


def fake_engine(monkeypatch, factor):
    "run_arm without training: it stores the row that is missing."
    made = []
    def run_arm(study, arm, seed, form, results, *more):
        made.append((arm, seed))
        value = OLD[seed] * (factor + .01 * seed if arm == "new" else 1)
        append_row(results/"toy.jsonl", row(arm, seed, value, form))
    monkeypatch.setattr(engine, "run_arm", run_arm)
    monkeypatch.setitem(engine.ENGINES, "local", here)
    return made


def test_settle_makes_what_is_missing_and_says_what_changed(toy, tmp_path, monkeypatch):
    only(monkeypatch, replace(BETTER, form="full"))
    store(tmp_path, *toy_rows(OLD[:4], times(WAYS["holds"])[:4]))
    made, said = fake_engine(monkeypatch, .8), []
    assert settle(1., tmp_path, tmp_path/"runs", say=said.append) == {"toy": ("undecided", "confirmed")}
    assert sorted(made) == [("new", 4), ("new", 5), ("old", 4), ("old", 5)]
    assert said[-1] == "toy: undecided -> confirmed"
    assert settle(1., tmp_path, tmp_path/"runs", say=said.append) == {} and len(made) == 4
    assert said[-1] == "no verdict changed"


def test_settle_makes_the_runs_of_one_claim_only(toy, tmp_path, monkeypatch):
    forms = dict(toy="full", other="small")
    monkeypatch.setattr(ledger, "CLAIMS", {name: Claim("a toy", "21_hacks", (replace(BETTER, form=form),))
                                           for name, form in forms.items()})
    store(tmp_path, *toy_rows(OLD[:4], times(WAYS["holds"])[:4]))
    made = fake_engine(monkeypatch, .8)
    assert settle(1., tmp_path, tmp_path/"runs", claims=("toy",), say=[].append)["toy"][1] == "confirmed"
    assert made and {stored["form"] for stored in counted_rows("toy", tmp_path)} == {"full"}


def test_settle_says_that_it_times_a_study_without_rows(toy, tmp_path, monkeypatch):
    only(monkeypatch, replace(BETTER, form="full"))
    fake_engine(monkeypatch, .8)
    monkeypatch.setattr(ledger, "_time_job", lambda *what: 1.)
    said = []
    settle(1., tmp_path, tmp_path/"runs", say=said.append)
    assert said[0].startswith("toy: no run is stored") and sum("are timed" in line for line in said) == 1


def test_settle_begins_no_run_that_does_not_fit(toy, tmp_path, monkeypatch):
    only(monkeypatch, replace(BETTER, form="full"))
    store(tmp_path, *toy_rows(OLD[:4], OLD[:4]))
    made, said = fake_engine(monkeypatch, .8), []
    assert settle(5 / 3600, tmp_path, tmp_path/"runs", say=said.append) == {} and not made # each takes 10 s
    assert "are left" in said[0]
    for hours in (0, -1, math.inf, math.nan):
        with pytest.raises(ValueError, match="hours is"): settle(hours, tmp_path, tmp_path)


def test_settle_goes_on_where_a_run_fails_and_says_so(toy, tmp_path, monkeypatch):
    only(monkeypatch, replace(BETTER, form="full"))
    store(tmp_path, *toy_rows(OLD[:5], times(WAYS["holds"])[:5]))
    made, said = fake_engine(monkeypatch, .8), []
    whole = engine.run_arm
    def run_arm(study, arm, *more):
        if arm == "new": raise ChildProcessError("its process was lost")
        return whole(study, arm, *more)
    monkeypatch.setattr(engine, "run_arm", run_arm)
    assert settle(1., tmp_path, tmp_path/"runs", workers=1, say=said.append) == {} and made == [("old", 5)]
    assert "toy/new seed 5, full form, fp32: failed, its process was lost" in said
    assert "toy/old seed 5, full form, fp32: done" in said


def test_settle_goes_through_the_engine_of_studies(toy, tmp_path, monkeypatch):
    "All of `run_arm` but the training: plan, rows, precision, folders."
    asked = []
    def train(config, out, how, n_score):
        asked.append((out, how.precision, n_score))
        return row("old", config.seed, 1.) | dict(precision=how.precision, step=8)

    monkeypatch.setattr(engine, "run_or_resume", train)
    monkeypatch.setitem(engine.ENGINES, "local", here)
    only(monkeypatch, Task(study="toy", arms=("old",), seeds=2, form="full"))
    store(tmp_path, row("old", 0, 1.) | dict(precision="bf16"))
    changed = settle(1., tmp_path, tmp_path/"runs", How("cpu", quiet=True), n_score=50)
    assert changed == {"toy": ("undecided", "task done")}
    joined = [stored["precision"] for stored in counted_rows("toy", tmp_path)]
    assert joined == ["bf16"] * 2 # that of the row there was
    (out, precision, n_score), = asked
    assert (precision, n_score) == ("bf16", 50) and out.parent == (tmp_path/"runs"/"toy").resolve()
