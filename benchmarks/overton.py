"""Coverage by a judge beside coverage by people's labels, and how long a reading takes.

    python benchmarks/overton.py                                # the judge of the settings
    python benchmarks/overton.py argkp --backend transformers:FOLDER
    python benchmarks/overton.py speed --queries 20

argkp: key points are answers, and some arguments of one side together are a response; people said
of each argument and key point whether it expresses it (KPA-2021, dev). perspectrum: claims are
queries, and views with crowd-checked paraphrases are answers; a response puts one paraphrase of
some views after the other (Perspectrum, dev). Thresholds are learned from other queries. No
sentence is printed.
speed: a study in a database of its own, read with an empty cache of scores and with a full one.
"""

import argparse
import csv
import hashlib
import json
import os
import platform
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from scipy.stats import spearmanr

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
ARGUMENTS_A_RESPONSE = 5


@dataclass(frozen=True)
class Labelled:
    """A response, its query's answers, and for each 1 expressed, 0 not, NaN not labelled."""

    query: str
    text: str
    answers: tuple[str, ...]
    expressed: tuple[float, ...]


def main() -> None:
    """Measures what was named."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", nargs="*", help="argkp, perspectrum, speed")
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "data")
    parser.add_argument("--backend", default="", help="judge; that of the settings unless given")
    parser.add_argument("--limit", type=int, default=150, help="most responses of a data set")
    parser.add_argument("--queries", type=int, default=30, help="of the study that is timed")
    options = parser.parse_args()
    wanted = options.what or ["argkp", "perspectrum", "speed"]
    libraries = ("numpy", "scikit-learn", "torch", "transformers")
    print(
        f"{platform.machine()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}, Python "
        f"{platform.python_version()}, " + ", ".join(f"{one} {version(one)}" for one in libraries)
    )
    with tempfile.TemporaryDirectory() as folder:
        os.environ.update(
            DJANGO_SETTINGS_MODULE="venire.settings",
            VENIRE_VAR_DIR=folder,
            VENIRE_LOG_LEVEL="WARNING",
        )
        import django

        django.setup()
        from overton.ports import load_entailment_backend

        judge = load_entailment_backend(options.backend or None)
        print(f"judge {judge.name} {judge.revision} {judge.weights_digest[:12]}")
        if "argkp" in wanted:
            agreement("argkp", list(argkp(options.data)), judge, options.limit)
        if "perspectrum" in wanted:
            agreement("perspectrum", list(perspectrum(options.data)), judge, options.limit)
        if "speed" in wanted:
            speed(options.data, options.backend, options.queries)


# --- Data -----------------------------------------------------------------------------------------


def argkp(data: Path) -> Iterator[Labelled]:
    """Five arguments of one side at a time, in their order."""
    folder = data / "argkp2021"
    arguments = rows(folder / "arguments_dev.csv")
    points = {row["key_point_id"]: row for row in rows(folder / "key_points_dev.csv")}
    labels = {
        (row["arg_id"], row["key_point_id"]): float(row["label"])
        for row in rows(folder / "labels_dev.csv")
    }
    sides: dict[tuple[str, str], list[dict[str, str]]] = defaultdict(list)
    for row in arguments:
        sides[row["topic"], row["stance"]].append(row)
    for (topic, stance), members in sorted(sides.items()):
        own = [
            key for key, one in points.items() if (one["topic"], one["stance"]) == (topic, stance)
        ]
        for start in range(0, len(members), ARGUMENTS_A_RESPONSE):
            part = members[start : start + ARGUMENTS_A_RESPONSE]
            said = [[labels.get((one["arg_id"], key), np.nan) for one in part] for key in own]
            yield Labelled(
                query=topic,
                text=" ".join(sentence(one["argument"]) for one in part),
                answers=tuple(points[key]["key_point"] for key in own),
                # 1 where any argument expresses it; open where none does and one has no label.
                expressed=tuple(
                    1.0 if 1.0 in row else np.nan if np.isnan(row).any() else 0.0 for row in said
                ),
            )


def perspectrum(data: Path) -> Iterator[Labelled]:
    """For each claim three responses, each of paraphrases of some of its views."""
    folder = data / "perspectrum"
    split = json.loads((folder / "dataset_split_v1.0.json").read_text())
    pool = {
        one["pId"]: one["text"]
        for one in json.loads((folder / "perspective_pool_v1.0.json").read_text())
    }
    rng = np.random.default_rng(0)
    for claim in json.loads((folder / "perspectrum_with_answers_v1.0.json").read_text()):
        views = [one["pids"] for one in claim["perspectives"] if len(one["pids"]) > 1]
        if split[str(claim["cId"])] != "dev" or len(views) < 3:
            continue
        for _ in range(3):
            said = rng.random(len(views)) < 0.5
            if said.any():
                yield Labelled(
                    query=str(claim["cId"]),
                    text=" ".join(
                        sentence(pool[rng.choice(pids[1:])])
                        for pids, one in zip(views, said, strict=True)
                        if one
                    ),
                    answers=tuple(pool[pids[0]] for pids in views),
                    expressed=tuple(said.astype(float)),
                )


def rows(path: Path) -> list[dict[str, str]]:
    """The rows of a CSV file; its digest is printed."""
    content = path.read_bytes()
    print(f"{path.name} sha256 {hashlib.sha256(content).hexdigest()[:12]}")
    return list(csv.DictReader(content.decode().splitlines()))


def sentence(text: str) -> str:
    """With a full stop."""
    text = text.strip()
    return (text[:1].upper() + text[1:]) + ("" if text.endswith((".", "!", "?")) else ".")


# --- Agreement ------------------------------------------------------------------------------------


def agreement(name: str, found: Sequence[Labelled], judge: Any, limit: int) -> None:
    """F1, kappa and AUC of pairs held out; rank correlation and error of coverage."""
    from overton.domain.calibration import calibrate
    from overton.domain.pairs import distinct_pairs
    from overton.domain.reading import read_expressions
    from overton.domain.report_card import report_card
    from overton.domain.sentences import passages, plain_words, split_sentences

    chosen = np.sort(np.random.default_rng(0).permutation(len(found))[:limit])
    responses = [found[place] for place in chosen]
    cut = [passages(split_sentences(one.text)) for one in responses]
    pairs = [
        (plain_words(passage.span.of(one.text)), answer)
        for one, parts in zip(responses, cut, strict=True)
        for passage in parts
        for answer in one.answers
    ]
    once = distinct_pairs([premise for premise, _ in pairs], [answer for _, answer in pairs])
    started = time.monotonic()
    scored = judge.entails(once.premises, once.hypotheses)[once.places]
    seconds = time.monotonic() - started
    scores, start = [], 0
    for one, parts in zip(responses, cut, strict=True):
        size = len(parts) * len(one.answers)
        block = scored[start : start + size].reshape(len(parts), len(one.answers), 3)
        scores.append(np.array([each.score for each in read_expressions(parts, block)]))
        start += size
    said = [np.array(one.expressed) for one in responses]
    owner = np.concatenate([[place] * len(row) for place, row in enumerate(said)])
    flat, labels = np.concatenate(scores), np.concatenate(said)
    known = ~np.isnan(labels)
    flat, labels, owner = flat[known], labels[known] == 1, owner[known]
    queries = [responses[place].query for place in owner]
    calibrated = calibrate(scores=flat, expressed=labels, queries=queries)
    card = report_card(scores=flat, expressed=labels, queries=queries, held_out=calibrated.held_out)
    print(
        f"\n{name}: {len(responses)} responses, {card.queries} queries, {card.pairs} labelled "
        f"pairs, {card.expressed} expressed; {len(once.premises):,} pairs judged in "
        f"{seconds:.1f} s ({len(once.premises) / seconds:.0f}/s)"
    )
    print(calibrated.decision.note)
    for metric in ("f1", "kappa", "auc", "ece"):
        one = card.metrics[metric]
        if one.value is not None and one.low is not None and one.high is not None:
            print(f"  {metric}: {one.value:.3f} [{one.low:.3f}, {one.high:.3f}]")
    for way, verdicts in (
        ("threshold from other queries", calibrated.held_out.verdicts),
        ("declared threshold of 0.5", flat >= 0.5),
    ):
        people = np.bincount(owner, labels) / np.bincount(owner)
        read = np.bincount(owner, verdicts) / np.bincount(owner)
        there = np.isfinite(people)
        rank = spearmanr(people[there], read[there]).statistic
        print(
            f"  {way}: rank correlation of coverage {rank:.3f}, mean absolute error "
            f"{np.abs(people - read)[there].mean():.3f}, mean coverage {read[there].mean():.3f} "
            f"(people {people[there].mean():.3f})"
        )


# --- Speed ----------------------------------------------------------------------------------------


def speed(data: Path, backend: str, queries: int) -> None:
    """A study's reading, with an empty cache of scores and with a full one."""
    from django.core.management import call_command

    from annotations.models import Study
    from juries.models import Run
    from juries.services.runs import perform_run
    from overton.models import Answer, EntailmentReading, EntailmentScore
    from overton.services.entailment import perform_reading, request_reading

    call_command("migrate", verbosity=0)
    study = Study.objects.create(title="Benchmark", slug="benchmark", state=Study.State.OPEN)
    sources = [study.sources.create(name=f"source {number}") for number in range(4)]
    material = list(argkp(data))
    for ordinal in range(queries):
        query = study.queries.create(external_id=f"q{ordinal}", ordinal=ordinal, text="?")
        for number, source in enumerate(sources):
            one = material[(ordinal * len(sources) + number) % len(material)]
            query.responses.create(source=source, external_id=f"r{number}", text=one.text)
        for number, answer in enumerate(material[ordinal % len(material)].answers):
            Answer.objects.create(query=query, external_id=f"a{number}", text=answer)
    for cache in ("cold", "warm"):
        run = request_reading(study=study, requested_by=None, backend=backend)
        started = time.monotonic()
        perform_run(run_id=run.pk, work=perform_reading)
        seconds = time.monotonic() - started
        run.refresh_from_db()
        if run.state != Run.State.SUCCEEDED:
            sys.exit(run.error)
        pairs = EntailmentReading.objects.get(run=run).pairs.count()
        kept = EntailmentScore.objects.count()
        print(
            f"speed, cache {cache}: {queries} queries, {queries * 4} responses, {pairs} pairs of a "
            f"response and an answer, {kept:,} distinct pairs of texts: {seconds:.1f} s"
        )


if __name__ == "__main__":
    main()
