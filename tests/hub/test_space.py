"""The app as a Space: what is sent, what goes, what is refused."""

import contextlib
import dataclasses
import json
import re
import subprocess

import pytest
import yaml

from duet.hub import space
from duet.hub.client import HubError, Repository
from duet.store import checkpoint

README = """---
title: Duet
sdk: gradio
thumbnail: https://huggingface.co/spaces/duet/duet/resolve/main/docs/screenshot.png
---
# Duet
"""
NEEDED = {
    "app.py": "print('app')", "README.md": README, "requirements.txt": "gradio\n",
    "docs/screenshot.png": "", "demo/blocks.py": "", "duet/store/checkpoint.py": "",
    "checkpoints/a/config.json": "{}", "training/loop.py": "", "docs/evaluation.md": "",
    "docs/ladder.png": "", "evaluation/reference/mnist-held-out.json": "{}",
}
NOT_NEEDED = {
    "tests/test_a.py": "", "evaluation/plots.py": "", "data/mnist.py": "", "Makefile": "",
    "evaluation/reference/mnist-mnist.safetensors": "", "docs/log.md": "",
}


@pytest.fixture
def checkout(tmp_path, monkeypatch):
    """A small git checkout in the place of ours; some files git knows nothing of."""
    root = tmp_path / "checkout"
    for name, text in {**NEEDED, **NOT_NEEDED}.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    for command in (["init", "-q"], ["add", "."]):
        subprocess.run(["git", "-C", str(root), *command], check=True)
    (root / "demo" / "scratch.py").write_text("not in git")
    monkeypatch.setattr(space, "ROOT", root)
    return root


def commits(hub, repo_id="me/duet"):
    return hub.history(repo_id, kind="spaces")


def deployed(hub, name, repo_id="me/duet"):
    """The text of a file in the newest commit."""
    return (hub.folder / "blobs" / commits(hub, repo_id)[0]["files"][name]["sha256"]).read_text()


def test_one_commit_with_only_what_is_needed(hub, training, checkout, running):
    code, output, _ = training("space", "me/duet")
    assert (code, output) == (0, f"{running[1]}/spaces/me/duet\n")
    assert commits(hub)[0]["files"].keys() == {*NEEDED, ".gitattributes"}
    assert len(commits(hub)) == 2
    assert hub.read("spaces", "me/duet", "me")["sdk"] == "gradio"


def test_the_thumbnail_is_the_spaces_own(hub, training, checkout):
    training("space", "me/duet")
    assert deployed(hub, "README.md") == README.replace("spaces/duet/", "spaces/me/") != README


def test_a_cpu_gets_the_cpu_build_of_the_same_pins(hub, training, checkout):
    _, _, said = training("space", "me/duet")
    *links, pins = deployed(hub, "requirements.txt").splitlines()
    assert pins == "gradio"
    places = [re.fullmatch(r"--find-links (https://[^ ]+/cpu/(\w+)/)", line)[2] for line in links]
    assert places == ["torch", "torchvision"]  # and nothing else may come from there
    assert "needs `gpu`" in said


def test_zero_gpu_gets_the_cuda_build(hub, training, checkout):
    training("space", "me/duet")
    code, _, said = training("space", "me/duet", "--gpu")
    assert code == 0
    assert deployed(hub, "requirements.txt") == NEEDED["requirements.txt"]
    assert "--gpu" not in said


def test_no_commit_where_nothing_changed(hub, training, checkout, running):
    training("space", "me/duet")
    code, output, said = training("space", "me/duet")
    assert (code, output) == (0, f"{running[1]}/spaces/me/duet\n")
    assert "no commit was made" in said
    assert len(commits(hub)) == 2


def test_what_is_gone_goes_and_what_changed_comes(hub, training, checkout):
    training("space", "me/duet")
    (checkout / "demo" / "blocks.py").unlink()
    (checkout / "app.py").write_text("print('new')")
    assert training("space", "me/duet")[0] == 0
    newest, before, _ = commits(hub)
    assert before["files"].keys() - newest["files"].keys() == {"demo/blocks.py"}
    assert newest["files"]["app.py"] != before["files"]["app.py"]


def test_another_app_asks_for_force(hub, training, checkout):
    hub.make("me/duet", {"app.py": b"mine", "notes.txt": b"mine"}, kind="spaces")
    code, _, said = training("space", "me/duet")
    assert code == 2
    assert "the Space me/duet holds another app; `force`" in said
    assert len(commits(hub)) == 1
    assert training("space", "me/duet", "--force")[0] == 0
    assert "notes.txt" not in commits(hub)[0]["files"]


def test_a_public_space_does_not_become_private(hub, training, checkout):
    training("space", "me/duet")
    hub.requests.clear()
    code, _, said = training("space", "me/duet", "--private")
    assert code == 2
    assert "me/duet is there already and public" in said
    assert not [line for line in hub.requests if not line.startswith("GET")]
    assert training("space", "me/secret", "--private")[0] == 0
    assert hub.read("spaces", "me/secret", "me")["private"]
    assert training("space", "me/secret", "--private")[0] == 0


@pytest.mark.parametrize(
    ("token", "repo_id", "said"),
    [
        ("hf_reader", "me/duet", "your token may only read"),
        ("hf_me", "other/duet", "may not write"),
    ],
)
def test_who_may_not_deploy_is_told_before_anything_is_sent(
    hub, training, checkout, monkeypatch, token, repo_id, said
):
    monkeypatch.setenv("HF_TOKEN", token)
    code, output, error = training("space", repo_id)
    assert (code, output) == (2, "")
    assert said in error
    assert not [line for line in hub.requests if not line.startswith("GET")]


def test_an_empty_space_is_filled(hub, training, checkout):
    hub.make("me/duet", {".gitattributes": b"", "README.md": b"new"}, kind="spaces")
    assert training("space", "me/duet")[0] == 0
    assert commits(hub)[0]["files"].keys() == {*NEEDED, ".gitattributes"}


def forget(root, name):
    subprocess.run(["git", "-C", str(root), "rm", "-q", "--cached", name], check=True)


HEADER = "---\nsdk: gradio\n---\n"


@pytest.mark.parametrize(
    ("readme", "fits"),
    [
        (HEADER, True), (f"{HEADER}# Duet\n---\nand a rule\n---\n", True), ("", False),
        ("---\nsdk: static\n---\n", False), ("---\ntitle: Duet\n---\n", False),
        ("---\n- sdk: gradio\n---\n", False), (f"# Duet\n{HEADER}", False),
        ("---\nsdk: gradio\n", False),
    ],
)
def test_the_readme_begins_with_a_spaces_header(tmp_path, readme, fits):
    path = tmp_path / "README.md"
    path.write_text(readme)
    with contextlib.nullcontext() if fits else pytest.raises(HubError, match="sdk: gradio"):
        space._header(path)


@pytest.mark.parametrize(
    ("names", "ours"),
    [
        ({"app.py", "duet/store/checkpoint.py"}, True),
        ({"app.py", "duet/store/checkpoint.py", "more.py"}, True),
        ({".gitattributes", "README.md"}, True), (set(), True),
        ({"app.py"}, False), ({"duet/store/checkpoint.py"}, False), ({"README.md", "a"}, False),
    ],
)
def test_what_counts_as_our_space(names, ours):
    files = dict.fromkeys(names)
    base = Repository("me/duet", "space", None, "0" * 40, False, files)
    with contextlib.nullcontext() if ours else pytest.raises(HubError, match="holds another app"):
        space._check_ours(base, space.APP)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda root: (root / "README.md").write_text("# Duet\n"), "YAML header"),
        (lambda root: (root / "app.py").unlink(), "a Space needs app.py"),
        (lambda root: (root / ".git").rename(root / "git"), "is not a git checkout"),
        (lambda root: forget(root, "README.md"), "a Space needs README.md; add it to git"),
        (lambda root: forget(root, "requirements.txt"), "a Space needs requirements.txt; add"),
    ],
)
def test_a_checkout_that_would_not_run_is_refused(hub, training, checkout, change, said):
    change(checkout)
    code, output, error = training("space", "me/duet")
    assert (code, output) == (2, "")
    assert said in error
    assert hub.requests == []


@pytest.mark.parametrize(
    ("status", "said"), [(402, "wants a paid plan"), (409, "the name is taken")]
)
def test_a_space_that_may_not_be_made(hub, training, checkout, status, said):
    hub.fail("POST /api/repos/create", status)
    code, _, error = training("space", "me/duet")
    assert code == 2
    assert said in error


def test_a_deployment_that_breaks_leaves_nothing(hub, training, checkout):
    hub.fail("POST .*/commit/", 500)
    assert training("space", "me/duet")[0] == 2
    assert not hub.path("spaces", "me/duet").exists()


STAGE = {
    "demo/stage/index.html": "<p>", "demo/stage/stage.js": "", "demo/stage/models/a/model.json": "",
    "demo/stage/stage.json": json.dumps({"models": [{"name": "a", "weights_sha256": "1" * 64}]}),
}


@pytest.fixture
def staged(checkout, monkeypatch):
    """The checkout with a stage that shows the one shipped model, whose weights' hash is given."""
    for name, text in STAGE.items():
        (checkout / name).parent.mkdir(parents=True, exist_ok=True)
        (checkout / name).write_text(text)
    subprocess.run(["git", "-C", str(checkout), "add", *STAGE], check=True)
    read = checkpoint.read_config(checkpoint.SHIPPED / "mnist-gan")
    digests = {"a": "1" * 64}

    def config(folder):
        return dataclasses.replace(read, weights_sha256=digests[folder.name])

    monkeypatch.setattr(checkpoint, "read_config", config)
    return digests


def test_the_static_space_is_the_stage_at_the_root(hub, training, staged, running):
    code, output, said = training("space", "me/still", "--static")
    assert (code, output, said) == (0, f"{running[1]}/spaces/me/still\n", "")
    assert commits(hub, "me/still")[0]["files"].keys() == {
        "index.html", "stage.js", "stage.json", "models/a/model.json", "docs/screenshot.png",
        "README.md", ".gitattributes",
    }
    assert hub.read("spaces", "me/still", "me")["sdk"] == "static"
    _, header, text = deployed(hub, "README.md", "me/still").split("---\n", 2)
    assert yaml.safe_load(header) == {
        "title": "Duet", "sdk": "static", "app_file": "index.html",
        "thumbnail":
            "https://huggingface.co/spaces/me/still/resolve/main/docs/screenshot.png",
    }
    assert "without a server" in text
    assert "no commit was made" in training("space", "me/still", "--static")[2]


def test_app_and_static_space_do_not_overwrite_each_other(hub, training, staged):
    training("space", "me/duet")
    training("space", "me/still", "--static")
    for arguments in (["me/duet", "--static"], ["me/still"]):
        code, _, said = training("space", *arguments)
        assert (code, "holds another app" in said) == (2, True)


def test_a_static_space_with_a_gpu_is_refused(hub, training, staged):
    code, _, said = training("space", "me/still", "--static", "--gpu")
    assert (code, hub.requests) == (2, [])
    assert "give either `static` or `gpu`" in said


@pytest.mark.parametrize("digest", ["2" * 64, None])
def test_a_stage_of_other_weights_is_refused(hub, training, staged, checkout, digest):
    if digest is None:
        (checkout / "checkpoints/a/config.json").unlink()
        (checkout / "checkpoints/a").rmdir()
    staged["a"] = digest
    code, _, said = training("space", "me/still", "--static")
    assert (code, hub.requests) == (2, [])
    assert "the stage's a is not the shipped one; run `make site` first" in said


def test_a_static_space_without_its_page_is_refused(hub, training, staged, checkout):
    (checkout / "demo/stage/index.html").unlink()
    code, _, said = training("space", "me/still", "--static")
    assert (code, hub.requests) == (2, [])
    assert "a Space needs demo/stage/index.html" in said


def test_this_checkout_makes_a_static_space():
    header = space._header(space.ROOT / "README.md")
    files = space._static_files(space._tracked(space.STATIC), header, "me/still")
    _, text, _ = files["README.md"].decode().split("---\n", 2)
    own = yaml.safe_load(text)
    assert own["sdk"] == "static"
    assert own["app_file"] in files
    assert "/spaces/me/still/" in own["thumbnail"]
    assert own["thumbnail"].split("/resolve/main/")[1] in files
    assert own.keys() == header.keys() - {"sdk_version", "python_version", "suggested_hardware"}
    assert {f"models/{name}/decoder.onnx.gz" for name in checkpoint.shipped_names()} <= files.keys()
