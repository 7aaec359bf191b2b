"""Answers that are given again: the right ones, few, and each made once."""

import dataclasses
import threading

import pytest

from demo import cache
from demo.cache import Cache
from duet.models import ModelConfig


def test_an_answer_is_made_once():
    made = []
    kept = Cache(100, len)
    for key in ("a", "b", "a", "a"):
        assert kept.get(key, lambda key=key: made.append(key) or key * 3) == key * 3
    assert made == ["a", "b"]
    assert kept.held == 6


def test_the_answers_used_last_are_kept_within_the_bound():
    made = []
    kept = Cache(10, len)

    def ask(key):
        kept.get(key, lambda: made.append(key) or "xxxx")

    for key in ("a", "b", "a", "c"):  # b was used longest ago
        ask(key)
    assert (made, kept.held) == (["a", "b", "c"], 8)
    for key in ("a", "c", "b"):
        ask(key)
    assert made == ["a", "b", "c", "b"]
    assert kept.get("large", lambda: "x" * 11) == "x" * 11
    assert kept.held <= 10


def test_without_a_size_they_are_counted():
    kept = Cache(2)
    for key in ("a", "b", "c"):
        kept.get(key, lambda: "x" * 1000)
    assert ["a" in kept, "b" in kept, "c" in kept] == [False, True, True]


def test_a_failure_is_told_and_not_kept():
    kept = Cache(10, len)

    def fail():
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        kept.get("a", fail)
    assert kept.get("a", lambda: "yes") == "yes"


@pytest.mark.parametrize("fails", [False, True])
def test_who_asks_meanwhile_waits_for_the_same(fails):
    kept, begun, go, made, answers = Cache(10, len), threading.Event(), threading.Event(), [], []

    def make():
        made.append(1)
        begun.set()
        assert go.wait(10)
        if fails:
            raise ValueError("no")
        return "x"

    def ask():
        try:
            answers.append(kept.get("a", make))
        except ValueError as error:
            answers.append(str(error))

    threads = [threading.Thread(target=ask) for _ in range(4)]
    threads[0].start()
    assert begun.wait(10)
    for thread in threads[1:]:
        thread.start()
    kept.get("other", lambda: "is not kept waiting")
    go.set()
    for thread in threads:
        thread.join(10)
    assert answers == ["no" if fails else "x"] * 4
    assert len(made) == 1 or fails  # who came after the failure tries anew


def test_what_decides_a_picture_is_in_the_key(mock_checkpoint):
    one = mock_checkpoint()
    assert cache.identity(one) == cache.identity(mock_checkpoint())
    others = [
        dataclasses.replace(one, weights_sha256="1" * 64),
        dataclasses.replace(one, name="b"),
        mock_checkpoint(data={"class_names": tuple("9876543210")}),
        mock_checkpoint(shape=(3, 4, 4)),
    ]
    assert len({cache.identity(one), *map(cache.identity, others)}) == 5
    one.model.config = ModelConfig((1, 4, 4), num_classes=10, latent_dim=4)
    assert cache.identity(one) != cache.identity(mock_checkpoint())
