"Chapter 44: a watched run is the same run; it pauses, stops, resumes; a kernel's game ends when asked."
import asyncio
import itertools
import re
import threading
import time

import pytest
import torch

from gan_course import widgets
from gan_course.catalogue import QUICKSTART
from gan_course.core import png_bytes, set_seed
from gan_course.data import Data
from gan_course.files import RunDir
from gan_course.networks import MLPDiscriminator, MLPGenerator
from gan_course.runs import open_run
from gan_course.steps import Recipe
from gan_course.training import metric_row, train
from gan_course.widgets import debugger_options, live, replay_options, watch


def play(run=None, epochs=4):
    set_seed(0)
    pixels, y = torch.randint(0, 256, (64, 1, 8, 8), dtype=torch.uint8), torch.zeros(64, dtype=torch.long)
    data = Data(pixels, y, "noise", 1)
    G, D = MLPGenerator(4, (16,), (1, 8, 8)), MLPDiscriminator((16,), (1, 8, 8))
    return train(G, D, data, Recipe(batch=16, epochs=epochs), run, device="cpu")


def weights(snapshot): return torch.cat([p.flatten() for p in snapshot.G.parameters()])


@pytest.fixture
def board():
    "A dashboard whose page is a list of messages."
    said = []
    board = widgets._Dashboard(said.append, "bce", least=0)
    board.said = said
    return board


def test_watching_changes_no_weight(board):
    *_, alone = play()
    seen = [(snapshot.epoch, weights(snapshot)) for snapshot in widgets._hand_on(play(), board)]
    assert [epoch for epoch, _ in seen] == [1, 2, 3, 4] and torch.equal(seen[-1][1], weights(alone))
    assert [m["frames"][0]["epoch"] for m in board.said if m["frames"]] == [1, 2, 3, 4]
    assert board.said[-1]["isOver"] and board.frames[0]["frame"].startswith("data:image/png;base64,")


def test_a_late_page_is_told_everything(board):
    for _ in widgets._hand_on(play(), board): pass
    widgets._answer_board(board, "all")
    assert [frame["epoch"] for frame in board.said[-1]["frames"]] == [1, 2, 3, 4]
    assert board.said[-1]["status"] == "The run has ended."


def test_what_the_page_is_told_leaves_no_mark_on_its_comm():
    "With the mark of ipykernel 7.4 a click would wait for the cell that trains, which would never see it."
    sent, comm = [], type("Comm", (), {})()
    comm._reply_subshell_id = None
    widgets._tell_page(type("Widget", (), dict(comm=comm, send=sent.append)), dict(status="on"))
    assert sent == [dict(status="on")] and not hasattr(comm, "_reply_subshell_id")


def test_a_paused_run_waits_for_the_page(board):
    snapshots = widgets._hand_on(play(), board)
    next(snapshots)
    widgets._answer_board(board, "pause")
    def go_on_when_shown():
        while not any(frame["epoch"] == 2 for m in [*board.said] for frame in m["frames"]): time.sleep(.01)
        widgets._answer_board(board, "go on")
    page = threading.Thread(target=go_on_when_shown, daemon=True)
    page.start()
    assert next(snapshots).epoch == 2
    page.join() # it says "Goes on." after it has let the run go
    assert [m["isPaused"] for m in board.said][-3:] == [True, True, False] # click, snapshot, click


def test_a_stopped_run_is_resumed_to_the_same_weights(tmp_path, board):
    *_, alone = play()
    for _ in widgets._hand_on(play(RunDir(tmp_path/"run", seconds=1e9)), board):
        widgets._answer_board(board, "stop")
    assert board.said[-1]["status"].startswith("Stopped") and (tmp_path/"run"/"checkpoint.pt").exists()
    *_, end = play(RunDir(tmp_path/"run", resume=True))
    assert torch.equal(weights(end), weights(alone))


def test_quick_epochs_are_not_all_shown_but_the_last_one_is(board):
    board.least = 1e9
    assert len([*widgets._hand_on(play(), board)]) == 4
    assert [frame["epoch"] for frame in board.frames] == [1, 4] and board.watch.n == 4


def test_a_list_of_snapshots_can_be_stopped_too(board):
    widgets._answer_board(board, "stop")
    assert [*widgets._hand_on(iter([*play()]), board)] == [] and board.said[-1]["isOver"]


def test_a_folder_is_a_replay(tmp_path):
    run = open_run(QUICKSTART, tmp_path/"run")
    for snapshot in play():
        run.log(metric_row(snapshot))
        if snapshot.epoch != 3: # a picture is not kept of every epoch
            (run.path/"samples").mkdir(exist_ok=True)
            picture = png_bytes(torch.zeros(4, 1, 8, 8, dtype=torch.uint8))
            (run.path/"samples"/f"epoch-{int(snapshot.epoch):04d}.png").write_bytes(picture)
    arm, = widgets._watch_folder(run.path)["arms"]
    assert arm["epochs"] == [1, 2, 4] and len(arm["frames"]) == len(arm["words"]) == 3
    assert len(arm["rows"]) == 4
    assert all("D gives real" in words for words in arm["words"])


def test_a_pass_that_ends_between_two_batches_keeps_its_picture(tmp_path):
    "4,000 digits in batches of 256: the rows are of 1.024, 2.048 ... passes, the files of 1, 2 ..."
    run = open_run(QUICKSTART, tmp_path/"run")
    (run.path/"samples").mkdir(exist_ok=True)
    for i, snapshot in enumerate(play()):
        run.log(metric_row(snapshot) | dict(epoch=1.024 * (i + 1)))
        picture = png_bytes(torch.zeros(4, 1, 8, 8, dtype=torch.uint8))
        (run.path/"samples"/f"epoch-{int(1.024 * (i + 1)):04d}.png").write_bytes(picture)
    arm, = widgets._watch_folder(run.path)["arms"]
    assert arm["epochs"] == [1.024, 2.048, 3.072, 4.096] and all(arm["frames"])


def test_samples_are_shown_in_the_range_of_their_game(monkeypatch):
    asked = []
    monkeypatch.setattr(widgets, "generate", lambda G, n, **how: asked.append(how) or [torch.zeros(n, 2)])
    board = widgets._Dashboard(lambda message: None, "bce", least=0, noise="uniform", norm="unit")
    for _ in widgets._hand_on(play(), board): pass
    assert asked[0] == dict(noise="uniform", norm="unit")


def test_without_a_front_end_each_says_one_line_and_hands_snapshots_on(capsys):
    assert live() is None
    assert [snapshot.epoch for snapshot in watch(play())] == [1, 2, 3, 4]
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 2 and all("to be seen in JupyterLab" in line for line in lines)


def test_what_cannot_be_shown_is_refused(tmp_path):
    with pytest.raises(ValueError, match="data is 'two'"): live(data="two")
    with pytest.raises(ValueError, match="loss is 'hing'"): watch([], loss="hing")
    with pytest.raises(ValueError, match="noise is 'flat'"): watch([], noise="flat")
    with pytest.raises(ValueError, match="norm is 'byte'"): watch([], norm="byte")
    with pytest.raises(FileNotFoundError, match="is no run"): watch(tmp_path)
    with pytest.raises(ValueError, match="name is 'none'"): replay_options("none")


def test_a_run_that_breaks_off_is_reported_as_over(board):
    def broken():
        yield from play()
        raise ValueError("d_loss is nan")
    with pytest.raises(ValueError, match="d_loss is nan"): [*widgets._hand_on(broken(), board)]
    assert board.said[-1]["isOver"] and board.said[-1]["status"] == "Ended by an error: d_loss is nan"


def test_a_kernels_game_leaves_the_kernels_chance_alone():
    torch.manual_seed(3)
    before = torch.get_rng_state()
    game = widgets._LiveGame(**debugger_options(seed=1))
    for player in "DG": game.move(player)
    assert torch.equal(torch.get_rng_state(), before)


def test_a_kernels_game_plays_in_slices_and_ends_when_asked():
    sent = []

    async def session():
        player = widgets._Player(widgets._LiveGame(**debugger_options(seed=1, r1=.5)), sent.append)
        player.answer("look")
        player.answer("move", "D")
        player.answer("play", slices=50)
        other = 0
        while len(sent) < 5 and not player.task.done(): # other work goes on meanwhile
            await asyncio.sleep(.01)
            other += 1
        player.answer("stop")
        player.answer("play") # after the end nothing is answered
        await asyncio.gather(player.task, return_exceptions=True)
        return other, player

    other, player = asyncio.run(session())
    assert other and player.task.done() and player.game is None and sent[-1]["isOver"]
    assert sent[1]["player"] == "D" and "penalty" in sent[1]["frame"]["metrics"]
    assert sent[3]["frame"]["rounds"] > 0


@pytest.mark.parametrize("loss", ["bce", "wasserstein", "relativistic"])
def test_a_kernels_frame_has_what_the_pages_has(root, loss):
    game = widgets._LiveGame(**debugger_options(loss=loss, data="grid25", noise="uniform"))
    frame = widgets._frame(game)
    text = (root/"nbs"/"widgets"/"scene.js").read_text(encoding="utf-8")
    keys = re.search(r"return \{\n    (fake, x,.*?)\n  \};", text, re.S)[1]
    names = set(re.findall(r"\b(\w+)(?=:|,)", keys)) & {*frame, "modes"}
    assert names >= {"fake", "x", "isProbability", "metrics", "shade", "cells", "reach", "pulls", "map",
                     "lines", "history", "rounds", "of"}
    assert frame["of"] == 25
    assert len(frame["fake"]) == len(frame["pulls"]) == 400 and len(frame["map"]) == 2 * 13 * 13
    assert min(frame["shade"]) >= -1 and max(frame["shade"]) <= 1


def test_of_a_long_run_the_first_the_newest_and_equal_steps_between_are_kept():
    keep, kept = widgets._Kept(100), []
    for number in range(1, 5000): kept = keep(kept, number, number)
    steps = {b - a for a, b in itertools.pairwise(kept[1:-1])}
    assert kept[0] == 1 and kept[-1] == 4999 and 50 <= len(kept) <= 100 and steps == {64}


@pytest.mark.parametrize("error,said", [(KeyboardInterrupt, "Interrupted."),
                                        (GeneratorExit, "The loop ended early.")])
def test_a_run_that_the_kernel_interrupts_is_over_on_the_page(board, error, said):
    snapshots = widgets._hand_on(play(), board)
    next(snapshots)
    with pytest.raises(error): snapshots.throw(error)
    assert board.said[-1]["isOver"] and board.said[-1]["status"] == said


def test_a_game_that_is_over_says_so_to_whoever_asks():
    sent = []
    player = widgets._Player(widgets._LiveGame(**debugger_options(seed=1)), sent.append)
    player.answer("stop")
    player.answer("look")
    assert len(sent) == 2 and all(message["isOver"] for message in sent)
