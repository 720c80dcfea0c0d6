"""What a benchmark declares, checked once and read from JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from math import inf
from typing import Any

from models_runner.domain.distributional.modes import TieRule
from models_runner.domain.elicitation import ElicitationMode
from models_runner.domain.elicitation.prompts import PROMPTS

JUDGES = ("group", "entailment", "reward", "stances", "jurors")
OBJECTIVE_SOURCES = ("criterion", "welfare", "predicted", "coverage", "file", "entailment")
INFINITE = "inf"
"""What JSON, which has no infinity, holds for the alpha of the worst-off."""
MAY_BE_INFINITE = "may be infinite"
"""Key in the metadata of a field that `INFINITE` may stand in."""
MOST_SAMPLES = 1000
MOST_BOOTSTRAPS = 20_000


class InvalidDefinition(ValueError):
    """A definition that no benchmark can be run from; the message says what to change."""


@dataclass(frozen=True, slots=True)
class Asking:
    """How models are asked; the same for every question.

    ``prompts`` with worked answers drawn anew; ``orders`` of the options (1: as given);
    ``samples`` completions a question at ``temperature``; ``seed`` of all that is drawn.
    """

    prompts: int = PROMPTS
    orders: int = 1
    samples: int = 20
    temperature: float = 1.0
    seed: int = 0

    def __post_init__(self) -> None:
        _within("prompts", self.prompts, 1, 60)
        _within("orders", self.orders, 1, 120)
        _within("samples", self.samples, 1, MOST_SAMPLES)
        _within("temperature", self.temperature, 0, 2)
        _within("seed", self.seed, 0, 2**31 - 1)


@dataclass(frozen=True, slots=True)
class Measuring:
    """How distributions are compared, as `ComparisonPlan` takes it; ``ordinal``: options stand in
    an order, those in ``refusals`` outside it.
    """

    smoothing: float = 0.0
    ties: str = TieRule.SHARE.value
    bootstraps: int = 1000
    ordinal: bool = False
    refusals: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        _within("smoothing", self.smoothing, 0, 1)
        _within("bootstraps", self.bootstraps, 0, MOST_BOOTSTRAPS)
        if self.ties not in list(TieRule):
            raise InvalidDefinition(
                f"ties is {self.ties!r}; it must be one of {', '.join(TieRule)}."
            )


@dataclass(frozen=True, slots=True)
class People:
    """Whose answers the models' are set beside.

    ``source``: "jurors" (their choices in the study) or "file". ``groups``: of a file, which; none
    for all. ``by``: for jurors, the features whose values make groups, beside all jurors.
    ``weighted_by``: features whose shares of the population the jurors are weighted to.
    ``counts``: a plain file's numbers are counts. ``respondents`` stand behind each of a file's
    probabilities, where known. ``least``: a group with fewer answers to a question is left out of
    it. ``leave_out``: leave out what can't be used of a file.
    """

    source: str = "jurors"
    groups: tuple[str, ...] = ()
    by: tuple[str, ...] = ()
    weighted_by: tuple[str, ...] = ()
    counts: bool = False
    respondents: float | None = None
    least: int = 1
    leave_out: bool = False

    def __post_init__(self) -> None:
        if self.source not in ("jurors", "file"):
            raise InvalidDefinition(f"People come from jurors or a file, not {self.source!r}.")
        _within("least", self.least, 1, 10**6)
        if self.respondents is not None:
            _within("respondents", self.respondents, 1, 10**9)


@dataclass(frozen=True, slots=True)
class DistributionalDefinition:
    """``models``: public ids in the registry; ``modes`` as `ElicitationMode` names them; ``most``
    questions are asked (0: all), the first of them in the people's order.
    """

    models: tuple[str, ...]
    modes: tuple[str, ...] = (ElicitationMode.LETTERS_TEXT.value,)
    people: People = field(default_factory=People)
    asking: Asking = field(default_factory=Asking)
    measuring: Measuring = field(default_factory=Measuring)
    most: int = 0

    def __post_init__(self) -> None:
        _models(self.models)
        unknown = [mode for mode in self.modes if mode not in list(ElicitationMode)]
        if unknown or not self.modes:
            raise InvalidDefinition(
                f"The ways to ask are {', '.join(self.modes) or 'none'}; name one or more of"
                f" {', '.join(ElicitationMode)}."
            )
        _within("most", self.most, 0, 10**6)


@dataclass(frozen=True, slots=True)
class DeclaredAttribute:
    """What is steered to: ``names`` (a set of them is an intersection), the ``statement`` that a
    response of it would make, ``description`` as conditioning words it ("a person who ..."), and
    the ``group`` of people, or the ``criterion``, that tells how well it is met.
    """

    names: tuple[str, ...]
    description: str = ""
    statement: str = ""
    group: str = ""
    criterion: str = ""
    source: str = ""
    examples: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class SteerableDefinition:
    """``judged_by``: "group" (agreement with the groups' distributions of people), "entailment" (of
    the attributes' statements), "reward" (what the attributes' groups of jurors are predicted to
    say on ``criterion``), "stances" (against a file of stances), or "jurors" (ratings on each
    attribute's criterion). Models are asked for all but the last, which reads the responses of the
    attributes' sources and of ``unsteered_source``; so does "reward" without models. ``denied``
    maps names joined by & to the reason why they may not be steered to.
    """

    attributes: tuple[DeclaredAttribute, ...]
    judged_by: str
    models: tuple[str, ...] = ()
    conditioning: str = "system"
    denied: Mapping[str, str] = field(default_factory=dict)
    criterion: str = ""
    unsteered_source: str = ""
    people: People = field(default_factory=People)
    asking: Asking = field(default_factory=Asking)
    measuring: Measuring = field(default_factory=Measuring)
    most: int = 0
    max_tokens: int = 200

    def __post_init__(self) -> None:
        if self.judged_by not in JUDGES:
            raise InvalidDefinition(
                f"judged_by is {self.judged_by!r}; it must be one of {', '.join(JUDGES)}."
            )
        if self.conditioning not in ("system", "persona", "few_shot", "prefix"):
            raise InvalidDefinition(
                f"conditioning is {self.conditioning!r}; it must be system, persona, few_shot or"
                " prefix."
            )
        if not self.attributes:
            raise InvalidDefinition("Name at least one attribute to steer to.")
        if self.judged_by in ("group", "entailment", "stances"):
            _models(self.models)
        _within("max_tokens", self.max_tokens, 1, 4096)
        _within("most", self.most, 0, 10**6)


@dataclass(frozen=True, slots=True)
class DeclaredObjective:
    """``source``: "criterion" (mean rating), "welfare" (of the jury at ``alpha``, infinite for the
    worst-off juror's), "predicted" (mean of what is said and predicted), "coverage" (``measure``
    of the Overton window), "file" (a column of the file of values), or "entailment" (how likely
    responses express ``statement``; of texts that a model writes for the benchmark). ``worst`` and
    ``best`` are declared, both or neither.
    """

    name: str
    source: str
    criterion: str = ""
    alpha: float = field(default=0.0, metadata={MAY_BE_INFINITE: True})
    measure: str = "coverage"
    statement: str = ""
    direction: str = "higher"
    worst: float | None = None
    best: float | None = None

    def __post_init__(self) -> None:
        if self.source not in OBJECTIVE_SOURCES:
            raise InvalidDefinition(
                f"Objective {self.name!r} comes from {self.source!r}; it must be one of"
                f" {', '.join(OBJECTIVE_SOURCES)}."
            )


@dataclass(frozen=True, slots=True)
class ObjectivesDefinition:
    """``functions`` join the objectives, as `commensurating_function` reads them."""

    objectives: tuple[DeclaredObjective, ...]
    functions: tuple[str, ...] = ()
    bootstraps: int = 500
    seed: int = 0

    def __post_init__(self) -> None:
        if not self.objectives:
            raise InvalidDefinition("Name at least one objective.")
        _within("bootstraps", self.bootstraps, 0, MOST_BOOTSTRAPS)
        _not_written(self.objectives)


@dataclass(frozen=True, slots=True)
class TradeoffDefinition:
    """``functions`` in the order of T's rows. ``steered`` maps each function to the source, or row
    of the file of values, that is the model steered to it; ``static`` names those that are not
    steered. With a ``model`` of the registry neither is named: it answers the study's queries
    (``most`` of them, 0: all) under a prompt with each function's weights, and once without.
    ``reference`` of the hypervolume, one number an objective; none: no hypervolume.
    """

    objectives: tuple[DeclaredObjective, ...]
    functions: tuple[str, ...]
    steered: Mapping[str, str] = field(default_factory=dict)
    static: tuple[str, ...] = ()
    model: str = ""
    most: int = 0
    max_tokens: int = 200
    temperature: float = 1.0
    reference: tuple[float, ...] = ()
    bootstraps: int = 500
    seed: int = 0

    def __post_init__(self) -> None:
        if not self.objectives or not self.functions:
            raise InvalidDefinition("Name at least one objective and one function.")
        missing = [text for text in self.functions if text not in self.steered]
        if self.model:
            unfit = [o.name for o in self.objectives if o.source not in ("predicted", "entailment")]
            if unfit:
                raise InvalidDefinition(
                    f"{unfit[0]!r} can't be told of what the model writes here. Take objectives"
                    " that are predicted or entailed, or name sources that were rated."
                )
        elif missing:
            raise InvalidDefinition(f"No steered model is named for the function {missing[0]!r}.")
        if not self.model:
            _not_written(self.objectives)
        if self.reference and len(self.reference) != len(self.objectives):
            raise InvalidDefinition(
                f"The reference has {len(self.reference)} numbers for {len(self.objectives)}"
                " objectives."
            )


Definition = (
    DistributionalDefinition | SteerableDefinition | ObjectivesDefinition | TradeoffDefinition
)


def definition_to_plain(definition: Definition) -> dict[str, Any]:
    """As JSON holds it."""
    plain: dict[str, Any] = _plain(asdict(definition))
    return plain


def named_models(plain: Mapping[str, Any]) -> tuple[str, ...]:
    """Public ids of the models that a definition as JSON names, in its order."""
    return (*plain.get("models", ()), *filter(None, (plain.get("model"),)))


def with_models(plain: Mapping[str, Any], ids: Mapping[str, str]) -> dict[str, Any]:
    """A definition as JSON with other public ids of its models; those not in `ids` stay."""
    changed = dict(plain)
    if "models" in plain:
        changed["models"] = [ids.get(name, name) for name in plain["models"]]
    if "model" in plain:
        changed["model"] = ids.get(plain["model"], plain["model"])
    return changed


def definition_from_plain(kind: str, plain: Mapping[str, Any]) -> Definition:
    """The definition that was stored for a kind of benchmark. Raises InvalidDefinition."""
    given = dict(plain)
    try:
        if kind == "distributional":
            return DistributionalDefinition(**_nested(given))
        if kind == "steerable":
            given["attributes"] = tuple(
                DeclaredAttribute(
                    **{
                        **_tuples(one),
                        "examples": tuple(tuple(pair) for pair in one.get("examples", ())),
                    }
                )
                for one in given["attributes"]
            )
            return SteerableDefinition(**_nested(given))
        objectives = tuple(_objective(one) for one in given.pop("objectives"))
        if kind == "objectives":
            given.pop("alpha", None)  # stored definitions of before hold one; nothing reads it
            return ObjectivesDefinition(objectives=objectives, **_tuples(given))
        if kind == "tradeoff":
            return TradeoffDefinition(objectives=objectives, **_tuples(given))
    except (TypeError, KeyError) as problem:
        raise InvalidDefinition(f"The definition can't be read: {problem}.") from problem
    raise InvalidDefinition(f"There is no kind of benchmark {kind!r}.")


def _objective(plain: Mapping[str, Any]) -> DeclaredObjective:
    given = dict(plain)
    if given.get("alpha") == INFINITE:
        given["alpha"] = inf
    return DeclaredObjective(**given)


def _nested(given: dict[str, Any]) -> dict[str, Any]:
    for name, part in (("people", People), ("asking", Asking), ("measuring", Measuring)):
        if name in given:
            given[name] = part(**_tuples(given[name]))
    return _tuples(given)


def _tuples(given: Mapping[str, Any]) -> dict[str, Any]:
    return {name: tuple(v) if isinstance(v, list) else v for name, v in given.items()}


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _plain(part) for name, part in value.items()}
    if isinstance(value, tuple | list):
        return [_plain(part) for part in value]
    return INFINITE if value == inf else value


def _not_written(objectives: Sequence[DeclaredObjective]) -> None:
    entailed = [objective.name for objective in objectives if objective.source == "entailment"]
    if entailed:
        raise InvalidDefinition(
            f"{entailed[0]!r} judges what a model writes for the benchmark; choose one to steer."
        )


def _models(models: Sequence[str]) -> None:
    if not models or len(set(models)) < len(models):
        raise InvalidDefinition("Choose at least one model, each once.")


def _within(name: str, value: float, low: float, high: float) -> None:
    if not low <= value <= high:
        raise InvalidDefinition(f"{name} is {value}; it must lie in {low:g} to {high:g}.")
