"""Definitions 9 and 10: how near models' answers come to those of groups of people."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from math import isinf

import numpy as np
from numpy.typing import NDArray

from annotations.domain.measured import Measured
from models_runner.domain.benchmark_definition import (
    DistributionalDefinition,
    InvalidDefinition,
    Measuring,
    People,
)
from models_runner.domain.benchmark_files.people import PeopleFile, PeopleQuestion
from models_runner.domain.benchmark_files.results import Plain, plain_number
from models_runner.domain.benchmark_report.numbers import Number, Section
from models_runner.domain.distributional.alignment import AlignmentTable, compare_alignment
from models_runner.domain.distributional.comparison import (
    Comparison,
    ComparisonPlan,
    MeasureName,
    compare_tables,
)
from models_runner.domain.distributional.modes import TieRule
from models_runner.domain.distributional.table import AnswerTable, MatchedTables, match_tables
from models_runner.domain.distributional.tetrachoric import (
    PairedCounts,
    tetrachoric_correlation,
)
from models_runner.domain.elicitation import ElicitationMode
from models_runner.services.benchmarks.asking import Asker
from models_runner.services.benchmarks.eliciting import AskedQuestion, Elicited, elicit

MOST_GROUPS_CROSSED = 6

FloatArray = NDArray[np.float64]

NAMES: Mapping[MeasureName, str] = {
    MeasureName.JS_DISTANCE_BITS: "Jensen-Shannon distance (base 2)",
    MeasureName.JS_DISTANCE_NATS: "Jensen-Shannon distance (base e)",
    MeasureName.JS_DIVERGENCE_BITS: "Jensen-Shannon divergence (bits)",
    MeasureName.JS_DIVERGENCE_NATS: "Jensen-Shannon divergence (nats)",
    MeasureName.KL_HUMAN_MODEL: "KL divergence, people from model (nats)",
    MeasureName.KL_MODEL_HUMAN: "KL divergence, model from people (nats)",
    MeasureName.TOTAL_VARIATION: "total variation",
    MeasureName.WASSERSTEIN: "Wasserstein-1 on the codes",
    MeasureName.WASSERSTEIN_NORMALISED: "Wasserstein-1, of the largest possible",
    MeasureName.REPRESENTATIVENESS: "representativeness (1 - normalised Wasserstein-1)",
    MeasureName.REFUSED_HUMAN: "share of people who refused",
    MeasureName.REFUSED_MODEL: "share of the model's answers that refuse",
    MeasureName.MODE_ACCURACY: "accuracy of the most frequent answer",
    MeasureName.ENTROPY_HUMAN: "entropy of people (nats)",
    MeasureName.ENTROPY_MODEL: "entropy of the model (nats)",
    MeasureName.SHUFFLED: "JS distance (base 2) with the model's options shuffled",
    MeasureName.NOISE_FLOOR: "noise floor of the JS divergence (nats)",
}
SECTION_OF = {
    MeasureName.ENTROPY_HUMAN: "variety",
    MeasureName.ENTROPY_MODEL: "variety",
    MeasureName.SHUFFLED: "controls",
    MeasureName.NOISE_FLOOR: "controls",
}
TETRACHORIC = "tetrachoric correlation of the more frequent answers, questions with two options"
DIAGNOSTICS = {
    "letter_mass": "probability that the next token is a letter",
    "silent": "share of prompts after which no letter had any probability",
    "spread": "total variation between prompts",
    "order_sensitivity": "total variation between orders of the options",
    "unparsed": "share of completions that name no option",
    "stated_sum": "sum of the stated percentages, as a share",
}
ANSWERED = "questions with a distribution"

SECTIONS = (
    Section(
        "distance",
        "How far are the models from the people?",
        "Means over questions. 0 is the same distribution; the most that a JS distance to base 2,"
        " a total variation or a normalised Wasserstein-1 can be is 1.",
    ),
    Section(
        "variety",
        "How varied are the answers?",
        "Means over questions of the Shannon entropy. A model below the people flattens them.",
    ),
    Section(
        "controls",
        "What would chance give?",
        "Shuffled: the same distances with the model's probabilities dealt to the options at"
        " random; the variety stays the same and the agreement goes. Noise floor: the divergence"
        " that samples of this size show though both come from one distribution.",
    ),
    Section(
        "asking",
        "How were the answers drawn out?",
        "Little probability on letters means that the distribution rests on little; a large spread"
        " between prompts or orders means that it hangs on the wording.",
    ),
    Section("people", "How far are the groups from each other?", "Means over shared questions."),
    Section(
        "aligned",
        "What did aligning change?",
        "The aligned model less the one it was made from, paired by question; above 0 is farther"
        " from the people, or more varied.",
    ),
)


@dataclass(frozen=True, slots=True)
class Participant:
    """A model that takes part, under the name that the report gives it."""

    name: str
    asker: Asker


@dataclass(frozen=True, slots=True, eq=False)
class Compared:
    """One model, mode and group."""

    model: str
    mode: ElicitationMode
    group: str
    tables: MatchedTables
    comparison: Comparison

    @property
    def labels(self) -> dict[str, str]:
        """As the report labels its numbers."""
        return {"model": self.model, "group": self.group, "mode": str(self.mode)}


@dataclass(frozen=True, slots=True, eq=False)
class DistributionalResult:
    """What a distributional benchmark found, before it is put into a report."""

    compared: tuple[Compared, ...]
    aligned: tuple[tuple[str, str, str, ElicitationMode, AlignmentTable], ...]
    numbers: tuple[Number, ...]
    notes: tuple[str, ...]
    details: Plain


def chosen_people(people: PeopleFile, wanted: People, *, most: int) -> PeopleFile:
    """The declared groups, without answers of too few people, on the first `most` questions.

    Raises:
        InvalidDefinition: a group that is not in the file, or nothing is left.
    """
    unknown = [group for group in wanted.groups if group not in people.groups]
    if unknown:
        there = ", ".join(people.groups[:12]) + (" ..." if len(people.groups) > 12 else "")
        raise InvalidDefinition(f"There is no group {unknown[0]!r}. There are: {there}.")
    kept = []
    for question in people.questions:
        groups = {
            group: numbers
            for group, numbers in question.groups.items()
            if (not wanted.groups or group in wanted.groups)
            and (group not in question.counts or sum(numbers) >= wanted.least)
        }
        if groups:
            kept.append(
                PeopleQuestion(
                    key=question.key,
                    text=question.text,
                    options=question.options,
                    groups=groups,
                    counts=question.counts & set(groups),
                    codes=question.codes,
                )
            )
    if not kept:
        raise InvalidDefinition(
            "No question is left: nobody answered, or fewer people than a group needs to count"
            f" ({wanted.least})."
        )
    return PeopleFile(questions=tuple(kept[:most] if most else kept), left_out=people.left_out)


def to_ask(people: PeopleFile) -> list[AskedQuestion]:
    """The questions as models are asked them."""
    return [AskedQuestion(q.key, q.text, q.options) for q in people.questions]


def group_table(people: PeopleFile, group: str, *, respondents: float | None) -> AnswerTable:
    """A group's answers; `respondents` stand behind each of its probabilities, where known."""
    own = [question for question in people.questions if group in question.groups]
    shares = np.zeros((len(own), max(len(question.options) for question in own)))
    behind = np.full(len(own), np.nan if respondents is None else respondents)
    for row, question in enumerate(own):
        numbers = np.array(question.groups[group])
        shares[row, : len(numbers)] = numbers / numbers.sum()
        if group in question.counts:
            behind[row] = numbers.sum()
    return AnswerTable(
        questions=tuple(question.key for question in own),
        options=tuple(question.options for question in own),
        probabilities=shares,
        respondents=behind,
    )


def elicited_table(
    questions: Sequence[AskedQuestion], answers: Sequence[Elicited]
) -> AnswerTable | None:
    """A model's distributions where it has any; None where it has none at all."""
    own = [(q, a) for q, a in zip(questions, answers, strict=True) if a.probabilities is not None]
    if not own:
        return None
    shares = np.zeros((len(own), max(len(question.options) for question, _ in own)))
    for row, (question, answer) in enumerate(own):
        shares[row, : len(question.options)] = answer.probabilities
    return AnswerTable(
        questions=tuple(question.key for question, _ in own),
        options=tuple(question.options for question, _ in own),
        probabilities=shares,
        respondents=np.array(
            [np.nan if answer.samples is None else answer.samples for _, answer in own],
            dtype=np.float64,
        ),
    )


def option_codes(
    people: PeopleFile, tables: MatchedTables, measuring: Measuring
) -> FloatArray | None:
    """Places of the options on their scales, NaN for refusals; None without an order.

    A file's codes; otherwise 1, 2, 3 in the order of the options that are no refusals. A question
    with fewer than two places has none.
    """
    if not measuring.ordinal:
        return None
    given = {question.key: question.codes for question in people.questions}
    places = np.full(tables.human.probabilities.shape, np.nan)
    refusals = {text.strip().casefold() for text in measuring.refusals}
    for row, (key, options) in enumerate(
        zip(tables.human.questions, tables.human.options, strict=True)
    ):
        codes = given.get(key, ())
        following = 0
        for column, name in enumerate(options):
            if name.casefold() in refusals:
                continue
            following += 1
            code = codes[column] if codes else float(following)
            places[row, column] = np.nan if code is None else code
        if len(np.unique(places[row][~np.isnan(places[row])])) < 2:
            places[row] = np.nan
    return places


def measure_distributional(
    *,
    people: PeopleFile,
    definition: DistributionalDefinition,
    participants: Iterable[Participant],
    pairs: Sequence[tuple[str, str]] = (),
) -> DistributionalResult:
    """Ask every model, and set its answers beside those of each group.

    Args:
        people: as `chosen_people` gives it.
        definition: what was declared.
        participants: the models, in the report's order; each is asked before the next is taken.
        pairs: names of a base model and of one that was aligned from it.

    Raises:
        AskingStopped: a model can't be asked.
        AnswersMissing: some requests failed for good.
        InvalidPrompt: a question that no prompt can be made of.
        InvalidDistribution, InvalidDefinition: nothing can be compared.
    """
    questions = to_ask(people)
    plan = ComparisonPlan(
        smoothing=definition.measuring.smoothing,
        ties=TieRule(definition.measuring.ties),
        seed=definition.asking.seed,
        bootstraps=definition.measuring.bootstraps,
    )
    elicited = _ask_all(questions, definition, participants)
    groups = people.groups
    compared, numbers, notes = [], [], [f"Left out: {text}" for text in people.left_out]
    for (model, mode), answers in elicited.items():
        labels = {"model": model, "group": "", "mode": str(mode)}
        numbers += _asking_numbers(answers, labels)
        table = elicited_table(questions, answers)
        notes += _unanswered(model, mode, answers)
        if table is None:
            continue
        for group in groups:
            one = _compare(people, group, table, definition, plan, model=model, mode=mode)
            if one is None:
                notes.append(f"{model} answered no question that {group} answered.")
                continue
            compared.append(one)
            numbers += _comparison_numbers(one)
    if not compared:
        raise InvalidDefinition(
            "No model gave a distribution for any question. " + " ".join(notes[:3])
        )
    numbers += _between_groups(people, definition, plan)
    aligned = _aligned(compared, pairs, plan)
    for before, after, group, mode, table_of in aligned:
        numbers += _aligned_numbers(before, after, group, mode, table_of, plan)
    return DistributionalResult(
        compared=tuple(compared),
        aligned=tuple(aligned),
        numbers=tuple(numbers),
        notes=tuple(notes),
        details=_details(people, questions, elicited, compared),
    )


def _ask_all(
    questions: Sequence[AskedQuestion],
    definition: DistributionalDefinition,
    participants: Iterable[Participant],
) -> dict[tuple[str, ElicitationMode], list[Elicited]]:
    """Every model in every mode, one model after the other."""
    found = {}
    for participant in participants:
        for text in definition.modes:
            mode = ElicitationMode(text)
            found[participant.name, mode] = elicit(
                asker=participant.asker,
                questions=questions,
                mode=mode,
                asking=definition.asking,
            )
        participant.asker.raise_if_missing(of=participant.name)
    return found


def _compare(
    people: PeopleFile,
    group: str,
    table: AnswerTable,
    definition: DistributionalDefinition,
    plan: ComparisonPlan,
    *,
    model: str,
    mode: ElicitationMode,
) -> Compared | None:
    human = group_table(people, group, respondents=definition.people.respondents)
    if not set(human.questions) & set(table.questions):
        return None
    tables = match_tables(human=human, model=table, common_only=True)
    comparison = compare_tables(
        tables=tables, plan=plan, codes=option_codes(people, tables, definition.measuring)
    )
    return Compared(model=model, mode=mode, group=group, tables=tables, comparison=comparison)


def _comparison_numbers(one: Compared) -> list[Number]:
    plan = one.comparison.plan
    numbers = []
    for found in one.comparison.measures:
        low = high = None
        method = "mean over questions"
        if found.intervals is not None:
            low, high = found.intervals.over_both.low, found.intervals.over_both.high
            over = (
                "questions"
                if found.intervals.over_respondents.reason
                else "respondents, then questions"
            )
            if low is not None:
                method += (
                    f"; {plan.confidence:.0%} bootstrap over {over}, {plan.bootstraps:,} times"
                )
        count = int((~np.isnan(found.values)).sum())
        if found.name in (MeasureName.KL_HUMAN_MODEL, MeasureName.KL_MODEL_HUMAN):
            method += f"; smoothing {plan.smoothing:g}"
        if found.name is MeasureName.SHUFFLED:
            method += f"; all orders of up to 6 options, else {plan.draws} drawn"
        reason = found.reason
        if found.infinite:
            reason = f"∞ in {found.infinite} of {count} questions; smoothing makes it finite"
        numbers.append(
            Number(
                section=SECTION_OF.get(found.name, "distance"),
                row=NAMES[found.name],
                labels=one.labels,
                value=found.mean,
                low=None if low is None or isinf(low) else low,
                high=None if high is None or isinf(high) else high,
                reason=reason,
                count=count,
                method=method,
            )
        )
    numbers.append(
        Number.of(
            "distance",
            TETRACHORIC,
            one.labels,
            _tetrachoric(one.tables),
            "maximum likelihood over questions, people's majority with the model's",
        )
    )
    return numbers


def _tetrachoric(tables: MatchedTables) -> Measured:
    """Does the model lean the way the people lean, over questions with two options?"""
    two = tables.human.sizes == 2
    human, model = tables.human.probabilities[two, 0], tables.model.probabilities[two, 0]
    said = (human != 0.5) & (model != 0.5)
    first, second = human[said] > 0.5, model[said] > 0.5
    if not said.any():
        return Measured.missing("No question has two options and a majority on both sides.")
    counts = PairedCounts(
        both=float((first & second).sum()),
        first_only=float((first & ~second).sum()),
        second_only=float((~first & second).sum()),
        neither=float((~first & ~second).sum()),
    )
    return tetrachoric_correlation(counts)


def _asking_numbers(answers: Sequence[Elicited], labels: Mapping[str, str]) -> list[Number]:
    answered = sum(answer.probabilities is not None for answer in answers)
    numbers = [
        Number(
            section="asking",
            row=ANSWERED,
            labels=dict(labels),
            value=float(answered),
            count=len(answers),
            method=f"of {len(answers)} that were asked",
        )
    ]
    for key, name in DIAGNOSTICS.items():
        values = [answer.diagnostics[key] for answer in answers if key in answer.diagnostics]
        if not values:
            continue
        numbers.append(
            Number(
                section="asking",
                row=name,
                labels=dict(labels),
                value=float(np.mean(values)),
                low=float(np.min(values)),
                high=float(np.max(values)),
                count=len(values),
                method="mean over questions, with the smallest and largest",
            )
        )
    return numbers


def _unanswered(model: str, mode: ElicitationMode, answers: Sequence[Elicited]) -> list[str]:
    silent = [answer for answer in answers if answer.probabilities is None]
    if not silent:
        return []
    reasons = dict.fromkeys(answer.reason for answer in silent)
    told = " ".join(list(reasons)[:3])
    counts = f"{len(silent)} of {len(answers)} questions"
    return [f"{model}, {mode}: {counts} have no distribution and stand in no number. {told}"]


def _between_groups(
    people: PeopleFile, definition: DistributionalDefinition, plan: ComparisonPlan
) -> list[Number]:
    """Groups against each other, for the few with the most questions."""
    numbers = []
    for one, other in combinations(people.groups[:MOST_GROUPS_CROSSED], 2):
        tables = [
            group_table(people, group, respondents=definition.people.respondents)
            for group in (one, other)
        ]
        if not set(tables[0].questions) & set(tables[1].questions):
            continue
        matched = match_tables(human=tables[0], model=tables[1], common_only=True)
        found = compare_tables(
            tables=matched, plan=plan, codes=option_codes(people, matched, definition.measuring)
        )
        pair = Compared("", ElicitationMode.SAMPLED, f"{one} – {other}", matched, found)
        wanted = (
            NAMES[MeasureName.JS_DISTANCE_BITS],
            NAMES[MeasureName.TOTAL_VARIATION],
            NAMES[MeasureName.NOISE_FLOOR],
        )
        numbers += [
            Number(
                section="people",
                row=number.row,
                labels={"group": pair.group},
                value=number.value,
                low=number.low,
                high=number.high,
                reason=number.reason,
                count=number.count,
                method=number.method,
            )
            for number in _comparison_numbers(pair)
            if number.row in wanted
        ]
    return numbers


def _aligned(
    compared: Sequence[Compared], pairs: Sequence[tuple[str, str]], plan: ComparisonPlan
) -> list[tuple[str, str, str, ElicitationMode, AlignmentTable]]:
    """Pairs on the questions that both models answered."""
    found = []
    at = {(one.model, one.mode, one.group): one for one in compared}
    for before, after in pairs:
        for (model, mode, group), first in at.items():
            second = at.get((after, mode, group))
            if model != before or second is None:
                continue
            common = set(first.tables.human.questions) & set(second.tables.human.questions)
            if not common:
                continue
            sides = [_on_questions(side, common, plan) for side in (first, second)]
            found.append(
                (
                    before,
                    after,
                    group,
                    mode,
                    compare_alignment(
                        before=sides[0],
                        after=sides[1],
                        seed=plan.seed,
                        bootstraps=max(plan.bootstraps, 1),
                        confidence=plan.confidence,
                    ),
                )
            )
    return found


def _on_questions(one: Compared, common: set[str], plan: ComparisonPlan) -> Comparison:
    """The comparison on these questions alone, without intervals of its own."""
    if len(common) == len(one.tables.human.questions):
        return one.comparison
    kept = [place for place, key in enumerate(one.tables.human.questions) if key in common]

    def rows(table: AnswerTable) -> AnswerTable:
        return AnswerTable(
            questions=tuple(table.questions[place] for place in kept),
            options=tuple(table.options[place] for place in kept),
            probabilities=table.probabilities[kept],
            respondents=table.respondents[kept],
        )

    return compare_tables(
        tables=MatchedTables(human=rows(one.tables.human), model=rows(one.tables.model)),
        plan=ComparisonPlan(smoothing=plan.smoothing, ties=plan.ties, seed=plan.seed, bootstraps=0),
    )


def _aligned_numbers(
    before: str,
    after: str,
    group: str,
    mode: ElicitationMode,
    table: AlignmentTable,
    plan: ComparisonPlan,
) -> list[Number]:
    method = (
        f"mean over questions, paired; {plan.confidence:.0%} bootstrap over questions,"
        f" {max(plan.bootstraps, 1):,} times"
    )
    return [
        Number.of(
            "aligned",
            NAMES[row.measure],
            {"pair": f"{before} → {after}", "group": group, "mode": str(mode)},
            row.difference,
            method,
        )
        for row in table.rows
    ]


def _details(
    people: PeopleFile,
    questions: Sequence[AskedQuestion],
    elicited: Mapping[tuple[str, ElicitationMode], Sequence[Elicited]],
    compared: Sequence[Compared],
) -> Plain:
    """Every distribution, and the entropies and distances that figures draw."""
    people_of = {question.key: question for question in people.questions}
    return {
        "questions": [
            {
                "key": question.key,
                "text": question.text,
                "options": list(question.options),
                "people": {
                    group: {
                        "numbers": [plain_number(x) for x in numbers],
                        "counts": group in people_of[question.key].counts,
                    }
                    for group, numbers in people_of[question.key].groups.items()
                },
                "models": [
                    {
                        "model": model,
                        "mode": str(mode),
                        "probabilities": _plain_shares(answers[place].probabilities),
                        "reason": answers[place].reason,
                        "diagnostics": {
                            key: plain_number(x) for key, x in answers[place].diagnostics.items()
                        },
                    }
                    for (model, mode), answers in elicited.items()
                ],
            }
            for place, question in enumerate(questions)
        ],
        "compared": [
            {
                **one.labels,
                "questions": list(one.comparison.questions),
                **{
                    str(name): [plain_number(float(x)) for x in one.comparison.measure(name).values]
                    for name in (
                        MeasureName.JS_DISTANCE_BITS,
                        MeasureName.SHUFFLED,
                        MeasureName.ENTROPY_HUMAN,
                        MeasureName.ENTROPY_MODEL,
                        MeasureName.TOTAL_VARIATION,
                    )
                },
            }
            for one in compared
        ],
    }


def _plain_shares(shares: FloatArray | None) -> list[float | str | None] | None:
    return None if shares is None else [plain_number(float(share)) for share in shares]
