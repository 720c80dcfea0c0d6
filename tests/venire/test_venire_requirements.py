"""What is installed: the pinned list covers what the project asks for, under free licences."""

import re
import tomllib
from collections.abc import Iterable
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[2]
COPYLEFT = re.compile(r"\b(?:A?GPL|GNU (?:Affero )?General Public)", re.IGNORECASE)
LESSER = re.compile(r"LGPL|Lesser General Public", re.IGNORECASE)
# Metadata that names the GPL though the package may be used under another licence.
# name: why it may stay.
EXCEPTIONS: dict[str, str] = {}


def project() -> list[Requirement]:
    read = tomllib.loads((ROOT / "pyproject.toml").read_text())
    return [Requirement(line) for line in read["project"]["dependencies"]]


def pinned(name: str) -> dict[str, str]:
    lines = (ROOT / name).read_text().splitlines()
    pins = [line for line in lines if line and not line.startswith(("#", "-r"))]
    assert all(line.count("==") == 1 for line in pins)
    return {canonicalize_name(n): version for n, version in (line.split("==") for line in pins)}


def closure(wanted: Iterable[Requirement]) -> set[str]:
    """Names of all that the requirements install here, themselves included."""
    seen: set[tuple[str, frozenset[str]]] = set()
    waiting = [(canonicalize_name(r.name), frozenset(r.extras)) for r in wanted]
    while waiting:
        name, extras = waiting.pop()
        if (name, extras) in seen:
            continue
        seen.add((name, extras))
        for line in metadata.requires(name) or []:
            need = Requirement(line)
            if need.marker is None or any(
                need.marker.evaluate({"extra": extra}) for extra in ("", *sorted(extras))
            ):
                waiting.append((canonicalize_name(need.name), frozenset(need.extras)))
    return {name for name, _ in seen}


def licence(name: str) -> str:
    """The licence as the package's metadata names it, in a line."""
    about = metadata.metadata(name).json
    expression = str(about.get("license_expression", ""))
    classified = [c for c in about.get("classifier", []) if c.startswith("License ::")]
    # Some packages put the whole text into this field; its first line has the name.
    free_text = str(about.get("license", "")).strip().split("\n")[0]
    return "; ".join([expression, *classified] if expression else [free_text, *classified])


def is_copyleft(text: str) -> bool:
    return bool(COPYLEFT.search(LESSER.sub("", text)))


def test_every_dependency_is_pinned_inside_its_range() -> None:
    pins = pinned("requirements.txt")
    for need in project():
        name = canonicalize_name(need.name)
        assert name in pins, name
        assert need.specifier.contains(pins[name], prereleases=True), f"{need} and {pins[name]}"


def test_the_list_is_whole() -> None:
    """What the dependencies bring along is pinned too, so that two installs are the same."""
    missing = closure(project()) - pinned("requirements.txt").keys()
    # On Linux a wheel of torch with CUDA brings NVIDIA's libraries, a wheel for CPUs does not.
    assert {
        name for name in missing if not name.startswith(("nvidia-", "cuda-", "triton"))
    } == set()


def test_nothing_under_the_gpl_is_installed() -> None:
    refused = {}
    for name in closure(project()):
        named = licence(name)
        if is_copyleft(named) and name not in EXCEPTIONS:
            refused[name] = named
    assert refused == {}


def test_the_check_of_licences_can_tell_them_apart() -> None:
    assert is_copyleft("License :: OSI Approved :: GNU Affero General Public License v3")
    assert is_copyleft("AGPL-3.0-only")
    assert is_copyleft("GPL-2.0-or-later")
    assert is_copyleft("License :: OSI Approved :: GNU General Public License (GPL)")
    assert not is_copyleft("LGPL-3.0-only")
    assert not is_copyleft(
        "License :: OSI Approved :: GNU Lesser General Public License v3 (LGPLv3)"
    )
    assert not is_copyleft("BSD-3-Clause")
    assert is_copyleft("GPLv3; ")


def test_exceptions_are_still_needed() -> None:
    names = closure(project())
    for name in EXCEPTIONS:
        assert name in names
        assert is_copyleft(licence(name))
