"""As users run it: processes that read HF_ENDPOINT, HF_HUB_OFFLINE and HF_TOKEN themselves."""

import json

import pytest

import duet

# What becomes of each source: its name, or what was said; and how many seconds the client slept
# between its tries. Not the seconds that passed: those are the machine's, which may be busy.
LOAD = """
import json, sys, time
slept = []
time.sleep = slept.append
import duet
found = []
for source in sys.argv[1:]:
    try:
        found.append(duet.load(source).name)
    except duet.CheckpointError as error:
        found.append(str(error))
print(json.dumps([found, sum(slept), "torch._dynamo" in sys.modules]))
"""


@pytest.mark.slow
def test_publish(child, hub, running, folder):
    done = child("-m", "training", "publish", str(folder), "me/tiny")
    assert (done.returncode, done.stdout) == (0, f"{running[1]}/me/tiny\n"), done.stderr
    assert len(hub.history("me/tiny")) == 2


@pytest.mark.slow
@pytest.mark.parametrize(
    ("environment", "said"),
    [
        ({"HF_HUB_OFFLINE": "1"}, "offline mode is on; unset HF_HUB_OFFLINE"),
        ({"HF_ENDPOINT": "http://127.0.0.1:9"}, "the Hub at http://127.0.0.1:9 cannot be reached"),
    ],
    ids=["offline", "down"],
)
def test_load_without_the_hub(child, training, folder, environment, said):
    training("publish", folder, "me/tiny")
    duet.load("me/tiny")
    done = child("-c", LOAD, "me/tiny", "me/absent", **environment)
    (cached, absent), slept, compiler = json.loads(done.stdout)
    assert cached == "tiny-gan"
    assert said in absent
    assert slept == 0  # the client, asked for the files, would try for 23 seconds
    assert not compiler  # torch._dynamo, seconds that no load needs
