"""Check a built site: every local link, file and #anchor exists, nothing is loaded from elsewhere."""
import re
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

LOADS = {("link", "href"), *((tag, "src") for tag in ("script", "img", "iframe", "source", "video", "audio"))}
MERE = {"canonical", "alternate", "license"} # <link> that names an address and loads nothing


def without_pictures(html):
    "A page whose pictures and weights are empty: a megabyte in an attribute is slow to read."
    return re.sub(r'"data:[^"]*"', '"data:"', html)


class Page(HTMLParser):
    "The ids of a page, and everything it points at."
    def __init__(self, path):
        super().__init__()
        self.ids, self.links = set(), [] # links: (tag, attribute, address)
        self.feed(without_pictures(path.read_text(encoding="utf-8")))

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        self.ids |= {attrs[name] for name in ("id", "name") if attrs.get(name)}
        if tag == "link" and MERE & set((attrs.get("rel") or "").split()): return
        self.links += [(tag, name, attrs[name]) for name in ("href", "src") if attrs.get(name)]


def check_link(site, pages, path, tag, name, address):
    "None, or what is wrong with one link of the page at `path`."
    at = urlsplit(address)
    if at.scheme == "data": return None
    if at.scheme or at.netloc:
        outside = at.scheme in ("http", "https", "") and (tag, name) in LOADS
        return f"{tag} loads {address} from elsewhere" if outside else None
    target = path
    if at.path: target = (site if at.path.startswith("/") else path.parent)/unquote(at.path).lstrip("/")
    target = (target/"index.html" if target.is_dir() else target).resolve()
    if not target.is_file(): return f"{address} does not exist"
    anchor = unquote(at.fragment)
    if anchor and target in pages and anchor not in pages[target].ids: return f"{address} has no such anchor"
    return None


def problems(
    site, # folder of the built site
):        # list of sentences, empty when all is well
    "What is wrong with the links of a site."
    site = Path(site).resolve()
    pages = {path: Page(path) for path in sorted(site.rglob("*.html"))}
    found = [f"{site} holds no page"] * (not pages)
    for path, page in pages.items():
        wrong = {check_link(site, pages, path, *link) for link in page.links} - {None}
        found += [f"{path.relative_to(site)}: {what}" for what in sorted(wrong)]
    for path in sorted(site.rglob("*.css")):
        css = path.read_text(encoding="utf-8")
        for address in re.findall(r"""(?:url\(|@import\s)\s*["']?((?:https?:)?//[^"')\s]+)""", css):
            found.append(f"{path.relative_to(site)}: loads {address} from elsewhere")
    return found


if __name__ == "__main__":
    if found := problems(sys.argv[1]): sys.exit("\n".join(found))
