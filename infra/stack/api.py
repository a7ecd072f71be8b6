"""The HTTP API, which is the default way in: the stack is given it in the place of the function URLs, and tools post to it."""

import re
from urllib.parse import urlsplit

import deliver
import stack
from engine import REGION
from installation import CONNECTIONS
from story import differs


def routed(engine, expansion, there):
    """The receivers by the routes of the template's OpenAPI definition, which are made here: the engine makes none of it."""
    apis, functions, api = engine.client("apigatewayv2"), engine.client("lambda"), there["Api"]["PhysicalResourceId"]

    def meant(reference):
        if reference[1].startswith("AWS::"):
            return {"AWS::Partition": "aws", "AWS::Region": REGION}[reference[1]]
        name = there[reference[1].removesuffix(".Arn")]["PhysicalResourceId"]
        return functions.get_function_configuration(FunctionName=name)["FunctionArn"]

    for path, methods in expansion["Resources"]["Api"]["Properties"]["Body"]["paths"].items():
        for method, operation in methods.items():
            asked = operation["x-amazon-apigateway-integration"]
            made = apis.create_integration(
                ApiId=api,
                IntegrationType=asked["type"].upper(),
                IntegrationMethod=asked["httpMethod"],
                IntegrationUri=re.sub(r"\$\{([^}]+)\}", meant, asked["uri"]["Fn::Sub"]),
                PayloadFormatVersion=asked["payloadFormatVersion"],
            )
            apis.create_route(ApiId=api, RouteKey=f"{method.upper()} {path}", Target=f"integrations/{made['IntegrationId']}")
    told = f"https://{urlsplit(apis.get_api(ApiId=api)['ApiEndpoint']).hostname}"
    return deliver.Receivers(dict.fromkeys(deliver.FAMILIES, (told, f"{engine.url}/_aws/execute-api/{api}/$default")))


def findings(engine, expansion, driven, told):
    """One delivery of each connection is accepted once more, and all that is to be refused is refused."""
    there = stack.with_ingress(engine, "http-api")
    yield from stack.created(expansion, there, "http-api")
    receivers, journal = routed(engine, expansion, there), driven.items("Journal")
    yield from (f"the HTTP API: {each}" for each in deliver.refusals(receivers))
    again = {connection: body for chapter in told if not isinstance(chapter, str) for connection, body in chapter}
    for connection, body in again.items():
        status = receivers.post(CONNECTIONS[connection], connection, body)
        yield from differs(f"the HTTP API answers a delivery of {connection}", 200, status)
    yield from differs("what it takes once more leaves the journal as it was", True, driven.items("Journal") == journal)
