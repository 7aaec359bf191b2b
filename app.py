"""The demo's entry, for `python app.py` and for a Hugging Face Space."""

import sys

from demo import blocks, launch

launch.prepare()
demo = blocks.build()

if __name__ == "__main__":
    sys.exit(launch.serve(demo))
