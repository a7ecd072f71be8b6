"""Makes what `make package` makes out of a release, for whoever builds nothing: its bootstraps, beside a configuration of one's own.

    released.py --release DIR --config DIR --architecture arm64|x86_64 --out DIR

DIR of the release is the unpacked `functions-VERSION-ARCHITECTURE.tar.gz`. Nothing of it is taken that is not what was released.
"""

import argparse
import hashlib
import json
import sys
import tempfile
import zipfile
from pathlib import Path

import package
from package import Refused

FUNCTIONS = sorted(path.name for path in (package.ROOT / "functions").iterdir())
# What the ELF header of a program for each processor says of it, at its bytes 18 and 19.
MACHINES = {"arm64": 0xB7, "x86_64": 0x3E}


def check(release):
    """Whether a folder is whole, unchanged, and of the version that this template is of."""
    if not (release / "SHA256SUMS").is_file():
        raise Refused(f"{release} is no release: it has no SHA256SUMS; unpack functions-v{package.version()}-….tar.gz there")
    lines = (line.split() for line in (release / "SHA256SUMS").read_text().splitlines())
    sums = {name: checksum for checksum, name in lines}
    needed = [f"{function}.zip" for function in FUNCTIONS] + ["sbom.cdx.json"]
    for name in needed:
        path = release / name
        if name not in sums or not path.is_file():
            raise Refused(f"{release} has no {name}: unpack the release anew, and let this checkout be of the same version")
        if hashlib.sha256(path.read_bytes()).hexdigest() != sums[name]:
            raise Refused(f"{path} is not what SHA256SUMS says: unpack the release anew")
    found = json.loads((release / "sbom.cdx.json").read_text())["metadata"]["component"]["version"]
    if found != package.version():
        raise Refused(f"{release} is of version {found}, and this template of {package.version()}: `git checkout v{found}`")


def repack(release, config, architecture, out):
    """Puts `config` in the place of what each zip was released with."""
    check(release)
    package.empty(out)
    with tempfile.TemporaryDirectory() as folder:
        bootstrap = Path(folder) / "bootstrap"
        for function in FUNCTIONS:
            with zipfile.ZipFile(release / f"{function}.zip") as archive:
                bootstrap.write_bytes(archive.read("bootstrap"))
            if bootstrap.read_bytes()[18] != MACHINES[architecture]:
                raise Refused(f"{release} is not for {architecture}: say ARCHITECTURE=…, or take the release for it")
            package.pack(bootstrap, config, out / f"{function}.zip")


def main(arguments):
    parser = argparse.ArgumentParser()
    for name in ("--release", "--config", "--out"):
        parser.add_argument(name, type=Path, required=True)
    parser.add_argument("--architecture", choices=sorted(MACHINES), required=True)
    asked = parser.parse_args(arguments)
    repack(asked.release, asked.config, asked.architecture, asked.out)


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except Refused as refused:
        sys.exit(f"deploy: {refused}")
