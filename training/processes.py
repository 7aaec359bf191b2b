"""Several processes for one run: `torchrun --nproc-per-node 2 -m training gan …`, or `accelerate
launch`, on one machine or more that share the run folder's disk.

Every process holds the networks whole and sees its share of each step's images and noise. Gradients
are averaged before anything moves, so all make the same step: that of one process with the same
batch, but for rounding. They are averaged here, by hand, and not by DistributedDataParallel: it
hooks into one backward pass behind one forward pass of a wrapper, and our steps have several, a
penalty that is differentiated twice, and a network that is asked by another's loss.

What is no mean over images, the variance of a whole batch, is taken of the whole (`whole`,
`normalise_together`). Accelerate finds device, backend and peers, whoever launched; without a
launcher all this is nothing, and Accelerate is not imported.
"""

import contextlib
import os
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

import torch
from torch import distributed, nn
from torch.nn.modules.batchnorm import _BatchNorm

from duet.core.ranks import asked, count, is_main, launched, main_speaks, meet, rank
from training.config import TrainConfig, TrainingError

AGREE_EVERY_STEPS = 10  # an accelerator is waited for only then
ADVICE = (
    "; the last state saved is kept, go on from it with the same command and --resume, on as many "
    "processes as you like"
)
T = TypeVar("T")


def check_launch(config: TrainConfig) -> None:
    """TrainingError where what the launcher was asked for cannot be, or would silently be another
    thing."""
    asked = os.environ.get("ACCELERATE_MIXED_PRECISION", "no")
    if asked not in ("no", "bf16"):
        raise TrainingError(
            f"accelerate's --mixed_precision {asked}: the gradient penalties leave its range; pass "
            "bf16 or no"
        )
    on_cpu = os.environ.get("ACCELERATE_USE_CPU", "").lower() in ("1", "true", "yes")
    if on_cpu and "MASTER_PORT" in os.environ and "WORLD_SIZE" not in os.environ:
        raise TrainingError(
            "accelerate launch --cpu starts a single process, whatever its --num_processes says; "
            "start several by torchrun --nproc-per-node 2 -m training …"
        )
    started = launched()
    if started > 1 and ":" in config.device:
        raise TrainingError(
            f"--device {config.device}: each of {started} processes takes a GPU of its own; pass "
            "--device cuda"
        )
    here = int(os.environ.get("LOCAL_WORLD_SIZE", str(started)))
    if started > 1 and config.device != "cpu" and 0 < torch.cuda.device_count() < here:
        raise TrainingError(
            f"{here} processes on this machine, but {torch.cuda.device_count()} GPUs; start as "
            "many, or pass --device cpu"
        )


def check_batch(config: TrainConfig) -> None:
    """TrainingError where a batch cannot be dealt out evenly: means would weigh images unevenly."""
    shares = count() * config.accumulate
    if rest := config.batch_size % shares:
        raise TrainingError(
            f"--batch-size {config.batch_size} cannot be dealt out evenly to {count()} processes "
            f"in --accumulate {config.accumulate} parts each; pass --batch-size "
            f"{config.batch_size - rest or shares}"
        )


@contextlib.contextmanager
def together(config: TrainConfig) -> Iterator[None]:
    """Join the other processes for the length of a run; all but the main one fall silent but for
    what ends them."""
    check_launch(config)
    if launched() == 1:
        yield
        return
    from accelerate import PartialState  # only who is launched waits for it

    on_cpu = config.device == "cpu" or not torch.cuda.is_available()
    meet(lambda: PartialState(cpu=on_cpu))
    try:
        with main_speaks():
            yield
    finally:
        distributed.destroy_process_group()
        PartialState._reset_state()


def share(values: torch.Tensor) -> torch.Tensor:
    """This process's part of a batch [N, …]: every n-th, as randomness.batch_indices deals."""
    return values[rank() :: count()]


def average(tensors: Sequence[torch.Tensor]) -> list[torch.Tensor]:
    """The means over all processes, by one message; the tensors themselves if there is but one."""
    if count() == 1 or not tensors:
        return list(tensors)
    from accelerate.utils import reduce

    flat = torch.cat([tensor.detach().flatten() for tensor in tensors])
    mean = _asked(lambda: reduce(flat, "mean"))
    parts = mean.split([tensor.numel() for tensor in tensors])
    return [part.view(tensor.shape) for part, tensor in zip(parts, tensors, strict=True)]


def average_(tensors: Sequence[torch.Tensor]) -> None:
    """`average`, in place."""
    if count() > 1:
        for tensor, mean in zip(tensors, average(tensors), strict=True):
            tensor.copy_(mean)


def agreed(wish: bool, step: int) -> bool:
    """Whether any process has a wish: at once where there is but one, else every few steps."""
    if count() == 1:
        return wish
    if step % AGREE_EVERY_STEPS:
        return False
    (wishes,) = average([torch.tensor(float(wish), device=_device())])
    return bool(wishes.item())


def wait() -> None:
    """Until every process is here."""
    average([torch.zeros(1, device=_device())])


@contextlib.contextmanager
def main_first() -> Iterator[None]:
    """What is done here the others do after the main process: it may download, or fill a cache."""
    if not is_main():
        wait()
    yield
    if is_main():
        wait()


def whole(values: torch.Tensor) -> torch.Tensor:
    """All processes' [N, …], one after the other: [count N, …], with gradients back to each."""
    return values if count() == 1 else _Whole.apply(values)


class _Whole(torch.autograd.Function):
    """Every process has a loss that may look at all; the gradient is that of their sum."""

    @staticmethod
    def forward(ctx: Any, values: torch.Tensor) -> torch.Tensor:
        own = values.contiguous()
        parts = [torch.empty_like(own) for _ in range(count())]
        _asked(lambda: distributed.all_gather(parts, own))
        return torch.cat(parts)

    @staticmethod
    def backward(ctx: Any, gradient: torch.Tensor) -> torch.Tensor:
        total = gradient.contiguous()
        _asked(lambda: distributed.all_reduce(total))
        return total.chunk(count())[rank()]


def normalise_together(network: nn.Module) -> None:
    """Let batch normalisation see the whole batch, and its running statistics too."""
    if count() == 1:
        return

    def see_all(norm: nn.Module, inputs: tuple[torch.Tensor]) -> tuple[torch.Tensor]:
        return (whole(inputs[0]) if norm.training else inputs[0],)

    def keep_own(norm: nn.Module, inputs: Any, outputs: torch.Tensor) -> torch.Tensor:
        return outputs.chunk(count())[rank()] if norm.training else outputs

    for module in network.modules():
        if isinstance(module, _BatchNorm):
            module.register_forward_pre_hook(see_all)
            module.register_forward_hook(keep_own)


def _device() -> torch.device:
    on_gpu = count() > 1 and distributed.get_backend() == "nccl"
    return torch.device("cuda" if on_gpu else "cpu")


def _asked(message: Callable[[], T]) -> T:
    """A message to all, who are in the middle of a run."""
    return asked(message, ADVICE)
