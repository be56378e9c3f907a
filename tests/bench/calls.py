"""Reads requests to AWS and GitHub: which call is it, and how does Python's SDK make the same?"""

import json
import re
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

import cbor2

from stage.wire import Request

_SERVICES = {
    "DynamoDB": "dynamodb",
    "CodePipeline": "codepipeline",
    "AmazonSSM": "ssm",
    "secretsmanager": "secretsmanager",
    "GraniteServiceVersion20100801": "cloudwatch",
}
_CREDENTIAL = re.compile(r"Credential=([^/]+)/")
_ACCESS_KEY = re.compile(rb"<AccessKeyId>([^<]+)</AccessKeyId>")


@dataclass(frozen=True)
class Call:
    """A call: of a service of AWS, or of GitHub."""

    service: str
    operation: str

    def __str__(self) -> str:
        return f"{self.service} {self.operation}"


def call_of(request: Request) -> Call:
    """Return which call a request is."""
    if "/_github/" in request.path:
        return Call("github", f"{request.method} {request.path}")
    if target := request.headers.get("x-amz-target"):
        prefix, _, operation = target.partition(".")
        return Call(_SERVICES[prefix.split("_")[0]], operation)
    if request.path.startswith("/service/"):
        _, _, prefix, _, operation = request.path.split("/")
        return Call(_SERVICES[prefix], operation)
    return Call("sts", dict(parse_qsl(request.body.decode()))["Action"])


def arguments(request: Request) -> dict[str, Any]:
    """Return the arguments of a call of AWS, as its Python SDK takes them."""
    document: dict[str, Any]
    if "x-amz-target" in request.headers:
        document = json.loads(request.body)
    elif request.path.startswith("/service/"):
        document = cbor2.loads(request.body)
    else:
        form = dict(parse_qsl(request.body.decode()))
        document = {name: form[name] for name in form.keys() - {"Action", "Version"}}
    return document


def signer(request: Request) -> str | None:
    """Return the access key that a request is signed with."""
    found = _CREDENTIAL.search(request.headers.get("authorization", ""))
    return found and found[1]


def given_key(body: bytes) -> str | None:
    """Return the access key that an answer of AssumeRole gives."""
    found = _ACCESS_KEY.search(body)
    return found and found[1].decode()
