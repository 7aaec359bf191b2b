"""The same against huggingface.co, with a private repository that is deleted at the end."""

import os
import uuid

import pytest
import torch

import duet

TOKEN = os.environ.get("HF_TOKEN")  # the fixtures hide it from other tests


@pytest.mark.network
@pytest.mark.skipif(not TOKEN, reason="HF_TOKEN is not set: it publishes to the real Hub")
def test_a_round_trip_over_the_real_hub(training, folder, tiny_gan, monkeypatch):
    from huggingface_hub import HfApi

    monkeypatch.setenv("HF_TOKEN", TOKEN)
    api = HfApi()
    repo_id = f"{api.whoami()['name']}/duet-test-{uuid.uuid4().hex[:8]}"
    try:
        code, output, said = training("publish", folder, repo_id, "--private")
        assert (code, output) == (0, f"https://huggingface.co/{repo_id}\n"), said
        assert torch.equal(duet.load(repo_id).model.sample(3), tiny_gan.sample(3))
        assert "no commit was made" in training("publish", folder, repo_id)[2]
        assert api.list_repo_commits(repo_id)[0].title == "Publish tiny-gan"
    finally:
        api.delete_repo(repo_id, missing_ok=True)
