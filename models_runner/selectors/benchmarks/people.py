"""Jurors' choices as distributions over the options of queries, by group and weighted."""

from collections import defaultdict
from collections.abc import Mapping, Sequence

import numpy as np

from annotations.models import Choice, Query, QueryOption, Study
from annotations.selectors.ratings import juror_traits
from juries.models import FeatureValue
from models_runner.domain.benchmark_definition import InvalidDefinition, People
from models_runner.domain.benchmark_files.people import PeopleFile, PeopleQuestion
from models_runner.domain.distributional.probabilities import InvalidDistribution
from models_runner.domain.distributional.raking import rake

EVERYBODY = "all jurors"


def jurors_answers(*, study: Study, wanted: People) -> PeopleFile:
    """The study's queries with options and what its jurors chose, checks left out.

    Groups: all jurors; all jurors weighted, if asked for; each value of the features in
    `wanted.by`. A weighted group's numbers add up to as many people as would be as sure with equal
    weights (Kish's effective number), question by question.

    Raises:
        InvalidDefinition: there are no queries with options, nobody has chosen, a feature is not
            known, or the weights can't be found.
    """
    options: dict[int, list[QueryOption]] = defaultdict(list)
    for option in QueryOption.objects.filter(query__in=Query.objects.filter(study=study).asked()):
        options[option.query_id].append(option)
    queries = [query for query in Query.objects.filter(study=study).asked() if options[query.pk]]
    if not queries:
        raise InvalidDefinition(
            "The study has no query with options, so there is nothing to compare models on. Give"
            " queries options, or hand in a file of people's answers."
        )
    said: dict[int, dict[int, int]] = defaultdict(dict)
    for juror, query_id, option_id in (
        Choice.objects.filter(query__in=queries, is_current=True)
        .order_by("juror_id", "query_id")
        .values_list("juror_id", "query_id", "option_id")
    ):
        said[query_id][juror] = option_id
    jurors = sorted({juror for chosen in said.values() for juror in chosen})
    if not jurors:
        raise InvalidDefinition("Nobody has chosen an option yet.")
    traits = juror_traits(juror_ids=jurors)
    unknown = [name for name in (*wanted.by, *wanted.weighted_by) if name not in traits]
    if unknown:
        raise InvalidDefinition(
            f"The jurors' pool has no feature {unknown[0]!r}; it has:"
            f" {', '.join(traits) or 'none'}."
        )
    place = {juror: index for index, juror in enumerate(jurors)}
    shares = _population_shares(study) if wanted.weighted_by else {}
    questions = []
    for query in queries:
        chosen = said[query.pk]
        if not chosen:
            continue
        own = options[query.pk]
        questions.append(
            PeopleQuestion(
                key=query.external_id,
                text=query.text,
                options=tuple(option.text for option in own),
                groups=_groups(
                    [option.pk for option in own], chosen, place, traits, shares, wanted
                ),
                counts=frozenset(),
                codes=_codes(own),
            )
        )
    return PeopleFile(tuple(_counted(question) for question in questions))


def _groups(
    options: Sequence[int],
    chosen: Mapping[int, int],
    place: Mapping[int, int],
    traits: Mapping[str, Sequence[str]],
    shares: Mapping[str, Mapping[str, float]],
    wanted: People,
) -> dict[str, tuple[float, ...]]:
    """Counts by group, in the order of the options."""
    jurors = sorted(chosen)
    picked = np.array([[chosen[juror] == option for juror in jurors] for option in options], float)
    groups = {EVERYBODY: _tuple(picked.sum(axis=1))}
    if wanted.weighted_by:
        try:
            found = rake(
                traits={
                    name: [traits[name][place[juror]] for juror in jurors]
                    for name in wanted.weighted_by
                },
                shares=shares,
            )
        except InvalidDistribution as problem:
            raise InvalidDefinition(f"The jurors can't be weighted. {problem}") from problem
        weighted = picked @ found.weights
        groups[f"{EVERYBODY}, weighted by {', '.join(wanted.weighted_by)}"] = _tuple(
            weighted / weighted.sum() * found.effective
        )
    for name in wanted.by:
        for value in dict.fromkeys(traits[name]):
            members = np.array([traits[name][place[juror]] == value for juror in jurors])
            if members.any():
                groups[f"{name}: {value}"] = _tuple(picked[:, members].sum(axis=1))
    return groups


def _counted(question: PeopleQuestion) -> PeopleQuestion:
    """All numbers are counts of people."""
    return PeopleQuestion(
        key=question.key,
        text=question.text,
        options=question.options,
        groups=question.groups,
        counts=frozenset(question.groups),
        codes=question.codes,
    )


def _codes(options: Sequence[QueryOption]) -> tuple[float | None, ...]:
    codes = tuple(option.code for option in options)
    return () if all(code is None for code in codes) else codes


def _population_shares(study: Study) -> dict[str, dict[str, float]]:
    shares: dict[str, dict[str, float]] = defaultdict(dict)
    if study.jury is None:
        return {}
    for feature, value, share in FeatureValue.objects.filter(
        feature__pool=study.jury.pool_id, population_share__isnull=False
    ).values_list("feature__name", "value", "population_share"):
        shares[feature][value] = float(share or 0)
    return dict(shares)


def _tuple(values: np.ndarray) -> tuple[float, ...]:
    return tuple(float(value) for value in values)
