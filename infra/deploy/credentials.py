"""Region and credentials as the AWS CLI would find them (profile, SSO, role), for a shell to take over."""

import shlex
import sys

import boto3


def main():
    session = boto3.Session()
    if session.region_name is None:
        sys.exit("deploy: which region? `export AWS_REGION=eu-central-1`, or `aws configure`")
    credentials = session.get_credentials()
    if credentials is None:
        sys.exit("deploy: no credentials; `aws configure` or `aws sso login`, with AWS_PROFILE where there are several")
    frozen = credentials.get_frozen_credentials()
    found = {"AWS_REGION": session.region_name, "AWS_ACCESS_KEY_ID": frozen.access_key, "AWS_SECRET_ACCESS_KEY": frozen.secret_key}
    found["AWS_SESSION_TOKEN"] = frozen.token or ""
    for name, value in found.items():
        print(f"export {name}={shlex.quote(value)}")


if __name__ == "__main__":
    main()
