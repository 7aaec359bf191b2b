"""Loading and pulling by Hub id; strangers' repositories are refused before they cost anything."""

import json

import pytest
import torch
from huggingface_hub import HfApi, constants
from safetensors.torch import load_file, save_file
from starlette.responses import JSONResponse

import duet
from duet.core.files import read_json, sha256, write_json
from duet.hub import client
from duet.store import checkpoint
from duet.store.checkpoint import CARD, CONFIG, METRICS, WEIGHTS, CheckpointError


def files_of(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.fixture
def shown(hub, folder):
    """A checkpoint at me/tiny: its files as they were put there."""
    files = files_of(folder)
    hub.make("me/tiny", files)
    return files


def test_a_revision_is_pinned(hub, training, folder, shown):
    first = hub.read("models", "me/tiny", "me")["refs"]["main"]
    HfApi().create_tag("me/tiny", tag="v1")
    (folder / METRICS).unlink()
    training("publish", folder, "me/tiny")
    assert duet.load("me/tiny").metrics.measurements == ()
    for revision in ("v1", first):
        assert duet.load(f"me/tiny@{revision}").metrics.measurements
    with pytest.raises(CheckpointError, match="me/tiny@v9: there is no such branch"):
        duet.load("me/tiny@v9")


def test_what_is_cached_is_not_fetched_again(hub, shown):
    duet.load("me/tiny")
    hub.requests.clear()
    duet.load("me/tiny")
    assert not [line for line in hub.requests if "/resolve/" in line]
    assert len(hub.requests) == 2


def test_offline_the_cache_serves(hub, shown, monkeypatch):
    duet.load("me/tiny")
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    hub.requests.clear()
    assert duet.load("me/tiny").name == "tiny-gan"
    with pytest.raises(CheckpointError, match="HF_HUB_OFFLINE to ask the Hub; the local cache"):
        duet.load("me/other")
    with pytest.raises(CheckpointError, match="HF_HUB_OFFLINE"):
        duet.load("me/tiny@v1")
    assert hub.requests == []


@pytest.mark.parametrize("status", [429, 503])
def test_in_trouble_the_cache_serves(hub, shown, status):
    duet.load("me/tiny")
    hub.fail("GET", status)
    assert duet.load("me/tiny").name == "tiny-gan"
    with pytest.raises(CheckpointError, match=f"answered {status}; the local cache does not"):
        duet.load("me/other")


def test_local_folders_and_shipped_names_come_first(hub, shown, folder, tmp_path, monkeypatch):
    for name in checkpoint.shipped_names():
        duet.load(name)
    duet.load(folder)
    monkeypatch.chdir(folder.parent.parent)
    duet.load("made/tiny-gan")
    with pytest.raises(CheckpointError, match="no checkpoint at 'made/tiny-gann'"):
        duet.load("made/tiny-gann")
    assert hub.requests == []


def test_a_broken_download_goes_on_where_it_stopped(hub, shown, server):
    content = shown[WEIGHTS]

    def once(request):
        if request.method == "GET":
            hub.faults = []
            return server.cut_short(content, len(content) // 2)

    hub.faults = [(f"resolve/.*/{WEIGHTS}", once)]
    assert duet.load("me/tiny").name == "tiny-gan"
    fetched = [line for line in hub.requests if line.startswith("GET") and line.endswith(WEIGHTS)]
    assert len(fetched) == 2


def test_pull_copies_a_whole_checkpoint(hub, training, folder, shown, tmp_path):
    code, output, _ = training("pull", "me/tiny")
    assert (code, output) == (0, "tiny\n")
    assert files_of(tmp_path / "tiny") == shown
    assert not any(path.is_symlink() for path in (tmp_path / "tiny").iterdir())
    code, output, said = training("pull", "me/tiny")
    assert (code, output) == (0, "tiny\n")
    assert "holds this already" in said
    (tmp_path / "tiny" / CARD).write_text("a file more than there")
    assert training("pull", "me/tiny")[0] == 2
    (tmp_path / "file").touch()
    code, output, said = training("pull", "me/tiny", "--out", tmp_path / "file" / "copy")
    assert (code, output) == (2, "")
    assert "cannot be written" in said
    code, output, _ = training("pull", "me/tiny@main", "--out", tmp_path / "deep" / "copy")
    assert (code, output) == (0, f"{tmp_path}/deep/copy\n")


def test_pull_overwrites_nothing_else(hub, training, make_folder, tiny_vae, shown, tmp_path):
    vae = make_folder(tiny_vae, "vae")
    code, output, said = training("pull", "me/tiny", "--out", vae)
    assert (code, output) == (2, "")
    assert "holds something else; choose another, or `force`" in said
    assert duet.load(vae).architecture == "vae"
    assert training("pull", "me/tiny", "--out", vae, "--force")[0] == 0
    assert duet.load(vae).architecture == "gan"
    (vae / "thesis.txt").write_text("years of work")
    (vae / METRICS).unlink()
    code, _, said = training("pull", "me/tiny", "--out", vae, "--force")
    assert code == 2
    assert "choose another\n" in said
    assert (vae / "thesis.txt").exists()


def changed_config(shown, **changes):
    return shown | {CONFIG: json.dumps(json.loads(shown[CONFIG]) | changes).encode()}


def with_tensor(shown, tmp_path, name):
    """The weights and one tensor more, the hash in the configuration adapted to it."""
    path = tmp_path / "evil.safetensors"
    path.write_bytes(shown[WEIGHTS])
    save_file(load_file(path) | {name: torch.zeros(1)}, path)
    return changed_config(shown, weights_sha256=sha256(path)) | {WEIGHTS: path.read_bytes()}


def test_a_pickle_is_never_fetched(hub, shown):
    hub.make("me/tiny", shown | {"pytorch_model.bin": b"\x80\x04", "sub/config.json": b"{}"})
    folder = duet.load("me/tiny").folder
    assert {path.name for path in folder.iterdir()} == set(shown)
    assert not [line for line in hub.requests if "pytorch_model" in line or "sub/" in line]


def test_a_repository_of_pickles_is_no_checkpoint(hub):
    hub.make("me/pickle", {"pytorch_model.bin": b"\x80\x04", CONFIG: b"{}"})
    with pytest.raises(CheckpointError, match=r"not a Duet checkpoint: .* no model\.safetensors"):
        duet.load("me/pickle")


@pytest.mark.parametrize("name", ["../evil", "a/../../evil", "/etc/evil", "..\\evil"])
def test_a_name_that_leads_elsewhere_is_refused(hub, shown, tmp_path, name):
    hub.make("me/evil", shown | {name: b"evil"})
    with pytest.raises(CheckpointError, match="file name that leads elsewhere"):
        duet.load("me/evil")
    assert not list(tmp_path.rglob("evil"))
    assert not [line for line in hub.requests if "/resolve/" in line]


@pytest.mark.parametrize(
    ("name", "size", "said"),
    [
        (CONFIG, 2**20 + 1, "config.json is larger than"),
        (CARD, 2**40, "README.md is larger than"),
        (WEIGHTS, 2**40, "model.safetensors is larger than"),
    ],
)
def test_sizes_are_judged_by_the_listing(hub, shown, name, size, said):
    entry = hub.store(b"x") | {"size": size}
    hub.make("me/big", shown | {name: entry})
    with pytest.raises(CheckpointError, match=said):
        duet.load("me/big")
    assert not [line for line in hub.requests if "/resolve/" in line]


@pytest.mark.parametrize("size", [2**29, 8])
def test_weights_that_their_configuration_does_not_explain_are_not_fetched(hub, shown, size):
    hub.make("me/big", shown | {WEIGHTS: hub.store(b"x") | {"size": size, "large": True}})
    with pytest.raises(CheckpointError, match=f"has {size} bytes, but its configuration makes"):
        duet.load("me/big")
    assert not [line for line in hub.requests if WEIGHTS in line]


def test_a_huge_declared_shape_costs_nothing(hub, shown):
    config = json.loads(shown[CONFIG])["config"]
    huge = config | {"width": 1024, "depth": 3, "latent_dim": 4096}
    hub.make("me/huge", changed_config(shown, config=huge))
    with pytest.raises(CheckpointError, match="but its configuration makes"):
        duet.load("me/huge")
    hub.make("me/absurd", changed_config(shown, config=config | {"width": 10**9}))
    with pytest.raises(CheckpointError, match="width"):
        duet.load("me/absurd")
    assert not [line for line in hub.requests if WEIGHTS in line]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"architecture": "os.system"}, "unknown architecture"),
        ({"extra": 1}, "extra: Unexpected keyword"),
        ({"name": "../evil"}, "name: String should match"),
        ({"weights_sha256": "0" * 64}, "SHA-256 differs"),
    ],
)
def test_a_configuration_that_lies_is_refused(hub, shown, changes, said):
    hub.make("me/liar", changed_config(shown, **changes))
    with pytest.raises(CheckpointError, match=said):
        duet.load("me/liar")


def test_extra_keys_and_corrupted_weights_are_refused(hub, shown, training, tmp_path):
    hub.make("me/extra", with_tensor(shown, tmp_path, "evil"))
    with pytest.raises(CheckpointError, match=r"does not fit its configuration.*evil"):
        duet.load("me/extra")
    corrupted = bytearray(shown[WEIGHTS])
    corrupted[-1] ^= 1
    hub.make("me/corrupt", shown | {WEIGHTS: bytes(corrupted)})
    code, output, said = training("pull", "me/corrupt", "--out", tmp_path / "out")
    assert (code, output) == (2, "")
    assert "SHA-256 differs" in said
    assert not (tmp_path / "out").exists()
    assert not list(tmp_path.glob(".out*"))


def test_a_link_out_of_a_folder_is_refused(hub, folder, tmp_path):
    target = tmp_path / "elsewhere.json"
    write_json(target, read_json(folder / METRICS))
    (folder / METRICS).unlink()
    (folder / METRICS).symlink_to(target)
    with pytest.raises(CheckpointError, match=r"metrics\.json is a link out of its folder"):
        duet.load(folder)
    (folder / METRICS).unlink()
    (folder / METRICS).symlink_to(CONFIG)  # within: silly, but harmless
    duet.load(folder)


def test_the_caches_own_links_are_fine(hub, shown, tmp_path):
    folder = duet.load("me/tiny").folder
    assert client.is_cached(folder)
    assert not client.is_cached(tmp_path)
    assert (folder / WEIGHTS).is_symlink()
    assert duet.load(folder).name == "tiny-gan"


@pytest.mark.parametrize("source", ["me/../../evil", "me/x@../../evil", "me/x@", "@v1", "a/b/c"])
def test_ids_with_tricks_are_no_ids(hub, source):
    with pytest.raises(CheckpointError, match="no checkpoint at"):
        duet.load(source)
    assert hub.requests == []


SIBLINGS = [
    7, [7], [{}], [{"rfilename": 7}], [{"rfilename": CONFIG, "size": "big"}],
    [{"rfilename": CONFIG, "size": -1}], [{"rfilename": CONFIG, "size": 1.5}],
    [{"rfilename": WEIGHTS, "size": 9, "lfs": 7}],
]
ANSWERS = [
    {}, [], None, "yes", 7, {"id": "me/tiny"},
    *({"id": "me/tiny", "sha": sha} for sha in (7, [], "../../evil", "0" * 39)),
    *({"id": "me/tiny", "sha": "0" * 40, "siblings": siblings} for siblings in SIBLINGS),
]


@pytest.mark.parametrize("answer", ANSWERS, ids=lambda answer: json.dumps(answer)[:70])
def test_a_listing_of_another_form_is_told(hub, answer):
    hub.faults = [("GET /api/models/", lambda request: JSONResponse(answer))]
    with pytest.raises(CheckpointError, match=r"is not of the form|at which commit"):
        duet.load("me/tiny")
    assert not [line for line in hub.requests if "/resolve/" in line]


@pytest.mark.parametrize("source", [7, None, [], b"mnist-gan"])
def test_a_source_is_a_text_or_a_path(source):
    with pytest.raises(duet.DuetError, match="named by a text or a Path, not"):
        duet.load(source)


@pytest.mark.parametrize("source", ["a" * 300 + "/b", "a/" + "b" * 300, "a/b@" + "c" * 300])
def test_ids_are_of_bounded_length(hub, source):
    with pytest.raises(CheckpointError, match="no checkpoint at"):
        duet.load(source)
    assert hub.requests == []
