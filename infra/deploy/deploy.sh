#!/bin/sh
# Deploys the stack: looks whether it would work, builds and packs, and only then asks AWS to make something.
#   SENDER=success@ourco.example infra/deploy/deploy.sh
# With ZIPS=DIR, an unpacked release, nothing is built.
# Region and credentials are those of the environment, or those that the AWS CLI would use (AWS_PROFILE, SSO).
set -eu
cd "$(dirname "$0")/../.."

refuse() {
    echo "deploy: $1" >&2
    exit 1
}

[ -n "${SENDER:-}" ] || refuse "who does mail come from? \`make deploy SENDER=success@ourco.example\`, as in infra/config/email.toml"
NAME=${NAME:-barometer}
STACK=${STACK:-$NAME}
CONFIG=${CONFIG:-infra/config}
RESERVED=${RESERVED:--1}
case ${ARCHITECTURE:=arm64} in
arm64 | x86_64) ;;
*) refuse "ARCHITECTURE=$ARCHITECTURE is neither arm64 nor x86_64" ;;
esac

if [ -z "${AWS_ACCESS_KEY_ID:-}" ] || [ -z "${AWS_REGION:-}" ]; then
    found=$("$PYTHON" infra/deploy/credentials.py) || exit 1
    eval "$found"
fi

# What a program that is asked before anything is made says, is said by the very code that will run.
$BAROMETER preflight --config "$CONFIG" --sender "$SENDER" --name "$NAME" --stack "$STACK" --reserved-concurrency "$RESERVED" ||
    refuse "nothing was made; mend what is marked, and run it again"

if [ -n "${ZIPS:-}" ]; then
    "$PYTHON" infra/deploy/released.py --release "$ZIPS" --config "$CONFIG" --architecture "$ARCHITECTURE" --out target/package
else
    $PACKAGE ARCHITECTURE="$ARCHITECTURE" CONFIG="$CONFIG"
fi

$SAM deploy --template-file infra/template.yaml --stack-name "$STACK" --region "$AWS_REGION" --resolve-s3 \
    --s3-prefix "$STACK" --capabilities CAPABILITY_IAM --no-confirm-changeset --no-fail-on-empty-changeset \
    --parameter-overrides "SenderAddress=$SENDER" "Name=$NAME" "Architecture=$ARCHITECTURE" \
    "ReservedConcurrency=$RESERVED" ${PARAMETERS:-}

case " ${PARAMETERS:-}" in
*" AlarmAddress="[!\ ]*) ;;
*) echo "deploy: without PARAMETERS='AlarmAddress=ops@ourco.example', now or in an earlier deployment, alarms tell nobody" >&2 ;;
esac
