"""What a widget's JavaScript costs in node: a picture of the generator, a frame of the debugger.

python -m benchmarks.widgets

With TFJS=node_modules, a folder where npm put @tensorflow/tfjs-core, tfjs-backend-cpu and tfjs-backend-wasm,
the generator also races TensorFlow.js; it stops where the pictures differ.
"""
import json
import os
import subprocess
import tempfile
from pathlib import Path

import torch

from gan_course.training import load_playground
from gan_course.widgets import pack_generator

ROOT = Path(__file__).resolve().parents[1]


def node(*words):
    "What a script answers: its last line, as JSON."
    done = subprocess.run(["node", *words], check=True, capture_output=True, text=True, cwd=ROOT)
    return json.loads(done.stdout.splitlines()[-1])


def race_drawing(job):
    "Print a line for the page's code, and one for each backend of TensorFlow.js."
    fast, plain = node("tests/widgets.mjs", "bench", job)
    print(f"16 digits: {fast:.0f} ms with WebAssembly ({fast / 16:.1f} an image), {plain:.0f} with loops, "
          f"{plain / fast:.1f} times as long; medians of processor time, in turns")
    for backend in ("cpu", "wasm") if "TFJS" in os.environ else ():
        ours, theirs, version = node("benchmarks/tfjs.mjs", job, Path(os.environ["TFJS"]).resolve(), backend)
        print(f"TensorFlow.js {version}, backend {backend}: {theirs:.0f} ms, the page's code in turns "
              f"{ours:.0f}: {theirs / ours:.1f} times as long")


def main():
    "Print a line for each."
    torch.manual_seed(0)
    z = torch.randn(16, load_playground().latent)
    job = dict(generator=pack_generator(load_playground()), z=z.tolist(), y=[i % 10 for i in range(16)])
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "job.json")
        file.write_text(json.dumps(job), encoding="utf-8")
        race_drawing(file)
    ms, _ = node("tests/widgets.mjs", "frames")
    print(f"debugger: a slice of play and its frame take {ms:.0f} ms: up to {1000 / ms:.0f} frames a second")


if __name__ == "__main__": main()
