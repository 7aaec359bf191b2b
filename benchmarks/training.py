"""make bench-training: how quickly each recipe trains here, and how much of the device that is.

Images a second of whole training steps, as the loop makes them, and the share that their matrix
arithmetic has of what the device does in one large product of the same type. A table on stdout, all
numbers into --out; --profile adds the operations that a step's time goes to.
"""

import argparse
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch.profiler import ProfilerActivity, profile
from torch.utils.flop_counter import FlopCounterMode

from duet.core.device import pick_device
from duet.core.domains import DOMAINS, PIXELS
from duet.core.versions import library_versions
from duet.data import ImageSet
from training.driver import train_step
from training.objective import Objective
from training.precision import pick_precision
from training.recipes import RECIPES
from training.record import hardware

SHAPES = {"28x28 grey": (1, 28, 28), "32x32 colour": (3, 32, 32)}
CLASSES, COUNT = 10, 10_000  # enough of them that nothing is augmented
WARM_UP_STEPS = 3
MATRIX = {"cpu": 1024, "cuda": 8192}  # a side: large enough to be limited by arithmetic
Result = dict[str, Any]


def main() -> None:
    parser = argparse.ArgumentParser(prog="benchmarks.training", description=__doc__)
    parser.add_argument("--recipes", nargs="+", default=list(RECIPES), choices=RECIPES)
    parser.add_argument("--seconds", type=float, default=20, help="of steps a row, at least")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--profile", action="store_true", help="where a step's time goes")
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results/training.json"))
    options = parser.parse_args()
    device = pick_device(options.device)
    peaks: dict[str, float] = {}
    rows = []
    for recipe in options.recipes:
        for title, shape in SHAPES.items():
            row = measured(recipe, title, shape, device, options.seconds, options.profile)
            precision = row["precision"]
            if precision not in peaks:
                peaks[precision] = matrix_flops(device, precision)
            row["share"] = row["flops_per_second"] / peaks[precision]
            rows.append(row)
            print(line(row), flush=True)
            for words in row.get("profile", ()):
                print(f"    {words}", flush=True)
    about = {"device": hardware(device), "versions": library_versions(("torch",)),
             "matrix_flops_per_second": peaks, "rows": rows}
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text(json.dumps(about, indent=2) + "\n")
    print(f"{about['device']}; all numbers in {options.out}", file=sys.stderr)


def measured(
    recipe: str, title: str, shape: tuple[int, int, int], device: torch.device, seconds: float,
    with_profile: bool,
) -> Result:
    """One recipe by its defaults on random pictures."""
    torch.manual_seed(0)
    pictures = ImageSet(
        "random", "train", torch.randint(0, 256, (COUNT, *shape), dtype=torch.uint8),
        torch.randint(0, CLASSES, (COUNT,)), tuple(map(str, range(CLASSES))),
    )
    config = RECIPES[recipe].config(precision=pick_precision("auto", device)).suited(pictures)
    objective: Objective = RECIPES[recipe].objective(config, shape, CLASSES)
    objective.to(device=device, memory_format=torch.channels_last)
    size = config.batch_size
    images = DOMAINS[PIXELS].to_network(pictures.images[:size].to(device))
    labels = pictures.labels[:size].to(device)
    taken = 0

    def step() -> None:
        nonlocal taken
        train_step(objective, taken, images, labels)
        taken += 1

    for _ in range(WARM_UP_STEPS):
        step()
    with FlopCounterMode(display=False) as counter:
        step()
    steps, duration = timed(step, device, seconds)
    result: Result = {
        "recipe": recipe, "pictures": title, "batch_size": size, "precision": config.precision,
        "steps": steps, "images_per_second": steps * size / duration,
        "gigaflops_an_image": counter.get_total_flops() / size / 1e9,
        "flops_per_second": counter.get_total_flops() * steps / duration,
    }
    if with_profile:
        result["profile"] = profiled(step, device)
    return result


def timed(step: Callable[[], None], device: torch.device, seconds: float) -> tuple[int, float]:
    """(steps, the seconds that they took), of at least so many seconds."""
    _wait(device)
    began, steps = time.perf_counter(), 0
    while steps == 0 or time.perf_counter() - began < seconds:
        for _ in range(5):  # so that an accelerator is rarely waited for
            step()
        steps += 5
        _wait(device)
    return steps, time.perf_counter() - began


def matrix_flops(device: torch.device, precision: str) -> float:
    """Floating point operations a second of one large matrix product, the best of several."""
    side = MATRIX.get(device.type, MATRIX["cpu"])
    kind = getattr(torch, precision)
    a, b = (torch.randn(side, side, device=device).to(kind) for _ in range(2))
    best = 0.0
    for _ in range(10):
        _wait(device)
        began = time.perf_counter()
        a @ b
        _wait(device)
        best = max(best, 2 * side**3 / (time.perf_counter() - began))
    return best


def profiled(step: Callable[[], None], device: torch.device, rows: int = 12) -> list[str]:
    """The operations of one step that take longest themselves, with their shares of its time."""
    on_gpu = device.type == "cuda"
    activities = [ProfilerActivity.CPU, *([ProfilerActivity.CUDA] if on_gpu else [])]
    with profile(activities=activities, acc_events=True) as found:
        step()
        _wait(device)
    own = {
        event.key: event.self_device_time_total if on_gpu else event.self_cpu_time_total
        for event in found.key_averages()
    }
    whole = sum(own.values())
    longest = sorted(own, key=lambda name: -own[name])[:rows]
    return [f"{own[name] / whole:5.1%}  {own[name] / 1e3:8.2f} ms  {name}" for name in longest]


def line(row: Result) -> str:
    return (
        f"{row['recipe']:6} {row['pictures']:13} {row['precision']:9} batch {row['batch_size']:4} "
        f"{row['images_per_second']:9.0f} images/s  {row['gigaflops_an_image']:6.3f} GFLOP/image  "
        f"{row['flops_per_second'] / 1e9:9.1f} GFLOP/s  {row['share']:6.1%} of a matrix product's"
    )


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)


if __name__ == "__main__":
    main()
