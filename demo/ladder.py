"""The sanity ladder as docs/evaluation.md tells it: the table in it, and its picture."""

from duet.core.checkout import ROOT

PAGE, PICTURE = ROOT / "docs" / "evaluation.md", ROOT / "docs" / "ladder.png"
BEGIN, END = "<!-- ladder -->", "<!-- /ladder -->"


def table() -> list[list[str]]:
    """Its lines, the headings first; none where the page is absent, as in an installed package."""
    try:
        text = PAGE.read_text(encoding="utf-8")
    except OSError:
        return []
    return lines(text.partition(BEGIN)[2].partition(END)[0])


def lines(markdown: str) -> list[list[str]]:
    """The cells of a Markdown table, without the line that aligns them."""
    found = [
        [cell.strip() for cell in line.strip().strip("|").split("|")]
        for line in markdown.splitlines() if line.strip().startswith("|")
    ]
    return [found[0], *found[2:]] if len(found) > 2 else []
