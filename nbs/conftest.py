"What the notebooks need to run as tests."
import os
import re

import pytest
from nbval.plugin import IPyNbCell

os.environ["IN_TEST"] = "1" # predictions are then text, and nbdev_export() at a notebook's end does nothing
SKIPPED = re.compile(r"#\|\s*(eval:\s*false|slow|gpu)\b")


def pytest_collection_modifyitems(items):
    for item in items:
        if not isinstance(item, IPyNbCell): continue
        item.cell.execution_count = 1 # nbdev_clean removes the counts, and nbval refuses cells without
        wanted = os.environ.get("GAN_COURSE_SCALE") == "full" and "#| slow" in item.cell.source
        if SKIPPED.search(item.cell.source) and not wanted:
            item.add_marker(pytest.mark.skip(reason="marked so"))
