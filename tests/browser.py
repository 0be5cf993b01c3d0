"The browser that tests drive: where it is, how it is started, and what it complains of."
import shutil

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
FLAGS = ("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
         "--disable-background-networking", "--disable-component-update")
LOCAL = ("file:", "blob:", "data:") # where a page on a disk may look


def launch(play): return play.chromium.launch(executable_path=CHROMIUM, args=FLAGS)


def listen(page, complaints, kinds=("error", "warning"), local=None):
    "Adds to a list what goes wrong on a page: messages of these kinds (None: all), requests not local."
    page.on("console", lambda m: complaints.append(m.text) if kinds is None or m.type in kinds else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    if local: page.on("request", lambda r: None if r.url.startswith(local) else complaints.append(r.url))
