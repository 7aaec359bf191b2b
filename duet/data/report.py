"""An audit for the eye: a table in the terminal, and one HTML page that needs nothing else."""

import base64
import io
from collections.abc import Iterable, Sequence
from html import escape

import torch

from duet.core.domains import DOMAINS
from duet.data.audit import (
    BLANK_LEVELS,
    NEIGHBOURS,
    OUTLIER_SCORE,
    SUSPECT_VOTES,
    TRUSTED_ACCURACY,
    Audit,
    Copies,
    Picture,
    class_means,
)
from duet.data.base import ImageSet

SHOWN = 60  # pictures of a kind on the page
SHOWN_CLASSES = 200
SHOWN_SIDE = 96  # pixels, about


def rows(audit: Audit) -> list[tuple[str, str]]:
    """(what was looked at, what was found), in words."""
    facts = audit.facts
    channels, height, width = audit.image_shape
    found = [
        ("set", f"{facts.title}: {facts.about}"),
        ("licence", f"{facts.licence}" + (f"; {facts.credit}" if facts.credit else "")),
        ("source", facts.origin or "not known"),
        *([("mind", facts.ethics)] if facts.ethics else []),
        ("pictures", f"{width}×{height}, {'grey' if channels == 1 else 'in colour'}: "
         + ", ".join(f"{sum(n.values()):,} {split}" for split, n in audit.counts.items())),
        *_originals(audit),
        *_balance(audit),
        ("exact duplicates", _copies(audit.exact)),
        ("near duplicates", f"{_copies(audit.near)} ({audit.near_rule})"),
        ("blank", f"{audit.blank.count:,} (standard deviation below {BLANK_LEVELS:g} levels)"),
        ("outliers", f"{audit.outliers.count:,} (modified z-score above {OUTLIER_SCORE} "
         "of what the leading principal components leave over)"),
        *_doubts(audit),
    ]
    if audit.sampled:
        found.append(("compared", f"a random {audit.sampled:,} of the pictures with each other"))
    return found


def _originals(audit: Audit) -> list[tuple[str, str]]:
    if (was := audit.originals) is None:
        return []
    small, middle, large = (f"{w}×{h}" for w, h in (was.smallest, was.median, was.largest))
    modes = ", ".join(f"{count:,} {mode}" for mode, count in was.modes.items())
    return [
        ("originals", f"from {small} to {large}, median {middle}; {was.enlarged:,} are enlarged"),
        ("modes", modes),
    ]


def _balance(audit: Audit) -> list[tuple[str, str]]:
    if not audit.facts.class_names:
        return [("classes", "none")]
    counts = audit.counts["train"]
    most, least = max(counts, key=counts.__getitem__), min(counts, key=counts.__getitem__)
    if counts[least] == counts[most]:
        return [("classes", f"{len(counts):,}, in training {counts[most]:,} of each")]
    return [("classes", f"{len(counts):,}; in training from {counts[least]:,} ({least}) to "
             f"{counts[most]:,} ({most})")]


def _copies(copies: Copies) -> str:
    return (
        f"{copies.count:,} pairs: {copies.within_train:,} within training, "
        f"{copies.within_test:,} within test; {copies.leaks:,} test pictures have a twin in "
        f"training; {copies.conflicts:,} pairs of two labels"
    )


def _doubts(audit: Audit) -> list[tuple[str, str]]:
    if (doubts := audit.doubts) is None:
        return []
    said = (
        f"{doubts.count:,} (at least {SUSPECT_VOTES} of {NEIGHBOURS} nearest neighbours are of one "
        f"other class; their majority is right for {doubts.accuracy:.0%} of all pictures"
    )
    weak = doubts.accuracy < TRUSTED_ACCURACY
    return [("doubtful labels", said + (": little to go by)" if weak else ")"))]


def terminal_table(audit: Audit) -> str:
    """`rows` in two columns."""
    found = rows(audit)
    width = max(len(topic) for topic, _ in found)
    return "\n".join(f"{topic:<{width}}  {finding}" for topic, finding in found)


STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; max-width: 70rem; margin: 2rem auto; padding: 0 1rem;
  color: #222; background: #fff }
table { border-collapse: collapse } td, th { padding: .2rem .8rem .2rem 0; text-align: left;
  vertical-align: top } td.number { text-align: right }
.pictures { display: flex; flex-wrap: wrap; gap: .8rem } figure { margin: 0; max-width: 14rem;
  overflow-wrap: anywhere } img { image-rendering: pixelated; margin-right: 2px }
figcaption { font-size: .75rem; color: #555 }
@media (prefers-color-scheme: dark) { body { color: #ddd; background: #181818 }
  figcaption { color: #aaa } }
"""
POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"


def html_page(audit: Audit, train: ImageSet, test: ImageSet) -> str:
    """The whole audit with the pictures in question. Names come from strangers: all is escaped."""
    sets = {images.split: images for images in (train, test)}
    title = escape(f"{audit.facts.title}: audit")
    table = "".join(f"<tr><th>{escape(a)}</th><td>{escape(b)}</td></tr>" for a, b in rows(audit))
    twins = [*audit.exact.pairs, *audit.near.pairs]
    twins.sort(key=lambda pair: pair.first.split == pair.second.split)
    sections = [
        _section("Classes and their mean pictures", _classes(audit, train)),
        _section("Twins, leaks between the splits first", _figures(
            sets, (((pair.first, pair.second), f"{pair.cosine:.2f}") for pair in twins[:SHOWN]))),
        _section("Doubtful labels", _figures(sets, (
            ((doubt.picture,), f"perhaps {doubt.suggested} ({doubt.votes} of {NEIGHBOURS})")
            for doubt in (audit.doubts.doubts[:SHOWN] if audit.doubts else ())))),
        _section("Blank", _figures(sets, (((p,), "") for p in audit.blank.pictures[:SHOWN]))),
        _section("Outliers", _figures(sets, (((p,), "") for p in audit.outliers.pictures[:SHOWN]))),
    ]
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{title}</title>\n'
        '<meta name="viewport" content="width=device-width">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">\n'
        f"<style>{STYLE}</style></head>\n<body><h1>{title}</h1>\n<table>{table}</table>\n"
        + "\n".join(sections) + "\n</body></html>\n"
    )


def _section(title: str, content: str) -> str:
    return f"<h2>{escape(title)}</h2>\n{content or '<p>None found.</p>'}"


def _classes(audit: Audit, train: ImageSet) -> str:
    means = class_means(train)[:SHOWN_CLASSES]
    counts = [list(split.values()) for split in audit.counts.values()]
    names = list(audit.counts["train"])
    lines = [
        f"<tr><td>{_image(train, mean)}</td><td>{escape(name or 'all')}</td>"
        + "".join(f'<td class="number">{split[index]:,}</td>' for split in counts) + "</tr>"
        for index, (name, mean) in enumerate(zip(names, means, strict=False))
    ]
    head = "".join(f"<th>{escape(split)}</th>" for split in audit.counts)
    return f"<table><tr><th>mean</th><th>class</th>{head}</tr>{''.join(lines)}</table>"


def _figures(
    sets: dict[str, ImageSet], shown: Iterable[tuple[Sequence[Picture], str]]
) -> str:
    """Figures of one or more pictures each, their places and a note below them."""
    figures = []
    for pictures, note in shown:
        images = "".join(_image(sets[p.split], sets[p.split].images[p.index]) for p in pictures)
        places = "<br>".join(escape(_place(picture)) for picture in pictures)
        figures.append(
            f"<figure>{images}<figcaption>{places}<br>{escape(note)}</figcaption></figure>"
        )
    return f'<div class="pictures">{"".join(figures)}</div>' if figures else ""


def _place(picture: Picture) -> str:
    label = f" · {picture.label}" if picture.label else ""
    return f"{picture.split} {picture.file or picture.index}{label}"


def _image(images: ImageSet, pixels: torch.Tensor) -> str:
    file = io.BytesIO()
    scale = max(1, SHOWN_SIDE // pixels.shape[-1])
    picture = DOMAINS[images.domain].picture(pixels)
    picture.save(file, "PNG")
    data = base64.b64encode(file.getvalue()).decode()
    return (
        f'<img src="data:image/png;base64,{data}" alt="" width="{picture.width * scale}" '
        f'height="{picture.height * scale}">'
    )
