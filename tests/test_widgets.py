"The widgets' JavaScript in node: its game is the library's, its digits are torch's."
import base64
import json
import re
import shutil
import subprocess
from statistics import NormalDist

import pytest
import torch
from browser import CHROMIUM, LOCAL, launch, listen
from torch.optim import Adam

from gan_course.core import slerp
from gan_course.data import TOYS, denormalise, normalise
from gan_course.losses import LOSSES, make_loss, make_penalty
from gan_course.networks import ConditionalDCGANGenerator, MLPDiscriminator, MLPGenerator
from gan_course.steps import update_d, update_g
from gan_course.training import load_playground
from gan_course.widgets import (
    WIDGETS,
    bundle,
    debugger,
    debugger_options,
    load_encoder,
    pack_generator,
    page_script,
    quantise,
    redraw_options,
    set_aside,
    seven_options,
    to_html,
    whole_bytes,
)

NODE = shutil.which("node")
N, LATENT, LR_D, LR_G = 16, 2, 2e-3, 1e-3


def ask(root, task, *files):
    "What tests/widgets.mjs answers."
    if not NODE: pytest.skip("no node")
    done = subprocess.run([NODE, root/"tests"/"widgets.mjs", task, *files], check=False, text=True,
                          capture_output=True)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def plain(tensors): return [t.flatten().tolist() for t in tensors]


def by_kind(net, values):
    "Weights and biases apart, as the page keeps them."
    names, values = [name for name, _ in net.named_parameters()], list(values)
    return {kind: plain(v for name, v in zip(names, values, strict=True) if name.endswith(ending))
            for kind, ending in (("W", "weight"), ("b", "bias"))}


def exported(net):
    layers = [m for m in net.modules() if isinstance(m, torch.nn.Linear)]
    sizes = [layers[0].in_features, *(layer.out_features for layer in layers)]
    return dict(sizes=sizes, slope=.2, **by_kind(net, net.parameters()))


def adam_state(net, opt):
    states = [opt.state[p] for p in net.parameters()]
    named = dict(m="exp_avg", v="exp_avg_sq")
    moments = {to: by_kind(net, [s[name] for s in states]) for to, name in named.items()}
    return dict(beta1=.5, beta2=.999, t=int(states[0]["step"]), **moments)


@pytest.fixture
def game():
    "Both players with three hidden layers, in float64, after three rounds: Adam's memory is not empty."
    torch.manual_seed(0)
    G = MLPGenerator(LATENT, (64, 64, 64), (2,), out="linear").double()
    D = MLPDiscriminator((64, 64, 64), (2,)).double()
    opts = {name: Adam(net.parameters(), lr, betas=(.5, .999))
            for name, net, lr in (("G", G, LR_G), ("D", D, LR_D))}
    return G, D, opts


def play(game, loss, penalty, rounds):
    G, D, opts = game
    for x, z_d, z_g in rounds:
        metrics = update_d(G, D, opts["D"], loss, x, z_d, penalty=penalty)
        metrics |= update_g(G, D, opts["G"], loss, x, z_g)
    return metrics


def draw_rounds(n):
    return [(TOYS["ring8"].sample((N,)).double(), *torch.randn(2, N, LATENT, dtype=torch.float64))
            for _ in range(n)]


@pytest.mark.parametrize("r1", [0., .5])
@pytest.mark.parametrize("name", LOSSES)
def test_a_hundred_rounds_end_at_the_librarys_weights(root, tmp_path, game, name, r1):
    G, D, opts = game
    loss, penalty = make_loss(name), make_penalty("r1", r1) if r1 else None
    play(game, loss, penalty, draw_rounds(3))
    rounds = draw_rounds(100)
    states = dict(optG=adam_state(G, opts["G"]), optD=adam_state(D, opts["D"]))
    job = dict(game=dict(loss=name, r1=r1, lrD=LR_D, lrG=LR_G), G=exported(G), D=exported(D), **states,
               rounds=[plain(r) for r in rounds])
    (tmp_path/"job.json").write_text(json.dumps(job), encoding="utf-8")
    metrics = play(game, loss, penalty, rounds)
    end = ask(root, "parity", tmp_path/"job.json")
    for net, player in ((G, "G"), (D, "D")):
        kinds = by_kind(net, net.parameters())
        for mine, theirs in zip(end[player], kinds["W"] + kinds["b"], strict=True):
            assert torch.allclose(torch.tensor(mine), torch.tensor(theirs), rtol=0, atol=1e-5), player
    named = dict(dReal="d_loss_real", dFake="d_loss_fake", g="g_loss", realScore="real_score",
                 fakeScore="fake_score", **(dict(penalty="penalty") if r1 else {}))
    for mine, theirs in named.items(): assert abs(end["metrics"][mine] - metrics[theirs].item()) < 1e-5, mine


def test_gradients_written_by_hand_are_those_of_small_differences(root):
    assert all(error < 1e-6 for error in ask(root, "gradients").values())


def test_the_pages_toys_are_the_librarys(root):
    toys = ask(root, "toys")
    for name in ("ring8", "grid25"):
        modes = TOYS[name].component_distribution.base_dist
        assert torch.allclose(torch.tensor(toys[name]["centres"], dtype=torch.float32), modes.loc, atol=1e-6)
        assert abs(toys[name]["sd"] - modes.scale[0, 0].item()) < 1e-6


def test_a_seed_decides_the_game(root):
    one, again, other = ask(root, "seeds")
    assert one == again != other


def test_fakes_are_pulled_to_where_d_says_real(root):
    for pull in ask(root, "pull"): assert pull[0] > 0 and pull[1] == 0


def test_real_points_follow_their_distribution(root):
    x = torch.tensor(ask(root, "real")).view(-1, 2)
    assert (x.abs().mean(0) - torch.tensor([.8, .0798])).abs().max() < .01
    assert abs((x[:, 0] > 0).float().mean().item() - .5) < .03


# the generator

@pytest.fixture(scope="module")
def drawn(request, tmp_path_factory):
    "Eighty latents and classes, and the page's pictures of them."
    torch.manual_seed(0)
    z, y = torch.randn(80, load_playground().latent), torch.arange(80) % 10
    file = tmp_path_factory.mktemp("generator")
    job = dict(generator=pack_generator(load_playground()), z=z.tolist(), y=y.tolist())
    (file/"job.json").write_text(json.dumps(job), encoding="utf-8")
    return z, y, ask(request.config.rootpath, "digits", file/"job.json")


@torch.no_grad()
def grey(G, z, y): return denormalise(G(z, y)).flatten(1).float()


@pytest.mark.parametrize("loops", ["pictures", "plain"])
def test_a_digit_of_the_page_is_the_shipped_generators(drawn, loops):
    "No pixel is further than two grey levels from torch's, with WebAssembly and without."
    z, y, page = drawn
    errors = (grey(load_playground(), z, y) - torch.tensor(page[loops])).abs()
    assert errors.max() <= 2 and errors.mean() < .1 and page["alone"]


def test_a_generator_of_other_sides_and_strides(root, tmp_path):
    "Odd numbers of channels fill no block of a product; every layer has another scale."
    torch.manual_seed(1)
    G = grower(latent=3, channels=(5, 3, 7), shape=(1, 20, 20)).eval()
    z, y = torch.randn(9, 3), torch.arange(9)
    job = dict(generator=pack_generator(G), z=z.tolist(), y=y.tolist())
    (tmp_path/"job.json").write_text(json.dumps(job), encoding="utf-8")
    page = ask(root, "digits", tmp_path/"job.json")
    assert (grey(G, z, y) - torch.tensor(page["pictures"])).abs().max() <= 2


def test_house_numbers_of_the_page_are_the_shipped_generators(root, tmp_path):
    "All of red, then of green, then of blue, from weights of 8 bits."
    torch.manual_seed(0)
    G = load_playground("svhn_10k")
    z, y = torch.randn(9, G.latent), torch.arange(9)
    packed = seven_options(data="svhn_10k")
    job = dict(generator=packed["colour"], z=z.tolist(), y=y.tolist())
    (tmp_path/"job.json").write_text(json.dumps(job), encoding="utf-8")
    drawn = torch.tensor(ask(root, "digits", tmp_path/"job.json")["pictures"])
    assert drawn.shape == (9, 3 * 32 * 32) and packed["start"] == "colour"
    errors = (grey(G, z, y) - drawn).abs()
    assert errors.mean() < 1 and errors.max() <= 20 # the rounding of the weights


@torch.no_grad()
def test_the_page_reads_digits_as_the_encoder_does(root, tmp_path):
    options, E = redraw_options(), load_encoder()
    examples = bytearray(base64.b64decode(options["examples"]))
    pixels = torch.frombuffer(examples, dtype=torch.uint8).view(-1, 1, 28, 28)
    job = dict(toZ=options["toZ"], toY=options["toY"], pictures=pixels.flatten(1).tolist())
    (tmp_path/"job.json").write_text(json.dumps(job), encoding="utf-8")
    page, (z, logits) = ask(root, "codes", tmp_path/"job.json"), E(normalise(pixels))
    assert torch.equal(torch.tensor(page["logits"]).argmax(1), logits.argmax(1))
    assert (torch.tensor(page["z"]) - z).abs().max() < .1
    assert (logits.argmax(1) == torch.arange(10)).all() # one real digit of each class


def test_the_great_circle_is_the_librarys(drawn):
    z, _, page = drawn
    assert torch.allclose(torch.tensor(page["between"]), slerp(z[0], z[1], .3), atol=1e-5)


def test_a_product_is_the_same_with_and_without_webassembly(root):
    found = ask(root, "products")
    a, b = torch.tensor(found["a"]).view(8, 5), torch.tensor(found["b"]).view(5, 16)
    assert (a @ b).flatten().tolist() == found["fast"] == found["plain"]


@pytest.mark.parametrize("bits", [8, 12])
def test_weights_come_back_as_they_were_packed(root, tmp_path, bits):
    whole, _ = quantise(torch.randn(3, 5), bits)
    text = base64.b64encode(whole_bytes(whole, bits).numpy().tobytes()).decode()
    (tmp_path/"job.json").write_text(json.dumps(dict(text=text, bits=bits)), encoding="utf-8")
    assert ask(root, "whole", tmp_path/"job.json")[:15] == whole.flatten().tolist()


def test_base64_is_read_as_bytes(root): assert ask(root, "bytes") == [0, 255, 128]


# workers, frames, and what a reader does

def test_a_worker_answers_by_number_and_a_page_without_one_answers_itself(root):
    found = ask(root, "protocol")
    right, wrong = found["sent"]
    assert right == dict(id=7, answer=42) and wrong["id"] == 8 and "error" in wrong
    assert found["said"] == [found["sentence"]] and found["sentence"].count(".") == 1
    assert found["answers"] == [2, 4] and found["failed"] == "no"
    assert found["tasks"] == ["load", "draw", "blend", "read"]


def test_a_reset_begins_the_same_game_and_looking_changes_none(root):
    found = ask(root, "scene")
    (one, looked), again = found["ends"], found["again"]
    assert one == looked == again and one[1] == 4
    assert set(found["keys"]) == {"dReal", "dFake", "penalty", "realScore", "fakeScore", "dLoss"}
    assert (found["shown"], found["lines"], found["empty"], found["three"]) == (400, 2 * 13 * 13, 0, 3)


def test_d_prime_is_the_formula(root, tmp_path):
    truth = [True] * 10 + [False] * 10
    jobs = [dict(answers=answers, truth=truth) for answers in
            (truth, [True] * 20, [i % 2 == 0 for i in range(20)], [True] * 8 + [False] * 12)]
    (tmp_path/"job.json").write_text(json.dumps(jobs), encoding="utf-8")
    point = NormalDist().inv_cdf
    counts = (10, 0), (10, 10), (5, 5), (8, 0) # real ones called real, fakes called real
    for mine, (hits, alarms) in zip(ask(root, "primes", tmp_path/"job.json"), counts, strict=True):
        assert abs(mine - (point((hits + .5) / 11) - point((alarms + .5) / 11))) < 1e-5


def test_a_drawing_is_centred_and_as_large_as_a_digit(root):
    found = ask(root, "bar")
    digit = torch.tensor(found["digit"]).view(28, 28)
    rows, columns = (digit > 100).any(1).nonzero()[:, 0], (digit > 100).any(0).nonzero()[:, 0]
    assert (rows.min(), rows.max(), len(columns)) == (4, 23, 6) and abs(columns.float().mean() - 13.5) <= .5
    assert not found["nothing"]


# from Python to the page

@pytest.mark.skipif(not NODE, reason="no node")
@pytest.mark.parametrize("name", WIDGETS)
def test_a_bundle_is_one_sound_module_that_imports_nothing(tmp_path, name):
    (tmp_path/"widget.mjs").write_text(bundle(name), encoding="utf-8")
    command = [NODE, "--check", tmp_path/"widget.mjs"]
    done = subprocess.run(command, check=False, text=True, capture_output=True)
    assert done.returncode == 0, done.stderr # a name that two parts define is an error too
    assert not re.search(r"^import\b", bundle(name), re.M) and "export default" in bundle(name)


def test_every_part_is_in_a_bundle_and_a_page_with_all_is_small(root):
    files = {path.stem: path for path in (root/"nbs"/"widgets").glob("*.js")}
    assert set(files) == {part for widget in WIDGETS.values() for part in widget.parts} | set(WIDGETS)
    pages = {name: row for name, row in WIDGETS.items() if row.on_page}
    assert len(page_script({name: {} for name in pages})) < 65_000 # without weights and pictures
    assert len(page_script({name: row.options() for name, row in pages.items()})) < 3_000_000


def test_a_generator_travels_once():
    both = {name: WIDGETS[name].options() for name in ("seven", "redraw")}
    alone = {name: len(page_script({name: given})) for name, given in both.items()}
    size = len(json.dumps(both["seven"]["generator"]))
    assert len(page_script(both)) < sum(alone.values()) - .9 * size


def test_both_sides_know_the_same_names(root):
    for table, argument in ((ask(root, "toys"), "data"), (ask(root, "losses"), "loss")):
        for name in table: assert debugger_options(**{argument: name})[argument] == name
        with pytest.raises(ValueError, match=", ".join(map(repr, table))): debugger_options(**{argument: "?"})


@pytest.mark.parametrize("name", [name for name, row in WIDGETS.items() if row.on_page])
def test_a_page_asks_for_nothing(tmp_path, name):
    page = to_html(name, tmp_path/"page.html")
    assert (tmp_path/"page.html").read_text(encoding="utf-8") == page
    assert not re.search(r"(?:src|href)=|https?://|@import|\bfetch\(", page)
    assert page.count("</script>") == 1


def test_a_page_takes_the_options_of_its_widget():
    assert "Training replay: wgan" in to_html("replay", name="wgan")


def test_without_a_front_end_one_line_is_printed(capsys):
    assert debugger() is None and capsys.readouterr().out.count("\n") == 1


def test_a_front_end_gets_a_widget(monkeypatch):
    pytest.importorskip("anywidget", reason="no anywidget")
    monkeypatch.setattr("gan_course.widgets._has_front_end", lambda: True)
    shown = debugger(loss="hinge", seed=3)
    assert shown.options["loss"] == "hinge" and shown.options["seed"] == 3 and "render" in shown._esm


def test_what_the_page_cannot_draw_is_refused():
    for strange, found in ((MLPGenerator(), "MLPGenerator"), (grower(attention=True), "SelfAttention"),
                           (grower(stats="batch"), "BatchNorm1d"), (grower(out="sigmoid"), "last activation"),
                           (grower(shape=(2, 28, 28)), "pictures of 2 channels")):
        with pytest.raises(ValueError, match=found): pack_generator(strange)


def grower(**options):
    "A small convolutional generator."
    return ConditionalDCGANGenerator(**dict(latent=4, channels=(4, 4, 4)) | options)


@pytest.fixture
def open_page(tmp_path):
    "Opens a widget's page from the disk, in a browser of a phone's width; what went wrong is listed."
    from playwright.sync_api import sync_playwright
    complaints = []
    with sync_playwright() as play:
        browser = launch(play)

        def open_page(name, script="", **preferences):
            to_html(name, tmp_path/f"{name}.html")
            page = browser.new_page(viewport=dict(width=390, height=900), **preferences)
            page.add_init_script(script)
            listen(page, complaints, None, LOCAL)
            page.goto(f"file://{tmp_path}/{name}.html")
            assert page.evaluate("document.documentElement.scrollWidth") <= 390
            return page
        yield open_page
        browser.close()
    assert complaints == []


def picture(page, which): return page.locator("canvas").nth(which).evaluate("c => c.toDataURL()")


def says(page, pattern):
    "Wait until a widget's line of text has a pattern."
    from playwright.sync_api import expect
    expect(page.get_by_role("status").first).to_have_text(re.compile(pattern))


def changes(page, which, old):
    "Wait until a picture is another one; it is returned."
    canvas = page.locator("canvas").nth(which)
    page.wait_for_function("([c, old]) => c.toDataURL() !== old", arg=[canvas.element_handle(), old])
    return picture(page, which)


@pytest.mark.skipif(not CHROMIUM, reason="no chromium")
def test_the_debugger_is_played_with_the_keyboard_alone(open_page):
    page = open_page("debugger", reduced_motion="reduce", color_scheme="dark")
    step = page.get_by_role("button", name="Step D")
    page.wait_for_selector('[data-theme="dark"]')
    says(page, "^Round 0")
    step.press("Enter")
    says(page, "^D has moved; its loss was ")
    run = page.locator(".gan-run").all_inner_texts() # its lines, with the numbers they made
    assert any("on_real, on_fake = " in line and re.search(r"\d\.\d{3}, \d\.\d{3}", line) for line in run)
    assert not any("loss.g(" in line for line in run)
    page.get_by_role("button", name="Play rounds").press("Enter")
    says(page, r"Round 10\.")
    old = picture(page, 0)
    page.get_by_role("checkbox", name="G's map of z").press(" ")
    changes(page, 0, old)
    page.get_by_role("combobox", name="Data", exact=True).select_option("drawn")
    says(page, "Draw some real points first")
    assert step.is_disabled()
    plane = page.get_by_role("application", name="D's surface with real and fake points")
    plane.press("ArrowLeft")
    says(page, "^Cross at -0.1, 0.0")
    for key in ("Enter", "ArrowUp", " ", "Enter", "Backspace"): plane.press(key)
    says(page, "of 2 modes")
    page.get_by_role("combobox", name="Speed").select_option("slow")
    page.get_by_role("button", name="Play", exact=True).press("Enter")
    page.wait_for_selector(".gan-run:has-text('loss.g(')") # a move a second: D's, then G's
    says(page, r"Round 1\.") # which is a round
    page.get_by_role("combobox", name="Speed").select_option("full")
    says(page, "Round [1-9]")
    page.get_by_role("button", name="Pause").press("Enter")
    assert page.get_by_role("button", name="Play", exact=True).is_visible()
    page.get_by_role("button", name="Reset").press("Enter")
    says(page, r"Round 0\.")


@pytest.mark.skipif(not CHROMIUM, reason="no chromium")
def test_seven_draws_what_is_asked(open_page):
    page = open_page("seven")
    says(page, r"^A 7\.")
    before = picture(page, 0)
    page.get_by_role("button", name="Draw a 3").press("Enter")
    three = changes(page, 0, before)
    says(page, r"^A 3\.")
    page.get_by_role("slider", name="Direction 1").press("ArrowRight")
    moved = changes(page, 0, three)
    morph = picture(page, 2)
    page.get_by_role("combobox", name="To").select_option("1")
    changes(page, 2, morph)
    page.get_by_role("button", name="Surprise me").press("Enter")
    changes(page, 0, moved)
    assert page.get_by_role("slider", name="Direction 1").input_value() == "0"


@pytest.fixture
def open_site_page(open_page, tmp_path):
    "The same widget on a page as the site has it: its generators lie in files beside the script."
    folder = tmp_path/"site_libs"/"widgets"
    folder.mkdir(parents=True)
    script = page_script(set_aside(dict(seven=seven_options()), folder))
    (folder/"seven.js").write_text(script, encoding="utf-8")

    def open_site_page(name):
        page = open_page(name)
        html = ('<!doctype html><meta charset="utf-8"><div data-widget="seven"></div>'
                '<script src="site_libs/widgets/seven.js"></script>')
        (tmp_path/"site.html").write_text(html, encoding="utf-8")
        page.goto(f"file://{tmp_path}/site.html")
        return page
    return open_site_page


@pytest.mark.skipif(not CHROMIUM, reason="no chromium")
@pytest.mark.parametrize("opened", ["open_page", "open_site_page"])
def test_seven_draws_house_numbers_in_colour(request, opened):
    page = request.getfixturevalue(opened)("seven")
    says(page, r"^A 7\.")
    grey_digit = picture(page, 0)
    page.get_by_role("combobox", name="Digits").select_option("colour")
    page.wait_for_function("document.querySelector('canvas').width === 32") # its file has come
    says(page, r"^A 7\.")
    assert picture(page, 0) != grey_digit
    levels = page.locator("canvas").first.evaluate(
        "c => [...c.getContext('2d').getImageData(0, 0, c.width, c.height).data]")
    assert len(levels) == 4 * 32 * 32 and levels[0::4] != levels[1::4] # red is not green
    page.get_by_role("button", name="Draw a 3").press("Enter")
    says(page, r"^A 3\.")
    page.get_by_role("combobox", name="Digits").select_option("generator")
    says(page, r"^A 7\.")


@pytest.mark.skipif(not CHROMIUM, reason="no chromium")
def test_a_page_without_workers_computes_itself_and_says_so(open_page):
    page = open_page("seven", script="delete globalThis.Worker")
    says(page, r"^A 7\.")
    page.get_by_text("cannot compute in the background").wait_for()


@pytest.mark.skipif(not CHROMIUM, reason="no chromium")
def test_a_digit_is_drawn_with_the_keyboard_and_redrawn(open_page):
    page = open_page("redraw")
    says(page, "reads a 0")
    page.get_by_role("button", name="Clear").press("Enter")
    says(page, r"^Draw a digit\.")
    every = picture(page, 3)
    pad = page.get_by_role("application")
    pad.press(" ")
    for _ in range(12): pad.press("ArrowDown")
    says(page, "reads a 1")
    changes(page, 3, every)


@pytest.mark.skipif(not CHROMIUM, reason="no chromium")
def test_twenty_answers_end_in_a_table(open_page):
    page = open_page("spot")
    for i in range(20):
        says(page, f"Picture {i + 1} of 20")
        page.get_by_role("button", name="Real", exact=True).press("r" if i % 2 else "Enter")
    says(page, "That was the last one")
    rows = page.get_by_role("row").all_inner_texts()
    assert [row.split("\t")[0] for row in rows] == ["Who", "You", "D", "The judge"]
    assert rows[1] == "You\t10\t0.00" # "real" twenty times tells nothing
    assert page.get_by_role("button", name="Generated").is_disabled()
    page.get_by_role("button", name="Start again").press("Enter")
    says(page, "Picture 1 of 20")


@pytest.mark.skipif(not CHROMIUM, reason="no chromium")
def test_a_replay_shows_all_arms_at_one_epoch(open_page):
    from playwright.sync_api import expect
    page = open_page("replay", reduced_motion="reduce")
    slider, captions = page.get_by_role("slider", name="Epoch"), page.locator("figcaption")
    slider.press("Home")
    expect(captions).to_have_text([re.compile(": epoch 1$")] * 2)
    first = picture(page, 0)
    slider.press("ArrowRight")
    expect(captions).to_have_text([re.compile(": epoch 2$")] * 2)
    changes(page, 0, first)
    page.get_by_role("button", name="Replay").press("Enter")
    page.get_by_role("button", name="Hold").press("Enter")


def test_a_long_game_keeps_its_whole_history_and_each_fake_its_nearest_mode(root):
    "The curve begins where the game began; its rows stand equally far apart."
    long = ask(root, "long")
    assert long["last"] == 9001 and long["first"] <= 4 and 1500 < long["n"] <= 4000 and long["step"] <= 4
    assert long["near"] == 2
