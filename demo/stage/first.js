/**
 * Runs within the app's own HTML (demo/first.py), before Gradio or any module has been loaded: both
 * recordings of the drift play at once, and the stage, as soon as it is there, goes on from them.
 */
(() => {
  const LOOKS = ["view", "x", "y", "class", "digit", "psi"];  // of which there is no recording
  const first = /** @type {HTMLElement} */ (document.querySelector("#first"));
  const query = new URLSearchParams(location.search);
  /** @type {any} */
  const page = window, parts = page.gradio_config?.components ?? [];
  // Gradio's configuration stands in the same HTML, and the stage is a component with its facts.
  const stage = parts.find((/** @type {any} */ { props }) => props.elem_id === "stage")?.props.props;
  if (!stage || (query.get("tab") ?? "stage") !== "stage") return;
  const { facts, folder } = stage, { drift } = facts, base = new URL(folder, document.baseURI);
  first.style.colorScheme = query.get("__theme") ?? "";
  first.hidden = false;

  /** @type {Map<string, HTMLImageElement>} */
  const recordings = new Map();
  const names = ["left", "right"].map((side) => (
    facts.models.some((/** @type {any} */ { name }) => name === query.get(side))
      ? query.get(side) : facts[side]
  ));
  const frame = () => {
    if (matchMedia("(prefers-reduced-motion: reduce)").matches) return 0;
    const seconds = (performance.now() - began) / 1000, last = drift.count - 1;
    const passed = Math.floor(seconds * drift.per_second) % (2 * last);
    return Math.min(passed, 2 * last - passed);
  };
  const began = performance.now(), canvases = [...first.querySelectorAll("canvas")];
  const play = () => {
    if (!first.querySelector(".poster")) return;
    names.forEach((name, i) => {
      const sheet = recordings.get(name);
      if (!sheet?.naturalWidth) return;
      const height = sheet.naturalHeight, width = sheet.naturalWidth / drift.count;
      Object.assign(canvases[i], { width, height });
      canvases[i].getContext("2d")?.drawImage(sheet, -frame() * width, 0);
      if (!performance.getEntriesByName("duet-recording").length) performance.mark("duet-recording");
    });
    requestAnimationFrame(play);
  };
  const recorded = names.every((name) => drift.files[name])
    && !LOOKS.some((name) => query.has(name));
  if (recorded) {
    names.forEach((name, i) => {
      const { role } = facts.models.find((/** @type {any} */ about) => about.name === name);
      canvases[i].dataset.kind = role;
      const sheet = new Image();
      sheet.fetchPriority = "high";
      sheet.src = new URL(drift.files[name], base).href;
      recordings.set(name, sheet);
    });
    play();
  } else {
    first.querySelector(".poster")?.remove();
  }

  // The pictures come before the modules, of which all are asked for at once.
  const arrived = [...recordings.values()].map((sheet) => sheet.decode().catch(() => {}));
  Promise.all(arrived).then(async () => {
    first.append(first.querySelector("template")?.content ?? "");
    const { begin } = await import(new URL("app.js", base).href);
    await begin(facts, first, { recordings, frame: frame() });
    first.querySelector(".poster")?.remove();
  }).catch(() => first.remove());
})();
