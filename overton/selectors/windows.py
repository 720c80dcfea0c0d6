"""A study's windows: the declared rule applied to what the jury said."""

import hashlib
import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from django.db.models import Count, Max

from annotations.domain.measured import Measured
from annotations.models import Query, Study
from overton.domain.windows import (
    AnswerVerdict,
    Group,
    GroupVerdict,
    Verdict,
    Window,
    compute_window,
)
from overton.domain.windows import WindowRule as Rule
from overton.models import Answer, Judgement, WindowRule, WindowSnapshot
from overton.selectors.said import (
    AskedQuery,
    JudgementTable,
    StandingAnswer,
    asked_queries,
    judgement_table,
)

# Up to so many verdicts, windows are computed while a page loads; beyond it in a Run.
QUICK = 20_000


@dataclass(frozen=True)
class DeclaredRule:
    """A study's rule: thresholds, and the features whose values are groups.

    `is_default` is true where nobody has declared one.
    """

    thresholds: Rule
    features: tuple[str, ...]
    is_default: bool

    def as_json(self) -> dict[str, Any]:
        """The rule as it stands in a snapshot."""
        return {
            "correct_share": self.thresholds.correct_share,
            "reasonable_share": self.thresholds.reasonable_share,
            "confidence": self.thresholds.confidence,
            "group_minimum": self.thresholds.minimum_group_size,
            "group_features": list(self.features),
            "is_default": self.is_default,
        }


@dataclass(frozen=True)
class QueryWindow:
    """One query's answers with the rule's verdicts.

    Attributes:
        query: the query.
        answers: its standing answers.
        columns: their places in the table.
        window: their verdicts, in the same order.
    """

    query: AskedQuery
    answers: tuple[StandingAnswer, ...]
    columns: tuple[int, ...]
    window: Window

    def ranked(self) -> list[tuple[StandingAnswer, AnswerVerdict]]:
        """Answers with their verdicts, the most acceptable first, those without a verdict last."""
        pairs = list(zip(self.answers, self.window.answers, strict=True))
        return sorted(
            pairs,
            key=lambda pair: (
                -1.0
                if pair[1].everyone.acceptability.value is None
                else pair[1].everyone.acceptability.value,
                pair[1].everyone.support.value or 0.0,
                -pair[0].pk,
            ),
            reverse=True,
        )


@dataclass(frozen=True)
class StudyWindows:
    """The windows of a study as things stand."""

    rule: DeclaredRule
    table: JudgementTable
    windows: tuple[QueryWindow, ...]

    @property
    def judged(self) -> int:
        """How many verdicts there are, "can't say" among them."""
        return int((self.table.verdicts >= 0).sum())


def declared_rule(*, study: Study) -> DeclaredRule:
    """The study's rule, or the default one."""
    row = WindowRule.objects.filter(study=study).first()
    rule = row or WindowRule(study=study)
    return DeclaredRule(
        thresholds=Rule(
            correct_share=rule.correct_share,
            reasonable_share=rule.reasonable_share,
            confidence=rule.confidence,
            minimum_group_size=max(1, rule.group_minimum),
        ),
        features=tuple(rule.group_features),
        is_default=row is None,
    )


def declared_groups(*, table: JudgementTable, features: Sequence[str]) -> list[Group]:
    """The jurors of each value of each declared feature, in the pool's order."""
    return [
        Group(name=f"{feature}: {value}", members=codes == place)
        for feature, (values, codes) in table.groups.items()
        if feature in features
        for place, value in enumerate(values)
    ]


def study_windows(*, study: Study, query: Query | None = None) -> StudyWindows:
    """The windows of a study's queries, or of one; queries without answers are left out."""
    rule = declared_rule(study=study)
    table = judgement_table(study=study, query=query)
    groups = declared_groups(table=table, features=rule.features)
    by_query: dict[int, list[int]] = {}
    for column, answer in enumerate(table.answers):
        by_query.setdefault(answer.query, []).append(column)
    windows = []
    for place, columns in sorted(by_query.items()):
        answers = tuple(table.answers[column] for column in columns)
        windows.append(
            QueryWindow(
                query=table.queries[place],
                answers=answers,
                columns=tuple(columns),
                window=compute_window(
                    judgements=table.verdicts[:, columns],
                    holds=table.holds[:, columns],
                    groups=groups,
                    rule=rule.thresholds,
                    exclusions={
                        number: answer.exclusion
                        for number, answer in enumerate(answers)
                        if answer.exclusion
                    },
                ),
            )
        )
    return StudyWindows(rule=rule, table=table, windows=tuple(windows))


def digest_of(*, found: StudyWindows) -> str:
    """SHA-256 of the rule and of everything that was said; equal inputs have equal digests."""
    digest = hashlib.sha256(json.dumps(found.rule.as_json(), sort_keys=True).encode())
    table = found.table
    order = np.argsort([juror.hex for juror in table.jurors])
    columns = sorted(range(len(table.answers)), key=lambda c: table.answers[c].public_id.hex)
    for column in columns:
        answer = table.answers[column]
        digest.update(f"\n{answer.public_id.hex} {answer.text!r} {answer.exclusion!r}\n".encode())
        for juror in order:
            code = int(table.verdicts[juror, column])
            if code >= 0:
                held = table.holds[juror, column]
                word = "?" if np.isnan(held) else str(int(held))
                digest.update(f"{table.jurors[juror].hex} {code} {word}\n".encode())
    for name, (values, codes) in table.groups.items():
        if name in found.rule.features:
            people = sorted(zip((j.hex for j in table.jurors), codes.tolist(), strict=True))
            digest.update(json.dumps([name, list(values), people]).encode())
    return digest.hexdigest()


def result_of(*, found: StudyWindows) -> dict[str, Any]:
    """The windows as JSON, for a snapshot: every answer's verdict, shares and intervals."""
    return {
        "jurors": len(found.table.jurors),
        "simulated_jurors": found.table.simulated,
        "queries": [
            {
                "query": str(item.query.public_id),
                "text": item.query.text,
                "answers": [
                    {
                        "answer": str(answer.public_id),
                        "text": answer.text,
                        "verdict": verdict.verdict.value,
                        "reason": verdict.reason,
                        "everyone": _group_json(verdict.everyone),
                        "groups": [_group_json(group) for group in verdict.groups],
                    }
                    for answer, verdict in zip(item.answers, item.window.answers, strict=True)
                ],
            }
            for item in found.windows
        ],
    }


def _group_json(group: GroupVerdict) -> dict[str, Any]:
    return {
        "name": group.name,
        "judged": group.judged,
        "cant_say": group.cant_say,
        "has_say": group.has_say,
        "acceptability": _measured_json(group.acceptability),
        "correctness": _measured_json(group.correctness),
        "support": _measured_json(group.support),
    }


def _measured_json(measured: Measured) -> dict[str, Any]:
    return {
        "value": measured.value,
        "low": measured.low,
        "high": measured.high,
        "n": measured.count,
        "reason": measured.reason,
    }


def newest_snapshots(*, study: Study, limit: int = 20) -> list[WindowSnapshot]:
    """The study's newest snapshots, without their results."""
    return list(
        WindowSnapshot.objects.filter(study=study)
        .defer("result")
        .order_by("-created_at", "-id")[:limit]
    )


@dataclass(frozen=True)
class WindowRow:
    """A query in the list of windows.

    Attributes:
        query: the query.
        answers: how many are put to the jury.
        verdicts: how many current verdicts jurors gave on its answers.
        counts: (verdict of the rule, how many answers), only those that occur; None where the
            study is too large to apply the rule while a page is loading.
    """

    query: AskedQuery
    answers: int
    verdicts: int
    counts: tuple[tuple[str, int], ...] | None


def is_quick(*, study: Study) -> bool:
    """The study's windows can be computed while somebody waits: up to 20,000 verdicts."""
    said = Judgement.objects.filter(answer__query__study=study, is_current=True)
    return said[: QUICK + 1].count() <= QUICK


def window_list(*, study: Study) -> list[WindowRow]:
    """Every query of the study, also those without answers."""
    queries = asked_queries(study=study)
    answers = dict(
        Answer.objects.filter(query__study=study, state=Answer.State.ACCEPTED)
        .order_by()
        .values_list("query_id")
        .annotate(number=Count("id"))
    )
    verdicts = dict(
        Judgement.objects.filter(answer__query__study=study, is_current=True)
        .order_by()
        .values_list("answer__query_id")
        .annotate(number=Count("id"))
    )
    by_query: dict[int, Counter[Verdict]] | None = None
    if sum(verdicts.values()) <= QUICK:
        by_query = {
            item.query.pk: Counter(answer.verdict for answer in item.window.answers)
            for item in study_windows(study=study).windows
        }
    return [
        WindowRow(
            query=query,
            answers=answers.get(query.pk, 0),
            verdicts=verdicts.get(query.pk, 0),
            counts=None
            if by_query is None
            else tuple(
                (verdict.value, counts[verdict])
                for counts in (by_query.get(query.pk, Counter()),)
                for verdict in Verdict
                if counts[verdict]
            ),
        )
        for query in queries
    ]


def windows_fingerprint(*, study: Study) -> str:
    """Changes with every judgement, answer, exclusion, rule and group; a handful of counts."""
    said = Judgement.objects.filter(answer__query__study=study).aggregate(
        number=Count("id"), newest=Max("id")
    )
    answers = list(
        Answer.objects.filter(query__study=study)
        .order_by("id")
        .values_list("id", "state", "merged_into", "text", "exclusion__reason")
    )
    rule = declared_rule(study=study).as_json()
    asked = Query.objects.filter(study=study).aggregate(number=Count("id"), newest=Max("id"))
    content = json.dumps([said, answers, rule, asked], sort_keys=True)
    return hashlib.sha256(content.encode()).hexdigest()
