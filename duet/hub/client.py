"""The only door to the Hugging Face Hub: repositories are looked up, fetched from, and written to
in one commit.

huggingface_hub is imported where it is needed: its client costs half a second that a local
checkpoint need not pay.
"""

import contextlib
import hashlib
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from duet.core.errors import DuetError
from duet.core.files import sha256
from duet.core.names import COMMIT, REPOSITORY, REVISION

if TYPE_CHECKING:
    from huggingface_hub import HfApi
    from huggingface_hub.hf_api import RepoSibling

Kind = Literal["model", "space"]
Sdk = Literal["gradio", "static"]
Content = Path | bytes

IGNORE = ".gitignore"
ID = re.compile(f"(?P<repo>{REPOSITORY.pattern})(@(?P<revision>{REVISION.pattern}))?")
# What the client lets through where an answer is JSON of another shape.
ODD_ANSWER = (KeyError, TypeError, AttributeError, IndexError)
# The client's own requests wait for ever where packets vanish.
TIMEOUT_SECONDS = 10
NEXT_STEPS = {  # HTTP status -> what is wrong and what to do
    401: "the token is not valid; log in with `hf auth login`, or renew HF_TOKEN",
    402: "the Hub wants a paid plan for this (see https://huggingface.co/pricing); a Gradio Space "
    "on a free account must be made on the website, with ZeroGPU hardware, and is then updated",
    403: "you may not do this; use a token with write permission "
    "(https://huggingface.co/settings/tokens) and a name in your own namespace",
    409: "the name is taken, or somebody else is writing there; try again or choose another name",
    412: "it was changed by somebody else meanwhile; look at the change, then run this again",
    413: "a file is larger than the Hub takes; publish a smaller one",
    429: "too many requests; wait some minutes, then run this again (what is uploaded stays so)",
}


class HubError(DuetError):
    """The Hub cannot or may not do what is asked; the message names the repository and the mend."""


class Absent(HubError):
    """There is no such repository, or none that we may see."""


class Unreachable(HubError):
    """The Hub does not answer, or only with an error of its own, or offline mode is on."""


@dataclass(frozen=True)
class StoredFile:
    """A file on the Hub; large files are known by SHA-256, others by git's SHA-1."""

    size: int
    digest: str
    large: bool

    def holds(self, content: Content) -> bool:
        """Whether this is `content`, to the bit."""
        if isinstance(content, Path):
            if content.stat().st_size != self.size:
                return False
            if self.large:
                return sha256(content) == self.digest
            content = content.read_bytes()
        if self.large:
            return hashlib.sha256(content).hexdigest() == self.digest
        return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest() == self.digest


@dataclass(frozen=True)
class Repository:
    """What a repository holds at one commit; `revision` is the name that led there."""

    repo_id: str
    kind: Kind
    revision: str | None
    commit: str
    private: bool
    files: Mapping[str, StoredFile]


def is_id(text: str) -> bool:
    """Whether `text` has the form user/name or user/name@revision."""
    return bool(ID.fullmatch(text)) and ".." not in text


def parse(text: str) -> tuple[str, str | None]:
    """user/name@revision -> (user/name, revision or None)."""
    match = ID.fullmatch(text)
    if match is None or ".." in text:
        raise HubError(f"{text!r} is not an id on the Hub; write user/name or user/name@revision")
    return match["repo"], match["revision"]


def look_up(repo_id: str, revision: str | None = None, kind: Kind = "model") -> Repository:
    """What the Hub holds under `repo_id`; one request. Raises Absent, Unreachable or HubError."""
    with _explained(repo_id if revision is None else f"{repo_id}@{revision}"):
        ask = _api().space_info if kind == "space" else _api().model_info
        info = ask(repo_id, revision=revision, files_metadata=True, timeout=TIMEOUT_SECONDS)
        files = dict(map(_listed, info.siblings or ()))
        commit = info.sha or ""
        if not COMMIT.fullmatch(commit):  # an unknown one must never look like what was there
            raise HubError(
                f"{repo_id}: the Hub does not say at which commit it is; try again later"
            )
    return Repository(repo_id, kind, revision, commit, bool(info.private), files)


def _listed(file: "RepoSibling") -> tuple[str, StoredFile]:
    """A file of the Hub's listing; TypeError where it says what cannot be."""
    size = file.size
    digest = file.lfs.sha256 if file.lfs else file.blob_id
    name = file.rfilename
    if type(size) is not int or size < 0 or not isinstance(name, str) or type(digest) is not str:
        raise TypeError(f"{name!r:.40} is listed with size {size!r:.40}")
    return name, StoredFile(size, digest, large=file.lfs is not None)


def fetch(repository: Repository, names: Collection[str]) -> Path:
    """The folder of the local cache that holds these of the repository's files; what is not there
    yet is fetched, with progress on stderr."""
    with _explained(repository.repo_id):
        with contextlib.suppress(Unreachable):
            folder = cached(repository.repo_id, repository.commit, names)
            if all((folder / name).exists() for name in names if name in repository.files):
                return folder
        return Path(_api().snapshot_download(
            repository.repo_id, revision=repository.commit, allow_patterns=list(names)
        ))


def note(repository: Repository) -> None:
    """Write into the cache which commit the revision means now, for use without network."""
    with _explained(repository.repo_id):
        _api().resolve_revision(repository.repo_id, revision=repository.revision)


def cached(repo_id: str, revision: str | None, names: Collection[str]) -> Path:
    """The folder that an earlier `fetch` left in the cache, else Unreachable."""
    try:
        return Path(_api().snapshot_download(
            repo_id, revision=revision, allow_patterns=list(names), local_files_only=True
        ))
    except OSError as error:
        raise Unreachable(f"{repo_id} is not in the local cache") from error


def cache_folder() -> Path:
    """Where the client keeps what it fetched. Its folders are made of links within."""
    from huggingface_hub import constants

    return Path(constants.HF_HUB_CACHE).resolve()


def is_cached(folder: Path) -> bool:
    """Whether a folder is the client's copy of a repository, which is not ours to change."""
    return folder.resolve().is_relative_to(cache_folder())


def check_access(repo_id: str) -> None:
    """Raise HubError where nobody is logged in, or the namespace is not the user's to write to."""
    namespace = parse(repo_id)[0].split("/")[0]
    with _explained(repo_id):
        user = _api().whoami()
        names = [user["name"], *(organisation["name"] for organisation in user.get("orgs", ()))]
        role = user.get("auth", {}).get("accessToken", {}).get("role")
    if namespace not in names:
        raise HubError(
            f"{repo_id}: you are logged in as {names[0]}, who may not write to {namespace}/; "
            f"publish as {names[0]}/…, or log in as somebody else with `hf auth login`"
        )
    if role == "read":
        raise HubError(
            f"{repo_id}: your token may only read; make one that may write at "
            "https://huggingface.co/settings/tokens"
        )


def push(
    repo_id: str, files: Mapping[str, Content], *, base: Repository | None,
    gone: Collection[str], kind: Kind = "model", private: bool,
    revision: str | None = None, create_pr: bool = False, message: str, sdk: Sdk | None = None,
) -> str | None:
    """Write `files` and delete those `gone`, in one commit on top of `base`, or in a new repository
    where that is None, a Space's of that `sdk`. Returns the link to it; None where nothing differs.

    The remote is left as it was where any of it fails: files that were uploaded belong to no
    commit, and a repository that was made for this goes again.
    """
    from huggingface_hub import CommitOperationAdd, CommitOperationDelete

    api = _api()
    with _explained(repo_id), contextlib.ExitStack() as stack:
        if base is None:
            base = stack.enter_context(_new_repository(repo_id, kind, private, revision, sdk))
        stored = base.files
        changed = [n for n, c in files.items() if n not in stored or not stored[n].holds(c)]
        deleted = sorted(set(gone) & set(stored))
        if not changed and not deleted:
            return None
        if IGNORE in stored:
            raise HubError(
                f"{repo_id} holds a {IGNORE}, by which the Hub leaves files out of a commit in "
                "silence; delete it on the repository's page"
            )
        done = api.create_commit(
            repo_id, [
                *(CommitOperationAdd(name, files[name]) for name in changed),
                *(CommitOperationDelete(name) for name in deleted),
            ],
            commit_message=message, repo_type=kind, revision=revision, create_pr=create_pr,
            parent_commit=base.commit,
        )
        return done.pr_url or link(repo_id, kind, revision)


def link(repo_id: str, kind: Kind = "model", revision: str | None = None) -> str:
    """The address of a repository's page."""
    place = "spaces/" if kind == "space" else ""
    page = f"{_api().endpoint}/{place}{repo_id}"
    return page if revision is None else f"{page}/tree/{revision}"


@contextlib.contextmanager
def _new_repository(
    repo_id: str, kind: Kind, private: bool, revision: str | None, sdk: Sdk | None
) -> Iterator[Repository]:
    """Make a repository; it goes again where the work inside fails."""
    api = _api()
    api.create_repo(repo_id, private=private or None, repo_type=kind, space_sdk=sdk)
    made = look_up(repo_id, kind=kind)
    try:
        yield made if revision is None else look_up(repo_id, revision, kind)
    except ODD_ANSWER:  # whether it was done nobody knows: what may hold work is not deleted
        raise
    except BaseException:
        # Only what is still as it was made: a commit whose answer got lost must not be undone.
        with contextlib.suppress(HubError), _explained(repo_id):
            if look_up(repo_id, kind=kind).commit == made.commit:
                api.delete_repo(repo_id, repo_type=kind)
        raise


def _api() -> "HfApi":
    from huggingface_hub import HfApi

    return HfApi(library_name="duet")


@contextlib.contextmanager
def _explained(subject: str) -> Iterator[None]:
    """Whatever the client raises inside becomes a HubError about `subject`."""
    import httpx2
    from huggingface_hub.errors import RevisionResolutionError

    try:
        yield
    except HubError:
        raise
    except (httpx2.HTTPError, OSError, RuntimeError, ValueError, RevisionResolutionError) as error:
        raise _explanation(subject, error) from error
    except ODD_ANSWER as error:
        raise HubError(
            f"{subject}: the Hub's answer is not of the form that its client knows "
            f"({error!r:.100}); look at the repository's page before you try again"
        ) from error


def _explanation(subject: str, error: BaseException) -> HubError:
    import httpx2
    from huggingface_hub import errors

    if isinstance(error, RuntimeError) and error.__cause__ is not None:
        return _explanation(subject, error.__cause__)  # a failed upload comes wrapped
    if isinstance(error, errors.OfflineModeIsEnabled):
        return Unreachable(f"{subject}: offline mode is on; unset HF_HUB_OFFLINE to ask the Hub")
    if isinstance(error, httpx2.TransportError):
        return Unreachable(
            f"{subject}: the Hub at {_api().endpoint} cannot be reached "
            f"({str(error) or type(error).__name__}); check the connection and try again"
        )
    if isinstance(error, errors.LocalTokenNotFoundError):
        return HubError(f"{subject}: you are not logged in; run `hf auth login`, or set HF_TOKEN")
    if isinstance(error, errors.GatedRepoError):
        return Absent(f"{subject} is gated; ask for access on its page, then `hf auth login`")
    if isinstance(error, errors.RepositoryNotFoundError):
        return Absent(
            f"{subject} is not on the Hub, or private and not yours to see; check the spelling, "
            "and log in with `hf auth login` or HF_TOKEN where it is private"
        )
    if isinstance(error, errors.RevisionNotFoundError):
        return HubError(
            f"{subject}: there is no such branch, tag or commit; look at the repository's page, or "
            "make a branch with `hf repos branch create`"
        )
    if isinstance(error, errors.HfHubHTTPError):
        status = error.response.status_code
        other = "the Hub is in trouble; try again later" if status >= 500 else "the Hub refuses"
        step = NEXT_STEPS.get(status, other)
        said = f" ({error.server_message})" if error.server_message else ""
        kind = Unreachable if status == 429 or status >= 500 else HubError
        return kind(f"{subject}: {step}. The Hub answered {status}{said}")
    return HubError(f"{subject}: {error}")
