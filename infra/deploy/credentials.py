"""Region and credentials as the AWS CLI would find them (profile, SSO, role), for a shell or a program to take over."""

import shlex
import sys


class Unknown(Exception):
    """What is missing, and what to do."""


def environment(session):
    """What the AWS CLI's variables are with the region and the key of a session of boto3."""
    if session.region_name is None:
        raise Unknown("which region? `export AWS_REGION=eu-central-1`, or `aws configure`")
    credentials = session.get_credentials()
    if credentials is None:
        raise Unknown("no credentials; `aws configure` or `aws sso login`, with AWS_PROFILE where there are several")
    frozen = credentials.get_frozen_credentials()
    found = {"AWS_REGION": session.region_name, "AWS_ACCESS_KEY_ID": frozen.access_key, "AWS_SECRET_ACCESS_KEY": frozen.secret_key}
    return {**found, "AWS_SESSION_TOKEN": frozen.token or ""}


def main():
    import boto3

    for name, value in environment(boto3.Session()).items():
        print(f"export {name}={shlex.quote(value)}")


if __name__ == "__main__":
    try:
        main()
    except Unknown as unknown:
        sys.exit(f"deploy: {unknown}")
