"""Where a checkpoint comes from: a folder, a shipped name, or an id on the Hub.

What comes from the Hub is a stranger's: it is judged by its listing and its configuration before
its weights are fetched.
"""

import contextlib
import re
from pathlib import Path

from duet.core.errors import ArgumentError
from duet.hub import client
from duet.store import checkpoint
from duet.store.checkpoint import (
    CONFIG,
    MAX_BYTES,
    WEIGHTS,
    Checkpoint,
    CheckpointError,
    shipped_names,
)
from duet.store.weights import MAX_HEADER_BYTES


def load(source: str | Path) -> Checkpoint:
    """Load a checkpoint from a folder, by the name of a shipped one ("mnist-gan"), or by its id on
    the Hub ("user/name" or "user/name@revision").

    Raises CheckpointError where it is absent, of an unknown architecture, or where weights and
    configuration do not agree to the last key, shape, type and bit.
    """
    folder = find(source)
    home, cache = folder.resolve(), client.cache_folder()
    # The client's cache is made of links within it.
    return checkpoint.load(folder, links_within=cache if home.is_relative_to(cache) else home)


def find(source: str | Path) -> Path:
    """The folder that `source` names; what is on the Hub is fetched into the local cache."""
    if not isinstance(source, str | Path):
        raise ArgumentError(f"a checkpoint is named by a text or a Path, not {source!r:.40}")
    folder = Path(source)
    with contextlib.suppress(OSError):  # a name that is too long names no folder
        if (folder / CONFIG).is_file():
            return folder
    if checkpoint.is_shipped(str(source)):
        return checkpoint.SHIPPED / str(source)
    # Where there is a folder "runs", "runs/gann" is a slip of the pen and nobody's id on the Hub.
    if client.is_id(str(source)) and not folder.parent.exists():
        return fetch(str(source))
    raise CheckpointError(
        f"no checkpoint at {str(source)!r:.200}: neither a folder with a {CONFIG} nor one of the "
        f"shipped ({', '.join(shipped_names())}) nor an id on the Hub (user/name@revision)"
    )


def fetch(source: str) -> Path:
    """The local copy of a checkpoint on the Hub, "user/name" or "user/name@revision".

    Only known files are fetched; the weights only when their size is what the configuration makes
    it. Raises CheckpointError.
    """
    try:
        repo_id, revision = client.parse(source)
        try:
            repository = client.look_up(repo_id, revision)
        except client.Unreachable as reason:
            with contextlib.suppress(client.Unreachable):
                return client.cached(repo_id, revision, MAX_BYTES)
            raise CheckpointError(f"{reason}; the local cache does not hold it") from reason
        check_listing(repository)
        _check_size(client.fetch(repository, [CONFIG]), repository)
        folder = client.fetch(repository, MAX_BYTES)
        client.note(repository)
        return folder
    except client.HubError as error:
        raise CheckpointError(str(error)) from error


def check_listing(repository: client.Repository) -> None:
    """Raise CheckpointError where the file names and sizes are not those of a checkpoint."""
    files, repo_id = repository.files, repository.repo_id
    tricks = [name for name in files if name.startswith("/") or ".." in re.split(r"[/\\]", name)]
    if tricks:
        raise CheckpointError(f"{repo_id} holds a file name that leads elsewhere: {tricks[0]!r}")
    absent = [name for name in (CONFIG, WEIGHTS) if name not in files]
    if absent:
        raise CheckpointError(f"{repo_id} is not a Duet checkpoint: it has no {absent[0]}")
    for name, most in MAX_BYTES.items():
        if name in files and files[name].size > most:
            raise CheckpointError(f"{repo_id}: {name} is larger than {most} bytes")


def _check_size(folder: Path, repository: client.Repository) -> None:
    """Compare the listed size of the weights with what the configuration makes it."""
    least = checkpoint.weight_bytes(folder)
    size = repository.files[WEIGHTS].size
    if not least < size <= least + MAX_HEADER_BYTES:  # a header comes before the tensors
        raise CheckpointError(
            f"{repository.repo_id}: {WEIGHTS} has {size} bytes, but its configuration makes {least}"
        )
