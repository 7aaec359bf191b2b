"""python -m evaluation: measure and compare whatever draws pictures, verify stored numbers, write
the score table."""

import sys
from collections.abc import Callable, Sequence

import tyro

from duet.core import program
from duet.core.stop import Interrupted
from evaluation import sharding
from evaluation.commands.compare import compare_command
from evaluation.commands.copies import copies_command
from evaluation.commands.ladder import ladder_command
from evaluation.commands.measure import measure_command
from evaluation.commands.neighbours import neighbours_command
from evaluation.commands.reference import reference_command
from evaluation.commands.retraining import retraining_command
from evaluation.commands.sheet import sheet_command
from evaluation.commands.table import table_command
from evaluation.commands.train_extractor import train_extractor_command
from evaluation.commands.utility import utility_command
from evaluation.commands.verify import Mismatch, verify_command

COMMANDS: dict[str, Callable[..., None]] = {
    "measure": measure_command,
    "compare": compare_command,
    "verify": verify_command,
    "copies": copies_command,
    "utility": utility_command,
    "table": table_command,
    "reference": reference_command,
    "train-extractor": train_extractor_command,
    "ladder": ladder_command,
    "retraining": retraining_command,
    "sheet": sheet_command,
    "neighbours": neighbours_command,
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; 0 done, 1 a verified number differs, 2 refused (the reason on stderr), 130
    or 143 stopped by Ctrl-C or SIGTERM."""

    def work() -> int:
        try:
            with sharding.processes():
                tyro.extras.subcommand_cli_from_dict(
                    COMMANDS, prog="python -m evaluation", description=__doc__, args=argv,
                    config=(tyro.conf.FlagCreatePairsOff,),
                )
        except Mismatch as error:
            print(f"error: {error}", file=sys.stderr)
            return 1
        except Interrupted as stop:
            print(stop, file=sys.stderr)
            return 128 + stop.signum
        return 0

    return program.run(work)


if __name__ == "__main__":
    sys.exit(main())
