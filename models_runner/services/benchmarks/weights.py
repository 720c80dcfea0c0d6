"""One model steered to functions by a prompt that says how its aims are weighed."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from annotations.models import Criterion, Study
from models_runner.domain.benchmark_definition import (
    DeclaredObjective,
    InvalidDefinition,
    TradeoffDefinition,
)
from models_runner.domain.benchmark_files.matrices import MatrixFile
from models_runner.domain.objectives.commensuration import commensurating_function
from models_runner.domain.steering.weighting import weighting_instruction
from models_runner.ports import Message
from models_runner.selectors.jury_ratings import usable_training
from models_runner.services.benchmarks.asking import CompletionWanted
from models_runner.services.benchmarks.distributional import Participant
from models_runner.services.predictions import predict_texts
from overton.ports import ENTAILMENT, load_entailment_backend

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class SteeredByPrompt:
    """The definition with rows of a table in the place of sources, and that table with resamples of
    queries, (bootstraps, rows, objectives).
    """

    definition: TradeoffDefinition
    values: MatrixFile
    replicates: FloatArray
    is_predicted: bool


def steer_by_prompt(
    *, study: Study, definition: TradeoffDefinition, participant: Participant
) -> SteeredByPrompt:
    """Let the model answer the study's queries under each function, and judge what it wrote.

    Raises:
        AskingStopped, AnswersMissing: the model did not answer.
        InvalidDefinition, InvalidObjectives: no queries, an unknown criterion or function.
        NothingPredicted, PredictionRefused, EncoderUnavailable, EntailmentUnavailable: no judge.
    """
    queries = [query.text for query in study.queries.filter(check_kind="").order_by("ordinal")]
    queries = queries[: definition.most] if definition.most else queries
    if not queries:
        raise InvalidDefinition("The study has no queries to put to the model.")
    names = [objective.name for objective in definition.objectives]
    wordings = {o.name: o.statement for o in definition.objectives if o.statement}
    functions = [commensurating_function(text, names=names) for text in definition.functions]
    leads = [weighting_instruction(function, wordings=wordings) for function in functions]
    wanted = [
        CompletionWanted(
            prompt=query if lead is None else (Message("system", lead), Message("user", query)),
            max_tokens=definition.max_tokens,
            temperature=definition.temperature,
            seed=definition.seed,
            what=repr(query[:70]),
        )
        for lead in (*leads, None)
        for query in queries
    ]
    said = participant.asker.completions(wanted)
    participant.asker.raise_if_missing(of=participant.name)
    pairs = [
        (queries[place % len(queries)], one.text)
        for place, one in enumerate(said)
        if one is not None
    ]
    scores = np.stack(
        [
            _scores(study, objective, pairs, seed=definition.seed)
            for objective in definition.objectives
        ],
        axis=-1,
    ).reshape(len(leads) + 1, len(queries), len(names))
    rng = np.random.default_rng([definition.seed, 1])
    weights = rng.exponential(size=(definition.bootstraps, len(queries)))
    weights /= weights.sum(axis=1, keepdims=True)
    rows = [f"{participant.name} steered to {text}" for text in definition.functions]
    plain = f"{participant.name}, not steered"
    return SteeredByPrompt(
        definition=replace(
            definition,
            model="",
            steered=dict(zip(definition.functions, rows, strict=True)),
            static=(plain,),
            objectives=tuple(
                replace(objective, source="file") for objective in definition.objectives
            ),
        ),
        values=MatrixFile(
            rows=(*rows, plain), columns=tuple(names), values=np.asarray(scores.mean(axis=1))
        ),
        replicates=np.einsum("bq,rqo->bro", weights, scores),
        is_predicted=any(o.source == "predicted" for o in definition.objectives),
    )


def _scores(
    study: Study, objective: DeclaredObjective, pairs: list[tuple[str, str]], *, seed: int
) -> FloatArray:
    """(pairs,) in the objective's unit."""
    if objective.source == "entailment":
        if not objective.statement.strip():
            raise InvalidDefinition(f"The objective {objective.name!r} has no statement.")
        texts = [text for _, text in pairs]
        found = load_entailment_backend().entails(texts, [objective.statement] * len(texts))
        return np.asarray(found[:, ENTAILMENT])
    criterion = Criterion.objects.filter(study=study, key=objective.criterion).first()
    if criterion is None:
        raise InvalidDefinition(
            f"Objective {objective.name!r}: there is no criterion {objective.criterion!r}."
        )
    training = usable_training(criterion=criterion)
    return np.asarray(predict_texts(training=training, texts=pairs, seed=seed).mean.mean(axis=0))
