"""Judges what goes over the wire by AWS's own service model, which botocore ships.

The Rust SDK checks little before it sends, so a stand-in that took anything would let mistakes
through that the real service refuses.
"""

from collections.abc import Iterator
from datetime import datetime
from functools import cache
from typing import Any

import regex
from botocore.loaders import Loader
from botocore.model import ServiceModel, Shape

_PYTHON_TYPES: dict[str, type] = {
    "string": str,
    "boolean": bool,
    "integer": int,
    "long": int,
    "structure": dict,
    "map": dict,
    "list": list,
    "timestamp": str,
}


class WrongType(Exception):
    """A value that cannot be read as the member's type: the service cannot even parse it."""


@cache
def service_model(service: str) -> ServiceModel:
    """Return AWS's model of a service."""
    return ServiceModel(Loader().load_service_model(service, "service-2"), service)


def violations(shape: Shape, value: Any, path: str = "") -> Iterator[str]:
    """Yield what the value breaks of the shape's constraints, in the service's words."""
    _check_type(shape, value, path)
    yield from (
        f"Value '{value}' at '{path}' failed to satisfy constraint: {constraint}"
        for constraint in _broken_constraints(shape, value)
    )
    match shape.type_name:
        case "structure":
            yield from _members(shape, value, path)
        case "list":
            for number, item in enumerate(value, 1):
                yield from violations(shape.member, item, f"{path}.{number}.member")
        case "map":
            for key, item in value.items():
                yield from violations(shape.key, key, f"{path}.{key}.key")
                yield from violations(shape.value, item, f"{path}.{key}.value")


def strangers(shape: Shape, value: Any, path: str = "") -> Iterator[str]:
    """Yield the members that the model does not know: a service never answers with them."""
    match shape.type_name:
        case "structure":
            for name, item in value.items():
                if name in shape.members:
                    yield from strangers(shape.members[name], item, f"{path}.{name}")
                else:
                    yield f"{path}.{name} is unknown to the model"
        case "list":
            for number, item in enumerate(value, 1):
                yield from strangers(shape.member, item, f"{path}.{number}")
        case "map":
            for key, item in value.items():
                yield from strangers(shape.value, item, f"{path}.{key}")


def to_wire(shape: Shape, value: Any) -> Any:
    """Return the value as JSON protocols carry it: a timestamp is a number of seconds."""
    match shape.type_name:
        case "structure":
            return {name: to_wire(shape.members[name], item) for name, item in value.items()}
        case "list":
            return [to_wire(shape.member, item) for item in value]
        case "map":
            return {key: to_wire(shape.value, item) for key, item in value.items()}
        case "timestamp":
            return datetime.fromisoformat(value).timestamp()
        case _:
            return value


def _check_type(shape: Shape, value: Any, path: str) -> None:
    if type(value) is not _PYTHON_TYPES[shape.type_name]:
        raise WrongType(f"{path or 'the document'} is not a {shape.type_name}")


def _members(shape: Shape, value: dict[str, Any], path: str) -> Iterator[str]:
    prefix = f"{path}." if path else ""
    for name in shape.required_members:
        if value.get(name) is None:
            yield (
                f"Value null at '{prefix}{name}' failed to satisfy constraint: "
                "Member must not be null"
            )
    for name, item in value.items():
        if name in shape.members and item is not None:
            yield from violations(shape.members[name], item, prefix + name)


def _broken_constraints(shape: Shape, value: Any) -> Iterator[str]:
    rules = shape.metadata
    if isinstance(value, int):
        size, measure = value, "value"
    elif isinstance(value, (str, list, dict)):
        size, measure = len(value), "length"
    if "min" in rules and size < rules["min"]:
        yield f"Member must have {measure} greater than or equal to {rules['min']}"
    if "max" in rules and size > rules["max"]:
        yield f"Member must have {measure} less than or equal to {rules['max']}"
    if "pattern" in rules and not regex.fullmatch(rules["pattern"], value):
        yield f"Member must satisfy regular expression pattern: {rules['pattern']}"
    if "enum" in rules and value not in rules["enum"]:
        yield f"Member must satisfy enum value set: [{', '.join(rules['enum'])}]"
