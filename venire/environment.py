"""Reading settings from environment variables: typed, documented, and loud when wrong.

Every variable that Venire reads is declared once through :class:`Environment`; the list of
declarations is what `docs/settings.md` is tested against.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

TRUE_WORDS = frozenset({"1", "true", "yes", "on"})
FALSE_WORDS = frozenset({"0", "false", "no", "off", ""})


class EnvironmentProblem(Exception):
    """A variable is missing or can't be read; the message names it and what is legal."""


def variable(name: str) -> str:
    """What a variable holds now, stripped; empty where it is not set.

    For variables that a row names, such as that of a model's key: they are not Venire's own, so
    they are not declared.
    """
    return os.environ.get(name, "").strip()


@dataclass(frozen=True)
class Variable:
    """One documented environment variable."""

    name: str
    kind: Literal["text", "flag", "number", "list"]
    default: str | None
    meaning: str


@dataclass
class Environment:
    """Typed access to a mapping of environment variables.

    Attributes:
        source: the variables; `os.environ` by default.
        declared: every variable asked for so far, in order of declaration.
    """

    source: Mapping[str, str] = field(default_factory=lambda: os.environ)
    declared: dict[str, Variable] = field(default_factory=dict)

    def _declare(
        self,
        name: str,
        kind: Literal["text", "flag", "number", "list"],
        default: str | None,
        meaning: str,
    ) -> str | None:
        self.declared[name] = Variable(name=name, kind=kind, default=default, meaning=meaning)
        return self.source.get(name, default)

    def text(self, name: str, default: str, meaning: str) -> str:
        """A string; the default where the variable is not set."""
        value = self._declare(name, "text", default, meaning)
        return default if value is None else value

    def flag(self, name: str, default: bool, meaning: str) -> bool:
        """A yes/no variable.

        Raises:
            EnvironmentProblem: the value is none of the legal words.
        """
        value = self._declare(name, "flag", "true" if default else "false", meaning)
        word = (value or "").strip().lower()
        if word in TRUE_WORDS:
            return True
        if word in FALSE_WORDS:
            return False
        legal = ", ".join(sorted(TRUE_WORDS | (FALSE_WORDS - {""})))
        raise EnvironmentProblem(f"{name}={value!r} is not a yes or no. Use one of: {legal}.")

    def number(self, name: str, default: int, meaning: str, *, minimum: int = 0) -> int:
        """A whole number of at least `minimum`.

        Raises:
            EnvironmentProblem: the value is not a whole number, or is too small.
        """
        value = self._declare(name, "number", str(default), meaning)
        try:
            number = int(str(value))
        except ValueError:
            raise EnvironmentProblem(f"{name}={value!r} is not a whole number.") from None
        if number < minimum:
            raise EnvironmentProblem(f"{name}={number} is too small; the least is {minimum}.")
        return number

    def items(self, name: str, default: str, meaning: str) -> list[str]:
        """A comma-separated list; blanks around and empty items are dropped."""
        value = self._declare(name, "list", default, meaning)
        return [item.strip() for item in (value or "").split(",") if item.strip()]
