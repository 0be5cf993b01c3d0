"A small run that can be killed at any moment and started again: `python victim.py FOLDER`."
import sys
from pathlib import Path

from gan_course.config import Config
from gan_course.files import RunDir, export_generator
from gan_course.games import build_networks, build_recipe, load_train
from gan_course.training import train

CONFIG = Config(net="cgan", data="mnist_5k", latent=16, g_hidden=(64,), d_hidden=(64,), dropout=.3,
                batch_norm=True, ema=.9, n_train=640, batch=64, epochs=40,
                noise="uniform", real_target=(.7, 1.2))

if __name__ == "__main__":
    folder = Path(sys.argv[1])
    data = load_train(CONFIG)
    run = RunDir(folder, resume=folder.exists() and any(folder.iterdir()), seconds=0)
    (folder/"config.json").write_text("{}", encoding="utf-8")
    print("ready", flush=True)
    for now in train(*build_networks(CONFIG, data), data, build_recipe(CONFIG), run, "cpu", every=7):
        print(now.step, flush=True)
    export_generator(run, now.G_ema, {"step": now.step})
