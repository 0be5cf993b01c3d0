"The widgets' JavaScript in node: its game is the library's, its digits are torch's."
import copy
import json
import re
import shutil
import subprocess

import pytest
import torch
from torch.optim import Adam

from gan_course.core import slerp
from gan_course.data import TOYS, denormalise
from gan_course.losses import LOSSES, make_loss, make_penalty
from gan_course.networks import ConditionalDCGANGenerator, MLPDiscriminator, MLPGenerator
from gan_course.steps import update_d, update_g
from gan_course.training import load_playground
from gan_course.widgets import WIDGETS, bundle, debugger, debugger_options, pack_generator, quantise, to_html

NODE = shutil.which("node")
pytestmark = pytest.mark.skipif(not NODE, reason="no node")
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
FLAGS = ("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
         "--disable-background-networking", "--disable-component-update")
N, LATENT, LR_D, LR_G = 16, 2, 2e-3, 1e-3


def ask(root, task, *files):
    "What tests/widgets.mjs answers."
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

@torch.no_grad()
def with_bytes(G):
    "The generator with the weights that the page has: normalisation folded in first, then rounded."
    G = copy.deepcopy(G)
    norms = [module for module in G.body if hasattr(module, "running_var")]
    layers = [module for module in G.body if hasattr(module, "weight") and module not in norms]
    for layer, norm in zip(layers, [*norms, None], strict=True):
        rows = layer.weight if layer.weight.ndim == 2 else layer.weight.transpose(0, 1)
        folded = 1 if norm is None else norm.weight / (norm.running_var + norm.eps).sqrt()
        folded = torch.as_tensor(folded).view(-1, *[1] * (rows.ndim - 1))
        whole, scales = quantise(rows * folded)
        rows.copy_(whole * scales.view(-1, *[1] * (rows.ndim - 1)) / folded)
    return G


@pytest.fixture(scope="module")
def drawn(request, tmp_path_factory):
    "Forty latents and classes, and the page's pictures of them."
    torch.manual_seed(0)
    z, y = torch.randn(40, load_playground().latent), torch.arange(40) % 10
    file = tmp_path_factory.mktemp("generator")
    job = dict(generator=pack_generator(load_playground()), z=z.tolist(), y=y.tolist())
    (file/"job.json").write_text(json.dumps(job), encoding="utf-8")
    return z, y, ask(request.config.rootpath, "digits", file/"job.json")


@torch.no_grad()
def grey(G, z, y): return denormalise(G(z, y)).flatten(1).float()


def test_a_digit_of_the_page_is_torchs_with_the_same_weights(drawn):
    z, y, page = drawn
    errors = grey(with_bytes(load_playground()), z, y) - torch.tensor(page["pictures"])
    assert errors.abs().max() <= 1


def test_a_digit_of_the_page_is_the_shipped_generators(drawn):
    "Each picture within two grey levels on average; rounding moves single pixels further."
    z, y, page = drawn
    errors = (grey(load_playground(), z, y) - torch.tensor(page["pictures"])).abs()
    assert errors.mean(1).max() < 2 and errors.mean() < .5


def test_the_great_circle_is_the_librarys(drawn):
    z, _, page = drawn
    assert torch.allclose(torch.tensor(page["between"]), slerp(z[0], z[1], .3), atol=1e-5)


def test_products_whose_sides_fill_no_block(root):
    found = ask(root, "products")
    a, b = torch.tensor(found["a"]).view(7, 5), torch.tensor(found["b"]).view(6, 5)
    assert (a @ b.T).flatten().tolist() == found["out"]


def test_base64_is_read_as_bytes(root): assert ask(root, "bytes") == [0, 255, 128]


# from Python to the page

@pytest.mark.parametrize("name", WIDGETS)
def test_a_bundle_is_one_sound_module_that_imports_nothing(tmp_path, name):
    (tmp_path/"widget.mjs").write_text(bundle(name), encoding="utf-8")
    command = [NODE, "--check", tmp_path/"widget.mjs"]
    done = subprocess.run(command, check=False, text=True, capture_output=True)
    assert done.returncode == 0, done.stderr # a name that two parts define is an error too
    assert not re.search(r"^import\b", bundle(name), re.M) and "export function render(" in bundle(name)


def test_every_part_is_in_a_bundle_and_they_are_small(root):
    files = {path.stem: path for path in (root/"nbs"/"widgets").glob("*.js")}
    assert set(files) == {part for widget in WIDGETS.values() for part in widget.parts}
    assert sum(path.stat().st_size for path in (root/"nbs"/"widgets").iterdir()) < 60_000


def test_both_sides_know_the_same_names(root):
    for table, argument in ((ask(root, "toys"), "data"), (ask(root, "losses"), "loss")):
        for name in table: assert debugger_options(**{argument: name})[argument] == name
        with pytest.raises(ValueError, match=", ".join(map(repr, table))): debugger_options(**{argument: "?"})


@pytest.mark.parametrize("name", WIDGETS)
def test_a_page_asks_for_nothing(tmp_path, name):
    page = to_html(name, tmp_path/"page.html")
    assert (tmp_path/"page.html").read_text(encoding="utf-8") == page
    assert not re.search(r"(?:src|href)=|https?://|@import|\bfetch\(", page)
    assert page.count("</script>") == 1


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
                           (grower(shape=(3, 28, 28)), "not grey")):
        with pytest.raises(ValueError, match=found): pack_generator(strange)


def grower(**options):
    "A small convolutional generator."
    return ConditionalDCGANGenerator(latent=4, channels=(4, 4, 4), **options)


@pytest.fixture
def open_page(tmp_path):
    "Opens a widget's page from the disk, in a browser of a phone's width; what went wrong is listed."
    from playwright.sync_api import sync_playwright
    complaints = []
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=CHROMIUM, args=FLAGS)

        def open_page(name, **preferences):
            to_html(name, tmp_path/f"{name}.html")
            page = browser.new_page(viewport=dict(width=390, height=900), **preferences)
            page.on("console", lambda m: complaints.append(m.text))
            page.on("pageerror", lambda error: complaints.append(str(error)))
            page.on("request", lambda r: complaints.append(r.url) if "file:" not in r.url else None)
            page.goto(f"file://{tmp_path}/{name}.html")
            assert page.evaluate("document.documentElement.scrollWidth") <= 390
            return page
        yield open_page
        browser.close()
    assert complaints == []


def picture(page, which): return page.locator("canvas").nth(which).evaluate("c => c.toDataURL()")


@pytest.mark.skipif(not CHROMIUM, reason="no chromium")
def test_the_debugger_is_played_with_the_keyboard_alone(open_page):
    page = open_page("debugger", reduced_motion="reduce", color_scheme="dark")
    status, step = page.get_by_role("status"), page.get_by_role("button", name="Step D")
    page.wait_for_selector('[data-theme="dark"]')
    step.focus()
    page.keyboard.press("Enter")
    assert status.inner_text().startswith("D has moved; its loss was ")
    page.get_by_role("button", name="Play rounds").press("Enter")
    assert "Round 10." in status.inner_text()
    page.get_by_role("combobox", name="Data", exact=True).select_option("drawn")
    assert "Draw some real points first" in status.inner_text() and step.is_disabled()
    page.get_by_role("img", name="D's surface with real and fake points").focus()
    for key in ("ArrowLeft", "Enter", "ArrowUp", " ", "Enter", "Backspace"): page.keyboard.press(key)
    assert "of 2 modes" in status.inner_text() and step.is_enabled()
    page.get_by_role("button", name="Play", exact=True).press("Enter")
    page.wait_for_function("/Round [1-9]/.test(document.querySelector('.gan-status').textContent)")
    page.get_by_role("button", name="Pause").press("Enter")
    assert page.get_by_role("button", name="Play", exact=True).is_visible()
    page.get_by_role("button", name="Reset").press("Enter")
    assert "Round 0." in status.inner_text()


@pytest.mark.skipif(not CHROMIUM, reason="no chromium")
def test_seven_draws_what_is_asked(open_page):
    page = open_page("seven")
    before = picture(page, 0)
    page.get_by_role("button", name="Draw a 3").press("Enter")
    three = picture(page, 0)
    assert three != before and page.get_by_role("status").inner_text().startswith("A 3.")
    page.get_by_role("slider", name="Direction 1").press("ArrowRight")
    moved = picture(page, 0)
    page.get_by_role("button", name="Surprise me").press("Enter")
    assert len({three, moved, picture(page, 0)}) == 3
    assert page.get_by_role("slider", name="Direction 1").input_value() == "0"
