"""What the stage asks of the server: the pictures of the library, for whoever asks in order."""

import base64
import threading

import numpy as np
import pytest
import torch

from demo import remote
from demo.catalogue import Catalogue
from duet.core import latents
from duet.models.vae import VAE, VAEConfig


@pytest.fixture(scope="module")
def offer(mock_checkpoint):
    torch.manual_seed(0)
    vae = VAE(VAEConfig((3, 8, 12), 3, 5, width=4, depth=1, flow_layers=2)).eval()
    return Catalogue({
        "vae": mock_checkpoint(name="vae", model=vae, data={"class_names": ("a", "b", "c")}),
        "gan": mock_checkpoint(name="gan"),
    })


@pytest.fixture
def call(offer, calls_of):
    with calls_of(offer) as run:
        yield run


def test_latents_are_drawn_and_read_as_the_library_does(call, offer):
    model = offer.checkpoints["vae"].model
    z, labels = latents.draw(7, [0, 1, 2], 5, 3)
    answer = call("decode", "vae", z.tolist(), labels.tolist())
    assert answer["shape"] == [3, 3, 8, 12]
    pixels = np.frombuffer(base64.b64decode(answer["pixels"]), np.uint8).reshape(answer["shape"])
    images = model.render(z, labels)
    assert np.array_equal(pixels, images.numpy())
    found = torch.tensor(call("encode", "vae", answer["pixels"], labels.tolist()))
    with torch.no_grad():
        wanted = model.encode(model.domain.to_network(images), labels)
    assert torch.allclose(found, wanted, atol=1e-6)


@pytest.mark.parametrize(
    ("call_of", "words"),
    [
        (("decode", "other", [[0.0] * 5], [0]), "Model must be one of vae, gan"),
        (("decode", "vae", [[0.0] * 4], [0]), "lists of 5 numbers"),
        (("decode", "vae", [[0.0] * 5, [0.0]], [0, 0]), "lists of 5 numbers"),
        (("decode", "vae", [[1e39] * 5], [0]), "finite"),
        (("decode", "vae", [], []), "1 to 64 lists"),
        (("decode", "vae", [[0.0] * 5] * 65, [0] * 65), "1 to 64 lists"),
        (("decode", "vae", "much", [0]), "1 to 64 lists"),
        (("decode", "vae", [[0.0] * 5], [3]), "whole numbers from 0 to 2"),
        (("decode", "vae", [[0.0] * 5], [True]), "whole numbers from 0 to 2"),
        (("decode", "vae", [[0.0] * 5], [0, 0]), "as many whole numbers"),
        (("decode", "gan", [[0.0] * 3], None), "whole numbers from 0 to 9"),
        (("encode", "vae", "AAAA", [0]), "1 to 64 times 288 bytes"),
        (("encode", "vae", "ä", [0]), "1 to 64 times 288 bytes"),
        (("encode", "gan", base64.b64encode(bytes(16)).decode(), [0]), "does not encode"),
    ],
)
def test_what_is_not_understood_is_refused_in_words(call, call_of, words, capsys):
    assert words in call(*call_of)
    assert "Traceback" not in capsys.readouterr().err


def test_no_more_run_at_a_time_than_are_let(monkeypatch):
    monkeypatch.setattr(remote, "PATIENCE_SECONDS", 0.01)
    started, go_on = threading.Barrier(remote.AT_ONCE + 1), threading.Event()

    def work():
        started.wait(5)
        go_on.wait(5)

    threads = [threading.Thread(target=remote.in_turn(work)) for _ in range(remote.AT_ONCE)]
    for thread in threads:
        thread.start()
    started.wait(5)
    with pytest.raises(remote.RemoteError, match="Too many"):
        remote.in_turn(lambda: None)()
    go_on.set()
    for thread in threads:
        thread.join()
    assert remote.in_turn(lambda: 1)() == 1
