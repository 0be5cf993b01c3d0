"Many runs: rows are whole and once, whatever is killed; the statistics are those of the textbook."
import contextlib
import itertools
import json
import os
import platform
import signal
import subprocess
import sys
import threading
import time
import types
import warnings
from concurrent.futures import Future, wait
from dataclasses import replace
from multiprocessing import get_context
from pathlib import Path

import pytest
from study_victim import BASE, STUDY
from tqdm import tqdm

from gan_course import engine
from gan_course.cli import main
from gan_course.config import How, Study, config_id
from gan_course.engine import (
    Run,
    _bring_home,
    _cluster,
    _follow,
    _local,
    cards_for,
    cores,
    estimate,
    in_process,
    plan,
    run_elsewhere,
    run_or_resume,
    run_study,
    side_by_side,
)
from gan_course.files import append_row, read_rows
from gan_course.statistics import frame, summarise_arms

QUICK = replace(BASE, epochs=1)
HOW = dict(form="full", how=How("cpu", quiet=True), n_score=200, workers=2) # as many threads each, always


def lines(file): return Path(file).read_text(encoding="utf-8").splitlines()


def keys(rows): return [(row["arm"], row["config"]["seed"]) for row in rows]


EVERY_RUN = sorted((arm, config.seed) for arm, config in STUDY.runs())


def write_many(file, writer, n):
    for i in range(n):
        append_row(file, dict(arm=f"of {writer}", id=f"{i}", padding="x" * 20_000))
        append_row(file, dict(arm="of all", id=f"{i}", padding="y" * 20_000))


@pytest.mark.slow
def test_many_processes_append_to_one_file(tmp_path):
    "Four processes write twenty rows each of their own, and the same twenty: 100 rows, each whole and once."
    file, context = tmp_path/"rows.jsonl", get_context("spawn")
    writers = [context.Process(target=write_many, args=(file, writer, 20)) for writer in range(4)]
    for writer in writers: writer.start()
    for writer in writers: writer.join()
    rows = [json.loads(line) for line in lines(file)]
    assert len(rows) == 100 and all(len(row["padding"]) == 20_000 for row in rows)
    assert len({(row["arm"], row["id"]) for row in rows}) == 100


def test_a_broken_line_is_reported_and_kept(tmp_path):
    file = tmp_path/"rows.jsonl"
    append_row(file, dict(arm="a", id="1"))
    with file.open("a", encoding="utf-8") as out: out.write('{"arm": "a", "id": "2", "conf')
    with pytest.warns(UserWarning, match=r'line 2 of .*rows.jsonl is no row.*"conf'):
        assert len(read_rows(file)) == 1
    append_row(file, dict(arm="a", id="3"))
    assert lines(file)[1] == '{"arm": "a", "id": "2", "conf' # nothing is lost, not even what is broken
    with pytest.warns(UserWarning, match="line 2"):
        assert [row["id"] for row in read_rows(file)] == ["1", "3"]


@pytest.mark.parametrize("line", ["[]", "3", '{"id": "1"}', "null"])
def test_what_is_no_row_is_reported(tmp_path, line):
    (tmp_path/"rows.jsonl").write_text(line + "\n", encoding="utf-8")
    with pytest.warns(UserWarning, match="line 1"): assert read_rows(tmp_path/"rows.jsonl") == []


def test_a_failure_gives_way_and_a_result_does_not(tmp_path):
    file, run = tmp_path/"rows.jsonl", dict(arm="a", id="1")
    for row, written in ((dict(failed="OSError: full"), True), (dict(failed="MemoryError"), True),
                         (dict(step=3), True), (dict(step=4), False), (dict(failed="OSError"), False)):
        assert append_row(file, run | row) is written
    assert read_rows(file) == [run | dict(step=3)] and len(lines(file)) == 3


def test_a_precision_is_another_run(tmp_path):
    for precision in ("fp32", "bf16", "fp32"):
        append_row(tmp_path/"rows.jsonl", dict(arm="a", id="1", precision=precision))
    assert [row["precision"] for row in read_rows(tmp_path/"rows.jsonl")] == ["fp32", "bf16"]


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    "The rows of a study that nobody interrupted."
    folder = tmp_path_factory.mktemp("whole")
    rows = run_study(STUDY, folder/"results", folder/"runs", **HOW)
    assert sorted(keys(rows)) == EVERY_RUN
    return folder, rows


@pytest.fixture(scope="module")
def short(tmp_path_factory):
    "The rows of a study of the same runs, a third as long."
    folder, study = tmp_path_factory.mktemp("short"), replace(STUDY, base=replace(BASE, epochs=20))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(engine, "in_process", lambda do, *args, **_: do(*args)) # four new ones take a minute
        return folder, study, run_study(study, folder/"results", folder/"runs", **HOW | dict(workers=1))


def same_results(rows, whole):
    "Are these the rows of the uninterrupted study, each once?"
    assert sorted(keys(rows)) == EVERY_RUN
    found, wanted = ({row["id"]: (row["device"], row["scores"]) for row in some} for some in (rows, whole[1]))
    return found == wanted


def test_a_row_says_what_made_it(short):
    _, study, rows = short
    assert sorted(keys(rows)) == EVERY_RUN
    for row in rows:
        assert config_id(study.config(row["arm"], seed=row["config"]["seed"])) == row["id"]
        assert row["seconds"] > 0 and row["peak_mib"] > 100 and row["commit"] and row["versions"]["torch"]
        assert row["device"].startswith("cpu") and row["scores"]["scorer"] and row["scores"]["frechet"] > 0
        assert [round(m["epoch"]) for m in row["metrics"]] == [1, 2, 3, 5, 7, 10, 20]


def test_a_finished_study_repeats_nothing(short):
    folder, study, _ = short
    before = (folder/"results"/"victim.jsonl").read_bytes()
    run_study(study, folder/"results", folder/"elsewhere", **HOW)
    assert (folder/"results"/"victim.jsonl").read_bytes() == before and not (folder/"elsewhere").exists()


def test_scores_of_few_images_do_not_join_those_of_many(short):
    folder, study, _ = short
    before = (folder/"results"/"victim.jsonl").read_bytes()
    with pytest.raises(ValueError, match=f"n is 9000, allowed is {HOW['n_score']}, as in"):
        run_study(study, folder/"results", folder/"others", **HOW | dict(n_score=9000))
    assert (folder/"results"/"victim.jsonl").read_bytes() == before


def test_a_finished_run_is_not_taken_for_one_with_other_scores(tmp_path):
    "Its folder tells how many images were scored: rows of few would stand among rows of many."
    run_or_resume(QUICK, tmp_path/"run", How("cpu", quiet=True), 60)
    assert run_or_resume(QUICK, tmp_path/"run", How("cpu", quiet=True), 60)["n_score"] == 60
    with pytest.raises(ValueError, match="n is 90, allowed is 60"):
        run_or_resume(QUICK, tmp_path/"run", How("cpu", quiet=True), 90)
    study = Study("toy", "?", QUICK, seeds=1)
    (run,) = plan(study, tmp_path/"runs", "full")
    (tmp_path/"run").rename(run.out.parent.mkdir(parents=True) or run.out)
    with pytest.raises(ValueError, match="n is 200, allowed is 60"): # before any process is started
        run_study(study, tmp_path/"results", tmp_path/"runs", **HOW)
    assert not (tmp_path/"results").exists()


def test_each_arm_is_timed_whatever_is_left_of_it(monkeypatch):
    timed = []
    def time_run(config, *_): timed.append(config); return dict(step=1., other=0.)
    monkeypatch.setattr(engine, "_time_run", time_run)
    monkeypatch.setattr(engine, "_local", lambda *args, **how: contextlib.nullcontext(
        lambda do, jobs: [types.SimpleNamespace(result=lambda job=job: do(*job)) for job in jobs]))
    runs = [engine.Run(arm, replace(QUICK, seed=seed), Path("x")) for arm, seed in (
        ("a", 0), ("a", 1), ("a", 2), ("b", 2))]
    assert {*engine._time_arms(runs, 1, How("cpu"), 10)} == {"a", "b"} and len(timed) == 2
    timed.clear()
    assert {*engine._time_arms(runs, 3, How("cpu"), 10)} == {"a", "b"} and len(timed) == 3


def test_a_run_whose_data_are_elsewhere_has_no_known_length(monkeypatch, tmp_path):
    def nowhere(*_): raise FileNotFoundError("not on this machine")
    assert engine.Run("a", replace(QUICK, n_train=100, n_valid=200), tmp_path).steps == 0
    monkeypatch.setattr(engine, "load", nowhere)
    assert engine.Run("a", QUICK, tmp_path).steps == 0


def test_nothing_is_timed_where_nothing_is_left(short, monkeypatch):
    folder, study, _ = short
    monkeypatch.setattr(engine, "_time_arms", lambda *_: pytest.fail("a step was timed"))
    table = estimate(study, folder/"results", how=How("cpu"), form=HOW.get("form", "full"))
    assert table.empty and table["runs"].sum() == 0


def test_a_run_of_another_study_is_taken_over(short):
    folder, study, rows = short
    twin = Study("twin", "The same again?", study.base, {"as it was": {}}, seeds=2)
    found = run_study(twin, folder/"results", folder/"elsewhere", **HOW)
    assert [row["arm"] for row in found] == ["as it was"] * 2 and not (folder/"elsewhere").exists()
    assert {row["id"] for row in found} == {row["id"] for row in rows if row["arm"] == "slow"}


def start_victim(folder, *engine):
    script = Path(__file__).with_name("study_victim.py")
    with (folder/"said").open("a", encoding="utf-8") as said:
        return subprocess.Popen([sys.executable, script, folder, *engine], start_new_session=True,
                                stdout=said, stderr=said)


def until(ready, seconds=180):
    "Wait until something is so."
    began = time.monotonic()
    while not ready():
        assert time.monotonic() - began < seconds, "it never came"
        time.sleep(.05)


def workers_of(pid):
    "The processes under a process, by what the kernel says of each."
    parents = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try: facts = stat.read_text(encoding="utf-8").rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError): continue
        parents[int(stat.parent.name)] = int(facts[1])
    below = {pid}
    for _ in range(5): below |= {child for child, parent in parents.items() if parent in below}
    return below - {pid}


linux = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="reads /proc")


@pytest.mark.slow
@linux
def test_a_killed_study_goes_on_without_loss_or_repeat(tmp_path, whole):
    "SIGKILL while one run has ended and others are under way: what had ended stays as it is."
    rows, victim = tmp_path/"results"/"victim.jsonl", start_victim(tmp_path)
    until(lambda: rows.exists() and lines(rows))
    workers = workers_of(victim.pid)
    victim.kill(); victim.wait()
    until(lambda: not any(Path(f"/proc/{pid}/fd").exists() for pid in workers), seconds=20) # nobody lives on
    had = lines(rows)
    assert 1 <= len(had) < len(EVERY_RUN)
    again = start_victim(tmp_path)
    assert again.wait(timeout=300) == 0, (tmp_path/"said").read_text(encoding="utf-8")
    assert lines(rows)[:len(had)] == had and same_results(read_rows(rows), whole)


@pytest.mark.slow
@linux
def test_ctrl_c_keeps_checkpoints_and_a_second_call_asks(tmp_path, whole):
    victim = start_victim(tmp_path)
    until(lambda: any(tmp_path.glob("runs/*/metrics.jsonl")))
    os.killpg(victim.pid, signal.SIGINT)
    victim.wait(timeout=60)
    assert any(tmp_path.glob("runs/*/checkpoint.pt"))
    with pytest.raises(FileExistsError, match=r"begun and have not ended, such as .*--resume to go on"):
        run_study(STUDY, tmp_path/"results", tmp_path/"runs", **HOW)
    rows = run_study(STUDY, tmp_path/"results", tmp_path/"runs", resume=True, **HOW)
    assert same_results(rows, whole)


def ray_workers(): # they set their title to what they run
    found = []
    for file in Path("/proc").glob("[0-9]*/cmdline"):
        try: said = file.read_bytes()
        except (FileNotFoundError, ProcessLookupError): continue
        if said.startswith(b"ray::run_elsewhere"): found.append(int(file.parent.name))
    return found


@pytest.mark.slow
@linux
def test_ray_repeats_what_was_lost_with_a_worker(tmp_path, whole):
    "Two workers of a real Ray, one killed within its run: every row is there, once, and as it should be."
    pytest.importorskip("ray")
    victim = start_victim(tmp_path, "ray")
    until(lambda: ray_workers() and any(tmp_path.glob("runs/*/metrics.jsonl")))
    lost = ray_workers()[0]
    os.kill(lost, signal.SIGKILL)
    assert victim.wait(timeout=300) == 0, (tmp_path/"said").read_text(encoding="utf-8")
    rows = tmp_path/"results"/"victim.jsonl"
    assert len(lines(rows)) == len(EVERY_RUN) and sorted(keys(read_rows(rows))) == EVERY_RUN
    assert {row.get("step") for row in read_rows(rows)} == {600}
    if cores() == 2: assert same_results(read_rows(rows), whole) # one thread each, there as here


@pytest.mark.slow
@linux
@pytest.mark.parametrize("after", [.2, .8])
def test_ctrl_c_while_workers_start_ends_the_study(tmp_path, after):
    victim = start_victim(tmp_path)
    until(lambda: len(workers_of(victim.pid)) >= 2)
    time.sleep(after) # they import torch
    os.killpg(victim.pid, signal.SIGINT)
    victim.wait(timeout=60)
    rows = tmp_path/"results"/"victim.jsonl"
    assert not rows.exists() or not lines(rows)
    said = (tmp_path/"said").read_text(encoding="utf-8")
    assert said.count("Traceback") <= 1 # the script's own, none of a worker's


def fall_once(marker):
    if not marker.exists():
        marker.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return "stood up"


def fall_always(): os.kill(os.getpid(), signal.SIGKILL)


@pytest.mark.slow
def test_a_lost_process_is_replaced_but_not_for_ever(tmp_path):
    assert in_process(fall_once, tmp_path/"marker") == "stood up"
    with pytest.raises(ChildProcessError, match="lost in each of 2 tries"): in_process(fall_always, tries=2)


@pytest.mark.slow
def test_a_failing_run_stops_nobody_and_is_tried_again(tmp_path):
    study = Study("frail", "?", QUICK, {"too big": dict(batch=1000), "sound": {},
                                        "wild": dict(opt="sgd", loss="least_squares", lr_d=1e30)}, seeds=1)
    rows = {row["arm"]: row for row in run_study(study, tmp_path, tmp_path/"runs", **HOW)}
    assert rows["too big"]["failed"].startswith("ValueError: batch is 1000, allowed is 1 to 640")
    assert rows["wild"]["failed"].startswith("Diverged: ") and "failed" not in rows["sound"]
    with pytest.raises(FileExistsError, match="1 runs in"): run_study(study, tmp_path, tmp_path/"runs", **HOW)
    run_study(study, tmp_path, tmp_path/"runs", resume=True, **HOW)
    arms = [json.loads(line)["arm"] for line in lines(tmp_path/"frail.jsonl")]
    assert sorted(arms) == ["sound", "too big", "too big", "wild"] # the accident again, the divergence not
    table = summarise_arms(frame(read_rows(tmp_path/"frail.jsonl")))
    assert table["collapsed"]["wild"] == 1 and table["failed"]["too big"] == 1 and table["n"]["too big"] == 0


@pytest.mark.parametrize("wrong,said", [
    (dict(engine="slurm"), "engine is 'slurm', allowed are 'local', 'ray'"),
    (dict(seeds=-1), "seeds is -1"), (dict(workers=-2), "workers is -2"),
    (dict(arm="x"), "arm of victim is 'x'"),
    (dict(how=How(precision="fp8")), "precision is 'fp8'"), (dict(how=How("tpu")), "device is 'tpu'"),
    (dict(n_score=0), "n is 0, allowed is 2 images or more"),
    (dict(address="10.0.0.1:6379"), "allowed with engine ray")])
def test_bad_input_is_refused_before_anything_is_written(tmp_path, wrong, said):
    with pytest.raises(ValueError, match=said): run_study(STUDY, tmp_path/"a", tmp_path/"b", **HOW | wrong)
    assert not any(tmp_path.iterdir())


def test_runs_come_seed_by_seed_in_folders_of_their_own(tmp_path):
    runs = plan(STUDY, tmp_path, "full")
    assert [run.config.seed for run in runs] == [0, 0, 1, 1] and len({run.out for run in runs}) == 4
    assert {run.arm for run in plan(STUDY, tmp_path, arm="fast D")} == {"fast D"}


def test_the_row_of_a_run_elsewhere_brings_its_files(tmp_path):
    "Two folders that do not see each other stand for two machines."
    told, there, here = [], tmp_path/"there"/"a-0", tmp_path/"here"/"a-0"
    class Tell:
        def __init__(self, name): self.remote = lambda *what: told.append((name, *what))
    board = types.SimpleNamespace(begin=Tell("begin"), tell=Tell("tell"))
    written = {"config.json": b"{}", "metrics.jsonl": b'{"step": 9}\n', "samples/epoch-0001.png": b"png",
               "generator.safetensors": b"weights", "checkpoint.pt": b"large", "row.json": b'{"id": "1"}'}
    def do(config, out, how):
        for name, data in written.items():
            (out/name).parent.mkdir(parents=True, exist_ok=True)
            (out/name).write_bytes(data)
        return dict(id="1")
    sent = run_elsewhere(board, do, BASE, there, How("cpu"))
    assert told == [("begin", "a-0", 0, platform.node())] and [*sent["files"]][-1] == "row.json"
    assert _bring_home(sent, here) == (dict(id="1"), "")
    home = {str(file.relative_to(here)): file.read_bytes() for file in here.rglob("*") if file.is_file()}
    assert home == {name: data for name, data in written.items() if name != "checkpoint.pt"}
    assert run_or_resume(BASE, here, How("cpu")) == dict(id="1") # read, not made again
    lost = dict(failed="OSError: no space left", files={"config.json": b"{}"})
    assert _bring_home(lost, tmp_path/"c") == (dict(failed=lost["failed"]), "")
    assert not (tmp_path/"c").exists()


def test_runs_elsewhere_count_and_their_losses_are_told(tmp_path, monkeypatch):
    run, future, bars = Run("a", BASE, tmp_path/"a-0"), Future(), []
    class Bar(tqdm):
        def __init__(self, *args, **options): super().__init__(*args, **options | dict(disable=True))
        def update(self, n): bars.append(n)
        def set_description_str(self, text): bars.append(text)
    monkeypatch.setattr("gan_course.engine.tqdm", Bar)
    said = []
    monkeypatch.setattr(Bar, "write", said.append)
    def news():
        if len(bars) > 2: future.set_result({})
        return {"a-0": 250}, ["a-0: lost after 300 steps"] * (not bars)
    assert [*_follow({future: run}, "here", news=news)] == [future]
    assert bars[:2] == ["here: 0 of 1 runs done, 1 running, 0 failed", 250]
    assert said == ["a-0: lost after 300 steps"]


@pytest.mark.parametrize("address,why", [("127.0.0.1:1", "refused"), ("nowhere", "invalid literal")])
def test_an_address_without_ray_is_one_sentence(address, why):
    pytest.importorskip("ray")
    with pytest.raises(ConnectionError, match=rf"address is '{address}', where no Ray answers \(.*{why}"):
        with _cluster(address=address): pass


def test_what_ray_says_is_one_sentence(monkeypatch):
    ray = pytest.importorskip("ray")
    def init(*_, **__): raise RuntimeError("InvalidAuthToken: wrong token\nline 2\nline 3")
    monkeypatch.setattr(ray, "init", init)
    with pytest.raises(ConnectionError, match="Ray refuses .InvalidAuthToken: wrong token.; are RAY_AUTH"):
        with _cluster(workers=1): pass


def test_runs_are_shared_out_among_all_cards(monkeypatch):
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    monkeypatch.setattr("torch.cuda.is_available", lambda: True)
    monkeypatch.setattr("torch.cuda.device_count", lambda: 3)
    monkeypatch.setattr("gan_course.engine.cores", lambda: 16)
    cards = []
    def in_process(do, *_, card, **__): cards.append(card); do()
    monkeypatch.setattr("gan_course.engine.in_process", in_process)
    assert cards_for("auto") == ["0", "1", "2"] and cards_for("cuda:1") == cards_for("cpu") == []
    assert side_by_side(gpus=.5, cards=3) == 6 and side_by_side(gpus=.1, cards=3) == 16
    barrier = threading.Barrier(6) # all six at once
    with _local(gpus=.5, device="auto") as crew: wait(crew(lambda: barrier.wait(30), [()] * 6))
    assert sorted(cards) == ["0", "0", "1", "1", "2", "2"]
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "4,7")
    assert cards_for("cuda") == ["4", "7"]


@pytest.mark.slow
def test_a_worker_sees_its_own_card():
    assert in_process(os.getenv, "CUDA_VISIBLE_DEVICES", card="7") == "7"


def test_a_gpu_is_shared_by_its_parts():
    assert side_by_side(workers=3) == 3 and side_by_side(gpus=1.) == 1 and side_by_side(gpus=.5) <= 2


def test_a_cost_is_steps_times_a_step_and_all_the_rest(tmp_path, monkeypatch):
    monkeypatch.setattr(engine, "_time_arms", lambda runs, *how: {
        arm: dict(step=.25, other=30.) for arm in dict.fromkeys(run.arm for run in runs)})
    table = estimate(STUDY, tmp_path, "full", how=How("cpu"), workers=2)
    assert table["steps"].to_dict() == {"slow": 600, "fast D": 600} and set(table["runs"]) == {2}
    assert set(table["ms"]) == {250.} and set(table["other"]) == {30.}
    assert set(table["minutes"]) == {(600 * .25 + 30) / 60} and table.attrs["workers"] == 2


def test_a_timed_run_tells_its_steps_from_all_the_rest(monkeypatch):
    "Five snapshots, 10 steps of 3 s apart, the first at 40 s: the first steps warm up, and are not counted."
    times = [types.SimpleNamespace(step=10 * k, seconds=10. + 30 * k) for k in range(1, 8)]
    def start(run, how): assert how.every == 10; return iter(times)
    monkeypatch.setitem(engine.GAMES, "gan", lambda config, data, recipe: start)
    monkeypatch.setattr(engine, "score_run", lambda *_: None)
    clock = itertools.chain([1000.], itertools.repeat(1200.))
    monkeypatch.setattr(engine, "time", types.SimpleNamespace(
        monotonic=lambda: next(clock), process_time=lambda: 5.))
    assert engine._time_run(QUICK, How("cpu")) == dict(step=3., other=5. + 200 - times[4].seconds)


# the commands

@pytest.mark.slow
def test_the_commands_from_end_to_end(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    small = ["--results", "rows", "--n", "200", "--device", "cpu"]
    main(["cost", "moves/shared", "--seeds", "1", *small])
    assert "1 runs left, " in capsys.readouterr().out
    main(["study", "moves", "--seeds", "1", "--quiet", *small])
    said = capsys.readouterr().out
    assert "| shared " in said and "differences from fresh" in said and "rows: rows/moves.jsonl" in said
    assert sorted(keys(read_rows("rows/moves.jsonl"))) == [("fresh", 0), ("shared", 0), ("simultaneous", 0)]
    main(["table", "moves", "--results", "rows", "--measure", "accuracy", "--plot", "moves.png"])
    assert "accuracy, high is good" in capsys.readouterr().out
    assert Path("moves.png").read_bytes().startswith(b"\x89PNG")
    main(["cost", "moves", "--seeds", "1", *small])
    assert "0 runs left" in capsys.readouterr().out


def test_a_study_of_classifiers_is_shown_by_what_it_measured(capsys):
    main(["table", "depth-mix"])
    assert "classified, high is good" in capsys.readouterr().out


def test_the_stored_ladder_is_shown(capsys):
    with warnings.catch_warnings():
        warnings.simplefilter("error") # not a line of it is broken
        main(["table", "hacks"])
    said = capsys.readouterr().out
    assert "| baseline " in said and "| smoothing " in said and "collapsed" in said


@pytest.mark.parametrize("words,said", [
    ("table mlp", "did you mean"), ("table moves --measure fid", "measure is 'fid'"),
    ("table moves --measure modes", "measure is 'modes', allowed are 'frechet'"),
    ("study moves --measure fid", "measure is 'fid'"),
    ("table moves --base x", "base is 'x', allowed are 'fresh'"),
    ("table moves --results none", "has no rows of moves"),
    ("study moves/x", "arm of moves is 'x'"), ("study moves --full --n 20", "n is 20, allowed is 10000"),
    ("cost moves --workers -1", "workers is -1"),
    ("cost moves --seeds -1", "seeds is -1"),
    ("table moves --plot x.xyz", "plot is x.xyz, allowed are .png, .svg and .pdf"),
    ("table moves --results file", "results is file, which has no rows of moves"),
    ("study moves --n 0", "n is 0, allowed is 2 images or more"),
    ("study moves --results file", "results is file, a file, allowed is a folder"),
    ("start file", "folder is file, a file, allowed is a new or empty folder"),
    ("score digit.png", "digit.png is one picture, allowed is a folder of them")])
def test_a_mistyped_command_is_one_sentence(words, said, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    for name in ("file", "digit.png"): (tmp_path/name).touch()
    with pytest.raises(SystemExit) as stop: main(words.split())
    shown = capsys.readouterr().err
    assert stop.value.code == 1 and said in shown and len(shown.splitlines()) == 1


@pytest.mark.slow
def test_the_first_seed_of_an_arm_leaves_its_last_picture(tmp_path):
    study = Study("odd", "?", QUICK, {"2:1": dict(n_g=2)}, seeds=2)
    run_study(study, tmp_path/"results", tmp_path/"runs", **HOW)
    pictures = [*(tmp_path/"results").glob("*.png")]
    assert [picture.name for picture in pictures] == ["odd-2_1.png"] # a name for every file system
    first, = (run.out for run in plan(study, tmp_path/"runs", "full") if run.config.seed == 0)
    last = sorted((first/"samples").glob("*.png"))[-1].read_bytes()
    assert pictures[0].read_bytes() == last
    run_study(study, tmp_path/"results", tmp_path/"small", form="small", **HOW)
    assert pictures[0].read_bytes() == last # tables show the full form: so do the pictures
    twin = Study("twin", "?", replace(QUICK, n_g=2), seeds=1) # the same run, by another name
    run_study(twin, tmp_path/"results", tmp_path/"none", **HOW)
    assert (tmp_path/"results"/"twin-base.png").read_bytes() == last and not (tmp_path/"none").exists()
