"Forward settings.ini to setuptools."
from configparser import ConfigParser
from pathlib import Path

from setuptools import find_packages, setup
from setuptools.command.build_py import build_py

config = ConfigParser(delimiters=["="])
config.read("settings.ini", encoding="utf-8")
cfg = config["DEFAULT"]
extras = {name: cfg[f"{name}_requirements"].split() for name in ("lab", "cluster", "dev")}


class BuildWithNotebooks(build_py):
    "The notebooks travel inside the package, so that `gan-course start` can copy them."

    def run(self):
        super().run()
        if self.editable_mode: return
        for pattern in ("*.ipynb", "*.png", "*.jsonl", "widgets/*.js", "widgets/*.css"):
            for file in Path("nbs").rglob(pattern):
                if "answers" in file.parts: continue # `check` has them as code
                target = Path(self.build_lib, cfg["lib_name"], file)
                self.mkpath(str(target.parent))
                self.copy_file(str(file), str(target))


setup(
    cmdclass={"build_py": BuildWithNotebooks},
    name=cfg["lib_name"],
    version=cfg["version"],
    description=cfg["description"],
    long_description=Path("README.md").read_text(encoding="utf-8"),
    long_description_content_type="text/markdown",
    author=cfg["author"],
    author_email=cfg["author_email"],
    url=cfg["git_url"],
    keywords=cfg["keywords"].split(),
    license="Apache-2.0",
    packages=find_packages(include=["gan_course", "gan_course.*"]),
    package_data={"gan_course": ["assets/*"]},
    python_requires=f">={cfg['min_python']}",
    install_requires=cfg["requirements"].split(),
    extras_require=extras,
    entry_points={
        "console_scripts": cfg["console_scripts"].split(),
        "nbdev": [f"{cfg['lib_name']}={cfg['lib_name']}._modidx:d"],
    },
)
