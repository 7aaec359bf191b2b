/**
 * A link can hide parts of the page (`hide=pickers,cards`) or show the stage alone (`embed=1`), for
 * lessons and blogs. No module, so that nothing hidden is seen first; the style sheets do the rest,
 * the stage's own among them.
 */
(() => {
  const AROUND = ["header", "pickers", "tabs", "cards", "footer"];
  const query = new URLSearchParams(location.search);
  const parts = (query.get("hide") ?? "").split(",");
  if (query.get("embed") === "1") parts.push(...AROUND);
  document.documentElement.dataset.hide = [...new Set(parts.filter(Boolean))].join(" ");
})();
