"""What GDAL writes into the tags of a TIFF, without GDAL: names of bands, nodata and further facts."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any
from xml.etree import ElementTree
from xml.sax.saxutils import escape, unescape

from imfuse.cubes.cube import CubeDescription
from imfuse.cubes.gdal import band_items, described

METADATA, NODATA = 42112, 42113
GEOGRAPHIC = frozenset({33550, 33922, 34264, 34735})
"""Pixel scale, tie points, transformation and keys of GeoTIFF."""

_ROLES = {"description": "DESCRIPTION", "scale": "SCALE", "offset": "OFFSET"}
_LIMIT = 1 << 22
_QUOTE = {"&quot;": '"'}


def read_tags(tags: Any, bands: int) -> tuple[CubeDescription, tuple[str, ...]]:
    """The description of a page from its tifffile ``tags``, and notes of what was dropped."""
    whole: dict[str, str] = {}
    header: dict[str, str] = {}
    each: list[dict[str, str]] = [{} for _ in range(bands)]
    roles: dict[str, dict[int, str]] = {role: {} for role in _ROLES}
    try:
        for key, domain, sample, role, text in _items(tags.valueof(METADATA, "")):
            if sample is not None and not 0 <= sample < bands:
                continue
            if sample is not None and role in roles:
                roles[role][sample] = text
            elif domain == "ENVI":
                header[key] = text
            elif not domain and not role:
                (whole if sample is None else each[sample])[key] = text
        numbers = {
            role: tuple(float(roles[role].get(band, default)) for band in range(bands))
            for role, default in (("scale", "1"), ("offset", "0"))
        }
        nodata = _number(tags.valueof(NODATA, ""))
    except (ValueError, ElementTree.ParseError):
        return CubeDescription(names=(None,) * bands), ("damaged tags of GDAL dropped: names of bands, nodata",)
    names = [roles["description"].get(band) for band in range(bands)]
    facts = {
        "scales": numbers["scale"] if roles["scale"] else (),
        "offsets": numbers["offset"] if roles["offset"] else (),
    }
    return described(names, whole, each, header, nodata=nodata, **facts), ()


def _items(text: object) -> Iterator[tuple[str, str | None, int | None, str | None, str]]:
    """Name, domain, sample, role and value of every item."""
    if not isinstance(text, str) or not text.strip() or len(text) > _LIMIT:
        return
    for item in ElementTree.fromstring(text.strip().rstrip("\0")).iter("Item"):
        sample = item.get("sample")
        number = None if sample is None else int(sample)
        yield item.get("name", ""), item.get("domain"), number, item.get("role"), unescape(item.text or "", _QUOTE)


def _number(text: object) -> float | None:
    words = str(text).strip().rstrip("\0")
    return float(words) if words else None


def written_tags(description: CubeDescription) -> list[tuple[int, int, int, str, bool]]:
    """Extra tags for tifffile from a description."""
    root = ElementTree.Element("GDALMetadata")
    for key, value in description.tags.items():
        _add(root, value, name=key)
    for key, value in description.header.items():
        _add(root, value, name=key, domain="ENVI")
    for band, name in enumerate(description.names):
        sample = str(band)
        for key, value in band_items(description, band).items():
            _add(root, value, name=key, sample=sample)
        facts = {"description": name}
        facts |= {"scale": repr(description.scales[band])} if description.scales else {}
        facts |= {"offset": repr(description.offsets[band])} if description.offsets else {}
        for role, fact in facts.items():
            if fact:
                _add(root, fact, name=_ROLES[role], sample=sample, role=role)
    found = []
    if len(root):
        # In ASCII, as the tag is; other letters as references.
        found.append((METADATA, 2, 0, ElementTree.tostring(root, "us-ascii").decode("ascii"), True))
    if description.nodata is not None:
        text = "nan" if math.isnan(description.nodata) else f"{description.nodata:.17g}"
        found.append((NODATA, 2, 0, text, True))
    return found


def _add(root: ElementTree.Element, text: str, **attributes: str) -> None:
    """Add an item; GDAL escapes its text once more than XML does."""
    ElementTree.SubElement(root, "Item", attributes).text = escape(text)
