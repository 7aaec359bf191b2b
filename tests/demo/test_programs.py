"""The page's endpoints as programs and language models see them: over HTTP, by the real clients."""

import asyncio
import base64
import io
import json
import re
import shutil
import subprocess
import urllib.request

import numpy as np
import pytest
import torch
from gradio_client import Client
from gradio_client.exceptions import AppError
from mcp import ClientSession
from mcp.client.streamable_http import streamable_http_client
from PIL import Image

from demo import actions, held_out, programs
from demo.catalogue import Catalogue
from duet.store.metrics import MetricsRecord

TOOLS = {"sample", "interpolate", "models", "card", "scores", "arrays", "reconstruct", "link"}
pytestmark = [  # Gradio's own
    pytest.mark.filterwarnings("ignore:.*(no_silent_downcasting|copy keyword)"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]
STAGE = ("decode", "encode", "nearest")


@pytest.fixture(scope="module")
def offer(mock_checkpoint, measurement):
    digest = "1" * 64
    record = MetricsRecord((measurement(subject_sha256=digest),))
    found = Catalogue({
        "g": mock_checkpoint(name="g", role="adversarial", weights_sha256=digest, metrics=record),
        "v": mock_checkpoint(name="v", role="variational"),
        "c": mock_checkpoint(0, (3, 8, 8), name="c", data={"name": "colour", "title": "Colour"}),
    })
    found.checkpoints["v"].model.encode = lambda images, labels: images.flatten(1)[:, :3]
    return found


@pytest.fixture(scope="module")
def url(offer, tmp_path_factory, serve_over_http):
    with serve_over_http(offer, tmp_path_factory.mktemp("gradio")) as address:
        yield address


@pytest.fixture(scope="module")
def client(url):
    return Client(url, verbose=False)


def ask(url, *calls):
    """The tools by name, and the answers to calls (name, arguments), over MCP."""

    async def talk():
        async with (
            streamable_http_client(f"{url}gradio_api/mcp/") as (read, write, _),
            ClientSession(read, write) as session,
        ):
            await session.initialize()
            tools = {tool.name: tool for tool in (await session.list_tools()).tools}
            return tools, [await session.call_tool(*call) for call in calls]

    return asyncio.run(talk())


def file_of(side: int = 4, level: int = 90) -> str:
    buffer = io.BytesIO()
    Image.fromarray(np.full((4 * side, 4 * side), level, np.uint8)).save(buffer, "PNG")
    return base64.b64encode(buffer.getvalue()).decode()


def pixels_of(content: bytes | str) -> np.ndarray:
    source = io.BytesIO(content) if isinstance(content, bytes) else content
    with Image.open(source) as picture:
        assert picture.format == "PNG"
        return np.asarray(picture)


def test_the_documented_endpoints_are_the_tools_and_the_stages_are_neither(url, client):
    tools, _ = ask(url)
    assert set(tools) == TOOLS
    named = client.view_api(return_format="dict")["named_endpoints"]
    assert set(named) == {f"/{name}" for name in TOOLS}
    for name, endpoint in named.items():
        assert len(endpoint["description"]) > 40, name


def test_a_tool_says_what_each_of_its_inputs_may_be(url):
    tools, _ = ask(url)
    for name, tool in tools.items():
        assert len(tool.description) > 40, name
        for parameter, schema in tool.inputSchema["properties"].items():
            assert len(schema["description"]) > 20, (name, parameter)
    sample = tools["sample"].inputSchema
    assert "required" not in sample
    assert sample["properties"]["left"]["enum"] == ["g", "v", "c"]
    assert "whole number from 1 to 64" in sample["properties"]["count"]["description"]
    assert tools["reconstruct"].inputSchema["required"] == ["model", "picture"]


def test_a_model_draws_with_a_tool_and_sees_the_picture(url, offer):
    _, (answer,) = ask(url, ("sample", {"right": "c", "class_name": "4", "count": 5, "seed": 3}))
    assert not answer.isError
    kinds = [content.type for content in answer.content]
    assert kinds == ["image", "text", "text", "image", "text", "text"]  # picture, address, caption
    drawn = actions.sample(offer.checkpoints["g"], "4", 5, 3)
    sent = pixels_of(base64.b64decode(answer.content[0].data))
    assert np.array_equal(sent, np.asarray(drawn.picture))
    assert answer.content[2].text == drawn.caption == "g: images 0–4 of seed 3"


def test_a_refusal_reaches_a_model_in_words(url):
    _, answers = ask(
        url, ("sample", {"count": 65}), ("sample", {"left": "x"}), ("card", {}),
        ("reconstruct", {"model": "c", "picture": "/etc/passwd"}), ("restore", {}),
    )
    words = [" ".join(content.text for content in answer.content) for answer in answers]
    assert all(answer.isError for answer in answers)
    assert "How many must be a whole number from 1 to 64" in words[0]
    assert "'x' is not one of" in words[1]
    assert "'model' is a required property" in words[2]
    assert "base64" in words[3]
    assert "Unknown tool" in words[4]


def test_interpolate_reaches_a_model(url):
    _, (answer,) = ask(url, ("interpolate", {"steps": 3, "end_seed": 5}))
    assert [content.type for content in answer.content].count("image") == 4
    assert answer.content[-1].text == "v: seed 0 → seed 5"


def test_models_says_what_can_be_asked_for(url, client):
    found = client.predict(api_name="/models")
    assert list(found) == ["g", "v", "c"]
    assert found["g"]["classes"] == list("0123456789")
    assert (found["c"]["classes"], found["c"]["image_shape"]) == ([], [3, 8, 8])
    assert (found["v"]["encodes"], found["g"]["encodes"]) == (True, False)
    _, (answer,) = ask(url, ("models", {}))
    assert "'latent_dim': 3" in answer.content[0].text


def test_scores_are_the_stored_ones_with_their_meanings(client, offer):
    found = client.predict(api_name="/scores")
    (table,) = found["tables"]
    (row,) = table["rows"]
    stored = offer.checkpoints["g"].metrics.measurements[0].scores["frechet_distance"]
    assert (row["name"], row["scores"]["frechet_distance"]["value"]) == ("g", stored.value)
    assert found["scores"]["recall"]["higher_is_better"] is True
    assert len(found["scores"]["recall"]["meaning"]) > 20
    assert [words.split(":")[0] for words in found["left_out"]] == ["v"]
    with pytest.raises(AppError, match="Pictures must be one of Toy, Colour"):
        client.predict("x", api_name="/scores")


@pytest.mark.parametrize(("class_name", "truncation"), [("~any", 1.0), ("7", 0.5)])
def test_arrays_are_the_numbers_of_the_sheet(client, offer, class_name, truncation):
    found = client.predict(
        "g", class_name=class_name, count=5, seed=2, truncation=truncation, api_name="/arrays"
    )
    drawn = actions.sample(offer.checkpoints["g"], class_name, 5, 2, truncation).images
    pixels = np.frombuffer(base64.b64decode(found["pixels"]), np.uint8).reshape(found["shape"])
    assert np.array_equal(pixels, drawn.numpy())
    again = client.predict("g", found["z"], found["labels"], api_name="/decode")
    assert again["pixels"] == found["pixels"]


@pytest.mark.parametrize("model", ["g", "v", "c"])
def test_reconstruct_finds_the_nearest_picture(client, offer, model):
    shape = offer.checkpoints[model].model.image_shape
    path, found = client.predict(model, file_of(), seed=1, api_name="/reconstruct")
    pair = pixels_of(path)
    assert pair.shape[1] > 1.7 * pair.shape[0]
    assert 90 in pair[:, : pair.shape[1] // 3]
    assert len(found["z"]) == 3
    assert found["class_name"] == (None if model == "c" else str(found["label"]))
    drawn = offer.checkpoints[model].model.render(
        torch.tensor([found["z"]]), torch.tensor([found["label"]])
    )
    original = torch.full((1, *shape), 90.0)
    error = float((drawn - original).square().mean().sqrt())
    assert found["error"] == pytest.approx(error, abs=0.01)


def test_reconstruct_takes_a_held_out_picture_by_its_number(client, offer, monkeypatch):
    images = torch.randint(0, 256, (3, 1, 4, 4), dtype=torch.uint8)
    pictures = held_out.HeldOut(images, torch.zeros(3, dtype=torch.int64))
    monkeypatch.setattr(programs, "held_out", lambda known: pictures if known.name == "v" else None)
    path, found = client.predict("v", "held-out:2", "~any", 0, api_name="/reconstruct")
    assert set(images[2].flatten().tolist()) <= set(pixels_of(path).flatten().tolist())
    drawn = offer.checkpoints["v"].model.render(
        torch.tensor([found["z"]]), torch.tensor([found["label"]])
    )
    error = float((drawn.float() - images[2].float()).square().mean().sqrt())
    assert found["error"] == pytest.approx(error, abs=0.01)
    for model, picture, words in (("v", "held-out:3", "pictures 0 to 2"),
                                  ("g", "held-out:0", "No held-out pictures"),
                                  ("v", "held-out:-1", "base64")):
        with pytest.raises(AppError, match=words):
            client.predict(model, picture, "~any", 0, api_name="/reconstruct")


def test_what_is_sought_follows_from_class_and_seed(client):
    """Though the answers to one picture are kept."""
    asked = [("3", 1), ("7", 1), ("3", 2), ("3", 1)]
    found = [client.predict("g", file_of(level=50), *options, api_name="/reconstruct")[1]
             for options in asked]
    assert [each["class_name"] for each in found] == ["3", "7", "3", "3"]
    assert found[0] == found[3]
    assert found[0]["z"] != found[2]["z"]


def test_an_encoders_answer_waits_for_no_search(client, monkeypatch):
    monkeypatch.setattr(programs, "PATIENCE_SECONDS", 0.1)
    with programs._searching:
        _, found = client.predict("v", file_of(level=33), api_name="/reconstruct")
        assert len(found["z"]) == 3
        with pytest.raises(AppError, match="Too many ask at once"):
            client.predict("g", file_of(level=33), api_name="/reconstruct")


def test_the_stages_endpoints_still_answer_those_who_know_them(client):
    assert client.predict("v", "A" * 21 + "A==", [9], api_name="/encode") == [[-1, -1, -1]]
    with pytest.raises(AppError, match="Pixels must be"):
        client.predict("g", "x", None, 0, api_name="/nearest")


def blocks_of(root, language: str) -> list[str]:
    text = (root / "docs" / "programs.md").read_text(encoding="utf-8")
    return re.findall(rf"```{language}\n(.*?)```", text, re.DOTALL)


def for_here(text: str, url: str) -> str:
    for name, ours in (("http://127.0.0.1:7860/", url), ("http://127.0.0.1:7860", url),
                       ("mnist-gan", "g"), ("mnist-vae", "v")):
        text = text.replace(name, ours)
    return text


@pytest.mark.parametrize("number", range(4))
def test_the_pythons_of_the_manual_run(root, url, number, capfd, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "picture.png").write_bytes(base64.b64decode(file_of()))
    exec(compile(for_here(blocks_of(root, "python")[number], url), "programs.md", "exec"), {})
    expected = ["g: images 0–15 of seed 0", "(5, 1, 4, 4) (5, 3)", ".png", "'image', 'text'"]
    assert expected[number] in capfd.readouterr().out


@pytest.mark.parametrize(
    ("language", "command"), [("sh", ["sh", "-c"]), ("js", ["node", "--input-type=module", "-e"])]
)
def test_the_other_lines_of_the_manual_run(root, url, language, command):
    if shutil.which("curl" if language == "sh" else "node") is None:
        pytest.skip("needs curl, or Node.js")
    (lines,) = blocks_of(root, language)
    done = subprocess.run(
        [*command, for_here(lines, url)], capture_output=True, text=True, timeout=60, check=True
    )
    assert f"{url}gradio_api/file=" in done.stdout
    assert "g: images 0–15 of seed 0" in done.stdout


def test_the_manual_names_every_tool(root):
    text = (root / "docs" / "programs.md").read_text(encoding="utf-8")
    assert set(re.findall(r"^\| `(\w+)` \|", text, re.MULTILINE)) == TOOLS


def test_the_schema_for_other_hosts_is_served(url, client):
    with urllib.request.urlopen(f"{url}gradio_api/mcp/schema") as answer:
        assert {tool["name"] for tool in json.load(answer)} == TOOLS
