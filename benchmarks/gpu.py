"""The first hours of a GPU: `make gpu`, or `python -m benchmarks.gpu --device cuda:1 --out gpu --minutes 60`.

smoke: every game of tests/golden.py for some steps; is its step recorded as a CUDA graph?
parity: the same games, unrecorded, in float32, with the CPU's random draws: are their metrics the CPU's?
bench: `python -m benchmarks` on this device.
runs: the runs that the open claims want, most verdicts a minute first, until the time is over. Each
has ten minutes; one that takes longer keeps a checkpoint, and goes on when this is called again.
Every part leaves its rows in the folder OUT, where new runs join a copy of the stored ones (OUT/results).
"""
import argparse
import importlib.util
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import warnings
from dataclasses import replace
from pathlib import Path

import torch
from torch.utils._python_dispatch import TorchDispatchMode

from gan_course import claims, lookup, training
from gan_course.catalogue import MEASUREMENTS
from gan_course.config import How
from gan_course.core import pick_device
from gan_course.files import RunDir
from gan_course.games import GAMES, build_recipe, load_train_valid
from gan_course.runs import device_name, source_commit, versions
from gan_course.speed import Replay

ROOT = Path(__file__).parents[1]
SHORT = dict(n_train=160, batch=20, epochs=1) # eight steps: three plain, one recorded, four replayed
TOLERANCE = .02 # of a metric, in nats or logits: twice what tests/test_fast.py allows two libraries on a CPU
LONGEST = 600 # seconds of one command


def golden():
    "Name -> config, of every game that tests/golden.py plays."
    spec = importlib.util.spec_from_file_location('golden', ROOT/'tests'/'golden.py')
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return {name: replace(config, **SHORT) for name, config in module.ARMS.items()}


class CPUDraws(TorchDispatchMode):
    "Inside `with`, a GPU's random numbers are drawn on the CPU: both play with the same."
    new = {'rand', 'randn', 'randint', 'randperm'}
    like = {'rand_like', 'randn_like', 'randint_like', 'bernoulli'}
    inside = {'normal_', 'uniform_', 'random_', 'bernoulli_'}

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        name, kwargs = func.overloadpacket.__name__, dict(kwargs or {})
        if name in self.new and kwargs.get('device') is not None:
            device = kwargs.pop('device')
            return func(*args, **kwargs, device='cpu').to(device)
        if name in self.like | self.inside and args[0].device.type != 'cpu':
            kwargs.pop('device', None)
            drawn = func(args[0].cpu(), *args[1:], **kwargs)
            return args[0].copy_(drawn) if name in self.inside else drawn.to(args[0].device)
        return func(*args, **kwargs)


def play(config, how):
    "A short game's metrics, how many of its loops were recorded, and how many were to be."
    made = []
    class Watched(Replay):
        def __init__(self, *args, capture=False, **settings):
            super().__init__(*args, capture=capture, **settings)
            made.append((self, capture))
    data, _ = load_train_valid(config)
    usual, training.Replay = training.Replay, Watched
    try:
        with tempfile.TemporaryDirectory() as folder:
            game = GAMES[config.game](config, data, build_recipe(config))
            *_, last = game(RunDir(Path(folder)/'run'), how)
    finally: training.Replay = usual
    return last.metrics, sum(replay.graph is not None for replay, _ in made), sum(asked for _, asked in made)


def smoke(config, device):
    "Does a game run to its end, recorded where it is played on a GPU?"
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter('always')
        metrics, recorded, wanted = play(config, How(device))
    return dict(ok=recorded == wanted, recorded=recorded, wanted=wanted, metrics=metrics,
                warnings=[str(warning.message)[:300] for warning in said])


def parity(config, device):
    "How far are a game's metrics from those on a CPU? In float32, without dropout, whose masks differ."
    config, ends, usual = replace(config, dropout=0.), [], Replay._record
    Replay._record = lambda self, index: False # what draws on a CPU cannot be recorded
    try:
        for where in ('cpu', device):
            with CPUDraws(): ends.append(play(config, How(where, 'strict'))[0])
    finally: Replay._record = usual
    apart = {name: abs(ends[1][name] - value) for name, value in ends[0].items() if value is not None}
    return dict(ok=max(apart.values()) <= TOLERANCE, apart=max(apart.values()), tolerance=TOLERANCE)


def each_game(check, device, names, keep):
    "One check of every game; a game that fails stops no other."
    arms = golden()
    for name in names or arms:
        began = time.monotonic()
        try: row = check(lookup(arms, name, 'arm'), device)
        except Exception as error: row = dict(ok=False, failed=f'{type(error).__name__}: {error}')
        keep(check.__name__, dict(arm=name, seconds=round(time.monotonic() - began, 2)) | row)


def command(words, seconds, log):
    "Run a command for at most so many seconds; a run keeps a checkpoint where it is cut short."
    began = time.monotonic()
    with log.open('ab') as file, subprocess.Popen([sys.executable, '-m', *words], cwd=ROOT, stdout=file,
                                                  stderr=subprocess.STDOUT, start_new_session=True) as child:
        try: child.wait(seconds)
        except subprocess.TimeoutExpired:
            child.send_signal(signal.SIGINT)
            try: child.wait(30)
            except subprocess.TimeoutExpired: os.killpg(child.pid, signal.SIGKILL)
    return dict(command=' '.join(words), rc=child.returncode, ok=not child.returncode,
                seconds=round(time.monotonic() - began, 1))


def wanted(results):
    "The runs that the open claims want, in the order that brings most verdicts a minute."
    needed = {v.id: claims.missing(v, results) for v in claims.verdicts(results)}
    jobs = dict.fromkeys(sum(needed.values(), []))
    seconds = {job: claims.stored_seconds(job, results) or float(LONGEST) for job in jobs}
    return [job for job in claims.in_order(needed, seconds) if job.study not in MEASUREMENTS]


def study_words(job, device, out):
    "The command that makes a run, and those of the same arm with a smaller seed."
    folder = out/'runs'/job.form/job.study
    form = [f'--{job.form}'] * (job.form != 'small')
    return ['gan_course', 'study', f'{job.study}/{job.arm}', *form, '--resume',
            '--seeds', str(job.seed + 1), '--device', device, '--precision', job.precision,
            '--gpus-per-run', '1', '--workers', '1', '--results', str(out/'results'), '--out', str(folder)]


def make_runs(jobs, device, out, until, keep):
    "Make runs until the time is over; the rows join those in OUT/results."
    for job in jobs:
        left = until - time.monotonic()
        if left < 60: break
        row = command(study_words(job, device, out), min(LONGEST, left), out/'runs.log')
        keep('runs', row | dict(ok=row['rc'] in (0, 130))) # 130: cut short, with a checkpoint


def main():
    form = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser('python -m benchmarks.gpu', description=__doc__, formatter_class=form)
    parser.add_argument('parts', nargs='*', metavar='PART', help="smoke, parity, bench, runs (default: all)")
    parser.add_argument('--device', default='auto')
    parser.add_argument('--out', type=Path, default=Path(os.environ.get('OUT') or 'runs/gpu'))
    parser.add_argument('--minutes', type=float, default=60, help="after which no run is begun (default: 60)")
    parser.add_argument('--arms', nargs='+', metavar='ARM', help="games of smoke and parity (default: all)")
    parser.add_argument('--bench', nargs='+', default=[], metavar='W', help="words for python -m benchmarks")
    args = parser.parse_args()
    began, parts = time.monotonic(), ('smoke', 'parity', 'bench', 'runs')
    try:
        for part in args.parts: lookup(dict.fromkeys(parts), part, 'part')
        device = str(pick_device(args.device))
    except ValueError as error: parser.error(str(error))
    out = args.out.resolve()
    out.mkdir(parents=True, exist_ok=True)
    if not (out/'results').exists(): shutil.copytree(ROOT/'nbs'/'results', out/'results')
    here, bad = torch.device(device), []
    facts = dict(device=device_name(here), versions=versions(), commit=source_commit())
    def keep(part, row):
        with (out/'gpu.jsonl').open('a', encoding='utf-8') as file:
            file.write(json.dumps(dict(part=part) | row | facts) + '\n')
        shown = {k: v for k, v in row.items() if k not in ('metrics', 'tolerance') and v != []}
        print(part, json.dumps(shown), flush=True)
        if not row['ok']: bad.append(row.get('arm', part))
    for part in args.parts or parts:
        if part == 'smoke': each_game(smoke, device, args.arms, keep)
        if part == 'parity': each_game(parity, device, args.arms, keep)
        if part == 'bench':
            words = ['benchmarks', *args.bench, '--device', device, '--results', str(out/'bench.jsonl')]
            keep(part, command(words, LONGEST, out/'bench.log'))
        if part == 'runs': make_runs(wanted(out/'results'), device, out, began + 60 * args.minutes, keep)
    print(f"{out}: {len(bad)} failed{': ' * bool(bad)}{', '.join(bad)}")
    return int(bool(bad))


if __name__ == '__main__': sys.exit(main())
