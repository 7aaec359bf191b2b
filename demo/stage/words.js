/**
 * The page's language. Everything is written in English; here known texts are replaced, wherever
 * they come from (the stage, Gradio, the server's answers), by those of a table whose keys are the
 * English texts as they appear. `{name}` in a key stands for any text, which is looked up in turn,
 * `{#name}` for a number.
 *
 * The link's `lang` decides, then what was chosen here before, then the browser. In English nothing
 * is observed and nothing costs anything.
 */

/** @typedef {{from: string, to: string}} Kept  a text as it was written, and as it is shown */

const TABLES = new Map([["zh", "words.zh.json"]]);
const TAGS = new Map([["zh", "zh-CN"]]);
const ATTRIBUTES = ["title", "placeholder", "alt", "label", "aria-label", "aria-roledescription"];
const LEFT = "script, style, code, pre, textarea, svg, [translate=no]";
const BOX = "input[role=combobox]";
const KEPT = "duet-language";
const MOST_KNOWN = 2000;  // translations that are kept
const NUMBER = "([-−+]?[\\d.,]+)";
const LETTERS = /[A-Za-z]/;
const SENTENCES = /(?<=[.!?…])\s+/;

/** A table of texts: those without places by themselves, those with places as patterns. */
export class Table {
  /** @param {Record<string, string>} texts */
  constructor(texts) {
    /** @type {Map<string, string | null>} */
    this.known = new Map();
    /** @type {Map<string, string>} */
    this.exact = new Map();
    /** @type {{pattern: RegExp, names: string[], to: string}[]} */
    this.patterns = [];
    const keys = Object.keys(texts).sort((a, b) => b.length - a.length);  // the most special first
    for (const key of keys) {
      const names = [...key.matchAll(/\{([^}]+)\}/g)].map(([, name]) => name);
      if (!names.length) {
        this.exact.set(key, texts[key]);
        continue;
      }
      const source = key.split(/(\{[^}]+\})/).map((part, i) => (
        i % 2 === 0 ? part.replace(/[.*+?^${}()|[\]\\]/g, "\\$&") : part[1] === "#" ? NUMBER : "(.+?)"
      )).join("");
      this.patterns.push({ pattern: new RegExp(`^${source}$`, "s"), names, to: texts[key] });
    }
  }

  /** The text in this language; as it is where the table does not know it. @param {string} text */
  translate(text) {
    if (!LETTERS.test(text)) return text;
    const core = text.trim().replace(/\s+/g, " ");
    const found = this.#find(core);
    if (found === null) return text;
    const [before] = /^\s*/.exec(text) ?? [""], [after] = /\s*$/.exec(text) ?? [""];
    return before + found + after;
  }

  /** @param {string} core @returns {string | null} */
  #find(core) {
    let found = this.known.get(core);
    if (found === undefined) {
      found = this.exact.get(core) ?? this.#matched(core) ?? this.#sentences(core);
      if (this.known.size > MOST_KNOWN) this.known.clear();
      this.known.set(core, found);
    }
    return found;
  }

  /** @param {string} core */
  #matched(core) {
    for (const { pattern, names, to } of this.patterns) {
      const values = pattern.exec(core)?.slice(1);
      if (!values) continue;
      return to.replace(/\{([^}]+)\}/g, (whole, name) => {
        const i = names.indexOf(name);
        return i < 0 ? whole : this.translate(values[i]);
      });
    }
    return null;
  }

  /** Several sentences, where each is known. @param {string} core */
  #sentences(core) {
    const parts = core.split(SENTENCES);
    if (parts.length < 2) return null;
    const found = parts.map((part) => this.#find(part));
    return found.includes(null) ? null : found.join("");
  }
}

/** What keeps a document in a language. */
class Words {
  constructor() {
    this.language = "en";
    /** @type {Table | null} */
    this.table = null;
    /** @type {WeakMap<Node, Kept>} */
    this.texts = new WeakMap();
    /** @type {WeakMap<Element, Map<string, Kept>>} */
    this.attributes = new WeakMap();
    /** @type {WeakSet<HTMLInputElement>} */
    this.boxes = new WeakSet();
    /** @type {WeakSet<Node>} */
    this.observed = new WeakSet();
    this.observer = new MutationObserver((records) => this.#changed(records));
    // Gradio sets its own.
    new MutationObserver(() => this.#tag()).observe(document.documentElement, {
      attributes: true, attributeFilter: ["lang"],
    });
  }

  /** What the page says its language is. */
  #tag() {
    const tag = TAGS.get(this.language) ?? this.language;
    if (document.documentElement.lang !== tag) document.documentElement.lang = tag;
  }

  /** @param {string} language */
  async speak(language) {
    this.language = language;
    document.documentElement.dataset.language = language;  // for style sheets
    this.#tag();
    const file = TABLES.get(language);
    const texts = file && await (await fetch(new URL(file, import.meta.url))).json();
    if (this.language !== language) return;  // another was chosen meanwhile
    this.table = texts ? new Table(texts) : null;
    this.observer.disconnect();
    this.observed = new WeakSet();
    this.root(document);
  }

  /** The document, or what lies behind a shadow root. @param {Document | ShadowRoot} root */
  root(root) {
    if (this.table && !this.observed.has(root)) {
      this.observed.add(root);
      this.observer.observe(root, {
        subtree: true, childList: true, characterData: true, attributes: true,
        attributeFilter: ATTRIBUTES,
      });
    }
    this.#walk(root);
    this.observer.takeRecords();  // ours
  }

  /** @param {Node} from */
  #walk(from) {
    const walker = document.createTreeWalker(from, NodeFilter.SHOW_ELEMENT | NodeFilter.SHOW_TEXT, {
      acceptNode: (node) => (node instanceof Element && node.matches(LEFT)
        ? NodeFilter.FILTER_REJECT : NodeFilter.FILTER_ACCEPT),
    });
    /** @type {Node | null} */
    let node = from;
    for (; node; node = walker.nextNode()) {
      if (node instanceof Text) this.#text(node);
      if (!(node instanceof Element)) continue;
      for (const name of ATTRIBUTES) if (node.hasAttribute(name)) this.#attribute(node, name);
      if (node instanceof HTMLInputElement && node.matches(BOX)) this.#box(node);
      if (node.shadowRoot) this.root(node.shadowRoot);
    }
  }

  /** @param {MutationRecord[]} records */
  #changed(records) {
    for (const { type, target, addedNodes, attributeName } of records) {
      const element = target instanceof Element ? target : target.parentElement;
      if (element?.closest(LEFT)) continue;
      if (type === "characterData") this.#text(/** @type {Text} */ (target));
      if (type === "attributes") this.#attribute(/** @type {Element} */ (target), attributeName ?? "");
      for (const node of addedNodes) {
        if (!(node instanceof Element && node.matches(LEFT))) this.#walk(node);
      }
    }
    this.observer.takeRecords();  // ours
  }

  /** @param {Text} node */
  #text(node) {
    const kept = this.#kept(node.data, this.texts.get(node));
    if (!kept) return;
    this.texts.set(node, kept);
    if (node.data !== kept.to) node.data = kept.to;
  }

  /** @param {Element} element @param {string} name */
  #attribute(element, name) {
    const all = this.attributes.get(element) ?? new Map(), now = element.getAttribute(name) ?? "";
    const kept = this.#kept(now, all.get(name));
    if (!kept) return;
    this.attributes.set(element, all.set(name, kept));
    if (now !== kept.to) element.setAttribute(name, kept.to);
  }

  /** A list's chosen text is a value: it is shown in this language, but who reads it, as Gradio does
   * to find the choice, gets what was written. @param {HTMLInputElement} input */
  #box(input) {
    if (this.boxes.has(input)) {
      input.value = input.value;  // in another language now
      return;
    }
    this.boxes.add(input);
    const { get, set } = /** @type {Required<PropertyDescriptor>} */ (
      Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, "value")
    );
    /** @type {Kept | null} */
    let kept = null;
    Object.defineProperty(input, "value", {
      configurable: true,
      get: () => {
        const now = get.call(input);
        return kept && now === kept.to ? kept.from : now;
      },
      set: (text) => {
        kept = this.#kept(String(text));
        set.call(input, kept?.to ?? text);
      },
    });
    input.value = get.call(input);
  }

  /** What is to be shown for a text that is there now; nothing for what stays as it is.
   * @param {string} now @param {Kept} [before] */
  #kept(now, before) {
    const from = before?.to === now ? before.from : now, to = this.table?.translate(from) ?? from;
    return before || to !== from ? { from, to } : null;
  }
}

/** The language to begin with. */
function first() {
  const known = (/** @type {string | null} */ name) => name === "en" || TABLES.has(name ?? "");
  const browser = navigator.languages.map((tag) => tag.split("-")[0].toLowerCase()).find(known);
  const wished = [new URLSearchParams(location.search).get("lang"), remembered(), browser ?? null];
  return wished.find(known) ?? "en";
}

/** What was chosen before; an embedded page may be denied its storage. */
function remembered() {
  try {
    return localStorage.getItem(KEPT);
  } catch {
    return null;
  }
}

if (typeof document === "object") {
  const words = new Words(), attach = Element.prototype.attachShadow;
  // A shadow root that an element in the page is given later is no mutation that one could observe.
  Element.prototype.attachShadow = function attachShadow(/** @type {ShadowRootInit} */ options) {
    const root = attach.call(this, options);
    if (words.table) words.root(root);
    return root;
  };
  const speak = (/** @type {string} */ language) => words.speak(language).catch((error) => {
    console.info(`words: ${error}`);
  });
  speak(first());
  document.addEventListener("click", ({ target }) => {
    if (!(target instanceof Element) || !target.closest(".language")) return;
    const language = words.language === "zh" ? "en" : "zh", url = new URL(location.href);
    url.searchParams.set("lang", language);
    history.replaceState(history.state, "", url);
    try {
      localStorage.setItem(KEPT, language);
    } catch {}  // then the link alone remembers
    speak(language);
  });
}
