"""The client's own judgement: of files, listings, errors; one request or none."""

import hashlib

import httpx2
import pytest
from huggingface_hub import HfApi, constants, errors
from starlette.responses import JSONResponse

from duet.core.files import sha256
from duet.hub import client, sources
from duet.hub.client import HubError, Repository, StoredFile, Unreachable
from duet.store import checkpoint
from duet.store.checkpoint import (
    CARD,
    CONFIG,
    EVOLUTION,
    MAX_BYTES,
    NEIGHBOURS,
    PREVIEW,
    TRAINING,
    WEIGHTS,
    CheckpointError,
)


def git_sha1(content):
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()


@pytest.mark.parametrize("large", [True, False])
def test_a_file_is_known_by_size_and_hash(tmp_path, large):
    content = b"some weights"
    digest = hashlib.sha256(content).hexdigest() if large else git_sha1(content)
    stored = StoredFile(len(content), digest, large)
    path = tmp_path / "a"
    path.write_bytes(content)
    assert stored.holds(content)
    assert stored.holds(path)
    assert not StoredFile(len(content) + 1, digest, large).holds(path)
    assert not StoredFile(len(content), digest, not large).holds(path)
    assert not StoredFile(len(content), digest, not large).holds(content)
    path.write_bytes(b"other things")  # as long
    assert not stored.holds(path)
    assert not stored.holds(b"other things")


@pytest.mark.parametrize(
    ("text", "parsed"),
    [("a/b", ("a/b", None)), ("a/b@v1", ("a/b", "v1")), ("a/b@refs/pr/1", ("a/b", "refs/pr/1"))],
)
def test_an_id_and_its_revision(text, parsed):
    assert client.is_id(text)
    assert client.parse(text) == parsed


@pytest.mark.parametrize("text", ["a", "a/b/c", "a/b@", "a/..b", "a/b@x..y", "/b", "a/b c", ""])
def test_what_is_no_id(text):
    assert not client.is_id(text)
    with pytest.raises(HubError, match="is not an id on the Hub; write user/name or"):
        client.parse(text)


def answered(kind, status, said=None):
    response = httpx2.Response(status, request=httpx2.Request("GET", "http://hub"))
    return kind("no", response=response, server_message=said)


@pytest.mark.parametrize(
    ("status", "said", "may_work_later"),
    [
        (401, "token is not valid", False), (402, "wants a paid plan", False),
        (403, "use a token with write permission", False), (409, "the name is taken", False),
        (412, "changed by somebody else", False), (413, "larger than the Hub takes", False),
        (429, "too many requests", True), (400, "the Hub refuses", False),
        (499, "the Hub refuses", False), (500, "the Hub is in trouble", True),
        (503, "the Hub is in trouble", True),
    ],
)
def test_each_answer_is_explained(status, said, may_work_later):
    for message, end in [("because", rf"answered {status} \(because\)$"), (None, f"ed {status}$")]:
        with pytest.raises(HubError, match=f"^me/x: .*{said}.*{end}") as caught, \
                client._explained("me/x"):
            raise answered(errors.HfHubHTTPError, status, message)
        assert (type(caught.value) is Unreachable) == may_work_later


ERRORS = [
    (errors.OfflineModeIsEnabled("off"), Unreachable, "unset HF_HUB_OFFLINE to ask the Hub"),
    (httpx2.ConnectTimeout("slow"), Unreachable, r"cannot be reached \(slow\); check the conn"),
    (httpx2.ConnectError(""), Unreachable, r"cannot be reached \(ConnectError\); check"),
    (errors.LocalTokenNotFoundError("none"), HubError, "you are not logged in"),
    (answered(errors.GatedRepoError, 403), client.Absent, "is gated; ask for access"),
    (answered(errors.RepositoryNotFoundError, 404), client.Absent, "is not on the Hub, or private"),
    (answered(errors.RevisionNotFoundError, 404), HubError, "no such branch, tag or commit"),
    (RuntimeError("a slip"), HubError, "me/x: a slip"),
    (ValueError("a name"), HubError, "me/x: a name"),
    (OSError("disk full"), HubError, "me/x: disk full"),
    (errors.RevisionResolutionError("a branch"), HubError, "me/x: a branch"),
    *((kind("sha"), HubError, "is not of the form that its client knows")
      for kind in (KeyError, TypeError, AttributeError, IndexError)),
    (HubError("in our words"), HubError, "^in our words$"),
]


@pytest.mark.parametrize(("error", "kind", "said"), ERRORS, ids=lambda value: str(value)[:30])
def test_each_error_is_explained(error, kind, said):
    with pytest.raises(HubError, match=said) as caught, client._explained("me/x"):
        raise error
    assert type(caught.value) is kind


def test_what_comes_wrapped_is_unwrapped():
    wrapped = RuntimeError("upload failed")
    wrapped.__cause__ = answered(errors.HfHubHTTPError, 413)
    with pytest.raises(HubError, match="publish a smaller one"), client._explained("me/x"):
        raise wrapped


def test_no_request_waits_for_ever(hub, monkeypatch):
    hub.make("me/tiny", {CONFIG: b"{}"})
    asked = []
    ask = HfApi.model_info
    monkeypatch.setattr(
        HfApi, "model_info", lambda self, *a, **named: asked.append(named) or ask(self, *a, **named)
    )
    assert client.look_up("me/tiny").files.keys() == {CONFIG}
    (named,) = asked
    assert 0 < named["timeout"] <= 60
    assert client._api().library_name == "duet"  # who asks, in the Hub's statistics


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ({"id": "me/tiny"}, "does not say at which commit"),
        ({"id": "me/tiny", "sha": "0" * 40}, "not a Duet checkpoint: it has no config"),
        ({"id": "me/tiny", "sha": "0" * 40, "siblings": [{"rfilename": CONFIG}]}, "of the form"),
        ({"id": "me/tiny", "sha": "0" * 40, "siblings": [{"rfilename": CONFIG, "size": 2}]},
         "of the form"),
    ],
)
def test_what_a_listing_does_not_say_is_told(hub, answer, said):
    hub.faults = [("GET /api/models/", lambda request: JSONResponse(answer))]
    with pytest.raises(CheckpointError, match=said):
        sources.fetch("me/tiny")


@pytest.mark.parametrize(
    "odd", [{"rfilename": 7}, *({"size": size} for size in (-1, 1.5, True, "2", None)),
            *({"blobId": digest} for digest in (7, None))],
)
def test_a_file_is_listed_with_name_size_and_hash(hub, odd):
    sound = {"rfilename": CONFIG, "size": 0, "blobId": "0" * 40}
    for entry in (sound, sound | odd):
        answer = {"id": "me/tiny", "sha": "0" * 40, "siblings": [entry]}
        hub.faults = [("GET /api/models/", lambda request, a=answer: JSONResponse(a))]
        if entry == sound:
            assert client.look_up("me/tiny").files == {CONFIG: StoredFile(0, "0" * 40, False)}
        else:
            with pytest.raises(HubError, match="is not of the form"):
                client.look_up("me/tiny")


def test_a_cache_behind_a_link_is_a_cache(tmp_path, monkeypatch):
    (tmp_path / "real" / "model").mkdir(parents=True)
    (tmp_path / "link").symlink_to(tmp_path / "real")
    for cache in ("real", "link"):
        monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / cache))
        for place in ("real", "link"):
            assert client.is_cached(tmp_path / place / "model")
        assert not client.is_cached(tmp_path)


@pytest.mark.parametrize(
    ("user", "said"),
    [
        ({"name": "me"}, None),
        ({"name": "me", "orgs": [], "auth": {}}, None),
        ({"name": "you", "orgs": [{"name": "me"}], "auth": {"accessToken": {}}}, None),
        ({"name": "me", "auth": {"accessToken": {"role": "write"}}}, None),
        ({"name": "me", "auth": {"accessToken": {"role": "read"}}}, "your token may only read"),
        ({"name": "you", "orgs": [{"name": "us"}]}, "you are logged in as you, who may not write"),
    ],
)
def test_who_may_write(monkeypatch, user, said):
    monkeypatch.setattr(HfApi, "whoami", lambda self: user)
    if said is None:
        client.check_access("me/x")
    else:
        with pytest.raises(HubError, match=f"^me/x: {said}"):
            client.check_access("me/x")


def test_a_new_repository_is_as_private_as_its_namespace_where_nothing_is_said(hub, monkeypatch):
    asked = []
    create = HfApi.create_repo
    monkeypatch.setattr(
        HfApi, "create_repo",
        lambda self, *a, **named: asked.append(named["private"]) or create(self, *a, **named),
    )
    for name, private in (("open", False), ("secret", True)):
        client.push(
            f"me/{name}", {CARD: b"x"}, base=None, gone=(), private=private, message="first"
        )
    assert asked == [None, True]


def test_a_new_repository_goes_again_where_its_branch_is_absent(hub):
    with pytest.raises(HubError, match=r"^me/fresh@v2: there is no such branch"):
        client.push("me/fresh", {CARD: b"x"}, base=None, gone=(), private=False, revision="v2",
                    message="first")
    assert not hub.path("models", "me/fresh").exists()


def test_what_only_goes_makes_a_commit_too(hub):
    hub.make("me/tiny", {CARD: b"x", TRAINING: b"y"})
    base = client.look_up("me/tiny")
    assert client.push("me/tiny", {CARD: b"x"}, base=base, gone=[TRAINING, CONFIG], private=False,
                       message="less").endswith("/me/tiny")
    assert hub.history("me/tiny")[0]["files"].keys() == {CARD}
    base = client.look_up("me/tiny")
    assert client.push("me/tiny", {CARD: b"x"}, base=base, gone=[TRAINING], private=False,
                       message="the same") is None


def repository(**sizes):
    """A listing of both needed files, and of others by keyword: a name's stem -> its size."""
    names = {name.split(".")[0]: name for name in MAX_BYTES}
    files = {CONFIG: 2, WEIGHTS: 1000} | {names[stem]: size for stem, size in sizes.items()}
    listed = {name: StoredFile(size, "0" * 64, False) for name, size in files.items()}
    return Repository("me/x", "model", None, "0" * 40, False, listed)


@pytest.mark.parametrize(
    ("name", "most"),
    [(CONFIG, 2**20), (WEIGHTS, 2**30), (TRAINING, 2**20), ("metrics.json", 2**20),
     (PREVIEW, 2**24), (EVOLUTION, 2**24), (NEIGHBOURS, 2**24), (CARD, 2**20)],
)
def test_every_file_is_of_bounded_size(name, most):
    """MAX_BYTES and MAX_WEIGHT_BYTES, MOST_JSON_BYTES."""
    assert MAX_BYTES[name] == most
    stem = name.split(".")[0]
    sources.check_listing(repository(**{stem: most}))
    with pytest.raises(CheckpointError, match=f"me/x: {name} is larger than {most} bytes"):
        sources.check_listing(repository(**{stem: most + 1}))


def test_weights_are_as_long_as_their_configuration_makes_them(monkeypatch):
    """And a header of a megabyte at most: MAX_HEADER_BYTES."""
    monkeypatch.setattr(checkpoint, "weight_bytes", lambda folder: 1000)
    for size in (1001, 1000 + 2**20):
        sources._check_size(None, repository(model=size))
    for size in (999, 1000, 1001 + 2**20):
        with pytest.raises(CheckpointError, match=f"has {size} bytes, but its config.* makes 1000"):
            sources._check_size(None, repository(model=size))


def test_a_revision_is_noted_for_use_without_network(hub, folder, monkeypatch):
    hub.make("me/tiny", {path.name: path.read_bytes() for path in folder.iterdir()})
    HfApi().create_tag("me/tiny", tag="v1")
    assert sha256(sources.fetch("me/tiny@v1") / WEIGHTS) == sha256(folder / WEIGHTS)
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    assert sources.load("me/tiny@v1").name == "tiny-gan"
    with pytest.raises(CheckpointError, match="the local cache does not hold it"):
        sources.load("me/tiny")


def test_a_shipped_name_is_a_name_and_no_path():
    one, other, *_ = checkpoint.shipped_names()
    with pytest.raises(CheckpointError, match="no checkpoint at"):
        sources.find(f"{one}/../{other}")
