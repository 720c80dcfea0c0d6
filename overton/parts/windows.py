"""Windows of the answers, and the rule that they follow."""

from collections.abc import Mapping
from typing import ClassVar

from django.db.models import QuerySet

from annotations.models import Study
from annotations.parts.base import BundleRow, TablePart, cell
from annotations.ports import ExportOptions
from overton.models import WindowRule, WindowSnapshot


class WindowRulePart(TablePart[WindowRule]):
    """The declared rule of the windows."""

    name = "window_rule"
    meaning = "When an answer counts as correct, reasonable or unreasonable; at most one row."
    model = WindowRule
    cells = (
        cell("correct_share", "float", "share, in every group, from which it is correct"),
        cell("reasonable_share", "float", "share of some group from which it is reasonable"),
        cell("confidence", "float", "level of the interval"),
        cell("group_minimum", "integer", "smaller groups are not looked at"),
        cell("group_features", "json", "traits whose values are groups"),
    )

    def rows(self, *, study: Study, options: ExportOptions, using: str) -> QuerySet[WindowRule]:
        """The study's rule, if one was declared."""
        return WindowRule.objects.using(using).filter(study=study)

    def build(self, *, row: BundleRow, study: Study) -> WindowRule:
        """The rule."""
        return WindowRule(
            study=study,
            correct_share=row.given("correct_share"),
            reasonable_share=row.given("reasonable_share"),
            confidence=row.given("confidence"),
            group_minimum=row.count("group_minimum"),
            group_features=row.given("group_features"),
        )


class WindowsPart(TablePart[WindowSnapshot]):
    """The windows as they were computed, each from the judgements of one moment."""

    name = "windows"
    meaning = "Windows as computed at a moment: rule, result, digest of the judgements."
    model = WindowSnapshot
    dated: ClassVar[Mapping[str, str]] = {"created_at": "created_at"}
    cells = (
        cell("window", "string", "random id of the snapshot", path="public_id", is_uuid=True),
        cell("rule", "json", "the rule that was applied"),
        cell("result", "json", "the windows of each query with support and intervals"),
        cell("input_digest", "string", "SHA-256 of the judgements"),
        cell("software_version", "string", "what computed it"),
        cell("stale_since", "timestamp", "a juror has since withdrawn what it used"),
        cell("created_at", "timestamp", "when it was computed"),
    )

    def rows(self, *, study: Study, options: ExportOptions, using: str) -> QuerySet[WindowSnapshot]:
        """The study's snapshots; stale ones hold what was withdrawn and are left out.

        None where small cells are suppressed: they count the verdicts of groups.
        """
        found = WindowSnapshot.objects.using(using).filter(study=study, stale_since__isnull=True)
        return found.none() if options.suppress_below > 1 else found.order_by("pk")

    def build(self, *, row: BundleRow, study: Study) -> WindowSnapshot:
        """One snapshot."""
        return WindowSnapshot(
            public_id=row.public_id("window"),
            study=study,
            rule=row.given("rule"),
            result=row.given("result"),
            input_digest=row.given("input_digest"),
            software_version=row.given("software_version"),
            stale_since=row["stale_since"],
        )
