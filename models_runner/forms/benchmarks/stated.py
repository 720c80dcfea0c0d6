"""A benchmark that a program asks for: its definition as JSON, with files beside it."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from django.core.files.uploadedfile import UploadedFile

from annotations.models import Study
from annotations.selectors.ratings import rated_responses
from juries.models import Feature
from models_runner.domain.benchmark_definition import (
    DeclaredObjective,
    Definition,
    DistributionalDefinition,
    InvalidDefinition,
    ObjectivesDefinition,
    SteerableDefinition,
    TradeoffDefinition,
)
from models_runner.domain.benchmark_files.matrices import parse_matrix, parse_replicates
from models_runner.domain.benchmark_files.people import parse_people
from models_runner.domain.benchmark_files.problems import InvalidBenchmarkFile
from models_runner.domain.benchmark_files.stances import parse_stances
from models_runner.domain.benchmark_shape import Misfit, Place, UnfitDefinition, read_definition
from models_runner.domain.objectives.commensuration import commensurating_function
from models_runner.domain.objectives.table import Direction, InvalidObjectives, Objective
from models_runner.domain.steering.attributes import DeniedAttribute, InvalidAttribute
from models_runner.forms.benchmarks.base import MOST_BYTES, Declared
from models_runner.selectors.language_models import offered_models
from models_runner.services.benchmarks.steerable import checked_attributes
from overton.domain.coverage import MEASURES

DEFINITION = "definition"
FILES = {
    "people": "people's answers",
    "values": "values by model",
    "replicates": "resamples of the values",
    "stances": "stances",
}


def file_field(slot: str) -> str:
    """Name of the field that takes the file of a slot."""
    return f"{slot}_file"


def stated_benchmark(
    *, study: Study, name: str, kind: str, plain: Any, files: Mapping[str, UploadedFile[Any]]
) -> Declared:
    """A benchmark from JSON. `files` maps slots to what was sent; places of misfits start at the
    request's own fields: `definition`, or that of a file.

    Raises:
        UnfitDefinition: something is no definition, is not the study's or not on offer, or a file
            is missing, can't be read or is not needed.
    """
    try:
        definition = read_definition(kind, plain)
    except UnfitDefinition as problem:
        raise UnfitDefinition(
            [Misfit((DEFINITION, *one.place), one.text, one.legal) for one in problem.misfits]
        ) from problem
    misfits = [*_of_models(definition), *_of_study(study, definition)]
    misfits = [Misfit((DEFINITION, *one.place), one.text, one.legal) for one in misfits]
    needed = _needed_slots(definition)
    for slot, what in FILES.items():
        place = (file_field(slot),)
        if slot in needed and slot not in files:
            misfits.append(
                Misfit(
                    place,
                    f"The definition reads a file of {what}. Send a form (multipart/form-data) "
                    f"with it as {file_field(slot)}, or use the study's page Benchmarks.",
                )
            )
        elif (
            slot in files
            and slot not in needed
            and not (slot == "replicates" and "values" in needed)
        ):
            misfits.append(
                Misfit(place, "Nothing in the definition reads this file; leave it out.")
            )
    if misfits:
        raise UnfitDefinition(misfits)
    return Declared(name, definition, _read(definition, files))


def _of_models(definition: Definition) -> Iterator[Misfit]:
    named: list[tuple[Place, str]] = []
    if isinstance(definition, DistributionalDefinition | SteerableDefinition):
        named = [(("models", place), one) for place, one in enumerate(definition.models)]
    elif isinstance(definition, TradeoffDefinition) and definition.model:
        named = [(("model",), definition.model)]
    if not named:
        return
    offered = tuple(
        str(one) for one in offered_models().order_by("name").values_list("public_id", flat=True)
    )
    for place, one in named:
        if one not in offered:
            yield Misfit(
                place,
                f"No language model on offer has the id {one!r}. Take one that is, or have it "
                "offered in the registry.",
                offered,
            )


def _of_study(study: Study, definition: Definition) -> Iterator[Misfit]:
    criteria = tuple(study.criteria.values_list("key", flat=True))
    if isinstance(definition, DistributionalDefinition):
        yield from _of_people(study, definition)
    elif isinstance(definition, SteerableDefinition):
        yield from _of_people(study, definition)
        yield from _of_steering(study, definition, criteria)
    else:
        yield from _of_objectives(definition, criteria)
        if isinstance(definition, TradeoffDefinition):
            yield from _of_sources(study, definition)


def _of_people(
    study: Study, definition: DistributionalDefinition | SteerableDefinition
) -> Iterator[Misfit]:
    wanted = definition.people
    if wanted.source != "jurors" or not (wanted.by or wanted.weighted_by):
        return
    pool = study.jury.pool_id if study.jury else None
    features = tuple(Feature.objects.filter(pool=pool).values_list("name", flat=True))
    for field, names in (("by", wanted.by), ("weighted_by", wanted.weighted_by)):
        for place, name in enumerate(names):
            yield from _one_of(("people", field, place), "feature of its pool", name, features)


def _of_steering(
    study: Study, definition: SteerableDefinition, criteria: Sequence[str]
) -> Iterator[Misfit]:
    sources = _source_names(study)
    reads_sources = definition.judged_by == "jurors" or (
        definition.judged_by == "reward" and not definition.models
    )
    for place, one in enumerate(definition.attributes):
        here = ("attributes", place)
        if one.criterion or definition.judged_by == "jurors":
            yield from _one_of((*here, "criterion"), "criterion", one.criterion, criteria)
        if one.source or reads_sources:
            yield from _one_of((*here, "source"), "source", one.source, sources)
    if definition.criterion or definition.judged_by == "reward":
        yield from _one_of(("criterion",), "criterion", definition.criterion, criteria)
    if definition.unsteered_source or reads_sources:
        yield from _one_of(("unsteered_source",), "source", definition.unsteered_source, sources)
    try:
        checked_attributes(definition)
    except (InvalidAttribute, DeniedAttribute, InvalidDefinition) as problem:
        yield Misfit(("attributes",), str(problem))


def _of_objectives(
    definition: ObjectivesDefinition | TradeoffDefinition, criteria: Sequence[str]
) -> Iterator[Misfit]:
    names: list[str] = []
    for place, one in enumerate(definition.objectives):
        here = ("objectives", place)
        if one.name in names:
            yield Misfit((*here, "name"), f"{one.name!r} stands twice; name each objective once.")
        names.append(one.name)
        yield from _of_objective(here, one, criteria)
    for place, text in enumerate(definition.functions):
        try:
            commensurating_function(text, names=names)
        except InvalidObjectives as problem:
            yield Misfit(("functions", place), str(problem))


def _of_objective(here: Place, one: DeclaredObjective, criteria: Sequence[str]) -> Iterator[Misfit]:
    if one.source in ("criterion", "welfare", "predicted"):
        yield from _one_of((*here, "criterion"), "criterion", one.criterion, criteria)
    if one.source == "coverage" and one.measure not in MEASURES:
        yield Misfit((*here, "measure"), f"There is no measure {one.measure!r}.", MEASURES)
    if one.source == "entailment" and not one.statement.strip():
        yield Misfit((*here, "statement"), "Write the statement that responses are to express.")
    if one.alpha < 0:
        yield Misfit((*here, "alpha"), f"alpha is {one.alpha:g}; it must be 0 or more.")
    if one.direction not in list(Direction):
        yield Misfit(
            (*here, "direction"), f"{one.direction!r} is no direction.", tuple(map(str, Direction))
        )
        return
    try:
        Objective(one.name, Direction(one.direction), one.worst, one.best)
    except InvalidObjectives as problem:
        yield Misfit(here, str(problem))


def _of_sources(study: Study, definition: TradeoffDefinition) -> Iterator[Misfit]:
    """Steered models that are sources; rows of a file are known once it has been read."""
    if definition.model or any(one.source == "file" for one in definition.objectives):
        return
    sources = _source_names(study)
    for function, name in definition.steered.items():
        yield from _one_of(("steered", function), "source", name, sources)
    for place, name in enumerate(definition.static):
        yield from _one_of(("static", place), "source", name, sources)


def _source_names(study: Study) -> tuple[str, ...]:
    """As benchmarks call them."""
    return tuple(sorted({one.source for one in rated_responses(study_id=study.pk)}))


def _one_of(place: Place, what: str, name: str, legal: Sequence[str]) -> Iterator[Misfit]:
    if name not in legal:
        text = f"The study has no {what} {name!r}." if name else f"Name a {what} of the study here."
        yield Misfit(place, text, tuple(legal))


def _needed_slots(definition: Definition) -> set[str]:
    if isinstance(definition, ObjectivesDefinition | TradeoffDefinition):
        return {"values"} if any(one.source == "file" for one in definition.objectives) else set()
    needed = set()
    if isinstance(definition, SteerableDefinition):
        if definition.judged_by == "stances":
            needed.add("stances")
        if definition.judged_by != "group":
            return needed
    if definition.people.source == "file":
        needed.add("people")
    return needed


def _read(
    definition: Definition, files: Mapping[str, UploadedFile[Any]]
) -> dict[str, tuple[str, bytes]]:
    """The files' bytes, each of which can be used."""
    contents: dict[str, tuple[str, bytes]] = {}
    for slot, file in files.items():
        if (file.size or 0) > MOST_BYTES:
            text = f"The file has {file.size} bytes; at most {MOST_BYTES} are read."
            raise UnfitDefinition([Misfit((file_field(slot),), text)])
        contents[slot] = (file.name or slot, file.read())
    for slot in contents:
        try:
            _check(slot, definition, contents)
        except InvalidBenchmarkFile as problem:
            found = [Misfit((file_field(slot),), str(one)) for one in problem.problems]
            if problem.omitted:
                found.append(Misfit((file_field(slot),), f"And {problem.omitted} more."))
            raise UnfitDefinition(found) from problem
    return contents


def _check(slot: str, definition: Definition, contents: Mapping[str, tuple[str, bytes]]) -> None:
    name, content = contents[slot]
    if slot == "stances":
        parse_stances(content, file=name)
    elif slot == "people":
        assert isinstance(definition, DistributionalDefinition | SteerableDefinition)
        wanted = definition.people
        read = parse_people(content, file=name, counts=wanted.counts, leave_out=wanted.leave_out)
        misfits = [
            Misfit(
                (DEFINITION, "people", "groups", place),
                f"The file has no group {group!r}.",
                tuple(read.groups),
            )
            for place, group in enumerate(wanted.groups)
            if group not in read.groups
        ]
        if misfits:
            raise UnfitDefinition(misfits)
    else:
        assert isinstance(definition, ObjectivesDefinition | TradeoffDefinition)
        values_name, values = contents["values"]
        matrix = parse_matrix(values, file=values_name, key="model")
        if slot == "replicates":
            parse_replicates(content, file=name, matrix=matrix, key="model")
            return
        misfits = [
            Misfit(
                (DEFINITION, "objectives", place, "name"),
                f"The file has no column {one.name!r}.",
                tuple(matrix.columns),
            )
            for place, one in enumerate(definition.objectives)
            if one.source == "file" and one.name not in matrix.columns
        ]
        if misfits:
            raise UnfitDefinition(misfits)
