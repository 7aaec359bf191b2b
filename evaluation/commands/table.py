"""table: the README's score tables."""

from pathlib import Path

from duet.core.checkout import ROOT
from duet.store.checkpoint import CARD, shipped_names
from evaluation import measuring, tables
from evaluation.commands.flags import Space
from evaluation.extractors import AUTO


def table_command(
    check: bool = False, readme: Path = ROOT / CARD, extractor: Space = AUTO
) -> None:
    """Write the README's score tables, one a data set, from the stored numbers of the shipped
    checkpoints.

    Args:
        check: Change nothing; exit 2 where the table differs from the numbers.
        readme: The file that holds the table's marks.
    """
    loaded = [checkpoint for _, checkpoint in measuring.load_all(shipped_names())]
    table = tables.markdown_tables(loaded, extractor)
    tables.replace_table(readme, table, check)
    print(table)
