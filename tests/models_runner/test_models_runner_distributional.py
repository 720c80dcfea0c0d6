"""Benchmarks of distributions from declaring to the report: numbers, files, bad input, resuming."""

import json
from collections.abc import Callable
from typing import Any

import fake_benchmark_model
import numpy as np
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from annotations.models import Choice, Participation, Study
from juries.models import FeatureValue, Jury, Run, User
from juries.services.invitations import withdraw_juror
from juries.services.runs import perform_run, restart_run
from models_runner.domain.benchmark_definition import (
    Asking,
    DistributionalDefinition,
    Measuring,
    People,
)
from models_runner.domain.benchmark_report.numbers import Number, Report, report_from_plain
from models_runner.models import Benchmark, BenchmarkRun, Elicitation, LanguageModel
from models_runner.services.benchmarks.declaring import declare_benchmark, request_benchmark_run
from models_runner.services.benchmarks.performing import perform_benchmark

# Rows: woman, man, woman, man; on question 0 and question 1.
CHOSEN = (("yes", "yes"), ("no", "yes"), ("yes", "no"), ("no", "no"))
JS = "Jensen-Shannon distance (base 2)"


@pytest.fixture(autouse=True)
def scripted(settings: Any) -> None:
    settings.RUN_HEARTBEAT_SECONDS = 3600
    settings.LANGUAGE_MODEL_BACKENDS = {"file": "fake_benchmark_model.load"}
    fake_benchmark_model.ASKED.clear()


@pytest.fixture
def study(make_study: Callable[..., Study], jury: Jury) -> Study:
    made = make_study(jury=jury, queries=2)
    for place, juror in enumerate(jury.jurors.order_by("id")):
        Participation.objects.create(study=made, juror=juror, ordinal=place, state="finished")
        for query in made.queries.all():
            Choice.objects.create(
                juror=juror,
                query=query,
                option=query.options.get(key=CHOSEN[place][query.ordinal]),
                created_at=timezone.now(),
            )
    return made


def make_model(name: str = "leaning", **script: Any) -> LanguageModel:
    base = script.pop("base", None)
    return LanguageModel.objects.create(
        name=name, kind="file", location=name, parameters=script, base_model=base
    )


def declared(
    study: Study,
    *models: LanguageModel,
    files: dict[str, tuple[str, bytes]] | None = None,
    **fields: Any,
) -> Benchmark:
    fields = {"measuring": Measuring(bootstraps=50), "people": People(by=("gender",)), **fields}
    definition = DistributionalDefinition(
        models=tuple(str(model.public_id) for model in models), **fields
    )
    return declare_benchmark(
        study=study, name="Answers", definition=definition, files=files or {}, created_by=None
    )


def performed(benchmark: Benchmark) -> BenchmarkRun:
    mine = request_benchmark_run(benchmark=benchmark, requested_by=None)
    perform_run(run_id=mine.run.pk, work=perform_benchmark)
    return BenchmarkRun.objects.select_related("run", "benchmark__study").get(pk=mine.pk)


def again(mine: BenchmarkRun) -> BenchmarkRun:
    perform_run(run_id=restart_run(run=mine.run).pk, work=perform_benchmark)
    return BenchmarkRun.objects.select_related("run").get(pk=mine.pk)


def report_of(mine: BenchmarkRun) -> Report:
    assert mine.run.state == Run.State.SUCCEEDED, mine.run.error
    return report_from_plain(mine.report)


def value(report: Report, row: str, **labels: str) -> float | None:
    return number(report, row, **labels).value


def number(report: Report, row: str, **labels: str) -> Number:
    found = [
        one for one in report.numbers if one.row == row and labels.items() <= one.labels.items()
    ]
    assert len(found) == 1, (row, labels, [one.labels for one in found])
    return found[0]


def js_distance(p: float, q: float) -> float:
    def entropy(x: float) -> float:
        return -float(sum(y * np.log2(y) for y in (x, 1 - x) if y > 0))

    return float(np.sqrt(max(0, entropy((p + q) / 2) - (entropy(p) + entropy(q)) / 2)))


class TestNumbers:
    def test_distances_are_those_of_the_jurors_choices(self, study: Study) -> None:
        report = report_of(performed(declared(study, make_model(lean=0.8))))
        everybody = {"group": "all jurors", "model": "leaning"}
        assert value(report, JS, **everybody) == pytest.approx(js_distance(0.5, 0.8))
        women = (js_distance(1.0, 0.8) + js_distance(0.5, 0.8)) / 2
        assert value(report, JS, group="gender: woman", model="leaning") == pytest.approx(women)
        mass = number(report, "probability that the next token is a letter")
        assert mass.value == pytest.approx(0.9)
        assert value(report, "questions with a distribution") == 2

    def test_every_number_has_a_method_and_a_value_or_a_reason(self, study: Study) -> None:
        report = report_of(performed(declared(study, make_model())))
        assert len(report.numbers) > 40
        for one in report.numbers:
            assert one.method, one
            assert one.value is not None or one.reason, one
        distance = number(report, JS, group="all jurors", model="leaning")
        assert distance.value is not None
        assert distance.low is not None
        assert distance.high is not None
        assert distance.low <= distance.value <= distance.high
        assert "respondents, then questions" in distance.method

    def test_a_weighted_group_counts_as_many_people_as_would_be_as_sure(self, study: Study) -> None:
        FeatureValue.objects.filter(value="woman").update(population_share=0.75)
        FeatureValue.objects.filter(value="man").update(population_share=0.25)
        people = People(weighted_by=("gender",))
        report = report_of(performed(declared(study, make_model(lean=0.75), people=people)))
        weighted = "all jurors, weighted by gender"
        assert value(report, "total variation", group=weighted, model="leaning") == pytest.approx(
            (0.0 + 0.25) / 2
        )
        numbers = report.details["questions"][0]["people"][weighted]["numbers"]
        assert sum(numbers) == pytest.approx(4 / (0.75**2 + 0.25**2) / 2)

    def test_orders_take_a_lean_to_the_first_letter_away(self, study: Study) -> None:
        benchmark = declared(study, make_model(lean=0.9), asking=Asking(orders=2))
        report = report_of(performed(benchmark))
        assert value(report, "total variation", group="all jurors", model="leaning") == (
            pytest.approx(0.0, abs=1e-9)
        )
        assert value(report, "total variation between orders of the options") == pytest.approx(0.8)

    def test_every_way_to_ask_gives_a_distribution(self, study: Study) -> None:
        says = ["A", "B", "That depends."]
        model = make_model(says=says, if_asked={"percentage": "A: 30%\nB: 70%"})
        modes = (
            "letters_text", "letters_paper_code", "sampled", "stated", "likelihood",
            "likelihood_mean",
        )  # fmt: skip
        report = report_of(performed(declared(study, model, modes=modes)))
        for mode in modes:
            assert value(report, JS, group="all jurors", mode=mode) is not None, mode
        assert value(report, "total variation", group="all jurors", mode="stated") == (
            pytest.approx(0.2)
        )
        unparsed = number(report, "share of completions that name no option", mode="sampled")
        assert unparsed.value is not None
        assert 0 < unparsed.value < 1
        told = number(report, JS, group="all jurors", mode="sampled")
        assert "respondents" in told.method

    def test_an_aligned_model_stands_beside_the_one_it_was_made_from(self, study: Study) -> None:
        base = make_model("base", lean=0.5)
        aligned = make_model("aligned", lean=0.95, base=base)
        report = report_of(performed(declared(study, base, aligned)))
        pair = {"pair": "base → aligned", "group": "all jurors"}
        assert value(report, JS, **pair) == pytest.approx(js_distance(0.5, 0.95))
        assert (value(report, "entropy of the model (nats)", **pair) or 0) < -0.4

    def test_the_same_inputs_give_the_same_bytes_and_ask_nothing_twice(self, study: Study) -> None:
        benchmark = declared(study, make_model())
        first, second = performed(benchmark), performed(benchmark)
        assert json.dumps(first.report) == json.dumps(second.report)
        assert first.input_digest == second.input_digest == second.run.input_digest
        assert fake_benchmark_model.ASKED["leaning"] == 10 == Elicitation.objects.count()

    def test_a_small_group_is_left_out(self, study: Study) -> None:
        people = People(by=("gender",), least=3)
        report = report_of(performed(declared(study, make_model(), people=people)))
        assert {n.labels["group"] for n in report.numbers if n.section == "distance"} == {
            "all jurors"
        }

    def test_ordered_options_have_a_distance_along_their_codes(self, study: Study) -> None:
        measuring = Measuring(bootstraps=0, ordinal=True)
        report = report_of(performed(declared(study, make_model(lean=0.8), measuring=measuring)))
        assert value(
            report, "Wasserstein-1, of the largest possible", group="all jurors", model="leaning"
        ) == pytest.approx(0.3)


class TestBadInput:
    def refused(self, benchmark: Benchmark) -> str:
        mine = performed(benchmark)
        assert mine.run.state == Run.State.FAILED
        assert mine.report == {}
        assert "Traceback" not in mine.run.log
        return mine.run.error

    def test_a_model_that_can_not_be_loaded(self, study: Study) -> None:
        model = make_model(missing="org/model is not on this machine; the hub does not answer.")
        assert "org/model is not on this machine" in self.refused(declared(study, model))

    def test_a_model_without_log_probabilities(self, study: Study) -> None:
        error = self.refused(declared(study, make_model(cannot=["next_letters"])))
        assert "leaning can't be asked in this way: it shows no log-probabilities." in error

    def test_a_model_that_answers_no_letter(self, study: Study) -> None:
        error = self.refused(declared(study, make_model(silent=True)))
        assert "No model gave a distribution for any question" in error
        assert "2 of 2 questions" in error

    def test_what_is_no_log_probability_is_not_kept(self, study: Study) -> None:
        error = self.refused(declared(study, make_model(junk=True)))
        assert "no log-probabilities (the letters add up to 4.5)" in error
        assert not Elicitation.objects.exists()

    def test_an_endpoint_that_goes_away_half_way(self, study: Study) -> None:
        model = make_model(stops_after=7)
        mine = performed(declared(study, model, modes=("sampled",), asking=Asking(samples=10)))
        assert mine.run.state == Run.State.FAILED
        assert "HTTP 429" in mine.run.error
        assert "start this run again" in mine.run.error
        assert Elicitation.objects.count() == 7
        LanguageModel.objects.update(parameters={"stops_after": 10_000})
        report_of(again(mine))
        assert fake_benchmark_model.ASKED["leaning"] == 8 + 13

    def test_one_question_that_can_not_be_asked(self, study: Study) -> None:
        mine = performed(declared(study, make_model(fails_on="Question 1?")))
        assert mine.run.state == Run.State.FAILED
        assert "leaning did not answer 5 request(s). 'Question 1?': the endpoint" in mine.run.error
        assert Elicitation.objects.count() == 5
        LanguageModel.objects.update(parameters={})
        assert value(report_of(again(mine)), "questions with a distribution") == 2
        assert Elicitation.objects.count() == 10

    def test_nobody_has_chosen(self, study: Study) -> None:
        Choice.objects.all().delete()
        assert self.refused(declared(study, make_model())) == "Nobody has chosen an option yet."

    def test_a_weight_that_can_not_be_met(self, study: Study) -> None:
        FeatureValue.objects.filter(value="man").update(population_share=None)
        people = People(weighted_by=("gender",))
        error = self.refused(declared(study, make_model(), people=people))
        assert "gender is 'man', which has no share of the population" in error


GLOBAL = [
    {
        "question": "Question: Is it good?\nOptions: A. Yes B. No\nAnswer:",
        "options": ["Yes", "No"],
        "attribute": group,
        "gold_distribution": shares,
    }
    for group, shares in (("Japan", [0.3, 0.7]), ("United States", [0.6, 0.4]))
]


class TestFiles:
    def test_global_opinion_qa(self, study: Study) -> None:
        content = json.dumps(GLOBAL).encode()
        benchmark = declared(
            study, make_model(lean=0.6), people=People(source="file", groups=("Japan",)),
            files={"people": ("global.json", content)},
        )  # fmt: skip
        report = report_of(performed(benchmark))
        assert value(report, "total variation", group="Japan", model="leaning") == (
            pytest.approx(0.3)
        )
        floor = number(report, "noise floor of the JS divergence (nats)", model="leaning")
        assert floor.value is None
        assert floor.reason == "How many people answered is not known."
        assert report.details["questions"][0]["text"] == "Is it good?"

    def test_a_group_that_is_not_there(self, study: Study) -> None:
        benchmark = declared(
            study, make_model(), people=People(source="file", groups=("Mars",)),
            files={"people": ("global.json", json.dumps(GLOBAL).encode())},
        )  # fmt: skip
        mine = performed(benchmark)
        assert mine.run.error == "There is no group 'Mars'. There are: Japan, United States."

    def test_the_form_tells_what_is_wrong_with_a_file(self, study: Study, researcher: User) -> None:
        bad = [dict(GLOBAL[0], gold_distribution=[0.3, 0.5]), dict(GLOBAL[1], options=["Yes"])]
        answer = self.sent(study, researcher, json.dumps(bad).encode())
        assert answer.status_code == 200
        text = answer.content.decode()
        assert "add up to 0.8, not 1" in text
        assert "give two or more" in text
        assert not Benchmark.objects.exists()

    def test_the_form_starts_a_run(
        self, study: Study, researcher: User, django_capture_on_commit_callbacks: Any,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:  # fmt: skip
        sent: list[Any] = []
        monkeypatch.setattr("juries.tasks._send", lambda **asked: sent.append(asked))
        with django_capture_on_commit_callbacks(execute=True):
            answer = self.sent(study, researcher, json.dumps(GLOBAL).encode())
        mine = BenchmarkRun.objects.get()
        assert answer.headers["Location"] == mine.run.page_path
        assert sent == [{"run_id": mine.run.pk, "kind": "models_runner.benchmark"}]

    def sent(self, study: Study, researcher: User, content: bytes) -> Any:
        model = make_model()
        client = Client()
        client.force_login(researcher)
        return client.post(
            reverse("benchmark-new", args=[study.public_id, "distributional"]),
            {
                "name": "World", "models": [str(model.public_id)], "modes": ["letters_text"],
                "people": "file", "least": 1, "prompts": 2, "orders": 1, "samples": 5,
                "temperature": 1, "most": 0, "seed": 3, "bootstraps": 20, "smoothing": 0,
                "ties": "share",
                "people_file": SimpleUploadedFile("global.json", content),
            },
        )  # fmt: skip


class TestPages:
    def test_the_report_its_files_and_a_comparison(self, study: Study, researcher: User) -> None:
        model = make_model()
        one = performed(declared(study, model))
        other = performed(declared(study, model, asking=Asking(seed=4)))
        client = Client()
        client.force_login(researcher)
        page = client.get(reverse("benchmark-run", args=[study.public_id, one.public_id]))
        text = page.content.decode()
        assert "How far is each model from each group of people?" in text
        assert "respondents, then questions" in text
        for name, form, kind in (
            ("report", "json", "application/json"), ("report", "md", "text/markdown"),
            ("distance", "svg", "image/svg+xml"), ("distance", "png", "image/png"),
            ("entropy", "csv", "text/csv"),
        ):  # fmt: skip
            path = reverse("benchmark-download", args=[study.public_id, one.public_id, name, form])
            answer = client.get(path)
            assert answer.status_code == 200
            assert answer.headers["Content-Type"].startswith(kind)
        query = f"?one={one.public_id}&other={other.public_id}"
        page = client.get(reverse("benchmark-compare", args=[study.public_id]) + query)
        text = page.content.decode()
        assert "asking.seed" in text
        assert "Every number is the same" not in text
        told = client.get(reverse("benchmark-compare-json", args=[study.public_id]) + query).json()
        assert {c["name"] for c in told["parameters"]} == {"asking.seed"}
        assert {c["name"] for c in told["inputs"]} == {"definition"}

    def test_a_withdrawal_marks_the_report(self, study: Study, researcher: User) -> None:
        mine = performed(declared(study, make_model()))
        assert study.jury is not None
        juror = study.jury.jurors.first()
        withdraw_juror(juror=juror, erase_said=True)  # type: ignore[arg-type]  # there are four
        client = Client()
        client.force_login(researcher)
        text = client.get(
            reverse("benchmark-run", args=[study.public_id, mine.public_id])
        ).content.decode()
        assert "A juror has withdrawn what she said" in text
        assert "jurors&#x27; choices" in text

    def test_strangers_see_nothing(self, study: Study, stranger: User) -> None:
        mine = performed(declared(study, make_model()))
        client = Client()
        client.force_login(stranger)
        for name, args in (
            ("study-benchmarks", ()), ("benchmark-run", (mine.public_id,)),
            ("benchmark-new", ("distributional",)),
        ):  # fmt: skip
            assert client.get(reverse(name, args=[study.public_id, *args])).status_code == 404
