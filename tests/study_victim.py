"A small study that can be killed at any moment and started again: `python study_victim.py FOLDER [ENGINE]`."
import sys
from pathlib import Path

from gan_course.config import Config, How, Study
from gan_course.engine import run_study

BASE = Config(net="mlp", data="mnist_5k", g_hidden=(32,), d_hidden=(32,), n_train=640, epochs=60)
STUDY = Study("victim", "Is every run there once?", BASE, {"slow": {}, "fast D": dict(lr_d=2e-3)}, seeds=2)

if __name__ == "__main__":
    folder, engine = Path(sys.argv[1]), (*sys.argv[2:], "local")[0]
    run_study(STUDY, folder/"results", folder/"runs", form="full", engine=engine, workers=2, resume=True,
              how=How("cpu"), n_score=200)
