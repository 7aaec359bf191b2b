/** Elements of the page by one call each. */

/**
 * An element; `data` goes into its data set.
 * @param {string} tag @param {Record<string, any>} [properties] @param {...(Node | string)} inside
 * @returns {HTMLElement}
 */
export function make(tag, { data = {}, ...properties } = {}, ...inside) {
  const element = Object.assign(document.createElement(tag), properties);
  Object.assign(element.dataset, data);
  element.append(...inside);
  return element;
}

/**
 * A table whose first column names its rows.
 * @param {string[]} head @param {(Node | string)[][]} rows
 */
export function table(head, rows) {
  const line = (/** @type {(Node | string)[]} */ cells, /** @type {string} */ tag) => (
    make("tr", {}, ...cells.map((cell, i) => {
      const made = make(i ? tag : "th", {}, cell);
      if (tag === "th" || !i) made.setAttribute("scope", tag === "th" ? "col" : "row");
      return made;
    }))
  );
  return make("table", {}, make("thead", {}, line(head, "th")),
    make("tbody", {}, ...rows.map((row) => line(row, "td"))));
}
