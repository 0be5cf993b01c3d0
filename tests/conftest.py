"What every test shares."
import os
from pathlib import Path

import pytest
from hypothesis import settings

settings.register_profile("course", deadline=None) # a busy machine is no failure: no test is timed
settings.load_profile("course")
os.environ["IN_TEST"] = "1" # predictions are then text, and nbdev_export() does nothing


@pytest.fixture(scope="session")
def root():
    "The checkout."
    return Path(__file__).parents[1]


@pytest.fixture(scope="session", autouse=True)
def few_steps_of_cas():
    "A page of scores trains a classifier for 160 steps, most of its time; no test asks how good it gets."
    from gan_course import scores
    whole = scores.train_on_generated
    def brief(images, y, test, steps=160, seed=0): return whole(images, y, test, min(steps, 4), seed)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(scores, "train_on_generated", brief)
        yield
