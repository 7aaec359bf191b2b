/** A model's losses as small charts, each with a cursor at the step in view. */

const NAMES = new Map(Object.entries({
  discriminator: "Discriminator's loss", generator: "Generator's loss",
  r1: "Penalty at real pictures (R1)", r2: "Penalty at generated ones (R2)",
  elbo: "ELBO, the aim: higher is better", reconstruction: "Reconstruction", kl: "KL divergence",
  perceptual: "Perceptual", prior: "Prior", rotation: "Rotations told apart",
}));
const MOST = 4, HEIGHT = 40, WIDTH = 100;
const FIRST = 10;  // steps below stand at the left edge: nobody learns before
const SVG = "http://www.w3.org/2000/svg";

/** @typedef {Record<string, number[]>} Curves  columns: step, seconds, and one a loss */

/** Where a step stands, 0 to 1, in equal ratios. @param {number} step @param {number} last */
export const place = (step, last) => (
  last <= FIRST ? 1 : Math.max(0, Math.log(step / FIRST)) / Math.log(last / FIRST)
);

/** The value that so large a share lies below. @param {number[]} sorted @param {number} share */
const quantile = (sorted, share) => sorted[Math.round(share * (sorted.length - 1))];

/** @param {number} value  in three digits */
const short = (value) => (
  Math.abs(value) >= 100 ? Math.round(value).toLocaleString("en") : String(Number(value.toPrecision(3)))
);

export class Charts {
  /** @param {HTMLElement} host */
  constructor(host) {
    this.host = host;
    /** @type {number[]} */
    this.steps = [];
    /** @type {{values: number[], cursor: Element, said: Element}[]} */
    this.charts = [];
  }

  /** @param {Curves} curves @param {number} last  the step at the right edge */
  set(curves, last) {
    this.steps = curves.step ?? [];
    const names = Object.keys(curves).filter((name) => !["step", "seconds"].includes(name));
    names.sort((one, other) => Number(other === "elbo") - Number(one === "elbo"));
    this.charts = [];
    this.host.replaceChildren(...names.slice(0, MOST).map((name) => (
      this.#chart(NAMES.get(name) ?? name, curves[name], last)
    )));
  }

  /** @param {string} title @param {number[]} values @param {number} last */
  #chart(title, values, last) {
    const sorted = values.toSorted((one, other) => one - other);
    // Early values are far out, and would flatten all that comes after.
    const low = quantile(sorted, 0.01), high = quantile(sorted, 0.99), range = high - low || 1;
    const points = values.map((value, i) => {
      const y = HEIGHT * (0.92 - 0.84 * ((value - low) / range));
      return `${(WIDTH * place(this.steps[i], last)).toFixed(2)},${y.toFixed(2)}`;
    });
    const box = document.createElement("div"), line = document.createElement("div");
    const name = document.createElement("span"), said = document.createElement("output");
    name.textContent = title;
    line.append(name, said);
    const svg = document.createElementNS(SVG, "svg");
    svg.setAttribute("viewBox", `0 0 ${WIDTH} ${HEIGHT}`);
    svg.setAttribute("preserveAspectRatio", "none");
    svg.setAttribute("aria-hidden", "true");
    const curve = document.createElementNS(SVG, "polyline");
    curve.setAttribute("points", points.join(" "));
    const cursor = document.createElementNS(SVG, "line");
    cursor.setAttribute("y2", String(HEIGHT));
    svg.append(curve, cursor);
    box.append(line, svg);
    this.charts.push({ values, cursor, said });
    return box;
  }

  /** Move the cursors. @param {number} step @param {number} last */
  at(step, last) {
    const x = (WIDTH * place(step, last)).toFixed(2);
    const before = this.steps.findLastIndex((known) => known <= step);
    for (const { values, cursor, said } of this.charts) {
      cursor.setAttribute("x1", x);
      cursor.setAttribute("x2", x);
      said.textContent = before < 0 ? "–" : short(values[before]);
    }
  }
}
