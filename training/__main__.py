"""python -m training: train a recipe, or sweep over its settings; card, export, publish or pull
one; deploy the Space."""

import json
import shlex
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, Any

import tyro

from duet.core import program, ranks
from duet.core.stop import Interrupted
from duet.hub import publish
from duet.hub.card import write_card
from duet.hub.client import HubError
from duet.hub.space import space
from training import processes
from training.config import TrainConfig, TrainingError
from training.export import export
from training.loop import train
from training.recipes import RECIPES
from training.release import release
from training.sweep import sweep


def card(folders: Annotated[tuple[Path, ...], tyro.conf.Positional], /) -> None:
    """Rebuild README.md of checkpoint folders from their training.json and metrics.json.

    Args:
        folders: Checkpoint folders, e.g. checkpoints/mnist-gan.
    """
    if not folders:
        raise TrainingError("name at least one checkpoint folder, e.g. checkpoints/mnist-gan")
    for folder in folders:
        print(write_card(folder))


COMMANDS: dict[str, Callable[..., Any]] = {
    "card": card, "export": export, "publish": publish.publish, "pull": publish.pull,
    "release": release, "space": space, "sweep": sweep,
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; 0 done, 2 refused (the reason is on stderr), 128 + signal if stopped."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    recipes = {name: recipe.config for name, recipe in RECIPES.items()}
    commands: dict[str, Callable[..., Any]] = {**recipes, **COMMANDS}

    def work() -> int:
        try:
            chosen = tyro.extras.subcommand_cli_from_dict(
                commands, prog="python -m training", description=__doc__, args=arguments,
                config=(tyro.conf.FlagCreatePairsOff, tyro.conf.OmitArgPrefixes),
            )
            if isinstance(chosen, TrainConfig):
                run(chosen, "python -m training " + shlex.join(strip_flags(arguments)))
            elif chosen is not None:
                print(chosen)
        except Interrupted as stop:
            print(stop, file=sys.stderr)
            return 128 + stop.signum
        return 0

    return program.run(work)


def run(config: TrainConfig, command: str) -> None:
    """Train, and publish where that is wanted: what forbids it is found before the long work."""
    if config.dry_run:
        print(json.dumps({"recipe": config.recipe, **config.resolved().to_json()}, indent=2))
        return
    if config.push_to_hub is not None:
        publish.check(config.push_to_hub)
    with processes.together(config):
        folder = train(config, command)
        main = ranks.is_main()
        print(folder)
    if config.push_to_hub is not None and main:
        try:
            print(publish.publish(str(folder), config.push_to_hub))
        except HubError as error:
            again = f"python -m training publish {folder} {config.push_to_hub}"
            raise HubError(f"{error}\nThe checkpoint is kept; publish it with: {again}") from error


def strip_flags(arguments: Sequence[str]) -> list[str]:
    """The arguments without --resume, --push-to-hub and --log-with: what reproduces the weights,
    since a resumed run equals an unbroken one, wherever it is sent."""
    kept, rest = [], iter(arguments)
    for argument in rest:
        name, has_value, _ = argument.replace("_", "-").partition("=")
        if name in ("--push-to-hub", "--log-with"):
            if not has_value:
                next(rest, None)
        elif name != "--resume":
            kept.append(argument)
    return kept


if __name__ == "__main__":
    sys.exit(main())
