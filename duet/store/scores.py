"""The one table of scores: how each is called, shown, and repeated."""

from collections.abc import Collection, Iterable
from typing import Literal, NamedTuple

from duet.store.metrics import Protocol, ScoreRecord

# Headlines stand in every table, modes where they were counted; details beside them; what copies
# and what use the samples are of is measured by commands of its own.
Group = Literal["headline", "modes", "detail", "copies", "utility"]


class Score(NamedTuple):
    """`key` of the Hub's metric, title, digits shown, and how far a second measurement may lie from
    the first: value and the ends of its interval, spread, the value within a class.

    The same machine repeats bit for bit; another one rounds convolutions otherwise, which moves
    single grey levels and so the features.
    """

    hub_id: str
    title: str
    digits: int
    higher_is_better: bool
    tolerance: float
    spread_tolerance: float = 0.0
    class_tolerance: float = 0.0
    group: Group = "headline"
    unit: str = ""
    meaning: str = ""  # in one plain sentence, for who has never heard of it

    @property
    def heading(self) -> str:
        return f"{self.title} {'↑' if self.higher_is_better else '↓'}"

    def text(self, score: ScoreRecord) -> str:
        return f"{score.value:.{self.digits}f}"

    def interval_text(self, score: ScoreRecord) -> str:
        """The 95 % interval, "" where there is none."""
        if score.interval is None:
            return ""
        low, high = score.interval
        return f"{low:.{self.digits}f} to {high:.{self.digits}f}"


SCORES: dict[str, Score] = {
    "frechet_distance": Score(
        "fid", "FID", 3, False, 0.002,
        meaning="How far the generated pictures as a whole lie from the real ones, in a trained "
        "network's features.",
    ),
    "kernel_distance": Score(
        "kid", "KID", 5, False, 0.0001, 0.0001,
        meaning="The same distance by a formula that does not depend on how many pictures there "
        "are.",
    ),
    "inception_score": Score(
        "inception_score", "IS", 3, True, 0.003, 0.003,
        meaning="How sure a classifier is of each picture, and how evenly it finds all classes.",
    ),
    "precision": Score(
        "precision", "Precision", 3, True, 0.002,
        meaning="Quality: the share of generated pictures that lie among real ones.",
    ),
    "recall": Score(
        "recall", "Recall", 3, True, 0.002,
        meaning="Variety: the share of real pictures that lie among generated ones.",
    ),
    "f_score": Score(
        "f_score", "F-score", 3, True, 0.002, group="detail",
        meaning="Precision and recall in one number, high only where both are.",
    ),
    "density": Score(
        "density", "Density", 3, True, 0.004, group="detail",
        meaning="Quality: how many real pictures surround a generated one, 1 where it is one of "
        "them.",
    ),
    "coverage": Score(
        "coverage", "Coverage", 3, True, 0.002, group="detail",
        meaning="Variety: the share of real pictures that have a generated one close by.",
    ),
    "frechet_limit": Score(
        "fid_infinity", "FID∞", 3, False, 0.002, group="detail",
        meaning="FID as it would be of endlessly many pictures.",
    ),
    "class_frechet_distance": Score(
        "class_fid", "FID by class", 3, False, 0.004, class_tolerance=0.01, group="detail",
        meaning="FID within each class, averaged over the classes; fewer pictures raise it.",
    ),
    "label_agreement": Score(
        "accuracy", "Agreement", 3, True, 0.0003, group="detail",
        meaning="How often a classifier sees the class that was asked for.",
    ),
    "modes": Score(
        "modes", "Modes", 0, True, 2, group="modes",
        meaning="How many of the classes occur, which nobody told the model of.",
    ),
    "mode_divergence": Score(
        "reverse_kl", "KL of modes", 4, False, 0.001, group="modes", unit="nats",
        meaning="How unevenly these classes occur.",
    ),
    "patch_distance": Score(
        "swd", "SWD", 3, False, 0.02, group="detail", unit="10⁻³",
        meaning="How unlike real ones small patches of the pictures are: noise, blur, specks and "
        "fewer pictures raise it.",
    ),
    "specks": Score(
        "specks", "Specks", 3, False, 0.0005, group="detail",
        meaning="The share of pictures with a small isolated speck in the background.",
    ),
    "dim_specks": Score(
        "dim_specks", "Dim specks", 3, False, 0.001, group="detail",
        meaning="The same for specks so dark that eyes hardly see them.",
    ),
    "path_length": Score(
        "ppl", "PPL", 1, False, 0.5, group="detail",
        meaning="How suddenly pictures change on the way from one to another.",
    ),
    "reconstruction_error": Score(
        "reconstruction_mse", "Reconstruction", 1, False, 0.1, group="detail", unit="levels²",
        meaning="How far held-out pictures, encoded and decoded again, are from themselves.",
    ),
    "reconstruction_psnr": Score(
        "reconstruction_psnr", "PSNR", 2, True, 0.005, group="detail", unit="dB",
        meaning="The same error on the scale that video and image coding use.",
    ),
    "reconstruction_distance": Score(
        "reconstruction_distance", "Feature error", 3, False, 0.002, group="detail",
        meaning="The same error in a trained network's features instead of pixels.",
    ),
}
HEADLINES = {key: score for key, score in SCORES.items() if score.group == "headline"}


def headline_columns(rows: Iterable[Collection[str]]) -> dict[str, Score]:
    """What a table shows of rows that have those scores: headlines, and modes where a row has
    them."""
    modes = {key for row in rows for key in row if key in SCORES and SCORES[key].group == "modes"}
    return {key: score for key, score in SCORES.items() if key in HEADLINES or key in modes}


def samples(protocol: Protocol) -> str:
    """How many images a score is of, and what of the request is not the default."""
    seed = f", seed {protocol.seed}" if protocol.seed else ""
    truncation = f", ψ {protocol.truncation:g}" if protocol.truncation != 1 else ""
    return f"{protocol.samples:,}{seed}{truncation}"
