"""The demo's entry, for `python app.py` and for a Hugging Face Space."""

import sys

from demo import temporary

temporary.use_own_folder()  # Gradio makes files as soon as it is imported

from demo import blocks, launch  # noqa: E402

demo = blocks.build()

if __name__ == "__main__":
    sys.exit(launch.serve(demo))
