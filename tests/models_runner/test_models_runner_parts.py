"""Language models, completions and reports of benchmarks: out of a study and in again."""

import hashlib
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import fake_benchmark_model
import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from mock_endpoint import Endpoint, Reply, as_json, endpoint, said

from annotations.models import Choice, Participation, Response, Study
from annotations.ports import ExportOptions, export_parts
from annotations.services.bundles import BundleRefused
from annotations.services.exports import write_bundle
from annotations.services.study_import import import_bundle
from annotations.services.withdrawal import erase_said
from juries.models import Jury, Run, User
from juries.services.runs import perform_run
from models_runner.domain.benchmark_definition import (
    Asking,
    DistributionalDefinition,
    named_models,
    with_models,
)
from models_runner.domain.benchmark_report.difference import compare_reports
from models_runner.domain.benchmark_report.numbers import report_from_plain
from models_runner.models import (
    Benchmark,
    BenchmarkRun,
    Generation,
    LanguageModel,
    ModelSource,
)
from models_runner.selectors.benchmarks.inputs import joint_digest
from models_runner.selectors.language_models import published_location, published_parameters
from models_runner.services.benchmarks.declaring import declare_benchmark, request_benchmark_run
from models_runner.services.benchmarks.performing import perform_benchmark
from models_runner.services.generation import GenerationSettings, request_generation
from models_runner.services.withdrawal import erase_said as erase_guesses
from models_runner.tasks import generate_responses

TABLES = ("language_models", "model_sources", "generations", "benchmark_runs")


def answers(number: int, body: dict[str, Any]) -> Reply:
    return as_json(said(f"Answer {number}."))


@pytest.fixture
def server() -> Iterator[Endpoint]:
    with endpoint(answers) as made:
        yield made


def registered(name: str, **fields: Any) -> LanguageModel:
    usual: dict[str, Any] = {"kind": "file", "location": name, "parameters": {"lean": 0.8}}
    return LanguageModel.objects.create(name=name, **{**usual, **fields})


def benchmarked(study: Study, *models: LanguageModel) -> BenchmarkRun:
    benchmark = declare_benchmark(
        study=study,
        name="Do they lean?",
        definition=DistributionalDefinition(
            models=tuple(str(model.public_id) for model in models), asking=Asking(prompts=2)
        ),
        files={},
        created_by=None,
    )
    return again(benchmark)


def again(benchmark: Benchmark) -> BenchmarkRun:
    mine = request_benchmark_run(benchmark=benchmark, requested_by=None)
    perform_run(run_id=mine.run_id, work=perform_benchmark)
    return BenchmarkRun.objects.select_related("run").get(pk=mine.pk)


@pytest.fixture
def study(make_study: Callable[..., Study], jury: Jury, settings: Any, server: Endpoint) -> Study:
    """Responses generated at an endpoint, and a benchmark of two other models."""
    settings.RUN_HEARTBEAT_SECONDS = 3600
    settings.LANGUAGE_MODEL_BACKENDS = {
        **settings.LANGUAGE_MODEL_BACKENDS, "file": "fake_benchmark_model.load",
    }  # fmt: skip
    fake_benchmark_model.ASKED.clear()
    made = make_study(jury=jury, queries=2, sources=())
    writer = registered(
        "writer", kind="openai", location=server.url, model_id="w-1",
        input_price=2, output_price=10,
        parameters={"first_wait": 0.01, "extra_body": {"api_key": "sk-1"}},
        base_model=registered("writer before alignment"),
    )  # fmt: skip
    run = request_generation(
        study=made,
        model=writer,
        settings=GenerationSettings(system_prompt="Be brief.", samples=2, seed="7"),
        requested_by=None,
    )
    generate_responses(run.pk)
    for place, juror in enumerate(jury.jurors.order_by("id")):
        Participation.objects.create(study=made, juror=juror, ordinal=place, state="finished")
        for query in made.queries.all():
            Choice.objects.create(
                juror=juror,
                query=query,
                option=query.options.get(key=("yes", "no")[place % 2]),
                created_at=timezone.now(),
            )
    mine = benchmarked(made, registered("left"), registered("right"))
    assert mine.run.state == Run.State.SUCCEEDED, mine.run.error
    registered("of no study")
    return made


def tables(folder: Path) -> dict[str, list[dict[str, Any]]]:
    return {
        name: [json.loads(line) for line in path.read_text().split("\n")[:-1]]
        for name in TABLES
        if (path := folder / f"data/{name}.jsonl").exists()
    }


def written(study: Study, folder: Path, **options: Any) -> dict[str, list[dict[str, Any]]]:
    write_bundle(study=study, folder=folder, options=ExportOptions(**options), formats=("jsonl",))
    return tables(folder)


def forget(study: Study) -> None:
    """The study, its jury and its models, as if the bundle came from elsewhere."""
    jury = study.jury
    assert jury is not None
    BenchmarkRun.objects.all().delete()
    for model in (Generation, Choice, Participation, Response):
        model.objects.all().delete()
    study.delete()
    jury.seats.all().delete()
    jury.jurors.all().delete()
    jury.delete()
    LanguageModel.objects.update(base_model=None)
    LanguageModel.objects.all().delete()


@pytest.fixture
def bundle(study: Study, tmp_path: Path) -> Path:
    folder = tmp_path / "bundle"
    written(study, folder)
    forget(study)
    return folder


def forge(folder: Path, table: str, change: Callable[[list[dict[str, Any]]], None]) -> None:
    """Change the rows of a table, and the manifest with them."""
    path = folder / f"data/{table}.jsonl"
    rows = tables(folder)[table]
    change(rows)
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    manifest = json.loads((folder / "manifest.json").read_text())
    for entry in manifest["files"]:
        if entry["path"] == f"data/{table}.jsonl":
            entry["bytes"] = path.stat().st_size
            entry["sha256"] = hashlib.sha256(path.read_bytes()).hexdigest()
    for entry in manifest["tables"]:
        if entry["name"] == table:
            entry["rows"] = len(rows)
    (folder / "manifest.json").write_text(json.dumps(manifest))


class TestOut:
    def test_what_it_holds(self, study: Study, tmp_path: Path) -> None:
        found = written(study, tmp_path / "out")
        models = {row["model"]: row for row in found["language_models"]}
        assert {row["name"] for row in models.values()} == {
            "writer", "writer before alignment", "left", "right",
        }  # fmt: skip
        writer = next(row for row in models.values() if row["name"] == "writer")
        assert models[writer["base_model"]]["name"] == "writer before alignment"
        assert writer["parameters"] == {"first_wait": 0.01, "extra_body": {"api_key": "(left out)"}}
        assert (writer["input_price"], writer["output_price"]) == (2.0, 10.0)
        assert not {"key_variable", "device", "is_offered"} & set(writer)
        [signed] = found["model_sources"]
        assert (signed["source"], signed["model"]) == ("writer", writer["model"])
        assert signed["settings"]["system_prompt"] == "Be brief."

        rows = found["generations"]
        assert len(rows) == 4
        for row in rows:
            stored = Generation.objects.get(public_id=row["generation"])
            assert row["response"] == str(stored.response.public_id)  # type: ignore[union-attr]
            assert row["text"] == stored.text
            assert row["prompt"][0] == {"role": "system", "content": "Be brief."}
            assert row["parameters"]["seed"] == row["seed"] == stored.seed
            assert row["cost"] == float(stored.cost)  # type: ignore[arg-type]
            assert row["model"] == writer["model"]
        # The digest can be made again from what stands beside it.
        told = json.dumps([rows[0]["prompt"], rows[0]["parameters"]], sort_keys=True)
        assert hashlib.sha256(told.encode()).hexdigest() == rows[0]["prompt_digest"]

        [run] = found["benchmark_runs"]
        stored_run = BenchmarkRun.objects.get()
        assert run["report"] == stored_run.report
        assert run["input_digest"] == joint_digest(run["inputs"])
        assert set(run["definition"]["models"]) < set(models)
        assert run["is_predicted"] is False

    def test_no_primary_key_and_no_secret(self, study: Study, tmp_path: Path) -> None:
        written(study, tmp_path / "out")
        text = "\n".join((tmp_path / f"out/data/{name}.jsonl").read_text() for name in TABLES)
        assert "sk-1" not in text
        ids = (
            *("model", "base_model", "generation", "query", "response"),
            *("benchmark", "benchmark_run"),
        )
        for table in tables(tmp_path / "out").values():
            for row in table:
                assert not any(name.endswith("_id") and name != "model_id" for name in row)
                assert not any(UUID(row[name]).int < 2**64 for name in ids if row.get(name))

    def test_unfinished_and_stale_runs_are_left_out(
        self, study: Study, jury: Jury, tmp_path: Path
    ) -> None:
        request_benchmark_run(benchmark=Benchmark.objects.get(), requested_by=None)
        assert len(written(study, tmp_path / "a")["benchmark_runs"]) == 1
        juror = jury.jurors.order_by("id")[0]
        erase_said(juror=juror, erase_said=True)
        erase_guesses(juror=juror, erase_said=True)
        BenchmarkRun.objects.update(stale_since=timezone.now())
        found = written(study, tmp_path / "b")
        assert found["benchmark_runs"] == []
        # With it go the models that nothing else in the data set names.
        names = {row["name"] for row in found["language_models"]}
        assert names == {"writer", "writer before alignment"}

    def test_options_leave_reports_out(self, study: Study, tmp_path: Path) -> None:
        mine = BenchmarkRun.objects.get()
        assert written(study, tmp_path / "a", suppress_below=2)["benchmark_runs"] == []
        assert len(written(study, tmp_path / "b", include_predicted=False)["benchmark_runs"]) == 1
        mine.report["is_predicted"] = True
        mine.save()
        assert written(study, tmp_path / "c", include_predicted=False)["benchmark_runs"] == []
        [row] = written(study, tmp_path / "d")["benchmark_runs"]
        assert row["is_predicted"] is True

    def test_the_number_of_queries_does_not_grow(self, study: Study, tmp_path: Path) -> None:
        counts = []
        for place in range(2):
            with CaptureQueriesContext(
                connection,
            ) as seen:
                written(study, tmp_path / str(place))
            counts.append(len(seen))
            for _ in range(3):
                again(Benchmark.objects.get())
            Generation.objects.bulk_create(
                Generation(
                    model=LanguageModel.objects.get(name="left"),
                    run=Run.objects.all()[0],
                    query=query,
                    prompt="?",
                    prompt_digest=f"{place} {sample}",
                    sample=sample,
                )
                for query in study.queries.all()
                for sample in range(30)
            )
        assert counts[0] == counts[1]

    def test_large_rows_are_held_a_few_at_a_time(self) -> None:
        parts = {part.name: part for part in export_parts()}
        assert parts["benchmark_runs"].batch_rows <= 10  # type: ignore[attr-defined]
        assert parts["generations"].batch_rows <= 1_000  # type: ignore[attr-defined]

    def test_the_docs_name_every_table(self) -> None:
        page = (Path(__file__).parents[2] / "docs/data.md").read_text()
        for part in export_parts():
            assert f"`{part.name}`" in page, part.name


class TestIn:
    def test_everything_comes_back(
        self, study: Study, tmp_path: Path, researcher: User, server: Endpoint
    ) -> None:
        before = written(study, tmp_path / "first")
        report = BenchmarkRun.objects.get().report
        forget(study)
        imported = import_bundle(path=tmp_path / "first", actor=researcher).study
        assert written(imported, tmp_path / "second") == before
        writer = LanguageModel.objects.get(name="writer")
        assert not LanguageModel.objects.filter(is_offered=True).exists()
        assert writer.key_variable == ""
        assert writer.base_model == LanguageModel.objects.get(name="writer before alignment")
        assert ModelSource.objects.get().source.study == imported
        for row in Generation.objects.select_related("response", "query", "run"):
            assert row.query.study == imported  # type: ignore[union-attr]
            assert row.response.text == row.text  # type: ignore[union-attr]
            assert row.run.state == Run.State.SUCCEEDED
        # One Run for all completions.
        assert Generation.objects.values("run").distinct().count() == 1
        mine = BenchmarkRun.objects.get()
        assert mine.report == report
        client = Client()
        client.force_login(researcher)
        page = client.get(reverse("benchmark-run", args=[imported.public_id, mine.public_id]))
        assert page.status_code == 200
        assert "Do they lean?" in page.content.decode()

    def test_numbers_stay_comparable_whatever_the_order_of_labels(self, study: Study) -> None:
        plain = BenchmarkRun.objects.get().report
        one = report_from_plain(plain)
        other = report_from_plain(json.loads(json.dumps(plain, sort_keys=True)))
        found = compare_reports(one, other)
        assert found.same_numbers
        assert all(pair.one and pair.other for pair in found.pairs)

    def test_a_copy_beside_the_original_takes_the_same_models(
        self, study: Study, tmp_path: Path
    ) -> None:
        before = written(study, tmp_path / "first")
        count = LanguageModel.objects.count()
        copy = import_bundle(path=tmp_path / "first", slug="copy").study
        assert LanguageModel.objects.count() == count
        assert LanguageModel.objects.get(name="writer").is_offered
        after = written(copy, tmp_path / "second")
        assert after["language_models"] == before["language_models"]
        assert after["benchmark_runs"][0]["definition"] == before["benchmark_runs"][0]["definition"]
        for table, key in (("generations", "generation"), ("benchmark_runs", "benchmark_run")):
            assert not {row[key] for row in after[table]} & {row[key] for row in before[table]}

    @pytest.mark.parametrize("change", [{"revision": "other"}, {"weights_digest": "0" * 64}])
    def test_a_model_that_differs_is_another(
        self, study: Study, tmp_path: Path, change: dict[str, str]
    ) -> None:
        LanguageModel.objects.update(weights_digest="f" * 64)
        written(study, tmp_path / "first")
        LanguageModel.objects.filter(name="left").update(**change)
        copy = import_bundle(path=tmp_path / "first", slug="copy").study
        here = LanguageModel.objects.get(name="left")
        made = LanguageModel.objects.get(name="left (2)")
        assert made.public_id != here.public_id
        assert (made.revision, made.weights_digest) == ("", "f" * 64)
        definition = Benchmark.objects.get(study=copy).definition
        assert str(made.public_id) in definition["models"]
        assert str(here.public_id) not in definition["models"]

    def test_a_name_that_is_taken(self, bundle: Path) -> None:
        mine = registered("left", kind="embedded")
        import_bundle(path=bundle)
        mine.refresh_from_db()
        assert mine.kind == "embedded"
        assert LanguageModel.objects.get(name="left (2)").kind == "file"

    def test_nobody_is_asked_at_an_address_out_of_a_file(self, bundle: Path) -> None:
        import_bundle(path=bundle)
        fake_benchmark_model.ASKED.clear()
        benchmark = Benchmark.objects.get()
        refused = again(benchmark)
        assert refused.run.state == Run.State.FAILED
        assert "is not on offer, and nobody has checked it here" in refused.run.error
        assert not fake_benchmark_model.ASKED
        LanguageModel.objects.filter(name="left").update(is_offered=True)
        LanguageModel.objects.filter(name="right").update(checked_at=timezone.now())
        assert again(benchmark).run.state == Run.State.SUCCEEDED

    def test_bundles_without_these_tables(self, bundle: Path) -> None:
        manifest = json.loads((bundle / "manifest.json").read_text())
        paths = [f"data/{name}.jsonl" for name in TABLES]
        manifest["tables"] = [one for one in manifest["tables"] if one["name"] not in TABLES]
        manifest["files"] = [one for one in manifest["files"] if one["path"] not in paths]
        (bundle / "manifest.json").write_text(json.dumps(manifest))
        imported = import_bundle(path=bundle)
        assert not set(TABLES) & set(imported.rows)
        assert not Generation.objects.exists()
        assert not BenchmarkRun.objects.exists()

    def test_a_model_that_the_registry_had_forgotten(self, study: Study, tmp_path: Path) -> None:
        LanguageModel.objects.filter(name="left").delete()
        before = written(study, tmp_path / "first")
        forget(study)
        imported = import_bundle(path=tmp_path / "first").study
        assert written(imported, tmp_path / "second") == before

    def test_a_large_report_in_every_format(self, study: Study, tmp_path: Path) -> None:
        mine = BenchmarkRun.objects.get()
        mine.report["notes"] = ["x" * 20_000_000]
        mine.save()
        for kind in ("parquet", "csv"):
            write_bundle(study=study, folder=tmp_path / kind, formats=(kind,))
            copy = import_bundle(path=tmp_path / kind, slug=kind).study
            assert BenchmarkRun.objects.get(benchmark__study=copy).report == mine.report


def first(name: str, value: Any) -> Callable[[list[dict[str, Any]]], None]:
    def change(rows: list[dict[str, Any]]) -> None:
        rows[0][name] = value

    return change


def in_report(name: str, value: Any) -> Callable[[list[dict[str, Any]]], None]:
    def change(rows: list[dict[str, Any]]) -> None:
        rows[0]["report"][name] = value

    return change


def second_run(**changes: Any) -> Callable[[list[dict[str, Any]]], None]:
    def change(rows: list[dict[str, Any]]) -> None:
        rows.append({**rows[0], "benchmark_run": str(uuid4()), **changes})

    return change


def other_response(rows: list[dict[str, Any]]) -> None:
    rows[0]["response"], rows[-1]["response"] = rows[-1]["response"], rows[0]["response"]


@pytest.mark.parametrize(
    ("table", "change", "match"),
    [
        ("language_models", first("model", "7"), "row 1: model is '7', which is no UUID"),
        ("language_models", lambda rows: rows.append(rows[0]), "row 5: model stands twice"),
        ("language_models", first("kind", "oracle"), "language_models, row 1: kind"),
        ("language_models", first("currency", "dollars"), "language_models, row 1: currency"),
        ("language_models", first("input_price", -1.0), "row 1: input_price"),
        ("language_models", first("input_price", 1e30), "row 1: input_price"),
        ("language_models", first("name", "x" * 121), "row 1: name"),
        ("language_models", first("base_model", str(uuid4())), "row 1: base_model .* is not in"),
        ("language_models", first("parameters", None), "row 1: parameters is empty"),
        ("language_models", first("parameters", [1]), "row 1: parameters is no JSON object"),
        ("model_sources", first("source", "nobody"), "model_sources, row 1: source 'nobody'"),
        ("model_sources", first("settings", "loud"), "settings is no JSON object"),
        ("generations", first("query", str(uuid4())), "generations, row 1: query .* is not in q"),
        ("generations", first("response", str(uuid4())), "row 1: response .* is not in responses"),
        ("generations", first("model", str(uuid4())), "row 1: model .* is not in language_models"),
        ("generations", other_response, "row 1: the response answers another query"),
        ("generations", first("state", "lost"), "row 1: state is 'lost'"),
        ("generations", first("finish_reason", "bored"), "finish_reason is 'bored'"),
        ("generations", first("prompt", {"a": 1}), "prompt is neither a text nor a list"),
        ("generations", first("prompt", [{"role": "user"}]), "prompt is neither a text nor"),
        ("generations", first("cost", -0.5), r"cost is -0\.5"),
        ("generations", first("sample", -1), "sample is -1"),
        ("generations", first("prompt_digest", "0" * 65), "prompt_digest has 65 characters"),
        ("generations", lambda rows: rows.append(rows[0]), "database refuses"),
        ("benchmark_runs", first("kind", "beauty"), "benchmark_runs, row 1: kind is 'beauty'"),
        ("benchmark_runs", first("kind", "steerable"), "row 1: definition can't be read"),
        ("benchmark_runs", first("definition", {"models": 5}), "definition can't be read"),
        ("benchmark_runs", first("definition", {"models": ["x"]}), "definition can't be read"),
        ("benchmark_runs", first("name", "x" * 121), "name has 121 characters"),
        ("benchmark_runs", first("input_digest", "0" * 64), "input_digest is not that of inputs"),
        ("benchmark_runs", first("report", {}), "row 1: report can't be read"),
        ("benchmark_runs", in_report("numbers", [{}]), "row 1: report can't be read"),
        ("benchmark_runs", in_report("details", {"compared": [5]}), "report can't be read"),
        ("benchmark_runs", in_report("extra", 1), "report holds what is no part"),
        ("benchmark_runs", first("is_predicted", True), "is_predicted is True, but False"),
        ("benchmark_runs", first("software_version", "other"), "software_version is 'other'"),
        ("benchmark_runs", second_run(name="B"), "row 2: benchmark .* was declared otherwise"),
    ],
)
def test_forged_rows_are_refused(
    bundle: Path, table: str, change: Callable[[list[dict[str, Any]]], None], match: str
) -> None:
    forge(bundle, table, change)
    with pytest.raises(BundleRefused, match=match):
        import_bundle(path=bundle)
    assert not Study.objects.exists()
    assert not LanguageModel.objects.exists()
    assert not Generation.objects.exists()
    assert not Benchmark.objects.exists()


def test_a_benchmark_does_not_reach_for_models_that_the_bundle_does_not_have(bundle: Path) -> None:
    mine = registered("mine")
    forge(bundle, "benchmark_runs", first("definition", {"models": [str(mine.public_id)]}))
    with pytest.raises(BundleRefused, match="which is not in language_models"):
        import_bundle(path=bundle)
    assert not Study.objects.exists()


def test_what_is_published_of_a_model() -> None:
    assert published_location("org/model") == "org/model"
    assert published_location("https://host/v1") == "https://host/v1"
    for folder in ("/srv/models/own-7b", "~/own-7b", "./models/own-7b/", "../own-7b"):
        assert published_location(folder) == "own-7b"
        assert published_location(published_location(folder)) == "own-7b"
    kept = {"batch_tokens": 1, "max_tokens_field": "m", "send_seed": True, "top_logprobs": 5}
    assert published_parameters(kept) == kept
    hidden = published_parameters(
        {"extra_body": {"headers": [{"X-Api-Key": "s"}, {"Authorization": ["s"]}]}, "token": "s"}
    )
    assert "s" not in json.dumps(hidden).split('"')
    assert published_parameters(hidden) == hidden


def test_models_of_a_definition() -> None:
    assert named_models({"models": ["a", "b"]}) == ("a", "b")
    assert named_models({"model": "a"}) == ("a",)
    assert named_models({"model": ""}) == named_models({}) == ()
    assert with_models({"models": ["a", "b"], "seed": 1}, {"a": "c"}) == {
        "models": ["c", "b"],
        "seed": 1,
    }
    assert with_models({"model": "a"}, {"a": "c"}) == {"model": "c"}
