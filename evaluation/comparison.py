"""What differs between two measurements, in words."""

import dataclasses
from typing import Any

from duet.store.metrics import Measurement, Protocol, ScoreRecord
from duet.store.scores import SCORES, Score
from duet.store.studies import Study

TOLD = ("device", "versions")  # not claimed
# What of a protocol, absent where it measured no such thing, decides which score.
DECIDES = {
    "limit_parts": "frechet_limit", "class_images": "class_frechet_distance",
    "patch_images": "patch_distance", "patches": "patch_distance", "path_pairs": "path_length",
    "reconstructions": "reconstruction_error", "mode_images": "modes",
}
# By the name of a statistic of a study; set by analogy, not yet measured.
STUDY_TOLERANCES = {
    "copying": 0.1, "z": 0.1, "authenticity_z": 0.1, "nearer": 0.002, "singled_out": 0.002,
    "authenticity": 0.002, "held_out_authenticity": 0.002, "distance": 0.002,
    "held_out_distance": 0.002, "generated": 5,
    "value": 0.01, "spread": 0.01, "interval": 0.02,
}

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
        if isinstance(value, tuple):
            value = {str(place): each for place, each in enumerate(value)}
        found += _flat(value, f"{name}.") if isinstance(value, dict) else [(name, value)]
    return found


def study_differences(old: Study, new: Study) -> list[str]:
    """Where a study made again is not what is stored, one sentence each: its settings whole, each
    statistic beyond its tolerance."""
    before, after = (
        {key: value for key, value in _flat(dataclasses.asdict(study))
         if key.split(".")[0] not in TOLD}
        for study in (old, new)
    )
    found = [f"{name} is stored or measured, but not both" for name in before.keys() ^ after.keys()]
    for name in before.keys() & after.keys():
        kind = next((part for part in reversed(name.split(".")) if not part.isdigit()), name)
        one, two = before[name], after[name]
        tolerance = STUDY_TOLERANCES.get(kind, 0)
        is_number = isinstance(one, float) and isinstance(two, float)
        same = abs(one - two) <= tolerance if is_number or tolerance else one == two
        if not same:
            found.append(f"{name}: stored {one}, measured {two} (tolerance {tolerance:g})")
    return sorted(found)


def differences(old: Measurement, new: Measurement) -> list[str]:
    """Where a second measurement is not what is stored, one sentence each: the protocol whole, each
    number of each stored score beyond its tolerance, the warnings. What came later is no
    difference."""
    found = [f"protocol, {words}" for words in protocol_differences(old.protocol, new.protocol)]
    found += [
        f"protocol, {name}: absent, but {key} is stored" for name, key in DECIDES.items()
        if key in old.scores and getattr(old.protocol, name) is None
    ]
    is_old = old.protocol.repeats is None  # of a schema without warnings
    if old.warnings != new.warnings and not is_old:
        found.append(
            f"warnings: stored {'; '.join(old.warnings) or 'none'}, measured "
            f"{'; '.join(new.warnings) or 'none'}"
        )
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
