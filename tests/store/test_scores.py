"""How scores are published: in cards, on the Hub, in tables, and how far a second measurement may
lie from the first. Each of these is a promise; none becomes looser by accident."""

from duet.store.metrics import ScoreRecord
from duet.store.scores import HEADLINES, SCORES, samples


def test_what_is_shown_of_each_score():
    number = ScoreRecord(1.23456789)
    assert {key: f"{score.heading} {score.text(number)}" for key, score in SCORES.items()} == {
        "frechet_distance": "FID ↓ 1.235", "kernel_distance": "KID ↓ 1.23457",
        "inception_score": "IS ↑ 1.235", "precision": "Precision ↑ 1.235",
        "recall": "Recall ↑ 1.235", "density": "Density ↑ 1.235", "coverage": "Coverage ↑ 1.235",
        "label_agreement": "Agreement ↑ 1.235", "specks": "Specks ↓ 1.235",
        "f_score": "F-score ↑ 1.235", "frechet_limit": "FID∞ ↓ 1.235",
        "class_frechet_distance": "FID by class ↓ 1.235", "patch_distance": "SWD ↓ 1.235",
        "dim_specks": "Dim specks ↓ 1.235", "path_length": "PPL ↓ 1.2",
        "reconstruction_error": "Reconstruction ↓ 1.2", "reconstruction_psnr": "PSNR ↑ 1.23",
        "reconstruction_distance": "Feature error ↓ 1.235",
        "modes": "Modes ↑ 1", "mode_divergence": "KL of modes ↓ 1.2346",
    }
    headlines = ["frechet_distance", "kernel_distance", "inception_score", "precision", "recall"]
    assert list(HEADLINES) == headlines
    assert [SCORES[key].hub_id for key in headlines] == [
        "fid", "kid", "inception_score", "precision", "recall"
    ]


def test_how_far_a_second_measurement_may_lie():
    """Room for another machine's rounding, which moves single grey levels: docs/evaluation.md has
    what was measured."""
    limits = {key: (score.tolerance, score.spread_tolerance) for key, score in SCORES.items()}
    assert limits == {
        "frechet_distance": (0.002, 0), "kernel_distance": (0.0001, 0.0001),
        "inception_score": (0.003, 0.003), "precision": (0.002, 0), "recall": (0.002, 0),
        "density": (0.004, 0), "coverage": (0.002, 0), "label_agreement": (0.0003, 0),
        "specks": (0.0005, 0), "f_score": (0.002, 0), "frechet_limit": (0.002, 0),
        "class_frechet_distance": (0.004, 0), "patch_distance": (0.02, 0), "dim_specks": (0.001, 0),
        "path_length": (0.5, 0), "reconstruction_error": (0.1, 0),
        "reconstruction_psnr": (0.005, 0), "reconstruction_distance": (0.002, 0),
        "modes": (2, 0), "mode_divergence": (0.001, 0),
    }


def test_what_of_a_request_is_told(measurement):
    for changes, said in [
        ({}, "50,000"), ({"samples": 100}, "100"), ({"seed": 1}, "50,000, seed 1"),
        ({"truncation": 0.5}, "50,000, ψ 0.5"), ({"seed": 2, "truncation": 0.0},
                                                 "50,000, seed 2, ψ 0"),
    ]:
        assert samples(measurement(**changes).protocol) == said
