"""python -m demo.vendor: fetch the page's runtime from npm again, checked; or only --check it.

The stage runs its models by onnxruntime-web. What it needs of that package lies in demo/stage/,
with its licence; the WebAssembly is packed, since few hosts pack it on their way out.
"""

import base64
import gzip
import hashlib
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Sequence
from pathlib import Path

from duet.core import program
from duet.core.errors import DuetError
from duet.core.files import replacing

PACKAGE, VERSION = "onnxruntime-web", "1.30.0"
INTEGRITY = (  # of the whole package, as npm states it
    "q0y+JrrtukXSzsBWEMccVfqX25LRmosXHF+CaRJmg8pZClzcV7svNc4rKY3jL02Vb7QmRMDs1SigqR4CXAfKYQ=="
)
SHA256 = {  # of the files that are kept, unpacked
    "ort.wasm.bundle.min.mjs": "11e64bd8ffe11bd1a2a2f0d6275fdfbbba7262f0b76b99b53d228a8a22ef3d90",
    "ort-wasm-simd-threaded.wasm":
        "3398c10d07d229bd91b364548e130e0e51a8e5704b88c7c083ebbeb78842dee2",
}
FOLDER = Path(__file__).resolve().parent / "stage" / f"{PACKAGE}-{VERSION}"


class VendorError(DuetError):
    """A file is not the one that was looked at when it was chosen."""


def main(argv: Sequence[str] | None = None) -> int:
    """Fetch and check, or with --check only check."""
    arguments = list(sys.argv[1:] if argv is None else argv)

    def work() -> int:
        if arguments not in ([], ["--check"]):
            raise VendorError("usage: python -m demo.vendor [--check]")
        if not arguments:
            fetch()
        check()
        return 0

    return program.run(work)


def check() -> None:
    """Raise VendorError where a kept file is not as listed."""
    for name, digest in SHA256.items():
        if hashlib.sha256(_read(name)).hexdigest() != digest:
            raise VendorError(f"{FOLDER / name} is another file; python -m demo.vendor mends it")


def fetch() -> None:
    """Write the listed files of the package, which npm fetches and we check."""
    with tempfile.TemporaryDirectory() as scratch:
        wanted = f"{PACKAGE}@{VERSION}"
        done = subprocess.run(
            ["npm", "pack", "--silent", wanted], cwd=scratch, check=False,
            stdout=subprocess.DEVNULL,
        )
        if done.returncode:
            raise VendorError(f"npm does not fetch {wanted}; is its registry reachable?")
        (archive,) = Path(scratch).glob("*.tgz")
        digest = hashlib.sha512(archive.read_bytes()).digest()
        if base64.b64encode(digest).decode() != INTEGRITY:
            raise VendorError(f"npm's {PACKAGE} {VERSION} is not the package that was chosen")
        with tarfile.open(archive) as package:
            for name in SHA256:
                member = package.extractfile(f"package/dist/{name}")
                assert member is not None
                _write(name, member.read())


def _kept(name: str) -> Path:
    return FOLDER / (f"{name}.gz" if name.endswith(".wasm") else name)


def _read(name: str) -> bytes:
    content = _kept(name).read_bytes()
    return gzip.decompress(content) if _kept(name).suffix == ".gz" else content


def _write(name: str, content: bytes) -> None:
    packed = _kept(name).suffix == ".gz"
    with replacing(_kept(name)) as scratch:
        scratch.write_bytes(gzip.compress(content, 9, mtime=0) if packed else content)


if __name__ == "__main__":
    sys.exit(main())
