"""Publishing: one commit that holds everything; none where nothing changed or something breaks."""

import contextlib
import os
import shutil

import pytest
import torch
from fastapi.responses import JSONResponse
from huggingface_hub import HfApi, ModelCard, constants
from huggingface_hub.utils import _http

import duet
from duet.core.files import read_json, write_json
from duet.hub import publish
from duet.hub.client import HubError
from duet.store.checkpoint import (
    CARD,
    CONFIG,
    EVOLUTION,
    METRICS,
    NEIGHBOURS,
    PREVIEW,
    TRAINING,
    WEIGHTS,
)

EVERYTHING = {CONFIG, WEIGHTS, TRAINING, METRICS, PREVIEW, EVOLUTION, NEIGHBOURS, CARD}
ONE_STEP = [
    "--data", "toy", "--steps", "1", "--batch-size", "8", "--width", "4", "--device", "cpu",
]


def test_one_commit_holds_everything(hub, training, folder, running, tiny_gan):
    code, output, _ = training("publish", folder, "me/tiny")
    assert (code, output) == (0, f"{running[1]}/me/tiny\n")
    newest, first = hub.history("me/tiny")
    assert newest["files"].keys() == EVERYTHING | first["files"].keys()
    assert newest["message"] == "Publish tiny-gan"
    loaded = duet.load("me/tiny")
    assert torch.equal(loaded.model.sample(3), tiny_gan.sample(3))
    assert loaded.training.steps == 9
    card = (loaded.folder / CARD).read_text(encoding="utf-8")
    assert 'duet.load("me/tiny")' in card
    assert not (folder / CARD).exists()  # what is published is left as it is


def test_the_same_again_makes_no_commit(hub, training, folder, running):
    training("publish", folder, "me/tiny")
    code, output, said = training("publish", folder, "me/tiny")
    assert (code, output) == (0, f"{running[1]}/me/tiny\n")
    assert "no commit was made" in said
    assert len(hub.history("me/tiny")) == 2


def test_only_what_changed_is_sent_and_what_is_gone_goes(hub, training, folder):
    training("publish", folder, "me/tiny")
    (folder / METRICS).unlink()
    hub.requests.clear()
    assert training("publish", folder, "me/tiny", "--message", "unmeasured")[0] == 0
    newest = hub.history("me/tiny")[0]
    assert newest["message"] == "unmeasured"
    assert newest["files"].keys() == EVERYTHING - {METRICS} | {".gitattributes"}
    assert not [line for line in hub.requests if line.startswith("PUT")]


def test_private(hub, training, folder, monkeypatch):
    assert training("publish", folder, "me/secret", "--private")[0] == 0
    assert duet.load("me/secret").name == "tiny-gan"
    for token in ("hf_other", ""):
        monkeypatch.setenv("HF_TOKEN", token)
        code, output, said = training("pull", "me/secret")
        assert (code, output) == (2, "")
        assert "me/secret is not on the Hub, or private" in said
        assert "hf auth login" in said


def test_what_is_private_stays_so(hub, training, folder):
    training("publish", folder, "me/secret", "--private")
    (folder / METRICS).unlink()
    for more in (["--private"], []):
        assert training("publish", folder, "me/secret", *more)[0] == 0
    assert hub.read("models", "me/secret", "me")["private"]


def test_private_is_not_promised_for_what_is_public(hub, training, folder):
    training("publish", folder, "me/tiny")
    write_json(folder / METRICS, {"schema": 2})
    code, _, said = training("publish", folder, "me/tiny", "--private")
    assert code == 2
    assert "already and public" in said
    assert len(hub.history("me/tiny")) == 2


def test_a_branch(hub, training, folder, running):
    training("publish", folder, "me/tiny")
    HfApi().create_branch("me/tiny", branch="v2")
    (folder / METRICS).unlink()
    code, output, _ = training("publish", folder, "me/tiny", "--revision", "v2")
    assert (code, output) == (0, f"{running[1]}/me/tiny/tree/v2\n")
    assert METRICS in hub.history("me/tiny")[0]["files"]
    assert METRICS not in hub.history("me/tiny", "v2")[0]["files"]
    code, output, said = training("publish", folder, "me/tiny", "--revision", "v2")
    assert (code, output) == (0, f"{running[1]}/me/tiny/tree/v2\n")
    assert "no commit was made" in said
    code, _, said = training("publish", folder, "me/tiny", "--revision", "v3")
    assert code == 2
    assert "me/tiny@v3: there is no such branch" in said


def test_a_pull_request_to_somebody_else(hub, training, folder, running, monkeypatch):
    training("publish", folder, "me/tiny")
    (folder / METRICS).unlink()
    monkeypatch.setenv("HF_TOKEN", "hf_other")
    code, output, _ = training("publish", folder, "me/tiny", "--create-pr")
    assert (code, output) == (0, f"{running[1]}/me/tiny/discussions/1\n")
    assert len(hub.history("me/tiny")) == 2
    assert len(hub.history("me/tiny", "refs/pr/1")) == 3


def test_another_architecture_asks_for_force(hub, training, folder, make_folder, tiny_vae):
    vae = make_folder(tiny_vae, "tiny-vae")
    training("publish", folder, "me/tiny")
    code, _, said = training("publish", vae, "me/tiny")
    assert code == 2
    assert "me/tiny holds a gan, not a vae" in said
    assert "`force`" in said
    assert len(hub.history("me/tiny")) == 2
    assert training("publish", vae, "me/tiny", "--force")[0] == 0
    assert duet.load("me/tiny").architecture == "vae"


@pytest.mark.parametrize("files", [{"pytorch_model.bin": b"x"}, {CONFIG: b"{}", WEIGHTS: b"x"}])
def test_another_work_asks_for_force(hub, training, folder, files):
    hub.make("me/work", files)
    code, _, said = training("publish", folder, "me/work")
    assert code == 2
    assert "me/work holds something else; `force`" in said
    assert training("publish", folder, "me/work", "--force")[0] == 0
    assert set(files) | EVERYTHING == set(hub.history("me/work")[0]["files"])


def test_half_a_checkpoint_is_another_work(hub, training, folder):
    hub.make("me/half", {CONFIG: (folder / CONFIG).read_bytes()})
    code, _, said = training("publish", folder, "me/half")
    assert code == 2
    assert "me/half holds something else; `force`" in said


def test_what_would_leave_files_out_is_refused(hub, training, folder):
    """The Hub obeys a repository's .gitignore, and the client passes over what it names."""
    files = {path.name: path.read_bytes() for path in folder.iterdir()}
    hub.make("me/tiny", files | {".gitignore": b"*.md"})
    code, _, said = training("publish", folder, "me/tiny")
    assert code == 2
    assert "me/tiny holds a .gitignore" in said
    assert len(hub.history("me/tiny")) == 1


def test_an_empty_repository_is_filled(hub, training, folder):
    hub.make("me/new", {".gitattributes": b"", CARD: b"# to come"})
    assert training("publish", folder, "me/new")[0] == 0


@pytest.mark.parametrize(
    ("pattern", "status", "said"),
    [
        ("PUT /upload", 500, "the Hub is in trouble; try again later"),
        ("PUT /upload", 413, "larger than the Hub takes"),
        ("POST .*/commit/", 500, "try again later"),
        ("POST .*/commit/", 429, "too many requests; wait"),
        ("POST .*/commit/", 412, "changed by somebody else meanwhile"),
        ("POST .*/preupload/", 403, "use a token with write permission"),
    ],
)
@pytest.mark.parametrize("is_new", [True, False], ids=["new", "known"])
def test_a_push_that_breaks_leaves_the_remote_as_it_was(
    hub, training, folder, make_folder, tiny_gan, pattern, status, said, is_new
):
    if not is_new:
        training("publish", folder, "me/tiny")
        shutil.rmtree(folder.parent)
        with torch.no_grad():
            next(tiny_gan.parameters()).add_(1)
        make_folder(tiny_gan)
    before = None if is_new else hub.read("models", "me/tiny", "me")
    hub.fail(pattern, status)
    code, output, error = training("publish", folder, "me/tiny")
    assert (code, output) == (2, "")
    assert "error: me/tiny: " in error
    assert said in error
    after = hub.read("models", "me/tiny", "me") if hub.path("models", "me/tiny").exists() else None
    assert after == before
    hub.faults.clear()
    assert training("publish", folder, "me/tiny")[0] == 0  # the same command mends it
    assert torch.equal(duet.load("me/tiny").model.sample(3), tiny_gan.sample(3))


def test_a_change_in_between_is_not_overwritten(hub, training, folder):
    training("publish", folder, "me/tiny")

    def change(request):
        repo = hub.read("models", "me/tiny", "me")
        hub.add_commit(repo, "main", {"theirs.txt": hub.store(b"mine")}, "meanwhile")
        hub.write("models", "me/tiny", repo)
        hub.faults = []

    hub.faults = [("POST .*/preupload/", change)]
    (folder / METRICS).unlink()
    code, _, said = training("publish", folder, "me/tiny")
    assert code == 2
    assert "changed by somebody else" in said
    assert hub.history("me/tiny")[0]["message"] == "meanwhile"


def test_a_commit_whose_answer_is_lost_is_not_undone(hub, training, folder):
    def commit_and_fail(request):
        repo = hub.read("models", "me/tiny", "me")
        hub.add_commit(repo, "main", {CARD: hub.store(b"came through")}, "Publish")
        hub.write("models", "me/tiny", repo)
        return JSONResponse({"error": "gateway"}, 502)

    hub.faults = [("POST .*/commit/", commit_and_fail)]
    assert training("publish", folder, "me/tiny")[0] == 2
    assert len(hub.history("me/tiny")) == 2


@pytest.mark.parametrize(
    ("token", "repo_id", "said"),
    [
        ("", "me/tiny", "you are not logged in; run `hf auth login`, or set HF_TOKEN"),
        ("hf_old", "me/tiny", "the token is not valid"),
        ("hf_reader", "me/tiny", "your token may only read"),
        ("hf_me", "other/tiny", "logged in as me, who may not write to other/"),
        ("hf_me", "tiny", "'tiny' is not an id on the Hub; write user/name"),
        ("hf_me", "me/tiny@v1", "name a branch by `revision`"),
        ("hf_me", "me/a..b", "is not an id on the Hub"),
        ("hf_me", "me/a--b", "Cannot have -- or .."),
    ],
)
def test_who_may_not_is_told_before_anything_is_sent(
    hub, training, folder, monkeypatch, token, repo_id, said
):
    monkeypatch.setenv("HF_TOKEN", token)
    code, output, error = training("publish", folder, repo_id)
    assert (code, output) == (2, "")
    assert said in error
    assert not [line for line in hub.requests if not line.startswith("GET")]


def test_a_rate_limit(hub, training, folder):
    hub.fail("GET /api/whoami", 429)
    code, output, said = training("publish", folder, "me/tiny")
    assert (code, output) == (2, "")
    assert "too many requests; wait some minutes, then run this again" in said


def test_what_was_uploaded_is_not_sent_again(hub, training, folder):
    hub.fail("POST .*/commit/", 500)
    training("publish", folder, "me/tiny")
    assert [line for line in hub.requests if line.startswith("PUT")]
    hub.faults.clear()
    hub.requests.clear()
    assert training("publish", folder, "me/tiny")[0] == 0
    assert not [line for line in hub.requests if line.startswith("PUT")]


def test_without_network_it_is_told_at_once(hub, training, folder, monkeypatch):
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    assert "offline mode is on; unset HF_HUB_OFFLINE" in training("publish", folder, "me/tiny")[2]
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setattr(_http, "time", None)  # a retry would sleep
    code, output, said = training("publish", folder, "me/tiny")
    assert (code, output) == (2, "")
    assert "the Hub at http://127.0.0.1:9 cannot be reached" in said


def test_a_club_is_mine_too(hub, training, folder):
    code, _, said = training("publish", folder, "my-club/tiny")
    assert code == 2  # past our check; this Hub lets users alone write
    assert "you may not do this" in said


def test_only_checkpoints_are_published(hub, training, folder, tmp_path):
    secret = tmp_path / "secret"
    secret.write_text("key")
    (folder / CARD).symlink_to(secret)
    code, _, said = training("publish", folder, "me/tiny")
    assert code == 2
    assert "README.md is a link out of its folder" in said
    (folder / CARD).unlink()
    write_json(folder / TRAINING, {"steps": 9})
    assert "json is not what this version" in training("publish", folder, "me/tiny")[2]
    (folder / WEIGHTS).write_bytes(b"")
    assert "not a readable safetensors file" in training("publish", folder, "me/tiny")[2]
    assert not hub.path("models", "me/tiny").exists()


def test_the_card_is_one_the_hub_reads(hub, training, folder):
    training("publish", folder, "me/tiny")
    card = ModelCard.load(duet.load("me/tiny").folder / CARD)
    data = card.data
    assert data.library_name == "duet"
    assert data.pipeline_tag == "unconditional-image-generation"
    assert data.datasets == ["ylecun/mnist"]
    assert data.license == "cc-by-sa-3.0"
    assert {"duet", "gan", "mnist"} <= set(data.tags)
    assert data.model_name == "tiny-gan"
    found = {result.metric_type: result.metric_value for result in data.eval_results}
    stored = read_json(folder / METRICS)["measurements"][0]["scores"]
    scores = {key: score["value"] for key, score in stored.items()}
    assert found["fid"] == scores["frechet_distance"]
    assert sorted(found.values()) == sorted(scores.values())
    assert set(found) == set(data.metrics)
    assert ModelCard(str(card)).data.to_dict() == data.to_dict()


def test_training_publishes_at_its_end(hub, training, toy_data, tmp_path, running):
    out = tmp_path / "runs" / "toy-gan"
    code, output, _ = training("gan", *ONE_STEP, "--out", out, "--push-to-hub", "me/toy-gan")
    assert (code, output.splitlines()) == (0, [f"{out}/checkpoint", f"{running[1]}/me/toy-gan"])
    command = duet.load("me/toy-gan").training.command
    assert "--steps 1" in command
    assert "me/toy-gan" not in command  # who repeats it publishes nothing


def test_training_does_not_start_where_it_could_not_publish(hub, training, tmp_path):
    hub.make("me/work", {"pytorch_model.bin": b"x"})
    for repo_id, said in [("other/x", "may not write to other/"), ("me/work", "something else")]:
        code, output, error = training(
            "gan", "--out", tmp_path / "run", "--push-to-hub", repo_id
        )
        assert (code, output) == (2, "")
        assert said in error
        assert not (tmp_path / "run").exists()


def test_a_run_whose_push_breaks_is_kept(hub, training, toy_data, tmp_path):
    hub.fail("POST .*/commit/", 500)
    out = tmp_path / "toy-gan"
    code, output, said = training("gan", *ONE_STEP, "--out", out, "--push-to-hub=me/toy")
    assert (code, output) == (2, f"{out}/checkpoint\n")
    assert f"python -m training publish {out}/checkpoint me/toy" in said
    assert "push-to-hub" not in duet.load(out / "checkpoint").training.command


def test_a_run_may_be_published_over_an_earlier_one(hub, training, folder):
    publish.check("me/tiny")
    training("publish", folder, "me/tiny")
    publish.check("me/tiny")
    with pytest.raises(HubError, match="may not write to other/"):
        publish.check("other/tiny")
    with pytest.raises(HubError, match="without @"):
        publish.check("me/tiny@v1")


@pytest.mark.parametrize(
    ("names", "force", "said"),
    [
        (None, False, None),
        ([], False, None),
        ([CONFIG, WEIGHTS], True, None),
        (sorted(EVERYTHING), True, None),
        ([CONFIG, WEIGHTS], False, "holds something else; choose another, or `force` to replace"),
        ([CONFIG, "thesis.txt"], True, "holds something else; choose another$"),
        ([CARD], True, "holds something else; choose another$"),
        ([CARD], False, "holds something else; choose another$"),
    ],
)
def test_only_a_checkpoint_is_replaced_and_only_by_force(tmp_path, names, force, said):
    target = tmp_path / "target"
    if names is not None:
        target.mkdir()
        for name in names:
            (target / name).touch()
    with pytest.raises(HubError, match=said) if said else contextlib.nullcontext():
        publish._check_target(target, force)
    (tmp_path / "file").touch()
    with pytest.raises(HubError, match=r"file holds something else; choose another$"):
        publish._check_target(tmp_path / "file", force)


def test_folders_are_the_same_to_the_bit(folder, tmp_path):
    whole, less, changed = (tmp_path / name for name in ("whole", "less", "changed"))
    for copy in (whole, less, changed):
        shutil.copytree(folder, copy)
    (whole / "notes.txt").touch()  # nobody's file, never looked at
    assert publish._same(folder, whole)
    (less / METRICS).unlink()
    assert not publish._same(folder, less)
    assert not publish._same(less, folder)
    path = changed / TRAINING
    times = path.stat()
    path.write_bytes(path.read_bytes().replace(b"abacus", b"cactus"))
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))  # of equal size and age
    assert not publish._same(folder, changed)


@pytest.mark.parametrize("answer", [{}, [], None, "yes", 7])
def test_answers_of_another_shape_are_told(hub, folder, monkeypatch, answer):
    """What the client makes of JSON that it does not know: an error in words, nothing deleted."""
    from huggingface_hub import HfApi

    def odd(self, *arguments, **named):
        return answer["commitUrl"]

    monkeypatch.setattr(HfApi, "create_commit", odd)
    with pytest.raises(HubError, match="the Hub's answer is not of the form"):
        publish.publish(str(folder), "me/fresh")
    assert duet.hub.client.look_up("me/fresh").commit  # made, and not deleted
    monkeypatch.setattr(HfApi, "whoami", lambda self: answer)
    with pytest.raises(HubError, match="the Hub's answer is not of the form"):
        duet.hub.client.check_access("me/x")
