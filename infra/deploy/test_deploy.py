"""Packing and deploying, against programs that only write down what they are asked."""

import json
import os
import shutil
import stat
import subprocess
import sys
import tempfile
import unittest
import zipfile
from pathlib import Path

import package

HERE = Path(__file__).resolve().parent
CONFIG = HERE.parent / "config"


class Packing(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        self.bootstrap = self.folder / "bootstrap"
        self.bootstrap.write_bytes(b"\x7fELF")

    def test_a_zip_holds_the_bootstrap_and_the_configuration_and_is_the_same_each_time(self):
        first, second = self.folder / "first.zip", self.folder / "second.zip"
        package.pack(self.bootstrap, CONFIG, first)
        os.utime(self.bootstrap, (0, 0))
        package.pack(self.bootstrap, CONFIG, second)
        self.assertEqual(first.read_bytes(), second.read_bytes())
        with zipfile.ZipFile(first) as archive:
            names = archive.namelist()
            mode = archive.getinfo("bootstrap").external_attr >> 16
        self.assertEqual(stat.S_IMODE(mode), 0o755)
        self.assertEqual(names[0], "bootstrap")
        self.assertLessEqual({"config/connections.toml", "config/templates/slack/opened.j2"}, set(names))

    def test_what_is_missing_is_named(self):
        with self.assertRaisesRegex(package.Refused, "was the function built"):
            package.pack(self.folder / "webhook/bootstrap", CONFIG, self.folder / "a.zip")
        self.bootstrap.write_bytes(b"\x7fELF GLIBC_2.34\0GLIBC_2.2.5")
        package.pack(self.bootstrap, CONFIG, self.folder / "a.zip")
        with self.assertRaisesRegex(package.Refused, "no connections.toml"):
            package.pack(self.bootstrap, self.folder, self.folder / "a.zip")

    def test_what_would_not_start_on_lambda_is_not_packed(self):
        self.bootstrap.write_bytes(b"\x7fELF GLIBC_2.34\0GLIBC_2.36\0")
        with self.assertRaisesRegex(package.Refused, "needs glibc 2.36"):
            package.pack(self.bootstrap, CONFIG, self.folder / "a.zip")

    def test_what_is_linked_is_listed_and_what_only_builds_need_is_not(self):
        def crate(name, licence="MIT"):
            folder = self.folder / name
            folder.mkdir()
            (folder / "LICENSE").write_text("Permission is hereby granted")
            manifest = str(folder / "Cargo.toml")
            return {"id": name, "name": name, "version": "1.0.0", "license": licence, "manifest_path": manifest}

        def node(name, *deps):
            return {"id": name, "deps": [{"pkg": pkg, "dep_kinds": [{"kind": kind}]} for pkg, kind in deps]}

        known = {
            "packages": [crate("webhook"), crate("serde", "MIT/Apache-2.0"), crate("cc"), crate("unused")],
            "workspace_members": ["webhook"],
            "resolve": {"nodes": [node("webhook", ("serde", None), ("cc", "build")), node("serde")]},
        }
        crates = package.linked(known, ["webhook"])
        self.assertEqual([found["name"] for found in crates], ["serde"])
        bom = package.sbom(crates, {("serde", "1.0.0"): "ab"}, "0.1.0")
        self.assertEqual(bom["components"][0]["licenses"], [{"expression": "MIT OR Apache-2.0"}])
        self.assertEqual([bom["components"][0][key] for key in ("purl", "hashes")], ["pkg:cargo/serde@1.0.0", [{"alg": "SHA-256", "content": "ab"}]])
        self.assertIn("Permission is hereby granted", package.licences(crates))
        with self.assertRaisesRegex(package.Refused, "no crate is named clok"):
            package.linked(known, ["clok"])

    def test_what_comes_without_its_text_gets_it_or_is_refused(self):
        def texts(name, licence):
            manifest = str(self.folder / "Cargo.toml")
            return package.licences([{"name": name, "version": "1.0.0", "license": licence, "manifest_path": manifest}])

        self.assertIn("Copyright (c) Clark McCauley", texts("cel", "MIT"))
        for licence in ("Apache-2.0", "MIT OR Apache-2.0", "MIT/Apache-2.0"):
            self.assertIn("Apache License", texts("unnamed", licence))
        for licence in ("MIT", None, "MIT AND Apache-2.0"):
            with self.assertRaisesRegex(package.Refused, r"unnamed 1.0.0 .* put it, .* into infra/deploy/licences/unnamed.txt"):
                texts("unnamed", licence)

    def test_checksums_are_those_of_the_lock(self):
        lock = '[[package]]\nname = "barometer"\nversion = "0.1.0"\ndependencies = [\n "cel",\n]\n\n'
        lock += '[[package]]\nname = "cel"\nversion = "0.15.0"\nsource = "registry"\nchecksum = "ab"\n'
        self.assertEqual(package.checksums(lock), {("cel", "0.15.0"): "ab"})

    @unittest.skipUnless(shutil.which("cargo"), "what is linked, cargo knows")
    def test_everything_that_is_released_has_its_texts_and_checksums(self):
        for names in (["barometer"], [path.name for path in (HERE.parents[1] / "functions").iterdir()]):
            out = self.folder / "papers"
            package.main(["--out", str(out), "--target", "aarch64-unknown-linux-gnu", *names], say=lambda _: None)
            self.assertEqual(sorted(path.name for path in out.iterdir()), ["SHA256SUMS", "THIRD-PARTY-LICENCES.txt", "sbom.cdx.json"])
            components = json.loads((out / "sbom.cdx.json").read_text())["components"]
            self.assertEqual([part["name"] for part in components if not (part.get("hashes") and part.get("licenses"))], [])


class Deploying(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        self.called = self.folder / "called"

    def program(self, name, status=0):
        """A program that writes down how it was called."""
        path = self.folder / name
        path.write_text(f'#!/bin/sh\necho "{name} $* [$AWS_REGION $AWS_ACCESS_KEY_ID]" >> {self.called}\nexit {status}\n')
        path.chmod(0o755)
        return str(path)

    def deploy(self, preflight=0, **given):
        here = {"BAROMETER": self.program("barometer", preflight), "PACKAGE": self.program("package"), "SAM": self.program("sam")}
        key = {"AWS_REGION": "eu-central-1", "AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b", "PYTHON": "false"}
        env = {"PATH": os.environ["PATH"], **here, **key, **given}
        env = {name: value for name, value in env.items() if value is not None}
        done = subprocess.run([HERE / "deploy.sh"], env=env, capture_output=True, text=True, check=False)
        lines = self.called.read_text().splitlines() if self.called.exists() else []
        return done, lines

    def test_first_it_looks_then_packs_then_deploys(self):
        done, lines = self.deploy(SENDER="success@ourco.example", PARAMETERS="AlarmAddress=ops@ourco.example")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual([line.split()[0] for line in lines], ["barometer", "package", "sam"])
        self.assertIn("preflight --config infra/config --sender success@ourco.example --name barometer", lines[0])
        self.assertIn("ARCHITECTURE=arm64", lines[1])
        self.assertIn("--stack-name barometer --region eu-central-1", lines[2])
        self.assertIn("SenderAddress=success@ourco.example Name=barometer Architecture=arm64", lines[2])
        self.assertTrue(lines[2].endswith("ReservedConcurrency=-1 AlarmAddress=ops@ourco.example [eu-central-1 a]"), lines[2])

    def test_who_names_nobody_for_alarms_is_told_that_they_tell_nobody(self):
        for parameters, is_told in [
            ("", True),
            ("Ingress=function-url", True),
            ("AlarmAddress= Ingress=function-url", True),
            ("Ingress=function-url AlarmAddress=ops@ourco.example", False),
        ]:
            done, _ = self.deploy(SENDER="success@ourco.example", PARAMETERS=parameters)
            self.assertEqual((done.returncode, "alarms tell nobody" in done.stderr), (0, is_told), (parameters, done.stderr))

    def test_a_profile_is_found_and_what_is_missing_is_said(self):
        config = self.folder / "config"
        config.write_text("[profile ourco]\nregion = eu-north-1\naws_access_key_id = of-the-profile\naws_secret_access_key = b\n")
        # Nothing of whoever runs this, and nobody is asked who a machine in AWS is.
        nothing = {"HOME": str(self.folder), "AWS_CONFIG_FILE": str(config), "AWS_EC2_METADATA_DISABLED": "true", "PYTHON": sys.executable}
        nothing |= {"SENDER": "success@ourco.example", "AWS_REGION": None, "AWS_ACCESS_KEY_ID": None, "AWS_SECRET_ACCESS_KEY": None}
        done, lines = self.deploy(**nothing, AWS_PROFILE="ourco")
        self.assertEqual((done.returncode, len(lines)), (0, 3), done.stderr)
        for line in (lines[0], lines[2]):
            self.assertTrue(line.endswith("[eu-north-1 of-the-profile]"), line)
        self.assertIn("--region eu-north-1", lines[2])
        self.called.unlink()
        for given, said in [({}, "which region?"), ({"AWS_DEFAULT_REGION": "eu-north-1"}, "no credentials; `aws configure`")]:
            done, lines = self.deploy(**nothing, **given)
            self.assertEqual((done.returncode, lines), (1, []), done.stderr)
            self.assertIn(said, done.stderr)

    def test_what_will_not_work_makes_nothing(self):
        done, lines = self.deploy(preflight=1, SENDER="success@ourco.example")
        self.assertEqual((done.returncode, len(lines)), (1, 1))
        self.assertIn("nothing was made", done.stderr)

    def test_what_is_missing_is_asked_for_before_anything(self):
        for given, said in [({}, "who does mail come from"), ({"SENDER": "a@b.example", "ARCHITECTURE": "arm"}, "neither arm64 nor x86_64")]:
            done, lines = self.deploy(**given)
            self.assertEqual((done.returncode, lines), (1, []))
            self.assertIn(said, done.stderr)


class Template(unittest.TestCase):
    def test_each_function_is_packed_under_the_name_that_the_template_asks_for(self):
        text = (HERE.parent / "template.yaml").read_text()
        asked = {line.split("/package/")[1].removesuffix(".zip") for line in text.splitlines() if "CodeUri:" in line}
        self.assertEqual(asked, {path.name for path in (HERE.parents[1] / "functions").iterdir()})

    def test_what_expands_it_is_the_same_wherever_it_is_expanded(self):
        def pinned(folder):
            lines = (HERE.parent / folder / "requirements.txt").read_text().splitlines()
            return [line for line in lines if line.startswith("aws-sam-translator==")]

        self.assertEqual([len(pinned("gates")), pinned("stack"), pinned("deploy")], [1, pinned("gates"), pinned("gates")])


if __name__ == "__main__":
    unittest.main()
