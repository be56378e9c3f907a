"""A Lambda function in Python that makes the calls of one of ours, in their order, and no more.

It spares itself all else that a function has to do, so it is the least that the same work costs.
"""

import json
import os
from pathlib import Path
from typing import Any

import boto3
import urllib3

_CALLS = json.loads(Path(os.environ["CALLS"]).read_text())
_SESSION = boto3.Session()
_CLIENTS = {service: _SESSION.client(service) for service in _CALLS["services"]}
_GITHUB = urllib3.PoolManager()
_OF_ROLES: dict[str, boto3.Session] = {}
_IS_COLD = True


def handle(_event: Any, _context: Any) -> dict[str, str]:
    """Make the calls of the first event, or those of any later one."""
    global _IS_COLD
    calls, _IS_COLD = _CALLS["cold" if _IS_COLD else "warm"], False
    for call in calls:
        if call["service"] == "github":
            _ask_github(**call["request"])
        else:
            _ask_aws(call["service"], call["method"], call["arguments"], call["role"])
    return {"outcome": "published"}


def _ask_aws(service: str, method: str, arguments: dict[str, Any], role: str | None) -> None:
    client = _CLIENTS[service] if role is None else _client_of_role(service, role)
    try:
        answer = getattr(client, method)(**arguments)
    except client.exceptions.ClientError as error:
        answer = error.response
    if method == "assume_role":
        given = answer["Credentials"]
        _OF_ROLES[arguments["RoleArn"]] = boto3.Session(
            given["AccessKeyId"], given["SecretAccessKey"], given["SessionToken"]
        )


def _client_of_role(service: str, role: str) -> Any:
    if (service, role) not in _CLIENTS:
        _CLIENTS[service, role] = _OF_ROLES[role].client(service)
    return _CLIENTS[service, role]


def _ask_github(method: str, path: str, headers: dict[str, str], body: str | None) -> None:
    url = os.environ["AWS_ENDPOINT_URL"] + path
    json.loads(_GITHUB.request(method, url, body=body, headers=headers).data)
