"""Packing and deploying, against programs that only write down what they are asked."""

import hashlib
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
from unittest import mock

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
        self.bootstrap.write_bytes(b"\x7fELF GLIBC_2.34\0GLIBC_2.35\0")
        with self.assertRaisesRegex(package.Refused, "needs glibc 2.35, and Lambda has 2.34"):
            package.pack(self.bootstrap, CONFIG, self.folder / "a.zip")

    def test_what_is_larger_than_aws_takes_is_not_packed(self):
        config, zip_file = self.folder / "config", self.folder / "a.zip"
        config.mkdir()
        (config / "connections.toml").write_text("# ours\n")
        # Packed as it is, so that its size is known.
        self.bootstrap.write_bytes(bytes(49_980_000))
        package.pack(self.bootstrap, config, zip_file, level=0)
        self.bootstrap.write_bytes(bytes(50_000_000))
        with self.assertRaisesRegex(package.Refused, "larger than AWS takes: 50"):
            package.pack(self.bootstrap, config, zip_file, level=0)

    def known(self):
        """What cargo could know: one function, with a crate that it is linked with, and crates that it is not."""

        def crate(name, licence="MIT"):
            folder = self.folder / name
            folder.mkdir()
            (folder / "LICENSE").write_text("Permission is hereby granted")
            manifest = str(folder / "Cargo.toml")
            return {"id": name, "name": name, "version": "1.0.0", "license": licence, "manifest_path": manifest}

        def node(name, *deps):
            return {"id": name, "deps": [{"pkg": pkg, "dep_kinds": [{"kind": kind}]} for pkg, kind in deps]}

        return {
            "packages": [crate("webhook"), crate("serde", "MIT/Apache-2.0"), crate("cc"), crate("unused")],
            "workspace_members": ["webhook"],
            "resolve": {"nodes": [node("webhook", ("serde", None), ("cc", "build")), node("serde")]},
        }

    def test_what_is_linked_is_listed_and_what_only_builds_need_is_not(self):
        known = self.known()
        crates = package.linked(known, ["webhook"])
        self.assertEqual([found["name"] for found in crates], ["serde"])
        bom = package.sbom(crates, {("serde", "1.0.0"): "ab"}, "0.1.0")
        self.assertEqual(bom["components"][0]["licenses"], [{"expression": "MIT OR Apache-2.0"}])
        self.assertEqual([bom["components"][0][key] for key in ("purl", "hashes")], ["pkg:cargo/serde@1.0.0", [{"alg": "SHA-256", "content": "ab"}]])
        self.assertIn("Permission is hereby granted", package.licences(crates))
        with self.assertRaisesRegex(package.Refused, "no crate is named clok"):
            package.linked(known, ["clok"])

    def test_what_is_packed_comes_with_the_checksums_of_all_of_it(self):
        (self.folder / "built/webhook").mkdir(parents=True)
        self.bootstrap.rename(self.folder / "built/webhook/bootstrap")
        out = self.folder / "out"
        out.mkdir()
        (out / "earlier.zip").write_text("of an earlier run")
        arguments = ["--bootstraps", self.folder / "built", "--config", CONFIG, "--out", out, "--target", "any", "webhook"]
        with mock.patch.object(package, "metadata", return_value=self.known()):
            package.main([*map(str, arguments)], say=lambda _: None)
        sums = dict(reversed(line.split("  ")) for line in (out / "SHA256SUMS").read_text().splitlines())
        self.assertEqual(sorted(sums), ["THIRD-PARTY-LICENCES.txt", "sbom.cdx.json", "webhook.zip"])
        self.assertEqual(sums, {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in out.iterdir() if path.name != "SHA256SUMS"})

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
        """A program that writes down how it was called, and with which key."""
        path = self.folder / name
        words = f"printf '%s|' {name} \"$@\"; echo \"$AWS_REGION $AWS_ACCESS_KEY_ID\""
        path.write_text(f"#!/bin/sh\n{{ {words}; }} >> {self.called}\nexit {status}\n")
        path.chmod(0o755)
        return str(path)

    def deploy(self, **given):
        """What the script did, and each call that it made: a program's name, its words, then region and key."""
        here = {name.upper(): self.program(name) for name in ("barometer", "package", "sam")}
        key = {"AWS_REGION": "eu-central-1", "AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b", "PYTHON": "false"}
        env = {"PATH": os.environ["PATH"], **here, **key, **given}
        env = {name: value for name, value in env.items() if value is not None}
        done = subprocess.run([HERE / "deploy.sh"], env=env, capture_output=True, text=True, check=False)
        lines = self.called.read_text().splitlines() if self.called.exists() else []
        self.called.unlink(missing_ok=True)
        return done, [line.split("|") for line in lines]

    def sam(self, stack, region):
        """What SAM is asked, but for the parameters that follow the first."""
        words = f"deploy --template-file infra/template.yaml --stack-name {stack} --region {region} --resolve-s3 --s3-prefix {stack}"
        words += " --capabilities CAPABILITY_IAM --no-confirm-changeset --no-fail-on-empty-changeset"
        return [*words.split(), "--parameter-overrides", "SenderAddress=success@ourco.example"]

    def test_first_it_looks_then_packs_then_deploys(self):
        done, calls = self.deploy(SENDER="success@ourco.example")
        self.assertEqual(done.returncode, 0, done.stderr)
        preflight = "barometer preflight --config infra/config --sender success@ourco.example --name barometer --stack barometer"
        preflight += " --reserved-concurrency -1"
        sam = ["sam", *self.sam("barometer", "eu-central-1"), "Name=barometer", "Architecture=arm64", "ReservedConcurrency=-1"]
        expected = [preflight.split(), ["package", "ARCHITECTURE=arm64", "CONFIG=infra/config"], sam]
        self.assertEqual(calls, [[*words, "eu-central-1 a"] for words in expected])

    def test_everything_that_is_given_arrives(self):
        given = {"SENDER": "success@ourco.example", "NAME": "second", "STACK": "other", "CONFIG": "my config", "RESERVED": "5"}
        given |= {"ARCHITECTURE": "x86_64", "PARAMETERS": "AlarmAddress=ops@ourco.example Ingress=function-url", "AWS_REGION": "eu-north-1"}
        commands = {name.upper(): f"{self.program(name)} {words}" for name, words in [("barometer", "run --"), ("package", "package"), ("sam", "-v")]}
        done, calls = self.deploy(**given, **commands)
        self.assertEqual(done.returncode, 0, done.stderr)
        preflight = ["barometer", "run", "--", "preflight", "--config", "my config"]
        preflight += "--sender success@ourco.example --name second --stack other --reserved-concurrency 5".split()
        sam = ["sam", "-v", *self.sam("other", "eu-north-1"), "Name=second", "Architecture=x86_64", "ReservedConcurrency=5"]
        sam += ["AlarmAddress=ops@ourco.example", "Ingress=function-url"]
        expected = [preflight, ["package", "package", "ARCHITECTURE=x86_64", "CONFIG=my config"], sam]
        self.assertEqual(calls, [[*words, "eu-north-1 a"] for words in expected])
        # A release in the place of what would be built.
        done, calls = self.deploy(**given, ZIPS="a release", PYTHON=self.program("python"))
        released = ["python", "infra/deploy/released.py", "--release", "a release", "--config", "my config"]
        released += ["--architecture", "x86_64", "--out", "target/package", "eu-north-1 a"]
        self.assertEqual([call[0] for call in calls], ["barometer", "python", "sam"], done.stderr)
        self.assertEqual(calls[1], released)

    def test_a_stack_has_the_name_unless_it_has_one_of_its_own(self):
        _, calls = self.deploy(SENDER="success@ourco.example", NAME="second")
        self.assertIn("--stack-name second --region eu-central-1 --resolve-s3 --s3-prefix second", " ".join(calls[2]))

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
        done, calls = self.deploy(**nothing, AWS_PROFILE="ourco")
        self.assertEqual((done.returncode, len(calls)), (0, 3), done.stderr)
        for call in (calls[0], calls[2]):
            self.assertEqual(call[-1], "eu-north-1 of-the-profile")
        self.assertIn("--region eu-north-1", " ".join(calls[2]))
        for given, said in [({}, "which region?"), ({"AWS_DEFAULT_REGION": "eu-north-1"}, "no credentials; `aws configure`")]:
            done, calls = self.deploy(**nothing, **given)
            self.assertEqual((done.returncode, calls), (1, []), done.stderr)
            self.assertIn(said, done.stderr)

    def test_what_will_not_work_makes_nothing(self):
        for name, made in [("barometer", ["barometer"]), ("package", ["barometer", "package"]), ("sam", ["barometer", "package", "sam"])]:
            done, calls = self.deploy(SENDER="success@ourco.example", **{name.upper(): self.program("fails", 1)})
            self.assertEqual((done.returncode, [call[0] for call in calls]), (1, [*made[:-1], "fails"]))
            self.assertEqual("nothing was made" in done.stderr, name == "barometer")

    def test_what_is_missing_is_asked_for_before_anything(self):
        for given, said in [({}, "who does mail come from"), ({"SENDER": "a@b.example", "ARCHITECTURE": "arm"}, "neither arm64 nor x86_64")]:
            done, calls = self.deploy(**given)
            self.assertEqual((done.returncode, calls), (1, []))
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
