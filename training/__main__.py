"""python -m training: train a recipe, or rebuild a checkpoint's model card."""

import json
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import tyro

from data import DataError
from models import CheckpointError
from training.card import write_card
from training.config import TrainConfig, TrainingError
from training.loop import Interrupted, train
from training.recipes import RECIPES


def card(folders: Annotated[tuple[Path, ...], tyro.conf.Positional], /) -> None:
    """Rebuild README.md of checkpoint folders from their training.json and metrics.json.

    Args:
        folders: Checkpoint folders, e.g. checkpoints/mnist-gan.
    """
    for folder in folders:
        print(write_card(folder))


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; 0 done, 2 refused (the reason is on stderr), 128 + signal if stopped."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    commands = {name: recipe.config for name, recipe in RECIPES.items()} | {"card": card}
    try:
        chosen = tyro.extras.subcommand_cli_from_dict(
            commands, prog="python -m training", description=__doc__, args=arguments,
            config=(tyro.conf.FlagCreatePairsOff, tyro.conf.OmitArgPrefixes),
        )
        if isinstance(chosen, TrainConfig):
            # A resumed run equals an unbroken one: what reproduces it is the command without that.
            lasting = [argument for argument in arguments if argument != "--resume"]
            run(chosen, "python -m training " + shlex.join(lasting))
    except (TrainingError, DataError, CheckpointError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except Interrupted as stop:
        print(stop, file=sys.stderr)
        return 128 + stop.signum
    except KeyboardInterrupt:
        print("stopped", file=sys.stderr)
        return 130
    return 0


def run(config: TrainConfig, command: str) -> None:
    if config.dry_run:
        print(json.dumps({"recipe": config.recipe, **config.to_json()}, indent=2))
    else:
        print(train(config, command))


if __name__ == "__main__":
    sys.exit(main())
