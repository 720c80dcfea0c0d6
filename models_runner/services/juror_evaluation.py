"""How well jurors' functions foresee ratings, from a table and without a database."""

import dataclasses
import io
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from annotations.domain.tables import OutsideTable, TableUnreadable, read_table
from models_runner.domain.evaluation import (
    MEASURES,
    HeldOutTable,
    Situation,
    evaluate_methods,
    judge_usable,
)
from models_runner.domain.opinions import OpinionTable
from models_runner.domain.pair_evaluation import evaluate_pairs, judge_pairs_usable
from models_runner.domain.reward import (
    BASELINES,
    DEFAULT_METHOD,
    JURY_LEARNING,
    LOW_RANK,
    PAIR_METHODS,
    STATEMENT,
    Learner,
    RatingTable,
    StatementLearner,
)
from models_runner.domain.reward.pairs import PairTable, pairs_of_ratings
from models_runner.ports import TextEncoder, feature_blocks, load_jury_learner
from models_runner.services.statements import entailment_scores
from models_runner.services.vector_files import embed_with_file_cache
from overton.ports import EntailmentBackend

RESULT_FORMAT = "venire-juror-evaluation-1"
KNOWN = {
    Situation.SEEN_JUROR: ("seen", "new"),
    Situation.NEW_JUROR: ("new", "new"),
    Situation.RANDOM_CELLS: ("seen", "seen"),
}


def read_rating_file(path: Path, *, encoding: str = "") -> OutsideTable:
    """CSV, TSV, JSON Lines or Parquet as a table of text.

    Raises:
        TableUnreadable: it is none of them; the message says why.
        OSError: it can't be opened.
    """
    data = path.read_bytes()
    if not data.startswith(b"PAR1"):
        return read_table(data, name=path.name, encoding=encoding)
    try:
        table = pq.read_table(io.BytesIO(data))
    except (pa.ArrowException, OSError) as problem:
        raise TableUnreadable(f"{path.name} is no Parquet file: {problem}") from problem
    columns = [column.to_pylist() for column in table.columns]
    rows = (
        (number, tuple("" if cell is None else str(cell) for cell in cells))
        for number, cells in enumerate(zip(*columns, strict=True), start=1)
    )
    return OutsideTable(columns=tuple(table.column_names), rows=tuple(rows))


class EvaluationRefused(ValueError):
    """A method needs what the table or the call lacks; the message says what."""


def evaluate_opinions(
    *,
    opinions: OpinionTable,
    encoder: TextEncoder,
    cache: Path,
    methods: Sequence[str] = (),
    counts: Sequence[int] = (0, 5, 10, 20),
    seeds: int = 5,
    confidence: float = 0.9,
    link: str = "logit",
    tuned: bool | None = None,
    judge: EntailmentBackend | None = None,
    say: Callable[[str], None] | None = None,
) -> dict[str, Any]:
    """The held-out table of a table of ratings as JSON values; the same input gives the same.

    `low_rank` learns from every two ratings of one juror and query, and its rows (and those of its
    baselines) have the accuracy and loss of comparisons. `statement` learns from ratings beside an
    opinion of the juror's own; if it is asked for, so do all others, that they be comparable.

    Args:
        opinions: who rated what.
        encoder: turns texts into features.
        cache: folder of computed vectors.
        methods: those to measure; none: the default and all baselines.
        counts: numbers of own ratings of a new juror.
        seeds: how many splits.
        confidence: level of the intervals.
        link: "logit", or "probit" for an ordered probit, of methods that have chances.
        tuned: whether the encoder of `jury_learning` learns along; None: as the settings say.
        judge: of entailment, for `statement`.
        say: called with a line of progress.

    Raises:
        UnknownMethod: a method does not exist.
        EvaluationRefused: a method needs queries, opinions or a judge that are not there.
        EncoderUnavailable, EntailmentUnavailable: a model does not load or answer.
    """
    tell = say or (lambda _line: None)
    asks = any(opinions.queries)
    notes = list(opinions.notes)
    vectors = embed_with_file_cache(
        texts=[*opinions.texts, *(opinions.queries if asks else ())],
        encoder=encoder,
        folder=cache,
        progress=lambda done, total: tell(f"{done} of {total} texts read"),
    ).astype(np.float64)
    count = len(opinions.texts)
    features = np.hstack([vectors[:count], vectors[count:]]) if asks else vectors
    table = opinions.table(features=features, blocks=feature_blocks(encoder) * (1 + asks))
    pairs = _pair_table(opinions, table) if LOW_RANK in methods else None
    learners: list[Learner] = []
    if STATEMENT in methods:
        scores = _statement_scores(opinions, judge, tell)
        told = ~np.isnan(scores[table.jurors, table.items])
        if not told.all():
            notes.append(f"{int((~told).sum())} ratings without an opinion were left out.")
        table = table.take(rows=told)
        learners.append(StatementLearner(scores=scores))
    if JURY_LEARNING in methods:
        learners.append(
            load_jury_learner(
                texts=opinions.texts,
                queries=opinions.queries,
                tuned=tuned,
                progress=lambda _share, line: tell(f"jury learning, {line}"),
            )
        )
    parts: list[HeldOutTable] = []
    rated = [method for method in methods if method not in PAIR_METHODS]
    if rated or not methods:
        parts.append(
            evaluate_methods(
                table=table,
                methods=rated or (DEFAULT_METHOD,),
                baselines=() if methods else BASELINES,
                counts=counts,
                seeds=range(seeds),
                confidence=confidence,
                learners=learners,
                link=link,
                progress=lambda share, note: tell(f"{share:.0%} {note}"),
            )
        )
    if pairs is not None:
        parts.append(
            evaluate_pairs(
                table=pairs,
                counts=counts,
                seeds=range(seeds),
                progress=lambda share, note: tell(f"{share:.0%} {note}"),
            )
        )
    return {
        "format": RESULT_FORMAT,
        "rows": [row for part in parts for row in rows_as_json(part)],
        "gates": _gates(parts, methods),
        "by_juror": [
            {
                "method": own.method,
                "juror": opinions.names[own.juror],
                "error": own.error,
                "tested": own.tested,
            }
            for part in parts
            for own in part.by_juror
        ],
        "methods": list(dict.fromkeys(row.method for part in parts for row in part.rows)),
        "interval": f"smallest and largest of {seeds} splits",
        "seeds": list(range(seeds)),
        "confidence": confidence,
        "link": link,
        "jurors": opinions.juror_count,
        "items": count,
        "ratings": len(table.ratings),
        "comparisons": 0 if pairs is None else len(pairs.wins),
        "scale": {"low": opinions.low, "high": opinions.high},
        "notes": notes,
        "encoder": {
            "name": encoder.name,
            "revision": encoder.revision,
            "weights": encoder.weights_digest,
            "dtype": encoder.dtype,
        },
        "data_digest": parts[0].data_digest,
    }


def _gates(parts: Sequence[HeldOutTable], methods: Sequence[str]) -> dict[str, Any]:
    """Verdicts, where the baselines stand in the same table."""
    found = {}
    if not methods:
        found[DEFAULT_METHOD] = _gate(parts[0], DEFAULT_METHOD)
    if LOW_RANK in methods:
        gate = judge_pairs_usable(table=parts[-1])
        found[LOW_RANK] = {"usable": gate.usable, "reasons": list(gate.reasons)}
    return found


def _pair_table(opinions: OpinionTable, table: RatingTable) -> PairTable:
    """Every two ratings of one juror and query as a comparison."""
    if not any(opinions.queries):
        raise EvaluationRefused(
            "low_rank compares texts that answer the same query. Name the column of the query with "
            "--query."
        )
    code: dict[str, int] = {}
    queries = np.array(
        [code.setdefault(query, len(code)) for query in opinions.queries], dtype=np.int64
    )
    left, right, jurors, wins = pairs_of_ratings(
        items=table.items, jurors=table.jurors, ratings=table.ratings, queries=queries
    )
    if not len(wins):
        raise EvaluationRefused(
            "No juror has rated two texts that answer the same query, so low_rank has nothing to "
            "compare."
        )
    return PairTable(
        features=table.features,
        left=left,
        right=right,
        jurors=jurors,
        wins=wins,
        juror_count=table.juror_count,
        lengths=np.array([len(text.split()) for text in opinions.texts], dtype=np.float64),
        queries=queries,
        blocks=table.blocks,
    )


def _statement_scores(
    opinions: OpinionTable, judge: EntailmentBackend | None, tell: Callable[[str], None]
) -> npt.NDArray[np.float64]:
    """Scores (J, M) of what was rated beside an opinion; NaN elsewhere."""
    told = [place for place, text in enumerate(opinions.statements) if text]
    if not told or judge is None:
        raise EvaluationRefused(
            "statement needs what each juror has written herself. Name its column with --opinion."
        )
    scores = np.full((opinions.juror_count, len(opinions.texts)), np.nan)
    scores[opinions.jurors[told], opinions.items[told]] = entailment_scores(
        pairs=[
            (opinions.texts[opinions.items[place]], opinions.statements[place]) for place in told
        ],
        backend=judge,
        progress=lambda done, total: tell(f"{done} of {total} texts held against opinions"),
    )
    return scores


def _gate(held_out: HeldOutTable, method: str) -> dict[str, Any]:
    gate = dataclasses.asdict(judge_usable(table=held_out, method=method))
    return {"usable": gate["usable"], "reasons": list(gate["reasons"])}


def rows_as_json(held_out: HeldOutTable) -> list[dict[str, Any]]:
    """A row for each method, situation and measure; an empty one says why."""
    rows = []
    for row in held_out.rows:
        jurors, items = KNOWN[row.situation]
        for measure in MEASURES:
            number = getattr(row, measure)
            rows.append(
                {
                    "method": row.method,
                    "jurors": jurors,
                    "items": items,
                    "n": row.own_ratings,
                    "metric": measure,
                    "value": number.value,
                    "low": number.low,
                    "high": number.high,
                    "reason": number.reason,
                    "tested_jurors": row.jurors,
                    "tested_ratings": row.ratings,
                }
            )
    return rows
