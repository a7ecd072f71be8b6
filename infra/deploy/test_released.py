"""Deploying what was released: the bootstraps of a release, beside a configuration of one's own."""

import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import unittest
import zipfile
from pathlib import Path

import package
import released

HERE = Path(__file__).resolve().parent
CONFIG = HERE.parent / "config"


class Releasing(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        self.release, self.own, self.out = (self.folder / name for name in ("release", "own", "out"))
        self.release.mkdir()
        self.own.mkdir()
        (self.own / "connections.toml").write_text("# ours\n")
        bootstrap = self.folder / "bootstrap"
        for function in released.FUNCTIONS:
            bootstrap.write_bytes(b"\x7fELF".ljust(18, b"\0") + bytes([released.MACHINES["arm64"], 0]) + function.encode())
            package.pack(bootstrap, CONFIG, self.release / f"{function}.zip")
        (self.release / "sbom.cdx.json").write_text(json.dumps(package.sbom([], {}, package.version())))
        self.sum_up()

    def sum_up(self):
        files = sorted(path for path in self.release.iterdir() if path.name != "SHA256SUMS")
        lines = [f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}\n" for path in files]
        (self.release / "SHA256SUMS").write_text("".join(lines))

    def refused(self, words, architecture="arm64"):
        with self.assertRaisesRegex(package.Refused, words):
            released.repack(self.release, self.own, architecture, self.out)

    def test_the_configuration_is_ones_own_and_the_bootstrap_the_released_one(self):
        released.repack(self.release, self.own, "arm64", self.out)
        self.assertEqual(sorted(path.stem for path in self.out.iterdir()), released.FUNCTIONS)
        for function in released.FUNCTIONS:
            with zipfile.ZipFile(self.out / f"{function}.zip") as archive:
                self.assertEqual(archive.namelist(), ["bootstrap", "config/connections.toml"])
                self.assertTrue(archive.read("bootstrap").endswith(function.encode()))
                self.assertEqual(archive.read("config/connections.toml"), b"# ours\n")

    def test_what_was_not_released_is_not_taken(self):
        with (self.release / "clock.zip").open("ab") as changed:
            changed.write(b"more")
        self.refused("clock.zip is not what SHA256SUMS says")
        self.sum_up()
        released.repack(self.release, self.own, "arm64", self.out)
        self.refused("is not for x86_64: say ARCHITECTURE=", "x86_64")
        (self.release / "clock.zip").unlink()
        self.refused("has no clock.zip")
        (self.release / "SHA256SUMS").unlink()
        self.refused("is no release: it has no SHA256SUMS")

    def test_a_release_of_another_version_is_not_deployed_by_this_template(self):
        (self.release / "sbom.cdx.json").write_text(json.dumps(package.sbom([], {}, "0.0.9")))
        self.sum_up()
        self.refused("is of version 0.0.9, and this template of .*: `git checkout v0.0.9`")

    def test_deploying_it_builds_nothing(self):
        """The script in a checkout of its own, since it packs into that."""
        checkout = self.folder / "checkout"
        shutil.copytree(HERE, checkout / "infra/deploy", ignore=shutil.ignore_patterns("__pycache__"))
        (checkout / "functions").symlink_to(HERE.parents[1] / "functions")
        (checkout / "Cargo.toml").symlink_to(HERE.parents[1] / "Cargo.toml")
        called, programs = self.folder / "called", {}
        for name in ("barometer", "package", "sam"):
            program = self.folder / name
            program.write_text(f'#!/bin/sh\necho "{name} $1" >> {called}\n')
            program.chmod(0o755)
            programs[name.upper()] = str(program)
        key = {"AWS_REGION": "eu-central-1", "AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b"}
        env = {"PATH": os.environ["PATH"], **programs, **key, "PYTHON": sys.executable, "SENDER": "success@ourco.example"}
        env |= {"ZIPS": str(self.release), "CONFIG": str(self.own)}
        done = subprocess.run([checkout / "infra/deploy/deploy.sh"], env=env, capture_output=True, text=True, check=False)
        self.assertEqual((done.returncode, called.read_text().split("\n")), (0, ["barometer preflight", "sam deploy", ""]), done.stderr)
        self.assertEqual(sorted(path.stem for path in (checkout / "target/package").iterdir()), released.FUNCTIONS)
        done = subprocess.run(
            [checkout / "infra/deploy/deploy.sh"], env={**env, "ARCHITECTURE": "x86_64"}, capture_output=True, text=True, check=False
        )
        self.assertIn("is not for x86_64", done.stderr)
        self.assertEqual((done.returncode, called.read_text().count("sam")), (1, 1))


if __name__ == "__main__":
    unittest.main()
