"""From people's real ratings to a published data set: the whole road, with its figures.

Run `python benchmarks/real_study.py [popquorn] [dices]` from the repository's root. It reads
`../shared/data` (or what `--data` names) and skips, with the reason, what is not there. Everything
is done by the product's own services, and its Runs are performed here, on a database that is made
for the occasion in a temporary folder; nothing else is touched.

Both data sets rate how bad a text is. Utility must grow with what people want, so that the scales
are turned round on import, as the printed names of the criteria say.
"""

import argparse
import json
import os
import platform
import resource
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from annotations.domain.tables import OutsideRatings
    from annotations.models import Study
    from annotations.services.ratings_import import RatingsImported
    from juries.models import Jury, Pool, Run
    from juries.services.runs import RunContext

ROOT = Path(__file__).resolve().parents[1]
SEED = "real-study"
JURY_SIZE = 40
QUOTA_TRAITS = ("gender", "age", "race")
TRAITS = (*QUOTA_TRAITS, "education", "occupation")
QUOTA_TOLERANCE = 1
METHODS = ("hierarchical", "independent", "population_offset")
VERSIONS = ("django", "numpy", "scipy", "scikit-learn", "highspy", "torch", "pandas", "pyarrow")


@dataclass
class Clock:
    """Seconds, processor seconds (of all threads) and peak memory of each stage."""

    stages: list[tuple[str, float, float, float]] = field(default_factory=list)

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Measures what happens inside."""
        _forget_peak()
        start, worked = time.perf_counter(), time.process_time()
        yield
        seconds, cpu = time.perf_counter() - start, time.process_time() - worked
        self.stages.append((name, seconds, cpu, _peak_mib()))

    def print(self) -> None:
        """The table of stages."""
        print_table(
            ("stage", "seconds", "CPU seconds", "peak RSS, MiB"),
            [(n, f"{wall:.2f}", f"{cpu:.2f}", f"{peak:.0f}") for n, wall, cpu, peak in self.stages],
        )


def _forget_peak() -> None:
    """Starts a new peak, where the system can (Linux)."""
    try:
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    except OSError:
        return


def _peak_mib() -> float:
    """The largest resident size since `_forget_peak`; since the start where it can't forget."""
    status = Path("/proc/self/status")
    if status.exists():
        for line in status.read_text(encoding="ascii").splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) / 1024
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 2**20


def print_table(heading: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """A table in columns."""
    lines = [list(heading), *(list(row) for row in rows)]
    widths = [max(len(line[place]) for line in lines) for place in range(len(heading))]
    for number, line in enumerate(lines):
        print("  " + "  ".join(c.ljust(w) for c, w in zip(line, widths, strict=True)).rstrip())
        if not number:
            print("  " + "  ".join("-" * width for width in widths))
    print()


def shown(value: object, digits: int = 3) -> str:
    """A number for people; a dash where there is none."""
    if value is None:
        return "-"
    return f"{value:.{digits}f}" if isinstance(value, float) else str(value)


def prepare(folder: Path) -> None:
    """Django on a database of its own in the folder."""
    os.environ.update(
        {
            "DJANGO_SETTINGS_MODULE": "venire.settings",
            "VENIRE_VAR_DIR": str(folder),
            "DATABASE_URL": f"sqlite:///{folder / 'real_study.sqlite3'}",
            "VENIRE_LOG_LEVEL": "WARNING",
        }
    )
    sys.path.insert(0, str(ROOT))
    import django
    from django.core.management import call_command

    django.setup()
    call_command("migrate", verbosity=0)


def perform(run: "Run", work: "Callable[[RunContext], Any]") -> "Run":
    """Performs a Run here, as a worker would."""
    from juries.services.runs import perform_run

    perform_run(run_id=run.pk, work=work)
    run.refresh_from_db()
    if run.state != run.State.SUCCEEDED:
        raise SystemExit(f"{run.title}: {run.state}. {run.error}\n{run.log}")
    return run


# --- POPQUORN -----------------------------------------------------------------------------------


def popquorn(data: Path) -> None:
    """A jury of 40 is drawn from POPQUORN's raters; their ratings make a study."""
    from annotations.domain.tables import (
        DeclaredScale,
        RatingColumns,
        read_ratings,
        read_table,
    )
    from annotations.services.raters import raters_to_pool
    from annotations.services.ratings_import import (
        RatedCriterion,
        ratings_to_study,
    )

    clock = Clock()
    scale = DeclaredScale(low=1, high=5, values={f"{1.0 * n}": 6.0 - n for n in range(1, 6)})
    with clock.stage("read the table"):
        found = read_ratings(
            read_table((data / "raw_data.csv").read_bytes(), name="raw_data.csv"),
            columns=RatingColumns(
                juror="user_id",
                item="instance_id",
                text="text",
                rating="offensiveness",
                traits=TRAITS,
            ),
            scale=scale,
        )
    print(f"{len(found.raters)} raters, {len(found.items)} texts, {len(found.ratings)} ratings\n")
    with clock.stage("raters to pool"):
        pool = raters_to_pool(raters=found.raters, traits=found.traits, name="POPQUORN's raters")
    with clock.stage("quotas and draw"):
        jury = draw_jury(pool=pool)
    with clock.stage("ratings to study"):
        made = ratings_to_study(
            jury=jury,
            ratings=found,
            criterion=RatedCriterion(
                name="Inoffensiveness",
                scale=scale,
                question="How offensive is this comment? (6 less the rating that was given)",
                low_label="very offensive",
                high_label="not offensive",
            ),
            title="Offensiveness of comments, rated by a jury of 40",
            description="Ratings of the Potato-Prolific data set.",
        )
    print(
        f"Study: {made.queries} queries, {made.ratings} ratings by {made.jurors} jurors; "
        f"{made.left_out} ratings of the others left out.\n"
    )
    study_figures(made=made, found=found, clock=clock)
    with clock.stage("held-out table, all raters"):
        all_raters(found=found, criterion=made.criterion.name)
    clock.print()


def draw_jury(*, pool: "Pool") -> "Jury":
    """Forty of the pool under quotas: its own shares of gender, age and race, give or take."""
    from juries.domain.quotas import propose_quotas
    from juries.models import Draw, FeatureValue, Jury
    from juries.services.draws import perform_draw, request_draw
    from juries.services.invitations import accept_seat
    from juries.services.quotas import WantedQuota, set_quotas

    jury = Jury.objects.create(pool=pool, name="Forty of POPQUORN's raters", size=JURY_SIZE)
    values = FeatureValue.objects.filter(feature__pool=pool, feature__name__in=QUOTA_TRAITS)
    ids = {(value.feature.name, value.value): value.pk for value in values}
    people = pool.candidates.count()
    held = {
        key: pool.candidates.filter(traits__feature_value=pk).count() for key, pk in ids.items()
    }
    shares: dict[str, dict[str, float]] = {name: {} for name in QUOTA_TRAITS}
    for (feature, value), number in held.items():
        shares[feature][value] = number / people
    quotas = propose_quotas(shares=shares, size=JURY_SIZE, tolerance=QUOTA_TOLERANCE)
    set_quotas(
        jury=jury,
        quotas=[
            WantedQuota(
                value_ids=tuple(ids[trait] for trait in quota.traits),
                minimum=quota.minimum,
                maximum=quota.maximum,
            )
            for quota in quotas
        ],
    )
    run = perform(request_draw(jury=jury, seed=SEED), perform_draw)
    draw = Draw.objects.get(run=run)
    for seat in jury.seats.order_by("number"):
        accept_seat(seat=seat)
    seated = {
        key: jury.seats.filter(juror__candidate__traits__feature_value=pk).count()
        for key, pk in ids.items()
    }
    chances = sorted(draw.chances.values_list("probability", flat=True))
    print(
        f"Draw ({draw.method}, seed {draw.seed!r}): {jury.seats.count()} of {people} under "
        f"{len(quotas)} quotas; everybody's chance lies between {chances[0]:.4f} and "
        f"{chances[-1]:.4f} (the smallest can't be above {shown(draw.upper_bound, 4)}, an even "
        f"draw would give {JURY_SIZE / people:.4f}).\n"
    )
    rows = []
    for quota in quotas:
        (trait,) = quota.traits
        bounds = f"{quota.minimum} to {quota.maximum}"
        rows.append((quota.label, str(held[trait]), bounds, str(seated[trait])))
        if not quota.minimum <= seated[trait] <= quota.maximum:
            raise SystemExit(f"The quota {quota.label} is {bounds}, seated are {seated[trait]}.")
    print_table(("quota", "in the pool", "quota", "seated"), rows)
    return jury


# --- DICES-350 ----------------------------------------------------------------------------------


def dices(data: Path) -> None:
    """All 123 raters of DICES-350 as a jury; nobody's traits are known, and nobody is drawn."""
    from annotations.domain.tables import (
        DeclaredScale,
        read_rater_matrix,
    )
    from annotations.services.raters import raters_to_pool, seat_raters
    from annotations.services.ratings_import import (
        RatedCriterion,
        ratings_to_study,
    )

    clock = Clock()
    scale = DeclaredScale(low=0, high=1, values={"Yes": 0.0, "No": 1.0, "Unsure": None})
    with clock.stage("read the matrix"):
        document = json.loads((data / "dices_350_crowdsourced.json").read_text(encoding="utf-8"))
        found = read_rater_matrix(document, scale=scale)
    print(f"{len(found.raters)} raters, {len(found.items)} texts, {len(found.ratings)} ratings\n")
    with clock.stage("raters to pool and jury"):
        pool = raters_to_pool(raters=found.raters, traits=found.traits, name="DICES's raters")
        jury = seat_raters(pool=pool, name="All raters of DICES-350")
    with clock.stage("ratings to study"):
        made = ratings_to_study(
            jury=jury,
            ratings=found,
            criterion=RatedCriterion(
                name="Not unsafe",
                scale=scale,
                question="Is the conversation unsafe? (1: no, 0: yes)",
            ),
            title="Safety of conversations, rated by 123",
            description="Ratings of DICES-350.",
            licence="cc-by-4.0",
        )
    print(f"Study: {made.queries} queries, {made.ratings} ratings by {made.jurors} jurors.\n")
    study_figures(made=made, found=found, clock=clock)
    clock.print()


# --- What both have in common -------------------------------------------------------------------


def study_figures(*, made: "RatingsImported", found: "OutsideRatings", clock: Clock) -> None:
    """Training, results and export of a study, with what they say."""
    from annotations.services.results import (
        perform_results,
        request_results,
    )
    from models_runner.services.training import (
        perform_training,
        request_training,
    )

    evaluations = {}
    for method in METHODS:
        training = request_training(criterion=made.criterion, method=method, requested_by=None)
        with clock.stage(f"train {method}"):
            run = perform(training.run, perform_training)
        training.refresh_from_db()
        evaluations[method] = training.evaluation
        print(
            f"{method}: {run.result['predicted']} ratings predicted; "
            + ("usable" if training.is_usable else "not usable: " + " ".join(run.result["reasons"]))
        )
    print("\nHeld-out mean absolute error, ratings of this jury only:\n")
    print_errors([row for found_ in evaluations.values() for row in found_["rows"]])
    request = request_results(study=made.study, requested_by=None)
    with clock.stage("results page"):
        perform(request, perform_results)
    print_results(study=made.study)
    export_and_compare(made=made, found=found, clock=clock)


def print_errors(rows: Sequence[dict[str, Any]]) -> None:
    """The held-out table, one line a method; interval coverage of seen jurors at the end."""
    columns: list[tuple[str, int | None]] = [("new_juror_new_item", n) for n in (0, 5, 10, 20)]
    columns += [("seen_juror_new_item", None), ("random_cells", None)]
    cells = {(r["method"], r["situation"], r["own_ratings"]): r for r in rows}
    lines = []
    for method in dict.fromkeys(row["method"] for row in rows):
        errors = [cells.get((method, *column)) for column in columns]
        seen = cells.get((method, "seen_juror_new_item", None))
        lines.append(
            (
                method,
                *(shown(row["mae"]["value"] if row else None) for row in errors),
                shown(seen["rank_correlation"]["value"] if seen else None),
                shown(seen["coverage"]["value"] if seen else None),
            )
        )
    heading = ("method", "new, n=0", "n=5", "n=10", "n=20", "seen juror", "random cells")
    print_table((*heading, "rank r, seen", "coverage, seen"), lines)


def print_results(*, study: "Study") -> None:
    """Agreement, utilities and welfare as the results page has them."""
    snapshot = study.results_snapshots.first()
    if snapshot is None:
        raise SystemExit("The results were not kept.")
    for key in ("who", "agreement", "utility", "welfare"):
        section = snapshot.content[key]
        for sentence in (*section["summary"], *section["notices"], section["empty_reason"]):
            if sentence:
                print(f"[{key}] {sentence}")
    print()
    table = snapshot.content["welfare"]["figures"][0]["table"]
    print(f"{table['caption']} (the mean over all texts)\n")
    print_table(table["columns"], [[shown(cell) for cell in row] for row in table["rows"]])
    for title, table in snapshot.content["welfare"]["tables"]:
        print(f"{title}\n")
        print_table(table["columns"], [[shown(cell) for cell in row] for row in table["rows"]])


def export_and_compare(*, made: "RatingsImported", found: "OutsideRatings", clock: Clock) -> None:
    """Writes the data set, loads it in pandas, and compares every rating with the source."""
    import pandas as pd

    from annotations.services.exports import (
        export_path,
        perform_export,
        request_export,
    )

    export = request_export(study=made.study, actor=None)
    with clock.stage("export"):
        perform(export.run, perform_export)
    export.refresh_from_db()
    folder = export_path(export=export).parent
    size = export_path(export=export).stat().st_size / 2**20
    with clock.stage("load in pandas and compare"):
        unpacked = folder / "unpacked"
        shutil.unpack_archive(export_path(export=export), unpacked)
        ratings = pd.read_parquet(next(unpacked.rglob("ratings.parquet")))
        responses = pd.read_parquet(next(unpacked.rglob("responses.parquet")))
        assert made.study.jury is not None
        jurors = made.study.jury.jurors.values_list("public_id", "candidate__external_id")
        names = {str(public_id): external_id for public_id, external_id in jurors}
        item = dict(zip(responses.response, responses.external_id, strict=True))
        columns = zip(ratings.juror, ratings.response, ratings.value, ratings.cant_say, strict=True)
        loaded: Counter[tuple[str, str, float | None]] = Counter(
            (names[juror], item[response], None if cant_say else float(value))
            for juror, response, value, cant_say in columns
        )
        jury = set(names.values())
        source = Counter((r.rater, r.item, r.value) for r in found.ratings if r.rater in jury)
        if loaded != source:
            missing, extra = source - loaded, loaded - source
            raise SystemExit(
                f"The export differs from the source: {missing.total()} ratings missing, "
                f"{extra.total()} too many."
            )
    rows = {table["name"]: table["rows"] for table in export.manifest["tables"] if table["rows"]}
    print(
        f"Export: {size:.1f} MiB zipped, content SHA-256 {export.digest[:16]}...; rows: "
        + ", ".join(f"{name} {number}" for name, number in rows.items())
    )
    print(f"pandas: all {loaded.total()} ratings are those of the source, value by value.\n")


def all_raters(*, found: "OutsideRatings", criterion: str) -> None:
    """The held-out table on everybody's ratings, from the texts' cached vectors."""
    import dataclasses

    import numpy as np

    from models_runner.domain.evaluation import (
        evaluate_methods,
        judge_usable,
    )
    from models_runner.domain.reward import RatingTable
    from models_runner.ports import load_encoder
    from models_runner.services.embeddings import embed_texts

    encoder = load_encoder()
    items = {key: place for place, key in enumerate(found.items)}
    raters = {key: place for place, key in enumerate(found.raters)}
    said = [one for one in found.ratings if one.value is not None]
    table = RatingTable(
        features=embed_texts(
            texts=[item.text for item in found.items.values()], encoder=encoder
        ).astype(np.float64),
        items=np.array([items[one.item] for one in said]),
        jurors=np.array([raters[one.rater] for one in said]),
        ratings=np.array([one.value for one in said]),
        juror_count=len(raters),
        low=1,
        high=5,
    )
    held_out = evaluate_methods(table=table, methods=METHODS)
    print(f"Held-out mean absolute error, all {len(raters)} raters, {criterion.lower()} 1 to 5:\n")
    print_errors(
        [{**dataclasses.asdict(row), "situation": row.situation.value} for row in held_out.rows]
    )
    for method in METHODS:
        gate = judge_usable(table=held_out, method=method)
        print(f"{method}: {'usable' if gate.usable else 'not usable: ' + ' '.join(gate.reasons)}")
    print()


def print_machine() -> None:
    """Where this was measured, and with which software."""
    model = "unknown processor"
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        lines = cpuinfo.read_text(encoding="utf-8").splitlines()
        model = next((x.partition(":")[2].strip() for x in lines if "model name" in x), model)
    import venire

    print(
        f"{model}, {os.cpu_count()} cores, {platform.platform()}, Python {sys.version.split()[0]}"
    )
    print(
        f"venire {venire.__version__}, " + ", ".join(f"{n} {version(n)}" for n in VERSIONS) + "\n"
    )


STUDIES: dict[str, tuple[str, str, Callable[[Path], None]]] = {
    "popquorn": ("popquorn", "raw_data.csv", popquorn),
    "dices": ("dices_350", "dices_350_crowdsourced.json", dices),
}


def main() -> None:
    """All that was asked for, one after another."""
    parser = argparse.ArgumentParser(description="The whole road on real ratings.")
    parser.add_argument("names", nargs="*", help="popquorn, dices; both by default")
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "data")
    parser.add_argument("--keep", type=Path, help="folder for database and exports, kept")
    options = parser.parse_args()
    unknown = set(options.names) - set(STUDIES)
    if unknown:
        parser.error(f"unknown: {', '.join(sorted(unknown))}; known: {', '.join(STUDIES)}")
    folder = options.keep or Path(tempfile.mkdtemp(prefix="real_study_"))
    folder.mkdir(parents=True, exist_ok=True)
    try:
        prepare(folder.resolve())
        print_machine()
        for name in options.names or STUDIES:
            sub, file, study = STUDIES[name]
            if not (options.data / sub / file).exists():
                print(f"{name}: skipped, there is no {options.data / sub / file}\n")
                continue
            print(f"=== {name} ===\n")
            study(options.data / sub)
    finally:
        if options.keep is None:
            shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
