"""Which answers are correct, reasonable or unreasonable to the jury."""

from collections import Counter
from typing import ClassVar

from annotations.domain.measured import Measured
from annotations.models import Study
from annotations.ports import Figure, SectionContent, Table
from overton.domain.windows import EVERYONE, AnswerVerdict, Verdict
from overton.figures.drawn import Drawn
from overton.figures.places import NumberedAnswer, Panel, places_chart
from overton.figures.windows import (
    SAID_MARKS,
    PlacedAnswer,
    bench_chart,
    overview_svg,
    window_chart,
)
from overton.models import Answer
from overton.selectors.said import StandingAnswer
from overton.selectors.windows import (
    DeclaredRule,
    QueryWindow,
    StudyWindows,
    study_windows,
    windows_fingerprint,
)

# With more queries than this the section shows them all in one; each has a page of its own.
FIGURES = 12
SHOWN_QUERY = 120
Cell = str | int | float | None


class WindowSection:
    """Each query's answers, placed by acceptability and support, with the rule's verdict."""

    key: ClassVar[str] = "windows"
    title: ClassVar[str] = "What the jury finds reasonable"

    def fingerprint(self, *, study: Study) -> str:
        """Changes with every judgement, answer, exclusion and rule."""
        return windows_fingerprint(study=study)

    def build(self, *, study: Study) -> SectionContent:
        """Compute the section from what stands in the database now."""
        found = study_windows(study=study)
        if not found.windows:
            return SectionContent(
                empty_reason="No query of this study has answers to judge. Write the distinct "
                "positions on each query in the admin, or accept what jurors proposed, and add "
                "the judging step to the study."
            )
        if not found.judged:
            return SectionContent(
                notices=_notices(study, found),
                empty_reason=f"{len(found.table.answers)} answers wait to be judged; nobody has "
                "yet. Check that the study has a judging step, and invite the jury.",
            )
        figures = (
            tuple(_figure(found, item) for item in found.windows)
            if len(found.windows) <= FIGURES
            else (_overview(found),)
        )
        return SectionContent(
            summary=_summary(study, found),
            figures=figures,
            tables=(("Every answer and its verdict", _all_answers(found)),),
            notices=_notices(study, found),
        )


def features_with_groups(found: StudyWindows) -> tuple[str, ...]:
    """Features that the rule names and that are known of the jurors who judged."""
    return tuple(name for name in found.rule.features if name in found.table.groups)


def rule_in_words(rule: DeclaredRule) -> str:
    """The rule as a reader needs it beside the verdicts."""
    bounds = rule.thresholds
    who = f"every group by {' and by '.join(rule.features)}" if rule.features else "the whole jury"
    some = "some group" if rule.features else "the whole jury"
    return (
        f"The rule: correct where at least {bounds.correct_share:.0%} of {who} call it correct, or "
        f"reasonable and hold it; reasonable where the lower end of the interval of acceptability "
        f"reaches {bounds.reasonable_share:.0%} in {some}; unreasonable where the upper end stays "
        f"below that everywhere; otherwise undecided. Groups with fewer than "
        f"{bounds.minimum_group_size} verdicts on an answer have no say on it."
    )


def _summary(study: Study, found: StudyWindows) -> tuple[str, ...]:
    counts = Counter(verdict.verdict for item in found.windows for verdict in item.window.answers)
    people = "simulated jurors" if study.is_simulated else "jurors"
    parts = [f"{counts[verdict]} {verdict.value}" for verdict in Verdict if counts[verdict]]
    queries = f"{len(found.windows)} {'query' if len(found.windows) == 1 else 'queries'}"
    counted = (
        f"{len(found.table.jurors)} {people} gave {found.judged:,} verdicts on "
        f"{len(found.table.answers)} answers to {queries}: {', '.join(parts)}."
    )
    return counted, rule_in_words(found.rule)


def _notices(study: Study, found: StudyWindows) -> tuple[str, ...]:
    notices = []
    if found.rule.is_default:
        notices.append(
            "Nobody has declared the rule of this study's windows; the default is used. Declare it "
            "before you read on, so that the thresholds don't follow the result."
        )
    elif not found.rule.features:
        notices.append(
            "The rule names no features whose values are groups, so the jury counts as one group "
            "and a minority's view can pass unseen."
        )
    unknown = [name for name in found.rule.features if name not in found.table.groups]
    if unknown and found.table.jurors:
        notices.append(
            f"The rule names {', '.join(unknown)}, of which nothing is known of these jurors."
        )
    waiting = Answer.objects.filter(query__study=study, state=Answer.State.PROPOSED).count()
    if waiting:
        notices.append(
            f"{waiting} {'view' if waiting == 1 else 'views'} proposed by jurors "
            f"{'waits' if waiting == 1 else 'wait'} for a researcher: accept, merge or reject "
            f"{'it' if waiting == 1 else 'them'} in the admin."
        )
    empty = len(found.table.queries) - len(found.windows)
    if empty:
        notices.append(
            f"{empty} {'query has' if empty == 1 else 'queries have'} no answers to judge and "
            f"{'stands' if empty == 1 else 'stand'} in no window."
        )
    return tuple(notices)


def window_figure(*, found: StudyWindows, item: QueryWindow, key: str, title: str) -> Drawn:
    """One query's answers as a figure with its table."""
    ranked = item.ranked()
    jurors = int((found.table.verdicts[:, list(item.columns)] >= 0).any(axis=1).sum())
    verdicts = sum(v.everyone.judged + v.everyone.cant_say for _, v in ranked)
    bounds = found.rule.thresholds
    return Drawn.of(
        key=key,
        chart=window_chart(
            title=title,
            answers=[PlacedAnswer(text=a.text, verdict=v) for a, v in ranked],
            rule=bounds,
            jurors=jurors,
        ),
        caption="Upper mark: share of the verdicts that call the answer correct or reasonable; its "
        "shape and colour are the rule's verdict. Lower mark: share that holds it. A thin stroke "
        "is one group's share. Those who can't say stand in neither.",
        table=window_table(ranked=ranked),
        finding=_finding(ranked),
        n=f"{jurors} jurors, {verdicts:,} verdicts",
        interval=f"{bounds.confidence:.0%} Wilson",
    )


def places_figure(*, found: StudyWindows, item: QueryWindow, feature: str) -> Drawn:
    """One query's answers on planes: the whole jury's, or one for each value of a feature.

    Args:
        found: the windows.
        item: the query's.
        feature: one that the rule names, or "" for the whole jury.
    """
    ranked = item.ranked()
    names = [group.name for group in item.window.answers[0].groups]
    if feature:
        values, codes = found.table.groups[feature]
        asked = (found.table.verdicts[:, list(item.columns)] >= 0).any(axis=1)
        places = [names.index(f"{feature}: {value}") for value in values]
        panels = [
            Panel(
                name=f"{value} ({int((asked & (codes == number)).sum())} jurors)",
                places=[verdict.groups[place] for _, verdict in ranked],
            )
            for number, (value, place) in enumerate(zip(values, places, strict=True))
        ]
        title = f"Where does each answer stand with each group, by {feature}?"
    else:
        panels = [Panel(name=EVERYONE, places=[verdict.everyone for _, verdict in ranked])]
        title = "Where does each answer stand with the jury?"
    bounds = found.rule.thresholds
    rows: list[tuple[Cell, ...]] = [
        (
            number,
            answer.text,
            verdict.verdict.value,
            panel.name,
            *_three(group.acceptability),
            *_three(group.support),
            group.judged,
            "yes" if group.has_say else "too few",
        )
        for panel in panels
        for number, ((answer, verdict), group) in enumerate(
            zip(ranked, panel.places, strict=True), start=1
        )
    ]
    columns = (
        *("number", "answer", "verdict", "group", "acceptable to", "from", "to"),
        *("held by", "from", "to", "verdicts", "has a say"),
    )
    return Drawn.of(
        key="places",
        chart=places_chart(
            title=title,
            answers=[
                NumberedAnswer(number=number, text=answer.text, verdict=verdict.verdict)
                for number, (answer, verdict) in enumerate(ranked, start=1)
            ],
            panels=panels,
            rule=bounds,
        ),
        caption="Further right: more find it acceptable. Further up: more hold it. Shape and "
        "colour are the rule's verdict over all groups; small marks are of a group with too few "
        "verdicts to have a say. Correct is decided by how many call an answer correct, or "
        "reasonable and hold it, so a mark beyond that line need not be correct.",
        table=Table(
            columns=columns,
            rows=tuple(rows),
            numeric=frozenset({0, *range(4, 11)}),
            caption="Each answer's acceptability and support; shares between 0 and 1",
        ),
        finding=_finding(ranked),
        n=f"{sum(v.everyone.judged + v.everyone.cant_say for _, v in ranked):,} verdicts",
        interval=f"{bounds.confidence:.0%} Wilson",
    )


def bench_figure(*, found: StudyWindows, item: QueryWindow) -> Drawn:
    """Each juror's own verdict on each answer of one query, with the counts as its table."""
    title = "Who says what?"
    ranked = item.ranked()
    place = {answer.pk: column for answer, column in zip(item.answers, item.columns, strict=True)}
    columns = [place[answer.pk] for answer, _ in ranked]
    asked = (found.table.verdicts[:, columns] >= 0).any(axis=1)
    verdicts = found.table.verdicts[asked][:, columns]
    holds = found.table.holds[asked][:, columns]
    rows: list[tuple[Cell, ...]] = [
        (
            answer.text,
            *(int((verdicts[:, column] == code).sum()) for code in SAID_MARKS),
            int((holds[:, column] == 1).sum()),
        )
        for column, (answer, _) in enumerate(ranked)
    ]
    return Drawn.of(
        key="bench",
        chart=bench_chart(
            title=title, answers=[a.text for a, _ in ranked], verdicts=verdicts, holds=holds
        ),
        caption="One mark per juror, who keeps her column in every row; jurors stand in the order "
        "of what they say of the first answer, then of the second, and so on.",
        table=Table(
            columns=("answer", *(words for words, _, _ in SAID_MARKS.values()), "hold it"),
            rows=tuple(rows),
            numeric=frozenset(range(1, 2 + len(SAID_MARKS))),
            caption="How many jurors say what of each answer",
        ),
        n=f"{int(asked.sum())} jurors",
    )


def group_table(*, verdict: AnswerVerdict) -> Table:
    """One answer, group by group: shares with their intervals."""
    rows: list[tuple[Cell, ...]] = [
        (
            group.name,
            group.judged,
            group.cant_say,
            *_three(group.acceptability),
            *_three(group.correctness),
            *_three(group.support),
            "yes" if group.has_say else "too few",
        )
        for group in (verdict.everyone, *verdict.groups)
    ]
    columns = (
        *("group", "verdicts", "can’t say", "acceptable to", "from", "to"),
        *("affirmed by", "from", "to", "held by", "from", "to", "has a say"),
    )
    return Table(
        columns=columns,
        rows=tuple(rows),
        numeric=frozenset(range(1, len(columns) - 1)),
        caption="The answer by group; shares between 0 and 1 with their intervals",
    )


def _three(measured: Measured) -> tuple[Cell, Cell, Cell]:
    return measured.value, measured.low, measured.high


def _figure(found: StudyWindows, item: QueryWindow) -> Figure:
    return window_figure(
        found=found,
        item=item,
        key=f"query-{found.table.queries.index(item.query) + 1}",
        title=_shortened(item.query.text),
    ).figure


def _shortened(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= SHOWN_QUERY else f"{line[: SHOWN_QUERY - 2].rstrip()} …"


def _finding(ranked: list[tuple[StandingAnswer, AnswerVerdict]]) -> str:
    counts = Counter(verdict.verdict for _, verdict in ranked)
    parts = [f"{counts[verdict]} {verdict.value}" for verdict in Verdict if counts[verdict]]
    held = [
        (verdict.everyone.support, answer)
        for answer, verdict in ranked
        if verdict.everyone.support.value is not None
    ]
    text = f"Of {len(ranked)} answers: {', '.join(parts)}."
    if held:
        most, answer = max(held, key=lambda pair: (pair[0].value or 0.0, -pair[1].pk))
        text += (
            f" Most widely held, by {most.value:.0%} ({most.low:.0%} to {most.high:.0%}): "
            f"“{_shortened(answer.text)}”"
        )
    return text


def window_table(*, ranked: list[tuple[StandingAnswer, AnswerVerdict]]) -> Table:
    """Each answer's verdict and shares, and its acceptability in each group."""
    groups = [group.name for group in ranked[0][1].groups] if ranked else []
    rows: list[tuple[Cell, ...]] = []
    for answer, verdict in ranked:
        everyone = verdict.everyone
        rows.append(
            (
                answer.text,
                verdict.verdict.value,
                verdict.reason,
                everyone.judged,
                everyone.cant_say,
                everyone.acceptability.value,
                everyone.acceptability.low,
                everyone.acceptability.high,
                everyone.support.value,
                everyone.support.low,
                everyone.support.high,
                *(group.acceptability.value if group.has_say else None for group in verdict.groups),
            )
        )
    columns = (
        *("answer", "verdict", "why", "verdicts", "can’t say"),
        *("acceptable to", "from", "to", "held by", "from", "to"),
        *(f"acceptable to {name}" for name in groups),
    )
    return Table(
        columns=columns,
        rows=tuple(rows),
        numeric=frozenset(range(3, len(columns))),
        caption="Answers by acceptability; shares between 0 and 1, empty where a group is too "
        "small to have a say",
    )


def _all_answers(found: StudyWindows) -> Table:
    rows = [
        (
            _shortened(item.query.text),
            answer.text,
            verdict.verdict.value,
            answer.exclusion or verdict.reason,
            verdict.everyone.judged,
            verdict.everyone.acceptability.value,
            verdict.everyone.support.value,
            answer.merged,
        )
        for item in found.windows
        for answer, verdict in item.ranked()
    ]
    return Table(
        columns=(
            *("query", "answer", "verdict", "why", "verdicts"),
            *("acceptable to", "held by", "merged into it"),
        ),
        rows=tuple(rows),
        numeric=frozenset({4, 5, 6, 7}),
        caption="Every answer, by query and acceptability; shares between 0 and 1",
    )


def _overview(found: StudyWindows) -> Figure:
    rows = [
        (
            _shortened(item.query.text),
            [
                (verdict.everyone.acceptability.value, verdict.verdict)
                for verdict in item.window.answers
                if verdict.everyone.acceptability.value is not None
            ],
        )
        for item in found.windows
    ]
    bounds = found.rule.thresholds
    return Figure(
        key="all",
        title="Which answers does the jury accept, query by query?",
        svg=overview_svg(
            title="Which answers does the jury accept, query by query?", rows=rows, rule=bounds
        ),
        caption="One mark per answer, at the share of verdicts that call it correct or reasonable; "
        "its shape and colour are the rule's verdict. Each query's page has the intervals.",
        table=_all_answers(found),
        n=f"{len(found.table.jurors)} jurors, {found.judged:,} verdicts",
        interval="on each query's page",
    )
