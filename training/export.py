"""python -m training export: a checkpoint as ONNX, for browsers and other runtimes."""

from pathlib import Path

import duet

HOME = Path("runs/onnx")


def export(source: str, /, out: Path | None = None) -> Path:
    """Write a checkpoint's decoder, its encoder where it has one, and model.json; print the folder.

    Weights are stored in as few bits as let 64 pictures move by at most one grey level.

    Args:
        source: A shipped name, a folder, or USER/NAME on the Hub.
        out: Folder to write; runs/onnx/NAME by default. An earlier export there is replaced.
    """
    from duet.export import onnx  # a second that the other commands need not wait

    checkpoint = duet.load(source)
    folder = out or HOME / checkpoint.name
    onnx.export(checkpoint, folder)
    return folder
