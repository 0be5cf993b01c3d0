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
