from types import SimpleNamespace

from demo import gpu


def work() -> int:
    return 7


def test_off_spaces_a_function_stays_itself(monkeypatch):
    monkeypatch.setattr(gpu, "spaces", None)
    assert gpu.with_gpu(work) is work


def test_where_gpus_are_lent_one_is_asked_for(monkeypatch):
    asked = []

    def lend(duration):
        asked.append(duration)
        return lambda function: lambda: ("on GPU", function())

    monkeypatch.setattr(gpu, "spaces", SimpleNamespace(GPU=lend))
    assert gpu.with_gpu(work)() == ("on GPU", 7)
    assert asked == [gpu.SECONDS]
