"What every test shares."
import os
import shutil
import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
import warm
from hypothesis import HealthCheck, settings

# a busy machine is no failure: no test is timed
settings.register_profile("course", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("course")
os.environ["IN_TEST"] = "1" # predictions are then text, and nbdev_export() does nothing


def pytest_configure(config):
    "With the kernel named warm, notebooks and commands are forks of one process that has imported torch."
    if config.getoption("nbval_kernel_name", None) == "warm" and not hasattr(config, "workerinput"):
        os.environ["JUPYTER_PATH"] = str(Path(__file__).parent) # kernels/warm lies there
        folder = config.warm_folder = TemporaryDirectory()
        config.warm = warm.start(folder.name)


@pytest.fixture(scope="session")
def root():
    "The checkout."
    return Path(__file__).parents[1]


@pytest.fixture
def git(tmp_path):
    "Git in a folder of the test's own, whatever settings a person has."
    if not shutil.which("git"): pytest.skip("no git")
    alone = os.environ | dict(GIT_CONFIG_GLOBAL=os.devnull, GIT_CONFIG_NOSYSTEM="1")
    names = "-c", "user.name=a", "-c", "user.email=a@b"
    def git(*words): subprocess.run(["git", *names, *words], cwd=tmp_path, check=True, env=alone)
    return git


@pytest.fixture(scope="session", autouse=True)
def no_downloads():
    "What is not on this machine is left out; no test waits for a mirror."
    def offline(*_, **__): raise OSError("tests download nothing")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("gan_course.data.download_url", offline)
        yield


@pytest.fixture(scope="session")
def house_numbers():
    "Both parts of `svhn_10k`, by name."
    from gan_course.data import load
    try: return {part: load("svhn_10k", part) for part in ("train", "test")}
    except FileNotFoundError as e: pytest.skip(str(e))


@pytest.fixture(scope="session", autouse=True)
def few_steps_of_cas_and_few_images():
    "A score trains a classifier for 160 steps, a run draws 10,000 images: no test asks how good they get."
    from gan_course import runs, scores
    trained, scored = scores.train_on_generated, runs.generator_scores
    def brief(images, y, test, steps=160, seed=0): return trained(images, y, test, min(steps, 4), seed)
    def few(G, config, n=10_000, seed=1, brief=False): return scored(G, config, min(n, 600), seed, brief)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(scores, "train_on_generated", brief)
        patch.setattr(runs, "generator_scores", few)
        yield
