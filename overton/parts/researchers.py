"""The researchers in the data set, under pseudonyms."""

from collections.abc import Iterator, Mapping
from typing import Any
from uuid import uuid4

from annotations.models import Study
from annotations.parts.base import Cell, Row, TablePart, cell
from annotations.ports import ImportedIds
from annotations.selectors.exports import remembered
from juries.models import User
from overton.models import AnswerMerge, ExpressionLabel, LabelResolution

RESEARCHERS = "researchers"


@remembered
def researcher_names(study: Study, using: str) -> dict[int, str]:
    """Pseudonyms of the researchers who labelled, decided or merged, by primary key.

    They are numbered in the order of their first labels, then of their first decisions.
    """
    acts = (
        (ExpressionLabel, "researcher_id"),
        (LabelResolution, "researcher_id"),
        (AnswerMerge, "actor_id"),
    )
    keys: dict[int, None] = {}
    for model, field in acts:
        rows = model._default_manager.using(using).filter(answer__query__study=study)
        found = rows.filter(**{f"{field}__isnull": False}).order_by("pk")
        keys.update(dict.fromkeys(found.values_list(field, flat=True)))
    return {key: f"researcher-{number}" for number, key in enumerate(keys, start=1)}


def _with_researchers(
    rows: Iterator[Mapping[str, Any]], *, ids: ImportedIds
) -> Iterator[Mapping[str, Any]]:
    """The rows; each researcher among them becomes a user who can't sign in."""
    known = ids.rows.setdefault(RESEARCHERS, {})
    for values in rows:
        name = values["researcher"]
        if name is not None and name not in known:
            user = User(username=f"imported-{uuid4().hex[:12]}", is_active=False)
            user.set_unusable_password()
            user.save()
            known[name] = user.pk
        yield values


def researcher_cell(meaning: str, *, path: str) -> Cell:
    """The column of the researcher who stands in the field `path`."""
    return cell("researcher", "string", meaning, path=path, lookup=researcher_names)


class ResearchersPart(TablePart[Row]):
    """A table with a column of researchers, as :func:`researcher_cell` gives it."""

    def load(self, *, study: Study, rows: Iterator[Mapping[str, Any]], ids: ImportedIds) -> int:
        """Make the rows; each researcher becomes a user who can't sign in."""
        return super().load(study=study, rows=_with_researchers(rows, ids=ids), ids=ids)
