"""What differs between two measurements, in words."""

import dataclasses
from typing import Any

from duet.store.metrics import Measurement, Protocol, ScoreRecord
from duet.store.scores import SCORES, Score


def protocol_differences(old: Protocol, new: Protocol) -> list[str]:
    """Where two protocols differ, in words, one an entry. What the old one does not know came
    later, and decides none of its scores."""
    return [
        f"{name}: {before} and {after}"
        for (name, before), (_, after) in zip(
            _flat(dataclasses.asdict(old)), _flat(dataclasses.asdict(new)), strict=True
        )
        if before is not None and before != after
    ]


def _flat(values: dict[str, Any], prefix: str = "") -> list[tuple[str, Any]]:
    found = []
    for key, value in values.items():
        name = f"{prefix}{key}"
        found += _flat(value, f"{name}.") if isinstance(value, dict) else [(name, value)]
    return found


def differences(old: Measurement, new: Measurement) -> list[str]:
    """Where a second measurement is not what is stored, one sentence each: the protocol whole, each
    number of each stored score beyond its tolerance. A score that came later is no difference."""
    found = [f"protocol, {words}" for words in protocol_differences(old.protocol, new.protocol)]
    for key, score in old.scores.items():
        if key in new.scores and key in SCORES:
            found += _score_differences(SCORES[key], score, new.scores[key])
        else:
            found.append(f"{key} is stored, but not measured any more")
    return found


def _score_differences(kind: Score, old: ScoreRecord, new: ScoreRecord) -> list[str]:
    found = []
    if len(old.by_class or ()) != len(new.by_class or ()):
        return [f"{kind.title} is of other classes"]
    for (words, before, tolerance), (_, after, _) in zip(
        _numbers(kind, old), _numbers(kind, new), strict=True
    ):
        if before is None and after is None:
            continue
        if before is None or after is None:
            found.append(f"{words} is stored or measured, but not both")
        elif not abs(before - after) <= tolerance:
            numbers = f"stored {before:.6g}, measured {after:.6g}"
            found.append(f"{words}: {numbers} (tolerance {tolerance:g})")
    return found


def _numbers(kind: Score, score: ScoreRecord) -> list[tuple[str, float | None, float]]:
    """Each number of a score: what it is, the number, its tolerance."""
    low, high = score.interval or (None, None)
    return [
        (kind.title, score.value, kind.tolerance),
        (f"{kind.title}'s spread", score.spread, kind.spread_tolerance),
        (f"{kind.title}'s interval from", low, kind.tolerance),
        (f"{kind.title}'s interval to", high, kind.tolerance),
        (f"{kind.title}'s count", score.count, 0),
        *((f"{kind.title} of class {index}", value, kind.class_tolerance)
          for index, value in enumerate(score.by_class or ())),
    ]
