// What all widgets need of a page: elements, labelled controls, a theme that follows the page.

/** An element with attributes, listeners (`onclick` ...) and children. */
export function h(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith('on')) element.addEventListener(name.slice(2), value);
    else if (value !== false && value !== undefined) element.setAttribute(name, value === true ? '' : value);
  }
  element.append(...children);
  return element;
}

export const button = (text, onclick, attributes = {}) => h('button', { type: 'button', onclick, ...attributes }, text);

/** A number field or, with `choices` (value -> text), a menu; `onchange` gets its value. */
export function field(text, value, onchange, { choices, ...attributes } = {}) {
  const name = { 'aria-label': text }; // else the texts of a menu's choices would be a part of its name
  const input = choices ? h('select', name) : h('input', { type: 'number', ...name, ...attributes });
  for (const [value, says] of Object.entries(choices || {})) input.append(h('option', { value }, says));
  input.value = value;
  let last = value;
  input.addEventListener('change', () => {
    const number = input.valueAsNumber, allowed = choices || (input.checkValidity() && Number.isFinite(number));
    if (!allowed) input.value = last; // what is not allowed is not taken
    else { last = choices ? input.value : number; onchange(last); }
  });
  return h('label', {}, h('span', {}, text), input);
}

/** A canvas of so many CSS pixels that is sharp on every screen; `says` is read aloud in its place. */
export function canvas(width, height, says, attributes = {}) {
  const element = h('canvas', { role: 'img', 'aria-label': says, ...attributes });
  const ratio = Math.min(2, globalThis.devicePixelRatio || 1);
  element.width = width * ratio;
  element.height = height * ratio;
  const pen = element.getContext('2d');
  pen.scale(ratio, ratio);
  return { element, pen, width, height };
}

/** Is what lies behind an element dark? */
function isDark(element) {
  for (let at = element; at; at = at.parentElement) {
    const [r, g, b, a = 1] = getComputedStyle(at).backgroundColor.match(/[\d.]+/g)?.map(Number) || [0, 0, 0, 0];
    if (a > 0.5) return 0.3 * r + 0.6 * g + 0.1 * b < 110;
  }
  return false;
}

/**
 * The root of a widget inside `el`: light or dark as the page behind it is, or, with the theme 'system', as the
 * reader's system is. `onTheme` is called at first and at each change.
 */
export function makeRoot(el, label, theme, onTheme) {
  const root = h('section', { class: 'gan-widget', 'aria-label': label });
  el.replaceChildren(root);
  const follow = () => {
    root.dataset.theme = (theme === 'system' ? preference.matches : isDark(el)) ? 'dark' : 'light';
    onTheme(root);
  };
  const preference = matchMedia('(prefers-color-scheme: dark)'), page = new MutationObserver(follow);
  // JupyterLab takes every key, R and the arrows too, but of what has this; Ctrl+S and the like stay its own
  const keys = ({ target, ctrlKey, metaKey }) => {
    if (root.contains(target)) target.toggleAttribute('data-lm-suppress-shortcuts', !(ctrlKey || metaKey));
  };
  addEventListener('keydown', keys, true);
  preference.addEventListener('change', follow);
  for (const at of [document.documentElement, document.body]) {
    page.observe(at, { attributeFilter: ['class', 'data-bs-theme', 'data-jp-theme-light'] });
  }
  requestAnimationFrame(follow);
  const stop = () => {
    page.disconnect();
    preference.removeEventListener('change', follow);
    removeEventListener('keydown', keys, true);
  };
  return { root, stop };
}

/** The colours of a widget, by name: ink, paper, soft, real, fake, G, D. */
export function coloursOf(root) {
  const style = getComputedStyle(root), names = ['ink', 'paper', 'soft', 'real', 'fake', 'G', 'D'];
  return Object.fromEntries(names.map((name) => [name, style.getPropertyValue(`--gan-${name}`).trim()]));
}

/** A list of `most` entries at most: the first, the newest, and of those between every so many, by their `number`. */
export function makeKept(most) {
  let every = 1;
  return (list, entry) => {
    if (list.length > 1 && list[list.length - 1].number % every) list.pop();
    list.push(entry);
    if (list.length <= most) return list;
    every *= 2;
    return list.filter(({ number }, i) => !i || i === list.length - 1 || number % every === 0);
  };
}

/** Does the reader want little motion? */
export const calm = () => matchMedia('(prefers-reduced-motion: reduce)').matches;

/**
 * Calls `f` with a sentence when the kernel behind a notebook's widget is gone: it says so, or JupyterLab marks the
 * widget. Returns what ends that.
 */
export function whenGone(model, el, f) {
  const say = () => f('The kernel has stopped. Run the cell again.');
  const { statusChanged } = model.widget_manager?.kernel || {}, heard = (_, status) => { if (/restart|terminat|dead/.test(status)) say(); };
  statusChanged?.connect(heard);
  model.on('comm_live_update', () => setTimeout(() => { if (el.closest('.jupyter-widgets-disconnected')) say(); }, 0));
  return () => statusChanged?.disconnect(heard); // a signal holds its listeners, and these their widget
}

/**
 * Builds widgets in the elements of the page that ask for one by name (`data-widget`, `data-options`), each when it
 * comes near the window: a page may have many. An option that is the text 'shared' is taken from `shared`.
 */
export function mountAll(mounts, css, options, shared) {
  document.head.append(h('style', {}, css));
  const seen = new IntersectionObserver((entries) => {
    for (const { isIntersecting, target } of entries) {
      if (!isIntersecting) continue;
      seen.unobserve(target);
      const name = target.dataset.widget, given = { ...options[name], ...JSON.parse(target.dataset.options || '{}') };
      for (const key of Object.keys(given)) if (given[key] === 'shared') given[key] = shared[key];
      mounts[name](target, given);
    }
  }, { rootMargin: '300px' });
  for (const el of document.querySelectorAll('[data-widget]')) if (mounts[el.dataset.widget]) seen.observe(el);
}
