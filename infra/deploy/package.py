"""Packs each function as AWS takes it: a zip with `bootstrap` and the configuration beside it, the same bytes for the same input.

    package.py --bootstraps DIR --config DIR --out DIR --target TRIPLE FUNCTION...
    package.py --out DIR --target TRIPLE PROGRAM

DIR of the bootstraps holds FUNCTION/bootstrap. Beside the zips come SHA256SUMS, `sbom.cdx.json` (CycloneDX 1.6: every crate that
is linked) and THIRD-PARTY-LICENCES.txt. Without bootstraps these come alone, for a program that goes out by itself.
"""

import argparse
import hashlib
import json
import re
import subprocess
import sys
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
# The texts of crates that were published without one, which may be used under no other terms: CRATE.txt. Who holds the rights
# stands there as the crate's Cargo.toml and its repository's address name them.
OWN_TEXTS = Path(__file__).resolve().parent / "licences"
# Zips cannot tell of earlier times; ours tell of none.
NO_TIME = (1980, 1, 1, 0, 0, 0)
# More than this AWS takes from a bucket only and not at once (Lambda quotas: 50 MB zipped).
MOST_BYTES = 50_000_000

# The second number of the glibc of Amazon Linux 2023, 2.34: what asks for a newer one does not start there.
MOST_GLIBC = 34


class Refused(Exception):
    """In words for whoever packs."""


def pack(bootstrap, config, zip_file, most_glibc=MOST_GLIBC, level=9):
    """Writes one zip, packed as hard as `level` says (1 to 9). `most_glibc` can be None, for machines that have the builder's."""
    if not bootstrap.is_file():
        raise Refused(f"there is no {bootstrap}: was the function built?")
    if not (config / "connections.toml").is_file():
        raise Refused(f"{config} is no configuration: it has no connections.toml")
    newest = max(map(int, re.findall(rb"GLIBC_2\.(\d+)", bootstrap.read_bytes())), default=0)
    if most_glibc is not None and newest > most_glibc:
        raise Refused(f"{bootstrap} needs glibc 2.{newest}, and Lambda has 2.{most_glibc}: build it with `make package`")
    files = sorted(path for path in config.rglob("*") if path.is_file())
    entries = [("bootstrap", bootstrap, 0o755)]
    entries += [(f"config/{path.relative_to(config).as_posix()}", path, 0o644) for path in files]
    with zipfile.ZipFile(zip_file, "w") as archive:
        for name, path, mode in entries:
            entry = zipfile.ZipInfo(name, NO_TIME)
            entry.create_system, entry.external_attr = 3, mode << 16
            archive.writestr(entry, path.read_bytes(), zipfile.ZIP_DEFLATED, level)
    if zip_file.stat().st_size > MOST_BYTES:
        raise Refused(f"{zip_file} is larger than AWS takes: {zip_file.stat().st_size} bytes")


def empty(folder):
    """Makes a folder, or takes away what an earlier run left in it."""
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.iterdir():
        old.unlink()


def version():
    """Of this checkout: what a release is tagged with, behind its `v`."""
    return re.search(r'^version = "(.+)"$', (ROOT / "Cargo.toml").read_text(), re.MULTILINE).group(1)


def metadata(target):
    """What cargo knows of every crate that is built for a target."""
    command = ["cargo", "metadata", "--locked", "--format-version", "1", "--filter-platform", target]
    return json.loads(subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout)


def linked(known, functions):
    """The packages that are linked into the functions, without our own and what only builds need, by name and version."""
    packages = {package["id"]: package for package in known["packages"]}
    nodes = {node["id"]: node for node in known["resolve"]["nodes"]}
    members = set(known["workspace_members"])
    left = [member for member in members if packages[member]["name"] in functions]
    missing = set(functions) - {packages[member]["name"] for member in left}
    if missing:
        raise Refused(f"no crate is named {', '.join(sorted(missing))}")
    seen = set(left)
    while left:
        for dependency in nodes[left.pop()]["deps"]:
            normal = any(kind["kind"] is None for kind in dependency["dep_kinds"])
            if normal and dependency["pkg"] not in seen:
                seen.add(dependency["pkg"])
                left.append(dependency["pkg"])
    found = [packages[package] for package in seen - members]
    return sorted(found, key=lambda package: (package["name"], package["version"]))


def purl(package):
    return f"pkg:cargo/{package['name']}@{package['version']}"


def checksums(lock):
    """Of each crate by name and version. Read without tomllib, which the oldest machine that releases are built on lacks."""
    found = re.findall(r'^name = "(.+)"\nversion = "(.+)"\nsource = ".+"\nchecksum = "(.+)"$', lock, re.MULTILINE)
    return {(name, version): checksum for name, version, checksum in found}


def sbom(crates, checksums, version):
    """CycloneDX, without a time or a serial number, so that the same crates give the same bytes."""
    components = []
    for package in crates:
        component = {"type": "library", "bom-ref": purl(package), "name": package["name"], "version": package["version"]}
        component["purl"] = purl(package)
        if package.get("license"):
            component["licenses"] = [{"expression": package["license"].replace("/", " OR ")}]
        checksum = checksums.get((package["name"], package["version"]))
        if checksum:
            component["hashes"] = [{"alg": "SHA-256", "content": checksum}]
        components.append(component)
    product = {"type": "application", "name": "barometer", "version": version}
    head = {"bomFormat": "CycloneDX", "specVersion": "1.6", "version": 1}
    return {**head, "metadata": {"component": product}, "components": components}


def texts_of(package):
    """The files with the terms of a crate: its own, else ours, else Apache's where that is offered, which is our own LICENSE."""
    folder = Path(package["manifest_path"]).parent
    named = ("LICENSE", "LICENCE", "COPYING", "NOTICE")
    found = [path for path in sorted(folder.iterdir()) if path.name.upper().startswith(named) and path.is_file()]
    if not found:
        offered = re.split(r" OR |/", package.get("license") or "")
        found = [OWN_TEXTS / f"{package['name']}.txt"] + [ROOT / "LICENSE"] * ("Apache-2.0" in offered)
        found = [path for path in found if path.is_file()][:1]
    if not found:
        raise Refused(
            f"{package['name']} {package['version']} ({package.get('license') or 'no licence named'}) comes without its text: put it, "
            f"with who holds the rights, into infra/deploy/licences/{package['name']}.txt"
        )
    return found


def licences(crates):
    """Who wrote what is linked, under which terms, and each text once."""
    texts, lines = {}, ["Barometer is linked with these crates.", ""]
    for package in crates:
        lines.append(f"{package['name']} {package['version']}: {package.get('license') or 'see its text'}; {package.get('repository') or 'no address'}")
        for path in texts_of(package):
            texts.setdefault(path.read_text(errors="replace").strip(), []).append(f"{package['name']} {package['version']}")
    for text, users in texts.items():
        lines += ["", "-" * 80, ", ".join(dict.fromkeys(users)), "", text]
    return "\n".join(lines) + "\n"


def main(arguments, say=print):
    parser = argparse.ArgumentParser()
    parser.add_argument("--bootstraps", type=Path)
    parser.add_argument("--config", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--target", required=True)
    parser.add_argument("names", nargs="+")
    asked = parser.parse_args(arguments)
    if (asked.bootstraps is None) != (asked.config is None):
        parser.error("--bootstraps and --config are given together")
    empty(asked.out)
    for function in asked.names if asked.bootstraps else []:
        pack(asked.bootstraps / function / "bootstrap", asked.config, asked.out / f"{function}.zip")
    crates = linked(metadata(asked.target), asked.names)
    bom = sbom(crates, checksums((ROOT / "Cargo.lock").read_text()), version())
    (asked.out / "sbom.cdx.json").write_text(json.dumps(bom, indent=1) + "\n")
    (asked.out / "THIRD-PARTY-LICENCES.txt").write_text(licences(crates))
    sums = []
    for path in sorted(asked.out.iterdir()):
        sums.append(f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}\n")
        say(f"{path.stat().st_size:>10}  {path.name}")
    (asked.out / "SHA256SUMS").write_text("".join(sums))


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except Refused as refused:
        sys.exit(f"package: {refused}")
