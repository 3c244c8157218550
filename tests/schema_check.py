"""The part of JSON Schema that the schemas of imfuse use, checked without a package for it.

A keyword that is not known here is a ``KeyError``: a schema must not look stricter than its check is.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

_TYPES: dict[str, tuple[type, ...]] = {
    "object": (dict,),
    "array": (list,),
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "null": (type(None),),
}
_CHECKS: dict[str, Callable[[Any, Any], bool]] = {
    "type": lambda value, wanted: any(_is(value, name) for name in ([wanted] if isinstance(wanted, str) else wanted)),
    "const": lambda value, wanted: type(value) is type(wanted) and value == wanted,
    "enum": lambda value, wanted: value in wanted,
    "pattern": lambda value, wanted: not isinstance(value, str) or re.search(wanted, value) is not None,
    "minimum": lambda value, wanted: not _is(value, "number") or value >= wanted,
    "maximum": lambda value, wanted: not _is(value, "number") or value <= wanted,
    "minItems": lambda value, wanted: not isinstance(value, list) or len(value) >= wanted,
    "required": lambda value, wanted: not isinstance(value, dict) or all(name in value for name in wanted),
}
_SILENT = {"$schema", "title", "description", "$defs", "contentEncoding"}


def _is(value: Any, name: str) -> bool:
    return isinstance(value, _TYPES[name]) and (name == "boolean" or not isinstance(value, bool))


def violations(value: Any, schema: dict[str, Any], root: dict[str, Any] | None = None, at: str = "$") -> Iterator[str]:
    """Where and how a value does not obey the schema."""
    root = root or schema
    for keyword, wanted in schema.items():
        if keyword == "$ref":
            yield from violations(value, root["$defs"][wanted.removeprefix("#/$defs/")], root, at)
        elif keyword == "anyOf":
            if all(any(violations(value, choice, root, at)) for choice in wanted):
                yield f"{at}: none of the choices"
        elif keyword in ("properties", "additionalProperties"):
            yield from _members(value, keyword, schema, root, at)
        elif keyword == "items":
            for index, item in enumerate(value if isinstance(value, list) else ()):
                yield from violations(item, wanted, root, f"{at}[{index}]")
        elif keyword not in _SILENT and not _CHECKS[keyword](value, wanted):
            yield f"{at}: {value!r} does not obey {keyword} {wanted!r}"


def _members(value: Any, keyword: str, schema: dict[str, Any], root: dict[str, Any], at: str) -> Iterator[str]:
    known, rest = schema.get("properties", {}), schema.get("additionalProperties", True)
    for name, member in value.items() if isinstance(value, dict) else ():
        if keyword == "properties" and name in known:
            yield from violations(member, known[name], root, f"{at}.{name}")
        elif keyword == "additionalProperties" and name not in known:
            if rest is False:
                yield f"{at}.{name}: not known"
            elif isinstance(rest, dict):
                yield from violations(member, rest, root, f"{at}.{name}")
