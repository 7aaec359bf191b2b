"""The one table of scores: how each is called, shown, and repeated."""

from typing import NamedTuple

from duet.store.metrics import Protocol, ScoreRecord


class Score(NamedTuple):
    """`key` of the Hub's metric, title, digits shown, and how far a second measurement may lie from
    the first, value and spread. A headline has its column in every table.

    The same machine repeats bit for bit; another one rounds convolutions otherwise, which moves
    single grey levels and so the features.
    """

    hub_id: str
    title: str
    digits: int
    higher_is_better: bool
    tolerance: float
    spread_tolerance: float = 0.0
    is_headline: bool = True

    @property
    def heading(self) -> str:
        return f"{self.title} {'↑' if self.higher_is_better else '↓'}"

    def text(self, score: ScoreRecord) -> str:
        return f"{score.value:.{self.digits}f}"


SCORES: dict[str, Score] = {
    "frechet_distance": Score("fid", "FID", 3, False, 0.005),
    "kernel_distance": Score("kid", "KID", 5, False, 0.0002, 0.0002),
    "inception_score": Score("inception_score", "IS", 3, True, 0.01, 0.01),
    "precision": Score("precision", "Precision", 3, True, 0.005),
    "recall": Score("recall", "Recall", 3, True, 0.005),
    "density": Score("density", "Density", 3, True, 0.01, is_headline=False),
    "coverage": Score("coverage", "Coverage", 3, True, 0.005, is_headline=False),
    "label_agreement": Score("accuracy", "Agreement", 3, True, 0.002, is_headline=False),
    "specks": Score("specks", "Specks", 3, False, 0.002, is_headline=False),
}
HEADLINES = {key: score for key, score in SCORES.items() if score.is_headline}


def samples(protocol: Protocol) -> str:
    """How many images a score is of, and what of the request is not the default."""
    seed = f", seed {protocol.seed}" if protocol.seed else ""
    truncation = f", ψ {protocol.truncation:g}" if protocol.truncation != 1 else ""
    return f"{protocol.samples:,}{seed}{truncation}"
