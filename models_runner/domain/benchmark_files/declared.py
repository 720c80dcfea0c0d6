"""What is declared beside a file, as NAME=VALUE."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from models_runner.domain.objectives.table import Direction, InvalidObjectives, Objective


class InvalidDeclaration(ValueError):
    """A NAME=VALUE that can't be used; the message says which and what may stand there."""


def named_values(texts: Sequence[str], *, option: str, known: Sequence[str]) -> Mapping[str, str]:
    """Each NAME=VALUE once, for a known name. Raises InvalidDeclaration."""
    found: dict[str, str] = {}
    for text in texts:
        name, sign, value = text.rpartition("=")
        if not sign:
            raise InvalidDeclaration(f"{option} {text!r} must be written NAME=VALUE.")
        if name not in known:
            raise InvalidDeclaration(
                f"{option} {text!r}: there is no {name!r}; there are: {', '.join(known)}."
            )
        if name in found:
            raise InvalidDeclaration(f"{option}: {name!r} stands twice.")
        found[name] = value
    return found


def declared_number(text: str, *, where: str) -> float:
    """A number from a declaration. Raises InvalidDeclaration."""
    try:
        return float(text)
    except ValueError:
        raise InvalidDeclaration(f"{where} is {text!r}, no number.") from None


def declared_objectives(
    names: Sequence[str],
    *,
    directions: Sequence[str],
    ranges: Sequence[str],
    called: tuple[str, str] = ("--directions", "--ranges"),
) -> tuple[Objective, ...]:
    """Objectives with NAME=higher or NAME=lower, and NAME=WORST:BEST.

    A range says the direction where none is declared; without either, higher is better. ``called``
    is what both are called where they were written. Raises InvalidDeclaration.
    """
    ways = named_values(directions, option=called[0], known=names)
    bounds = named_values(ranges, option=called[1], known=names)
    found = []
    for name in names:
        worst = best = None
        if name in bounds:
            low, colon, high = bounds[name].partition(":")
            if not colon:
                raise InvalidDeclaration(
                    f"{called[1]} {name}={bounds[name]} must be written {name}=WORST:BEST."
                )
            worst = declared_number(low, where=f"The worst of {name!r}")
            best = declared_number(high, where=f"The best of {name!r}")
        downwards = worst is not None and best is not None and best < worst
        direction = Direction.LOWER if downwards else Direction.HIGHER
        if name in ways:
            try:
                direction = Direction(ways[name])
            except ValueError:
                raise InvalidDeclaration(
                    f"{called[0]} {name}={ways[name]}: write {name}=higher or {name}=lower."
                ) from None
        try:
            found.append(Objective(name, direction, worst, best))
        except InvalidObjectives as problem:
            raise InvalidDeclaration(str(problem)) from problem
    return tuple(found)
