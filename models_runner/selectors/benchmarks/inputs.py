"""Digests of all that a benchmark reads: two runs can be told apart, or known as the same."""

import hashlib
import json
from typing import Any

from annotations.models import Choice, Study
from juries.models import CandidateTrait, FeatureValue
from models_runner.domain.benchmark_definition import (
    Definition,
    DistributionalDefinition,
    ObjectivesDefinition,
    SteerableDefinition,
    TradeoffDefinition,
    definition_from_plain,
)
from models_runner.models import Benchmark, LanguageModel
from models_runner.selectors.leaderboard import leaderboard_digest
from overton.selectors.coverage import coverage_fingerprint

DEFINITION = "definition"


def input_digests(*, benchmark: Benchmark) -> dict[str, str]:
    """Each thing that the benchmark reads, by name, with its SHA-256.

    Raises:
        InvalidDefinition: the stored definition can't be read.
    """
    definition = definition_from_plain(benchmark.kind, benchmark.definition)
    found = {DEFINITION: _digest([benchmark.kind, benchmark.definition])}
    for file in benchmark.files.order_by("slot").only("slot", "sha256"):
        found[f"file: {file.slot}"] = file.sha256
    for model in chosen_models(definition=definition):
        fixed = {name: getattr(model, name) for name in LanguageModel.FIXED_FIELDS}
        found[f"model: {model.name}"] = _digest(fixed)
    return found | _study_digests(benchmark.study, definition)


def joint_digest(inputs: dict[str, str]) -> str:
    """One digest over all inputs."""
    return _digest(inputs)


def chosen_models(*, definition: Definition) -> list[LanguageModel]:
    """The models that a definition names, in its order; those that are gone are left out."""
    if isinstance(definition, ObjectivesDefinition):
        return []
    if isinstance(definition, TradeoffDefinition):
        wanted: tuple[str, ...] = (definition.model,) if definition.model else ()
    else:
        wanted = definition.models
    found = {
        str(model.public_id): model for model in LanguageModel.objects.filter(public_id__in=wanted)
    }
    return [found[name] for name in wanted if name in found]


def _study_digests(study: Study, definition: Definition) -> dict[str, str]:
    if isinstance(definition, DistributionalDefinition):
        return {"jurors' choices": _choices(study)} if definition.people.source == "jurors" else {}
    if isinstance(definition, SteerableDefinition):
        if definition.judged_by == "group" and definition.people.source == "jurors":
            return {"jurors' choices": _choices(study)}
        if definition.judged_by in ("jurors", "reward"):
            return {"ratings and predictions": leaderboard_digest(study=study)}
        return {}
    # Of whatever objectives: the report has the jury's welfare and coverage beside them.
    return {
        "ratings and predictions": leaderboard_digest(study=study),
        "windows, labels and readings": _digest(coverage_fingerprint(study=study)),
    }


def _choices(study: Study) -> str:
    """Who chose what, with the traits and shares that make groups and weights."""
    chosen = Choice.objects.filter(query__study=study, query__check_kind="", is_current=True)
    jurors = chosen.values("juror__candidate")
    pool = study.jury.pool_id if study.jury else None
    return _digest(
        [
            list(
                study.queries.filter(check_kind="")
                .order_by("ordinal", "options__position", "options__id")
                .values_list("external_id", "text", "options__text", "options__code")
            ),
            [
                [str(juror), query, option]
                for juror, query, option in chosen.order_by(
                    "juror__public_id", "query__ordinal"
                ).values_list("juror__public_id", "query__external_id", "option__key")
            ],
            [
                [str(juror), feature, value]
                for juror, feature, value in CandidateTrait.objects.filter(candidate__in=jurors)
                .order_by("candidate__jurors__public_id", "feature__name")
                .values_list(
                    "candidate__jurors__public_id", "feature__name", "feature_value__value"
                )
            ],
            list(
                FeatureValue.objects.filter(feature__pool=pool)
                .order_by("feature__name", "value")
                .values_list("feature__name", "value", "population_share")
            ),
        ]
    )


def _digest(value: Any) -> str:
    text = json.dumps(value, sort_keys=True, ensure_ascii=False, default=str)
    return hashlib.sha256(text.encode()).hexdigest()
