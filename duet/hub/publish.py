"""Checkpoints travel: a folder becomes a repository on the Hugging Face Hub, and comes back."""

import filecmp
import shutil
import sys
from pathlib import Path

from duet.core.files import replacing_folder
from duet.hub import client, sources
from duet.hub.card import text
from duet.hub.client import HubError, Kind, Repository
from duet.store import checkpoint
from duet.store.checkpoint import CARD, CONFIG, MAX_BYTES, Checkpoint, CheckpointError

# The Hub itself makes these when a repository is made.
NOBODYS_FILES = {".gitattributes", CARD}


def publish(
    folder: str, repo_id: str, /, private: bool = False, revision: str | None = None,
    create_pr: bool = False, message: str | None = None, force: bool = False,
) -> str:
    """Publish a checkpoint folder on the Hugging Face Hub, in one commit, and print its address.

    Args:
        folder: Checkpoint folder, or the name of a shipped one.
        repo_id: USER/NAME on the Hub; made if absent.
        private: Make the new repository private.
        revision: Existing branch to publish on (default: main).
        create_pr: Open a pull request instead of changing the branch.
        message: Summary of the commit.
        force: Publish over a repository that holds something else.
    """
    loaded = sources.load(folder)
    loaded.check_records()
    check_id(repo_id)
    base = base_of(repo_id, revision)
    if base is not None:
        check_privacy(base, private)
        if not force:
            _check_ours(base, loaded.architecture)
    if not create_pr:
        client.check_access(repo_id)
    files = _files(loaded, repo_id)
    done = client.push(
        repo_id, files, base=base, gone=MAX_BYTES.keys() - files, private=private,
        revision=revision, create_pr=create_pr, message=message or f"Publish {loaded.name}",
    )
    if done is None:
        print(f"{repo_id} holds this already: no commit was made", file=sys.stderr)
    return done or client.link(repo_id, revision=revision)


def check(repo_id: str) -> None:
    """What would forbid to publish there at the end of a long run: cheap, and nothing changes."""
    check_id(repo_id)
    base = base_of(repo_id)
    if base is not None:
        _check_ours(base)
    client.check_access(repo_id)


def check_id(repo_id: str) -> None:
    """Refuse what is not user/name; a branch has a flag of its own."""
    if client.parse(repo_id)[1] is not None:
        raise HubError(f"{repo_id}: write USER/NAME without @, and name a branch by `revision`")


def base_of(repo_id: str, revision: str | None = None, kind: Kind = "model") -> Repository | None:
    """What a push builds on; None where a repository must be made."""
    try:
        return client.look_up(repo_id, revision, kind)
    except client.Absent:
        return None


def check_privacy(base: Repository, private: bool) -> None:
    """The Hub ignores a wish for privacy where the repository exists; refuse instead."""
    if private and not base.private:
        raise HubError(
            f"{base.repo_id} is there already and public; make it private in its settings on the "
            "Hub, or leave `private` out"
        )


def pull(source: str, /, out: Path | None = None, force: bool = False) -> Path:
    """Copy a checkpoint from the Hugging Face Hub into a folder and print its path.

    Args:
        source: USER/NAME or USER/NAME@REVISION on the Hub.
        out: The folder to write (default: NAME in the current folder).
        force: Replace another checkpoint that stands there.
    """
    fetched = sources.fetch(source)
    target = out or Path(client.parse(source)[0].split("/")[1])
    if _same(fetched, target):
        print(f"{target} holds this already", file=sys.stderr)
        return target
    _check_target(target, force)
    try:
        with replacing_folder(target) as scratch:
            for name in MAX_BYTES:
                if (fetched / name).exists():
                    shutil.copyfile(fetched / name, scratch / name)
            checkpoint.load(scratch)
    except OSError as error:
        raise HubError(f"{target} cannot be written: {error}") from error
    return target


def _check_ours(base: Repository, architecture: str | None = None) -> None:
    """Refuse a repository that holds anything but a Duet checkpoint of this architecture."""
    if base.files.keys() <= NOBODYS_FILES:
        return
    try:
        sources.check_listing(base)
        found = checkpoint.read_config(client.fetch(base, [CONFIG])).architecture
    except CheckpointError as error:
        raise HubError(f"{base.repo_id} holds something else; `force` writes over it") from error
    if architecture not in (None, found):
        raise HubError(
            f"{base.repo_id} holds a {found}, not a {architecture}; choose another name, or "
            "`force` to write over it"
        )


def _files(loaded: Checkpoint, repo_id: str) -> dict[str, Path | bytes]:
    """What a repository holds: the folder's known files, and a card for this repository."""
    files: dict[str, Path | bytes] = {
        name: loaded.folder / name for name in MAX_BYTES if (loaded.folder / name).is_file()
    }
    return files | {CARD: text(loaded, repo_id).encode()}


def _same(fetched: Path, target: Path) -> bool:
    """Whether the known files of two folders are equal."""
    names = [name for name in MAX_BYTES if (fetched / name).exists() or (target / name).exists()]
    equal, _, _ = filecmp.cmpfiles(fetched, target, names, shallow=False)
    return equal == names


def _check_target(target: Path, force: bool) -> None:
    """Refuse to replace anything but, when told so, a checkpoint."""
    if not target.exists() or (target.is_dir() and not any(target.iterdir())):
        return
    names = {path.name for path in target.iterdir()} if target.is_dir() else set()
    is_checkpoint = CONFIG in names and names <= MAX_BYTES.keys()
    if not (force and is_checkpoint):
        mend = "choose another" + (", or `force` to replace it" if is_checkpoint else "")
        raise HubError(f"{target} holds something else; {mend}")
