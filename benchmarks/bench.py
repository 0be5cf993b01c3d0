"""Race our steps against the textbook's: `make bench`, or `python -m benchmarks W1 --rounds 9 --device cuda`.

Each loop lives in a process of its own, so that no setting of one helps another; they take turns, one at a
time. A ratio is the median, over rounds, of the time of a model in the faster textbook loop over ours.
"""
import argparse
import datetime
import multiprocessing
import platform
import statistics
import time
from contextlib import suppress
from pathlib import Path

import torch
from torch.utils.flop_counter import FlopCounterMode

from benchmarks.loops import WORKLOADS
from gan_course.core import pick_device
from gan_course.data import load
from gan_course.files import append_line
from gan_course.runs import device_name, peak_memory, source_commit, versions
from gan_course.speed import matmul_precision, product_ceiling

RESULTS = Path(__file__).parent/'results.jsonl'


def serve(pipe, make, device):
    "Play a loop in turns: receives a number of steps, answers the milliseconds a step; 0 ends it."
    cuda = device.startswith('cuda')
    if cuda: torch.cuda.set_device(device) # what names no device means this one
    loop = make(device=device)
    def play(n):
        began = time.perf_counter()
        for _ in range(n): next(loop)
        if cuda: torch.cuda.synchronize()
        return (time.perf_counter() - began) / n * 1e3
    next(loop)
    try:
        with FlopCounterMode(display=False) as counter: next(loop) # the second step: Adam has its state
        flops = counter.get_total_flops()
    except RuntimeError: loop, flops = make(device=device), 0      # it cannot follow a gradient of a gradient
    play(4)                                                        # a recorded step is recorded now
    with suppress(EOFError): # who asks is gone
        pipe.send(flops)
        while n := pipe.recv(): pipe.send(play(n))
        pipe.send(peak_memory(torch.device(device)))


def start(make, device):
    "A loop in a new process: our end of its pipe, and the operations of one step."
    context = multiprocessing.get_context('spawn')
    ours, theirs = context.Pipe()
    context.Process(target=serve, args=(theirs, make, device)).start()
    theirs.close() # if the process dies, our end says so
    return ours, ours.recv()


def race(workload, rounds, device):
    "The rows of one workload."
    loops, times = {}, {name: [] for name in workload.loops}
    try:
        for name, (make, models) in workload.loops.items(): loops[name] = *start(make, device), models
        yield from _measure(workload, rounds, loops, times)
    finally: # where one loop's process dies, the others end, too
        for pipe, *_ in loops.values(): pipe.close()


def _measure(workload, rounds, loops, times): # as in `race`; what `start` returns, by loop; times to fill
    for _ in range(rounds):
        for name, (pipe, _, models) in loops.items():
            steps = max(1, workload.steps // models)
            pipe.send(steps)
            times[name].append(pipe.recv() / models)
    textbooks = [name for name in times if name.startswith('textbook')]
    base = times[min(textbooks, key=lambda name: statistics.median(times[name]))] # the faster of the two
    for name, (pipe, flops, models) in loops.items():
        pipe.send(0)
        ms, peak = statistics.median(times[name]), pipe.recv()
        yield dict(loop=name, models=models, ms=round(ms, 2), low=round(min(times[name]), 2),
                   high=round(max(times[name]), 2), images_per_s=round(workload.batch / ms * 1e3),
                   ratio=round(statistics.median(b / t for b, t in zip(base, times[name], strict=True)), 2),
                   gflop=round(flops / models / 1e9, 2), peak_mib=peak)


def ceilings(device):
    "Operations a second of a large product, in both types, float32 by its faster library."
    size = 4096 if device.startswith('cuda') else 1024
    with matmul_precision('fp32', device):
        return {name: product_ceiling(dtype, device, size)
                for name, dtype in (('float32', torch.float32), ('bfloat16', torch.bfloat16))}


WIDTHS = {'ms/step': 9, 'low': 9, 'high': 9, 'images/s': 10, 'ratio': 7, 'ceiling': 9, 'peak MiB': 10}
COLUMNS = ' ' * 26 + ''.join(f'{name:>{width}}' for name, width in WIDTHS.items())


def line(row):
    "A row as printed."
    times = ''.join(f'{row[name]:>9.2f}' for name in ('ms', 'low', 'high'))
    return (f"{row['loop']:<26}{times}{row['images_per_s']:>10,}{row['ratio']:>6.2f}x"
            f"{row['ceiling_share']:>9.0%}{row['peak_mib']:>10,}")


def main():
    as_written = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser('python -m benchmarks', description=__doc__, formatter_class=as_written)
    parser.add_argument('workloads', nargs='*', metavar='W', help=f"{', '.join(WORKLOADS)} (default: all)")
    parser.add_argument('--rounds', type=int, default=9)
    parser.add_argument('--device', default='auto')
    parser.add_argument('--results', type=Path, default=RESULTS, help="the file that rows are added to")
    args = parser.parse_args()
    unknown = set(args.workloads) - set(WORKLOADS)
    if unknown: parser.error(f"workload is {', '.join(sorted(unknown))}, allowed are {', '.join(WORKLOADS)}")
    if args.rounds < 1: parser.error(f"rounds is {args.rounds}, allowed is 1 or more")
    try: device, _ = pick_device(args.device), load('mnist')
    except (ValueError, OSError) as e: parser.error(str(e))
    peak = ceilings(str(device))
    now = datetime.datetime.now(datetime.UTC)
    when = dict(run=now.strftime('%Y-%m-%dT%H:%M:%SZ'), commit=source_commit(),
                device=device_name(device), processor=platform.processor() or platform.machine(),
                versions=versions(), rounds=args.rounds,
                ceiling_gflops={kind: round(rate / 1e9) for kind, rate in peak.items()})
    print(f"{when['device']}; products reach {when['ceiling_gflops']} GFLOP/s; {args.rounds} rounds")
    for name in args.workloads or WORKLOADS:
        workload = WORKLOADS[name]
        print(f"\n{name} {workload.title}, batch {workload.batch}\n{COLUMNS}")
        for row in race(workload, args.rounds, str(device)):
            kind = 'bfloat16' if 'bf16' in row['loop'] else 'float32'
            row['ceiling_share'] = round(row['gflop'] * 1e9 / (row['ms'] / 1e3) / peak[kind], 3)
            append_line(args.results, dict(workload=name, **row, **when))
            print(line(row), flush=True)

