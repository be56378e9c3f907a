"""Judges answers over REST by GitHub's own OpenAPI description.

A client reads what it finds, so a stand-in that left something out, or had something of its own,
would teach it wrong. Both are held against it here.
"""

import json
from functools import cache
from typing import Any

from jsonschema import Draft202012Validator

from stage import REPOSITORY

DESCRIPTION = REPOSITORY / "tests/node_modules/@octokit/openapi/generated" / "api.github.com.json"
"""From the npm package in which GitHub's own SDK publishes it."""

_ANY_ERROR = "#/components/schemas/basic-error"
"""What GitHub answers where an operation's description does not list the status."""


def complaints(path: str, status: int, document: Any) -> list[str]:
    """Return what the description of `GET path` says against an answer."""
    return [
        f"{error.json_path}: {error.message}"
        for error in _validator(path, status).iter_errors(document)
    ]


@cache
def _description() -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(DESCRIPTION.read_text())
    return loaded


@cache
def _validator(path: str, status: int) -> Draft202012Validator:
    answer = _description()["paths"][path]["get"]["responses"].get(str(status))
    if answer is None:
        schema = {"$ref": _ANY_ERROR}
    else:
        answer = _find(answer["$ref"]) if "$ref" in answer else answer
        schema = answer["content"]["application/json"]["schema"]
    definitions: dict[str, Any] = {}
    return Draft202012Validator({**_translate(schema, definitions), "$defs": definitions})


def _translate(schema: Any, definitions: dict[str, Any]) -> Any:
    """Turn OpenAPI's dialect into JSON Schema's, and allow only the properties that it names."""
    match schema:
        case list():
            return [_translate(each, definitions) for each in schema]
        case {"$ref": str(reference)}:
            name = reference.rpartition("/")[2]
            if name not in definitions:
                definitions[name] = True  # for the time being: a schema may refer to itself
                definitions[name] = _translate(_find(reference), definitions)
            return {"$ref": f"#/$defs/{name}"}
        case {"nullable": True, **rest}:
            return {"anyOf": [{"type": "null"}, _translate(rest, definitions)]}
        case {"properties": dict(properties), **rest}:
            return {
                "additionalProperties": False,
                **rest,
                "properties": {
                    name: _translate(each, definitions) for name, each in properties.items()
                },
            }
        case dict():
            return {name: _translate(each, definitions) for name, each in schema.items()}
        case _:
            return schema


def _find(reference: str) -> Any:
    found: Any = _description()
    for name in reference.removeprefix("#/").split("/"):
        found = found[name]
    return found
