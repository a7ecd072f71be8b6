"""The template as CloudFormation sees it: what `AWS::Serverless` stands for is written out, parameters keep their defaults."""

import copy
import json
import logging
from pathlib import Path

import yaml
from samtranslator.parser.parser import Parser
from samtranslator.translator.translator import Translator

TEMPLATE = Path(__file__).resolve().parents[1] / "template.yaml"
# Any region does: none of what is written out depends on it.
REGION = "eu-central-1"
# What has no default, in a form that its pattern takes.
GIVEN = {"SenderAddress": "success@ourco.example"}


logging.getLogger("samtranslator").setLevel(logging.ERROR)  # it misses a publisher of its own metrics


class Loader(yaml.SafeLoader):
    """YAML with CloudFormation's short tags."""


def _tag(loader, suffix, node):
    if isinstance(node, yaml.ScalarNode):
        value = loader.construct_scalar(node)
    elif isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    else:
        value = loader.construct_mapping(node, deep=True)
    if suffix in ("Ref", "Condition"):
        return {suffix: value}
    if suffix == "GetAtt" and isinstance(value, str):
        value = value.split(".", 1)
    return {f"Fn::{suffix}": value}


Loader.add_multi_constructor("!", _tag)


def read(text):
    """A template's text as plain data."""
    return yaml.load(text, Loader)


def expand(template):
    """Plain data of a SAM template -> plain data of CloudFormation. Code is an object in a bucket, as after packaging."""
    template = copy.deepcopy(template)
    for resource in template["Resources"].values():
        if resource["Type"] == "AWS::Serverless::Function":
            name = resource["Properties"]["CodeUri"].rsplit("/", 1)[-1]
            resource["Properties"]["CodeUri"] = {"Bucket": "packages", "Key": name}
    values = {name: parameter.get("Default") for name, parameter in template["Parameters"].items()}
    # The translator asks for a session only to learn the region.
    session = type("Session", (), {"region_name": REGION})()
    translator = Translator({}, Parser(), boto_session=session)
    return translator.translate(template, {**values, **GIVEN})


if __name__ == "__main__":
    print(json.dumps(expand(read(TEMPLATE.read_text())), indent=1, sort_keys=True))
