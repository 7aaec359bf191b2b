"""What programs share: help texts of flags, versions of a record."""

import dataclasses
import platform
import typing
from pathlib import Path

import numpy
import tyro

from duet.core import flags
from duet.core.versions import library_versions


def test_a_shared_flag_brings_its_help_text():
    fields = {name: kind for name, kind in vars(flags).items() if typing.get_origin(kind)}
    named = {name: kind for name, kind in fields.items() if hasattr(kind, "__metadata__")}
    assert {"DataDir", "DeviceName", "Seed", "Truncation", "AsJson"} <= named.keys()
    everything = dataclasses.make_dataclass("Everything", named.items())
    parser = tyro.extras.get_parser(everything)
    help_text = " ".join(parser.format_help().replace("│", " ").split())
    for kind in named.values():
        assert kind.__metadata__[0].documentation in help_text


def test_a_flag_keeps_its_type():
    assert typing.get_args(flags.DataDir)[0] == Path | None
    parsed = tyro.cli(dataclasses.make_dataclass("A", [("seed", flags.Seed)]), args=["--seed", "3"])
    assert parsed.seed == 3


def test_library_versions():
    found = library_versions(["numpy"])
    assert found == {"python": platform.python_version(), "numpy": numpy.__version__}
