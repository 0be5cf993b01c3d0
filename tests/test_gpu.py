"What a GPU is to show first: the script of `make gpu`, as far as a CPU can go, and its games on a card."
import json
import os
import signal
import subprocess
import sys

import pytest
import torch
from golden import ARMS

from benchmarks import gpu
from gan_course.claims import Job
from gan_course.config import How

GPU = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")


@GPU
@pytest.mark.parametrize('name', ARMS)
def test_on_a_gpu_a_recorded_game_is_the_plain_one(name, monkeypatch):
    "A step that could not be recorded would warn, and a warning fails."
    config = gpu.golden()[name]
    metrics, recorded, wanted = gpu.play(config, How('cuda', 'strict'))
    assert recorded == wanted
    monkeypatch.setattr(gpu.Replay, '_record', lambda self, index: False)
    plain, recorded, _ = gpu.play(config, How('cuda', 'strict'))
    assert recorded == 0 and metrics == pytest.approx(plain, abs=gpu.TOLERANCE, nan_ok=True)


@GPU
@pytest.mark.parametrize('name', ARMS)
def test_on_a_gpu_a_game_agrees_with_the_cpu(name):
    assert gpu.parity(gpu.golden()[name], 'cuda')['ok']


@pytest.mark.slow
def test_the_script_for_a_gpu_runs_from_end_to_end_on_a_cpu(root, tmp_path):
    words = ['smoke', 'parity', 'bench', 'runs', '--device', 'cpu', '--minutes', '0', '--bench=--help',
             '--arms', 'cgan', 'ring8']
    env = os.environ | dict(OUT=str(tmp_path), PYTHONPATH=str(root))
    done = subprocess.run([sys.executable, '-m', 'benchmarks.gpu', *words], cwd=root, env=env,
                          capture_output=True, text=True, encoding='utf-8')
    assert done.returncode == 0, done.stdout + done.stderr
    rows = [json.loads(line) for line in (tmp_path/'gpu.jsonl').read_text(encoding='utf-8').splitlines()]
    games = [(part, arm) for part in ('smoke', 'parity') for arm in ('cgan', 'ring8')]
    assert [(row['part'], row.get('arm')) for row in rows] == [*games, ('bench', None)]
    assert all(row['ok'] and row['versions'] and row['commit'] for row in rows)
    assert '--results' in (tmp_path/'bench.log').read_text(encoding='utf-8')
    assert (tmp_path/'results'/'hacks.jsonl').exists()


def test_a_game_that_fails_stops_no_other():
    rows = []
    def check(config, device):
        if config.seed: raise ValueError("no")
        return dict(ok=True)
    gpu.each_game(check, 'cpu', ['seed, held out', 'mlp'], lambda part, row: rows.append((part, row)))
    assert [(row['arm'], row['ok']) for _, row in rows] == [('seed, held out', False), ('mlp', True)]
    assert rows[0][1]['failed'] == 'ValueError: no'


def test_draws_are_moved_and_nothing_else():
    "On a CPU it changes nothing; a factory that names a device draws on the CPU first."
    torch.manual_seed(0)
    plain = torch.randn(3), torch.rand_like(torch.ones(2)), torch.ones(2).normal_()
    torch.manual_seed(0)
    with gpu.CPUDraws():
        moved = torch.randn(3, device='cpu'), torch.rand_like(torch.ones(2)), torch.ones(2).normal_()
    for a, b in zip(plain, moved, strict=True): assert torch.equal(a, b)
    with gpu.CPUDraws(): assert torch.randn(3, device='meta').device.type == 'meta'


def test_a_long_command_is_cut_short_as_by_ctrl_c(tmp_path):
    code = "import time\ntry: time.sleep(60)\nexcept KeyboardInterrupt: raise SystemExit(130)"
    (tmp_path/'sleeper.py').write_text(code, encoding='utf-8')
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv('PYTHONPATH', str(tmp_path))
        row = gpu.command(['sleeper'], 1., tmp_path/'log')
    assert row['rc'] in (130, -signal.SIGINT) and not row['ok'] and row['seconds'] < 30


def test_runs_go_one_by_one_until_the_time_is_over(tmp_path, monkeypatch):
    now, seen = [0.], []
    monkeypatch.setattr(gpu.time, 'monotonic', lambda: now[0])
    def command(words, seconds, log):
        seen.append((words, seconds))
        now[0] += 500
        return dict(rc=130 if len(seen) > 1 else 0, ok=len(seen) == 1)
    monkeypatch.setattr(gpu, 'command', command)
    rows = []
    jobs = [Job('hacks', 'baseline', seed, 'full') for seed in range(4)]
    gpu.make_runs(jobs, 'cuda:1', tmp_path, 1050, lambda part, row: rows.append(row['ok']))
    assert rows == [True, True] and [seconds for _, seconds in seen] == [600, 550]
    words = seen[1][0]
    assert words[:3] == ['gan_course', 'study', 'hacks/baseline'] and '--full' in words
    assert words[words.index('--seeds') + 1] == '2' and words[words.index('--device') + 1] == 'cuda:1'
