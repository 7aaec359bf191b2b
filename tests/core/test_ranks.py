"""Which of several processes this is: what a launcher says, and who speaks."""

import sys

import pytest

from duet.core import ranks
from duet.core.ranks import LostProcessError, RanksError


@pytest.mark.parametrize(("said", "count"), [(None, 1), ("1", 1), ("12", 12)])
def test_the_launcher_says_how_many(monkeypatch, said, count):
    monkeypatch.delenv("WORLD_SIZE", raising=False)
    if said is not None:
        monkeypatch.setenv("WORLD_SIZE", said)
    assert ranks.launched() == count


@pytest.mark.parametrize("said", ["", "0", "-1", "two", "1.5", "1e3", "9" * 5000])
def test_what_is_no_number_of_processes_is_refused(monkeypatch, said):
    monkeypatch.setenv("WORLD_SIZE", said)
    with pytest.raises(RanksError, match=r"WORLD_SIZE is .*, no number of processes") as refusal:
        ranks.launched()
    assert len(str(refusal.value)) < 200


@pytest.mark.parametrize("rank", [0, 2])
def test_the_main_process_alone_speaks(monkeypatch, capsys, rank):
    monkeypatch.setattr(ranks, "rank", lambda: rank)
    assert ranks.is_main() == (rank == 0)
    with ranks.main_speaks():
        print("result")
        print("talk", file=sys.stderr)
    assert capsys.readouterr() == (("result\n", "talk\n") if rank == 0 else ("", ""))


def test_alone_is_the_main_one():
    assert (ranks.rank(), ranks.count(), ranks.is_main()) == (0, 1, True)


def test_others_that_are_lost_are_an_error_in_words():
    def fails():
        raise RuntimeError("closed by peer\nat file.cc:3")

    with pytest.raises(LostProcessError, match=r"does not answer \(closed by peer\); try again$"):
        ranks.asked(fails, "; try again")
    with pytest.raises(LostProcessError, match="do not meet: closed by peer"):
        ranks.meet(fails)
    assert ranks.asked(lambda: 3) == 3
