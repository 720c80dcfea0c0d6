"""The documents tell what is: every setting, every command, every link."""

import argparse
import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from django.core.management import get_commands, load_command_class
from django.core.management.base import BaseCommand

if TYPE_CHECKING:
    from tests.venire.conftest import House

ROOT = Path(__file__).resolve().parents[2]
APPS = ("juries", "annotations", "overton", "models_runner", "venire")
PAGES = sorted([ROOT / "README.md", *(ROOT / "docs").glob("**/*.md")])
ROW = re.compile(r"^\| `(?P<name>[A-Z_]+)` \|(?P<rest>.*)\|$", re.MULTILINE)
LINK = re.compile(r"!?\[[^\]]*\]\((?P<target>[^)\s]+)\)")
HEADING = re.compile(r"^#+ (?P<text>.+)$", re.MULTILINE)

DECLARED = """
import json
from django.conf import settings
from venire.settings import BASE_DIR, env
print(json.dumps([
    [v.name, v.kind, v.default.replace(str(settings.VAR_DIR), "var").replace(f"{BASE_DIR}/", "")]
    for v in env.declared.values()
]))
"""


def tracked() -> list[Path]:
    """Files that belong to the project, those not yet committed included."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if listed.returncode:
        pytest.skip("this is no git checkout")
    return [path for name in listed.stdout.splitlines() if (path := ROOT / name).is_file()]


class TestSettings:
    page = ROOT / "docs" / "settings.md"

    def written(self) -> dict[str, list[str]]:
        rows: dict[str, list[str]] = {}
        for match in ROW.finditer(self.page.read_text()):
            assert match["name"] not in rows, f"{match['name']} stands twice"
            rows[match["name"]] = [cell.strip() for cell in match["rest"].split("|")]
        return rows

    def test_every_variable_is_told_with_its_kind_and_default(self, house: "House") -> None:
        declared = {
            name: (kind, default) for name, kind, default in json.loads(house.ask(DECLARED))
        }
        written = self.written()
        for name, (kind, default) in declared.items():
            assert name in written, name
            told_kind, told_default, meaning = written[name]
            assert told_kind == kind, name
            assert told_default == (f"`{default}`" if default else ""), name
            assert len(meaning) > 5, name

    def test_no_other_variable_is_told(self, house: "House") -> None:
        declared = {name for name, _, _ in json.loads(house.ask(DECLARED))}
        for_tests = set(self.written()) - declared
        read_by_tests = "\n".join(
            path.read_text(errors="replace")
            for path in tracked()
            if path.relative_to(ROOT).parts[0] in ("tests", "Makefile", ".ci")
            and path.suffix in ("", ".py")
        )
        for name in for_tests:
            assert name in read_by_tests, f"nothing reads {name}"

    def test_what_other_pages_name_stands_on_this_one(self) -> None:
        known = set(self.written())
        for page in [*PAGES, ROOT / "Makefile", *(ROOT / "docs" / "deployment").glob("*")]:
            named = set(re.findall(r"\bVENIRE_[A-Z_]*[A-Z]\b", page.read_text()))
            assert named <= known, f"{page.name} names {named - known}"

    def test_only_the_settings_read_the_environment(self) -> None:
        for path in tracked():
            parts = path.relative_to(ROOT).parts
            if parts[0] not in APPS or path.suffix != ".py" or path.name == "environment.py":
                continue
            reads = re.findall(r"os\.environ(?:\.get\(|\[)|os\.getenv\(", path.read_text())
            assert reads == [], f"{path.relative_to(ROOT)} reads the environment itself"


def our_commands() -> list[str]:
    return sorted(name for name, app in get_commands().items() if app in APPS)


def options_of(name: str) -> Iterator[str]:
    """What the command takes beyond what every command of Django takes."""
    command = load_command_class(get_commands()[name], name)
    base = BaseCommand().create_parser("manage.py", name)
    usual = {flag for action in base._actions for flag in action.option_strings}
    own = command.create_parser("manage.py", name)
    for action in own._actions:
        if isinstance(action, argparse._SubParsersAction):
            raise AssertionError(f"{name} has subcommands; teach this test about them")
        if not action.option_strings:
            yield action.metavar if isinstance(action.metavar, str) else action.dest
        elif not set(action.option_strings) <= usual:
            yield max(action.option_strings, key=len)


class TestCommands:
    page = ROOT / "docs" / "commands.md"

    def section(self, name: str) -> str:
        parts = re.split(r"^## ", self.page.read_text(), flags=re.MULTILINE)
        found = [part for part in parts[1:] if part.startswith(f"`{name}`")]
        assert len(found) == 1, f"{name} needs one section"
        return found[0]

    @pytest.mark.parametrize("name", our_commands())
    def test_every_option_is_told(self, name: str) -> None:
        told = set(re.findall(r"^\| `([^`\s]+)[^`]*` \|", self.section(name), re.MULTILINE))
        assert told == set(options_of(name))

    def test_no_other_command_is_told(self) -> None:
        told = re.findall(r"^## `([a-z_]+)`", self.page.read_text(), re.MULTILINE)
        assert sorted(told) == our_commands()


def anchor(heading: str) -> str:
    """As code hosts make it: lower case, punctuation dropped, blanks to dashes."""
    kept = re.sub(r"[^\w\s-]", "", heading.strip().lower())
    return re.sub(r"\s", "-", kept)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
class TestPages:
    def test_relative_links_lead_somewhere(self, page: Path) -> None:
        text = re.sub(r"```.*?```", "", page.read_text(), flags=re.DOTALL)
        for match in LINK.finditer(text):
            target, _, fragment = match["target"].partition("#")
            if re.match(r"[a-z]+:", target):
                continue
            aim = (page.parent / target).resolve() if target else page
            assert aim.exists(), f"{page.name} links {match['target']}"
            if fragment and aim.suffix == ".md":
                anchors = {anchor(found["text"]) for found in HEADING.finditer(aim.read_text())}
                assert fragment in anchors, f"{page.name} links {match['target']}"


def test_the_index_leads_to_every_page() -> None:
    linked = set(re.findall(r"\]\(([^)#\s]+)", (ROOT / "docs" / "README.md").read_text()))
    for page in (ROOT / "docs").glob("*.md"):
        assert page.name == "README.md" or page.name in linked, page.name


# Spelt in pieces, so that this file does not hold what it looks for.
FOREIGN = [
    re.compile(pattern)
    for pattern in (
        r"/wo" + r"rk/(?:main|shared)\b",
        r"/ro" + r"ot/[a-z.]",
        r"/ho" + r"me/[a-z]+/",
        r"/tmp/br" + r"ief",
        r"(?:pypi|pythonhosted|pytorch)\.or" + r"g/(?:simple|whl|packages)",
        r"index" + r"-url\s*=?\s*https?:",
        r"registry\.npm" + r"js",
    )
]


def test_nothing_names_the_machine_it_was_written_on() -> None:
    for path in tracked():
        if path.suffix in (".png", ".woff2", ".jpg", ".zip", ".parquet", ".ico"):
            continue
        text = path.read_text(errors="replace")
        for pattern in FOREIGN:
            found = pattern.search(text)
            assert found is None, f"{path.relative_to(ROOT)} holds {found.group()!r}"
