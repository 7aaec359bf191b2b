"""Which libraries a record was made with."""

import platform
from collections.abc import Iterable
from importlib.metadata import version


def library_versions(libraries: Iterable[str]) -> dict[str, str]:
    """Python's version, and those of installed libraries by the name that pip knows."""
    return {"python": platform.python_version()} | {name: version(name) for name in libraries}
