"""How names and ids look: of checkpoints and data sets, of repositories on the Hub, of contents.

Patterns are of the kind that Python's `re` and pydantic read alike.
"""

import re

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,95}")  # of a checkpoint or a data set
REPOSITORY = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,95}/[A-Za-z0-9_][A-Za-z0-9_.-]{0,95}")
REVISION = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_./-]{0,250}")  # a branch, tag or commit
SHA256 = re.compile(r"[0-9a-f]{64}")
COMMIT = re.compile(r"[0-9a-f]{40}")
LINE = re.compile(r"[^\x00-\x1f\x7f-\x9f]*")  # no control characters, no line ends
