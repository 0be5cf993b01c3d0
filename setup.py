"Forward settings.ini to setuptools."
import re
from configparser import ConfigParser
from pathlib import Path

from setuptools import find_packages, setup
from setuptools.command.build_py import build_py

config = ConfigParser(delimiters=["="])
config.read("settings.ini", encoding="utf-8")
cfg = config["DEFAULT"]
extras = {name: cfg[f"{name}_requirements"].split() for name in ("lab", "cluster", "dev")}
CLASSIFIERS = [
    "Development Status :: 3 - Alpha",
    "Environment :: GPU :: NVIDIA CUDA",
    "Framework :: Jupyter",
    "Intended Audience :: Education",
    "Intended Audience :: Science/Research",
    "Natural Language :: English",
    "Operating System :: OS Independent",
    *(f"Programming Language :: Python :: {version}" for version in ("3", "3.11", "3.12", "3.13")),
    "Topic :: Education :: Computer Aided Instruction (CAI)",
    "Topic :: Scientific/Engineering :: Artificial Intelligence",
    "Typing :: Typed",
]


def for_pypi(text, address, branch):
    "README.md as PyPI shows it, where no file lies beside it: links and pictures lead to the repository."
    raw = address.replace("https://github.com", "https://raw.githubusercontent.com")
    text = re.sub(r"(!\[[^]]*\]\()(?!\w+:|#)", rf"\g<1>{raw}/{branch}/", text)
    text = re.sub(r"((?<!!)\[[^]]*\]\()(?!\w+:|#)", rf"\g<1>{address}/blob/{branch}/", text)
    return re.sub(r"(\]\()#", rf"\g<1>{address}#", text)


class BuildWithNotebooks(build_py):
    "The notebooks travel inside the package, so that `gan-course start` can copy them."

    def run(self):
        super().run()
        if self.editable_mode: return
        for pattern in ("*.ipynb", "*.md", "*.png", "*.jsonl", "widgets/*.js", "widgets/*.css"):
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
    long_description=for_pypi(Path("README.md").read_text(encoding="utf-8"), cfg["git_url"], cfg["branch"]),
    long_description_content_type="text/markdown",
    author=cfg["author"],
    author_email=cfg["author_email"],
    url=f"{cfg['doc_host']}{cfg['doc_baseurl']}/",
    project_urls={
        "Source": cfg["git_url"],
        "Changelog": f"{cfg['git_url']}/blob/{cfg['branch']}/CHANGELOG.md",
        "Issues": f"{cfg['git_url']}/issues",
    },
    keywords=cfg["keywords"].split(),
    classifiers=CLASSIFIERS,
    license_expression="Apache-2.0 AND CC-BY-4.0", # code, and the chapters that come with it
    license_files=["LICENSE", "NOTICE"],
    packages=find_packages(include=["gan_course", "gan_course.*"]),
    package_data={"gan_course": ["assets/*", "py.typed"]},
    python_requires=f">={cfg['min_python']}",
    install_requires=cfg["requirements"].split(),
    extras_require=extras,
    entry_points={
        "console_scripts": cfg["console_scripts"].split(),
        "nbdev": [f"{cfg['lib_name']}={cfg['lib_name']}._modidx:d"],
    },
)
