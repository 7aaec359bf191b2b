"""The demo's entry, for `python app.py` and for a Hugging Face Space."""

from demo import blocks

demo = blocks.build()

if __name__ == "__main__":
    demo.launch(**blocks.launch_options())
