"""Gradio's Blocks, with words where Gradio answers bad calls with empty errors and tracebacks, and
with an end to what it would pile up."""

import traceback
from pathlib import Path
from typing import Any

import anyio
import gradio as gr
from gradio.block_function import BlockFunction
from gradio.utils import get_upload_folder

from demo import memory, temporary
from demo.controls import refusal

FAILED = "Something went wrong here; the log of the app says what."
NO_FILES = "An input is not what this takes: texts, numbers, no files."
TRIM_EVERY = 100  # calls


class AppBlocks(gr.Blocks):
    """A drop-in for gr.Blocks."""

    calls = 0

    def get_block_class(self) -> str:  # the browser has a component of that name
        return "blocks"

    async def preprocess_data(
        self, block_fn: BlockFunction, inputs: list[Any], *rest: Any, **named: Any
    ) -> list[Any]:
        """The inputs of a call as its function gets them, or a refusal in words."""
        if block_fn.fn is None:
            raise refusal("This is done in the browser, not here.")
        wanted = len(block_fn.inputs)
        if len(inputs) != wanted:
            raise refusal(f"This takes {wanted} inputs, not {len(inputs)}.")
        if _holds_file(inputs):
            raise refusal(NO_FILES)
        try:
            return await super().preprocess_data(block_fn, inputs, *rest, **named)
        except gr.Error:
            raise
        except Exception as error:  # whatever Gradio stumbles on in it
            raise refusal(NO_FILES) from error

    async def process_api(self, *arguments: Any, **named: Any) -> dict[str, Any]:
        """Answer a call. What fails unforeseen is ours to mend: its traceback goes to the log."""
        try:
            return await super().process_api(*arguments, **named)
        except gr.Error:
            raise
        except Exception as error:
            traceback.print_exc()
            raise refusal(FAILED) from error
        finally:
            self.calls += 1
            if self.calls % TRIM_EVERY == 0:
                await anyio.to_thread.run_sync(self._forget)

    def _forget(self) -> None:
        """Give back free memory; delete old pictures, and Gradio's own notes of them."""
        memory.give_back()
        temporary.trim(Path(get_upload_folder()))
        for files in self.temp_file_sets:
            files -= {file for file in list(files) if not Path(file).exists()}


def _holds_file(inputs: Any) -> bool:
    """Whether a file object is among the inputs, at any depth: Gradio would look for it here, or
    fetch it from wherever it says."""
    left = [inputs]
    while left:
        value = left.pop()
        if isinstance(value, dict):
            meta = value.get("meta")
            if isinstance(meta, dict) and meta.get("_type") == "gradio.FileData":
                return True
            left += value.values()
        elif isinstance(value, list):
            left += value
    return False
