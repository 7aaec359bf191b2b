/**
 * Links to what is in sight. The stage, the tabs beside it and Gradio's own (demo/link_button.py) make
 * theirs here, so that each keeps how the page around is shown.
 */

/** @typedef {[string, string][]} Pairs  names and values of a query */

const PAGE = ["lang", "hide", "embed", "__theme"];  // how the page around is shown
const COPIED = "The link is copied.";

/** This page's address, saying what `pairs` do. @param {Pairs} pairs */
export function addressOf(pairs) {
  const url = new URL(location.href);
  const page = [...url.searchParams].filter(([name]) => PAGE.includes(name));
  url.hash = "";
  url.search = String(new URLSearchParams([...page, ...pairs]));
  return url.href;
}

/**
 * What the address says for a tab: nothing, where it names another.
 * @param {string} tab @param {boolean} [first]  whether it opens where none is named
 */
export function own(tab, first = false) {
  const query = new URLSearchParams(location.search), named = query.get("tab");
  return (named === null ? first : named === tab) ? query : new URLSearchParams();
}

/** Copy a text; else, without a clipboard, say it, for the visitor to mark. Gives what to say.
 * @param {string} text @param {string} [done] */
export async function copy(text, done = COPIED) {
  try {
    await navigator.clipboard.writeText(text);
    return done;
  } catch {
    return text;
  }
}

/**
 * A row with the button that copies the link to a tab, at the end of an element.
 * @param {HTMLElement} element @param {() => Pairs} pairs @param {() => string} [more]  what the link
 *   leaves out, if anything
 */
export function linkRow(element, pairs, more = () => "") {
  const row = document.createElement("div"), button = document.createElement("button");
  const said = document.createElement("span");
  Object.assign(button, { type: "button", textContent: "Copy link" });
  Object.assign(said, { className: "aside", role: "status" });
  row.className = "row linking";
  button.addEventListener("click", async () => {
    said.textContent = await copy(addressOf(pairs()), [COPIED, more()].filter(Boolean).join(" "));
  });
  row.append(button, said);
  element.append(row);
}
