"""A record that panics fails alone, in a program that is built and started as the functions are."""

import io
import json
import zipfile

from engine import ARCHITECTURE

NAME = "panics"


def findings(engine, bootstrap):
    """`bootstrap`: the example `panics` of mail-event, which panics over each message that says so."""
    package = io.BytesIO()
    with zipfile.ZipFile(package, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        entry = zipfile.ZipInfo("bootstrap")
        entry.external_attr = 0o755 << 16
        archive.writestr(entry, bootstrap.read_bytes(), zipfile.ZIP_DEFLATED)
    functions = engine.client("lambda")
    role = "arn:aws:iam::000000000000:role/panics"
    how = {"Runtime": "provided.al2023", "Handler": "bootstrap", "Architectures": [ARCHITECTURE], "Timeout": 30}
    functions.create_function(FunctionName=NAME, Role=role, Code={"ZipFile": package.getvalue()}, **how)
    functions.get_waiter("function_active_v2").wait(FunctionName=NAME)
    for said, failed in [(["well", "panic", "well"], ["1"]), (["well"], []), (["panic", "panic"], ["0", "1"])]:
        event = {"Records": [{"messageId": str(number), "body": body} for number, body in enumerate(said)]}
        called = functions.invoke(FunctionName=NAME, Payload=json.dumps(event).encode())
        answer = json.loads(called["Payload"].read())
        if answer != {"batchItemFailures": [{"itemIdentifier": each} for each in failed]}:
            yield f"messages {said} of a function that panics are answered {answer}"
