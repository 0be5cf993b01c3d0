"""What a widget's JavaScript costs in node: a picture of the generator, a frame of the debugger.

python -m benchmarks.widgets
"""
import json
import subprocess
import tempfile
from pathlib import Path

import torch

from gan_course.training import load_playground
from gan_course.widgets import pack_generator

ROOT = Path(__file__).resolve().parents[1]


def ask(task, job=None):
    "What tests/widgets.mjs answers."
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder)/"job.json"
        file.write_text(json.dumps(job), encoding="utf-8")
        words = ["node", ROOT/"tests"/"widgets.mjs", task, *[file] * (job is not None)]
        return json.loads(subprocess.run(words, check=True, capture_output=True, text=True).stdout)


def main():
    "Print a line for each."
    torch.manual_seed(0)
    z = torch.randn(16, load_playground().latent)
    job = dict(generator=pack_generator(load_playground()), z=z.tolist(), y=[i % 10 for i in range(16)])
    fast, plain = ask("bench", job)
    ms, _ = ask("frames")
    print(f"16 digits: {fast:.0f} ms with WebAssembly ({fast / 16:.1f} an image), {plain:.0f} with loops, "
          f"{plain / fast:.1f} times as long; medians of processor time, in turns")
    print(f"debugger: a slice of play and its frame take {ms:.0f} ms: up to {1000 / ms:.0f} frames a second")


if __name__ == "__main__": main()
