// What every page of the site can do: search whole words, and enlarge a figure.
(() => {
  "use strict";

  // ---- search. An entry is [address, page, section, prose, words of code].
  const wordsOf = (text) => text.toLowerCase().match(/[\p{L}\p{N}_]+/gu) || [];
  const tables = new WeakMap(); // entry -> its words, counted by field

  const count = (entry) => {
    if (!tables.has(entry)) {
      tables.set(entry, entry.slice(1).map((text) => {
        const found = new Map();
        for (const word of wordsOf(text)) found.set(word, (found.get(word) || 0) + 1);
        return found;
      }));
    }
    return tables.get(entry);
  };

  // How well one word fits one field: a whole word counts 1 each, up to three; from four letters on, a beginning half.
  const fit = (found, word) => {
    let score = Math.min(found.get(word) || 0, 3);
    if (!score && word.length > 3) for (const other of found.keys()) if (other.startsWith(word)) { score = .5; break; }
    return score;
  };

  const WEIGHTS = [6, 10, 1, .1]; // page, section, prose, code
  const search = (entries, query, limit = 20) => {
    const words = [...new Set(wordsOf(query))];
    if (!words.length) return [];
    const hits = [];
    for (const entry of entries) {
      const fields = count(entry);
      let total = 0;
      for (const word of words) {
        const score = fields.reduce((sum, found, i) => sum + WEIGHTS[i] * fit(found, word), 0);
        if (!score) { total = 0; break; }
        total += score;
      }
      if (total && entry[2].toLowerCase().startsWith(query.trim().toLowerCase())) total += 10;
      if (total) hits.push([total, entry]);
    }
    return hits.sort((a, b) => b[0] - a[0]).slice(0, limit).map((hit) => hit[1]);
  };

  if (typeof document === "undefined") { globalThis.searchEntries = search; return; } // a test in node

  const make = (tag, cls, text = "") => Object.assign(document.createElement(tag), { className: cls, textContent: text });

  // The text around the first hit, with every hit marked; of code where the prose has none.
  const excerpt = (prose, code, words) => {
    const ends = words.map((word) => (word.length > 3 ? word : `${word}(?![\\p{L}\\p{N}_])`));
    const pattern = new RegExp(`(?<![\\p{L}\\p{N}_])(?:${ends.join("|")})`, "giu");
    const text = prose.search(pattern) < 0 && code.search(pattern) >= 0 ? code : prose;
    const first = text.search(pattern), start = Math.max(0, first - 60), part = text.slice(start, start + 180);
    const box = make("div", "search-result-text", start ? "…" : "");
    let last = 0;
    for (const hit of part.matchAll(pattern)) {
      box.append(part.slice(last, hit.index), make("mark", "", hit[0]));
      last = hit.index + hit[0].length;
    }
    box.append(part.slice(last));
    return box;
  };

  const home = (document.querySelector('meta[name="smalldocs:offset"]') || { content: "./" }).content;
  const load = () => load.once ||= new Promise((done) => { // a script, since a page on a disk may fetch nothing
    const script = document.createElement("script");
    script.src = home + "site_libs/search.js";
    script.onload = () => done(window.SEARCH);
    script.onerror = () => done([]);
    document.head.append(script);
  });

  for (const box of document.querySelectorAll(".smalldocs-search")) {
    const input = box.querySelector("input"), results = box.querySelector(".smalldocs-search-results");
    let active = -1, timer = null;
    const hide = () => results.classList.remove("show");
    const run = async () => {
      const query = input.value.trim();
      if (query.length < 2) return hide();
      const hits = search(await load(), query);
      if (query !== input.value.trim()) return;
      results.replaceChildren(...hits.map(([href, page, section, prose, code]) => {
        const link = make("a", "search-result");
        link.href = home + href;
        link.append(make("div", "search-result-title", page));
        if (section) link.append(make("div", "search-result-section", section));
        link.append(excerpt(prose, code, wordsOf(query)));
        return link;
      }));
      if (!hits.length) results.append(make("div", "search-none", "No results"));
      results.classList.add("show");
      active = -1;
    };
    input.addEventListener("input", () => { clearTimeout(timer); timer = setTimeout(run, 120); });
    input.addEventListener("focus", () => { load(); run(); });
    input.addEventListener("keydown", (event) => {
      const items = [...results.querySelectorAll(".search-result")];
      if (event.key === "Escape") { clearTimeout(timer); hide(); input.blur(); }
      if (!items.length) return;
      if (event.key === "ArrowDown" || event.key === "ArrowUp") {
        event.preventDefault();
        active = (active + (event.key === "ArrowDown" ? 1 : -1) + items.length) % items.length;
        items.forEach((item, i) => item.classList.toggle("active", i === active));
        items[active].scrollIntoView({ block: "nearest" });
      } else if (event.key === "Enter") {
        event.preventDefault();
        (items[active] || items[0]).click();
      }
    });
    document.addEventListener("click", (event) => { if (!box.contains(event.target)) hide(); });
    box.addEventListener("focusout", (event) => { if (event.relatedTarget && !box.contains(event.relatedTarget)) { clearTimeout(timer); hide(); } });
  }

  // ---- the keyboard reaches what the mouse does: boxes that scroll, and what folds the sidebar
  const reach = () => {
    for (const box of document.querySelectorAll("main pre, .sd-table, .cell-output-display")) {
      if (box.scrollWidth > box.clientWidth) box.tabIndex = 0;
    }
  };
  reach();
  for (const fold of document.querySelectorAll("details")) fold.addEventListener("toggle", reach); // what is folded has no width
  for (const toggle of document.querySelectorAll("a[role=button][data-bs-toggle]")) {
    toggle.addEventListener("keydown", (event) => {
      if (event.key === "Enter" || event.key === " ") { event.preventDefault(); toggle.click(); }
    });
  }

  // ---- figures: a click, or Enter on one that has the focus, shows it as large as the window
  const dialog = make("dialog", "zoom");
  dialog.setAttribute("aria-label", "Figure, enlarged");
  const close = make("button", "zoom-close", "Close");
  close.type = "button";
  const big = make("img", "");
  dialog.append(close, big);
  document.body.append(dialog);
  dialog.addEventListener("click", () => dialog.close());
  for (const image of document.querySelectorAll("main .cell-output img, main .quarto-figure img")) {
    if (image.closest("a, button")) continue;
    image.tabIndex = 0;
    image.setAttribute("role", "button");
    image.setAttribute("aria-label", `${image.alt || "Figure"} (enlarge)`);
    const open = () => { big.src = image.src; big.alt = image.alt; dialog.showModal(); };
    image.addEventListener("click", open);
    image.addEventListener("keydown", (event) => {
      if (event.key === "Enter" || event.key === " ") { event.preventDefault(); open(); }
    });
  }
})();
