"""Benchmarks of several objectives, of trade-offs and of steering, from declaring to the report."""

from collections.abc import Callable, Sequence
from math import inf
from typing import Any

import fake_benchmark_model
import numpy as np
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from numpy.typing import NDArray

from annotations.models import Choice, Participation, Rating, Response, Study
from juries.models import Jury, Run, User
from juries.services.runs import perform_run
from models_runner.domain.benchmark_definition import (
    Asking,
    DeclaredAttribute,
    DeclaredObjective,
    Definition,
    InvalidDefinition,
    ObjectivesDefinition,
    People,
    SteerableDefinition,
    TradeoffDefinition,
    definition_from_plain,
    definition_to_plain,
)
from models_runner.domain.benchmark_report.numbers import Number, Report, report_from_plain
from models_runner.forms.benchmarks import BenchmarkForm
from models_runner.models import Benchmark, BenchmarkRun, LanguageModel
from models_runner.services.benchmarks import steerable, weights
from models_runner.services.benchmarks.declaring import declare_benchmark, request_benchmark_run
from models_runner.services.benchmarks.performing import perform_benchmark

# Rows: woman, man, woman, man. By helpfulness and by fairness.
SAID = {
    "helpful": {"alpha": (5, 5, 5, 3), "beta": (3, 3, 3, 3), "gamma": (2, 2, 3, 2)},
    "fair": {"alpha": (1, 2, 1, 2), "beta": (4, 4, 4, 4), "gamma": (2, 2, 3, 3)},
}
HELPFUL = DeclaredObjective(
    name="helpful", source="criterion", criterion="helpful", worst=1, best=5
)
FAIR = DeclaredObjective(name="fair", source="criterion", criterion="fair", worst=1, best=5)


@pytest.fixture(autouse=True)
def scripted(settings: Any) -> None:
    settings.RUN_HEARTBEAT_SECONDS = 3600
    settings.LANGUAGE_MODEL_BACKENDS = {"file": "fake_benchmark_model.load"}
    fake_benchmark_model.ASKED.clear()


@pytest.fixture
def study(make_study: Callable[..., Study], jury: Jury) -> Study:
    made = make_study(jury=jury, queries=2, sources=("alpha", "beta", "gamma"))
    for place, juror in enumerate(jury.jurors.order_by("id")):
        Participation.objects.create(study=made, juror=juror, ordinal=place, state="finished")
        for response in Response.objects.filter(query__study=made).select_related("source"):
            for key, said in SAID.items():
                Rating.objects.create(
                    juror=juror,
                    response=response,
                    criterion=made.criteria.get(key=key),
                    value=said[response.source.name][place],
                    created_at=timezone.now(),
                )
        for query in made.queries.all():
            Choice.objects.create(
                juror=juror,
                query=query,
                option=query.options.get(key=("yes", "no")[place % 2]),
                created_at=timezone.now(),
            )
    return made


def performed(
    study: Study, definition: Definition, files: dict[str, tuple[str, bytes]] | None = None
) -> BenchmarkRun:
    benchmark = declare_benchmark(
        study=study, name="B", definition=definition, files=files or {}, created_by=None
    )
    mine = request_benchmark_run(benchmark=benchmark, requested_by=None)
    perform_run(run_id=mine.run.pk, work=perform_benchmark)
    return BenchmarkRun.objects.select_related("run").get(pk=mine.pk)


def report_of(mine: BenchmarkRun) -> Report:
    assert mine.run.state == Run.State.SUCCEEDED, mine.run.error + mine.run.log
    return report_from_plain(mine.report)


def number(report: Report, row: str, column: str) -> Number:
    found = [one for one in report.numbers if one.row == row and one.column == column]
    assert len(found) == 1, (row, column, [(n.row, n.column) for n in report.numbers])
    return found[0]


def page_of(study: Study, mine: BenchmarkRun, user: User) -> str:
    client = Client()
    client.force_login(user)
    answer = client.get(reverse("benchmark-run", args=[study.public_id, mine.public_id]))
    assert answer.status_code == 200
    return answer.content.decode()


class TestObjectives:
    definition = ObjectivesDefinition(
        objectives=(HELPFUL, FAIR), functions=("linear", "single:helpful", "minimum"), bootstraps=60
    )

    def test_table_front_and_rankings(self, study: Study, researcher: User) -> None:
        mine = performed(study, self.definition)
        report = report_of(mine)
        assert number(report, "helpful", "alpha").value == pytest.approx(4.5)
        assert number(report, "fair", "beta").value == 4
        on = "on the front (1 yes, 0 no)"
        assert [number(report, on, m).value for m in ("alpha", "beta", "gamma")] == [1, 1, 0]
        chance = number(report, "chance to be on the front", "alpha")
        assert chance.value == 1
        assert number(report, "models that are a Pareto improvement on it", "gamma").value == 1
        assert number(report, "rank by helpful alone", "alpha").value == 1
        assert number(report, "rank by minimum", "beta").value == 1
        joined = number(report, "linear (equal weights)", "beta")
        assert joined.value == pytest.approx((0.5 + 0.75) / 2)
        assert joined.low == joined.high == joined.value
        assert "alpha or beta? helpful alone: alpha" in " ".join(report.notes)
        text = page_of(study, mine, researcher)
        assert "Which models stand on the front? helpful and fair" in text
        assert "How do the study&#x27;s sources serve its jury" in text

    def test_the_jury_stands_beside(self, study: Study) -> None:
        report = report_of(performed(study, self.definition))
        utilities = 0.01 + 0.99 * (np.array([1, 2, 1, 2]) - 1) / 4
        worst = number(report, "welfare by fair at α = ∞", "alpha")
        assert worst.value == pytest.approx(utilities.min())
        assert worst.low is None
        middle = number(report, "welfare by fair at α = 1", "alpha")
        assert middle.value == pytest.approx(np.exp(np.log(utilities).mean()))
        assert middle.value is not None
        assert middle.low is not None
        assert middle.high is not None
        assert middle.low < middle.value < middle.high
        assert any("No Overton coverage" in note for note in report.notes)

    def test_what_could_not_be_resampled_is_no_interval(self, study: Study) -> None:
        worst_off = DeclaredObjective(
            name="worst", source="welfare", criterion="fair", alpha=inf, worst=0, best=1
        )
        alone = report_of(
            performed(
                study,
                ObjectivesDefinition(objectives=(worst_off,), functions=("linear",), bootstraps=40),
            )
        )
        joined = number(alone, "linear (equal weights)", "beta")
        assert (joined.low, joined.high, joined.count) == (None, None, 0)
        assert joined.method == "as measured; not resampled"
        beside = number(alone, "welfare by fair at α = ∞", "beta")
        assert (beside.low, beside.count) == (None, 0)

        both = report_of(
            performed(
                study,
                ObjectivesDefinition(
                    objectives=(HELPFUL, worst_off),
                    functions=("linear", "single:worst"),
                    bootstraps=40,
                ),
            )
        )
        joined = number(both, "linear (equal weights)", "alpha")
        assert joined.low is not None
        assert joined.high is not None
        assert joined.low < joined.high
        assert joined.method.endswith("40 times, but not of worst")
        assert number(both, "worst alone", "alpha").low is None

    def test_a_file_adds_objectives_and_their_resamples(self, study: Study) -> None:
        values = b"model,cost\nalpha,3\nbeta,2\ngamma,1\n"
        copies = b"replicate,model,cost\n" + b"".join(
            f"{n},alpha,3\n{n},beta,{2 + n % 2 * 2}\n{n},gamma,1\n".encode() for n in range(10)
        )
        cost = DeclaredObjective(name="cost", source="file", direction="lower", worst=5, best=0)
        report = report_of(
            performed(
                study,
                ObjectivesDefinition(objectives=(HELPFUL, cost), bootstraps=40),
                {"values": ("v.csv", values), "replicates": ("r.csv", copies)},
            )
        )
        assert number(report, "cost", "beta").high == 4
        assert number(report, "chance to be on the front", "beta").value == pytest.approx(0.5)

    def test_what_has_not_been_rated_is_left_out_by_name(self, study: Study) -> None:
        Rating.objects.filter(response__source__name="gamma").delete()
        report = report_of(performed(study, self.definition))
        assert report.notes[0].startswith("gamma is left out: it has no value for helpful, fair.")

    def test_bad_input(self, study: Study) -> None:
        narrow = DeclaredObjective(
            name="helpful", source="criterion", criterion="helpful", worst=1, best=4
        )
        mine = performed(study, ObjectivesDefinition(objectives=(narrow,), bootstraps=5))
        assert "outside the declared worst 1 to best 4" in mine.run.error
        odd = DeclaredObjective(name="odd", source="criterion", criterion="odd")
        mine = performed(study, ObjectivesDefinition(objectives=(odd,)))
        assert "there is no criterion 'odd'; there are: helpful, fair" in mine.run.error
        guess = DeclaredObjective(name="guess", source="predicted", criterion="fair")
        mine = performed(study, ObjectivesDefinition(objectives=(guess,)))
        assert "No reward model has learnt fair yet" in mine.run.error


class TestTradeoff:
    functions = ("single:helpful", "single:fair")

    def definition(self, *steered: str, **fields: Any) -> TradeoffDefinition:
        return TradeoffDefinition(
            objectives=(HELPFUL, FAIR),
            functions=self.functions,
            steered=dict(zip(self.functions, steered, strict=True)),
            bootstraps=40,
            **fields,
        )

    def test_a_model_that_follows(self, study: Study, researcher: User) -> None:
        mine = performed(
            study, self.definition("alpha", "beta", static=("gamma",), reference=(1.0, 1.0))
        )
        report = report_of(mine)
        steered = "the steered model"
        assert number(report, "steerable (1 yes, 0 no)", steered).value == 1
        chance = number(report, "chance to be steerable", steered)
        assert (chance.value, chance.high, chance.reason, chance.count) == (1, 1, "", 40)
        assert chance.low == pytest.approx(0.9124, abs=1e-4)
        assert number(report, "score, sum of f(M_f)", steered).value == pytest.approx(
            3.5 / 4 + 3 / 4
        )
        gain = number(report, "gain over the best static model (gamma)", steered)
        assert gain.value == pytest.approx(3.5 / 4 + 3 / 4 - 1.25 / 4 - 1.5 / 4)
        volume = number(report, "hypervolume of the steered models", steered)
        assert volume.value == pytest.approx(2 * 3 + 1.5 * 0.5)
        assert "What does each function make of each steered model?" in page_of(
            study, mine, researcher
        )

    def test_a_model_that_does_not(self, study: Study) -> None:
        report = report_of(performed(study, self.definition("beta", "alpha")))
        steered = "the steered model"
        assert number(report, "steerable (1 yes, 0 no)", steered).value == 0
        assert number(report, "regret", steered).value == pytest.approx(1.5 / 4 + 2.5 / 4)

    def test_a_steered_model_that_there_is_not(self, study: Study) -> None:
        mine = performed(study, self.definition("alpha", "delta"))
        assert "no model 'delta' among the sources and the file" in mine.run.error

    def test_steering_by_prompts(self, study: Study, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(weights, "load_entailment_backend", WordJudge)
        model = LanguageModel.objects.create(
            name="writer", kind="file", location="writer",
            parameters={"says": ["nothing"], "if_asked": {
                "one thing alone: rest": "rest rest", "one thing alone: work": "work"}},
        )  # fmt: skip
        objectives = tuple(
            DeclaredObjective(name=name, source="entailment", statement=name, worst=0, best=1)
            for name in ("rest", "work")
        )
        report = report_of(
            performed(
                study,
                TradeoffDefinition(
                    objectives=objectives, functions=("single:rest", "single:work"),
                    model=str(model.public_id), bootstraps=20,
                ),
            )
        )  # fmt: skip
        steered = "the steered model"
        assert number(report, "steerable (1 yes, 0 no)", steered).value == 1
        assert number(report, "score, sum of f(M_f)", steered).value == pytest.approx(1.8)
        gain = number(report, "gain over the best static model (writer, not steered)", steered)
        assert gain.value == pytest.approx(1.6)


class WordJudge:
    """A statement is expressed where its word stands in the text."""

    name = "words"

    def entails(self, premises: Sequence[str], hypotheses: Sequence[str]) -> NDArray[np.float64]:
        found = [
            0.9 if statement in text else 0.1
            for text, statement in zip(premises, hypotheses, strict=True)
        ]
        return np.array([[share, 1 - share, 0.0] for share in found])


class TestSteering:
    women = DeclaredAttribute(names=("women",), group="gender: woman", description="a woman")
    men = DeclaredAttribute(names=("men",), group="gender: man", description="a man")

    def model(self, **script: Any) -> str:
        made = LanguageModel.objects.create(
            name="steered", kind="file", location="steered", parameters=script
        )
        return str(made.public_id)

    def test_agreement_with_groups_and_flattening(
        self, study: Study, researcher: User, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        # The scripted model leans to the first option whatever it is told: it can't be steered.
        mine = performed(
            study,
            SteerableDefinition(
                attributes=(self.women, self.men), judged_by="group",
                models=(self.model(lean=0.8),), people=People(by=("gender",)),
                asking=Asking(prompts=2),
            ),
        )  # fmt: skip
        report = report_of(mine)
        assert number(report, "faithfulness", "steered · women").value == pytest.approx(0.8)
        assert number(report, "faithfulness", "steered · men").value == pytest.approx(0.2)
        assert number(report, "gain over not steered", "steered · women").value == 0
        assert number(report, "steered to men", "steered · reflects women").value == 1
        own = number(report, "reflects its own attribute most", "steered · all attributes")
        assert own.value == pytest.approx(0.5)
        flat = number(report, "entropy, steered over group", "steered · women")
        assert flat.value is None
        assert flat.reason == "The group is of one mind in every question."
        text = page_of(study, mine, researcher)
        assert "What do answers of steered reflect most?" in text

    def test_entailment_of_statements_and_refusals(
        self, study: Study, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(steerable, "load_entailment_backend", WordJudge)
        rest = DeclaredAttribute(names=("rest",), description="a resting one", statement="rest")
        work = DeclaredAttribute(names=("work", "zeal"), description="a worker", statement="work")
        model = self.model(
            says=["plain"], if_asked={"a resting one": "rest", "a worker": "I'm sorry, I can't."}
        )
        report = report_of(
            performed(
                study,
                SteerableDefinition(
                    attributes=(rest, work), judged_by="entailment", models=(model,),
                    conditioning="persona",
                ),
            )
        )  # fmt: skip
        assert number(report, "gain over not steered", "steered · rest").value == (
            pytest.approx(0.8)
        )
        assert number(report, "specificity", "steered · rest").value == pytest.approx(0.8)
        refused = "share of responses that refuse"
        assert number(report, refused, "steered · work & zeal").value == 1
        assert number(report, refused, "steered · not steered").value == 0

    def test_a_response_that_nobody_rated_does_not_hide_another(self, study: Study) -> None:
        for response in Response.objects.filter(query__study=study, source__name="alpha"):
            Response.objects.create(query=response.query, source=response.source, text="Again")
        helpful = DeclaredAttribute(names=("help",), criterion="helpful", source="alpha")
        definition = SteerableDefinition(
            attributes=(helpful,), judged_by="jurors", unsteered_source="gamma"
        )
        report = report_of(performed(study, definition))
        gain = number(report, "gain over not steered", "sources · help")
        assert gain.value == pytest.approx(2.25 * 0.99 / 4)

    def test_a_value_of_a_group_may_have_the_sign_that_joins(self) -> None:
        traits = {
            "work": ("arts & crafts", "arts", "arts & crafts"),
            "age": ("old", "old", "young"),
        }
        assert steerable.group_members("work: arts & crafts", traits, 3).tolist() == [
            True, False, True,
        ]  # fmt: skip
        both = steerable.group_members("age: old & work: arts & crafts", traits, 3)
        assert both.tolist() == [True, False, False]

    def test_jurors_ratings_of_sources(self, study: Study) -> None:
        helpful = DeclaredAttribute(names=("help",), criterion="helpful", source="alpha")
        fair = DeclaredAttribute(names=("fairness",), criterion="fair", source="beta")
        report = report_of(
            performed(
                study,
                SteerableDefinition(
                    attributes=(helpful, fair), judged_by="jurors", unsteered_source="gamma"
                ),
            )
        )
        step = 0.99 / 4
        assert number(report, "gain over not steered", "sources · help").value == (
            pytest.approx(2.25 * step)
        )
        own = number(report, "reflects its own attribute most", "sources · all attributes")
        assert own.value == 1

    def test_what_a_group_of_jurors_said(self, study: Study) -> None:
        women = DeclaredAttribute(names=("women",), group="gender: woman", source="alpha")
        report = report_of(
            performed(
                study,
                SteerableDefinition(
                    attributes=(women,), judged_by="reward", criterion="helpful",
                    unsteered_source="beta",
                ),
            )
        )  # fmt: skip
        assert number(report, "faithfulness", "sources · women").value == pytest.approx(1.0)
        alone = number(report, "specificity", "sources · women")
        assert alone.reason == "One attribute alone can't be told from others."

    def test_stances_of_a_file(self, study: Study) -> None:
        rows = "situation,attribute,stance\nResting,rest,support\nWorking,rest,oppose\n"
        rest = DeclaredAttribute(names=("Rest",), description="a resting one")
        model = self.model(says=["?"], if_asked={"Resting": "Support.", "Working": "Who knows"})
        report = report_of(
            performed(
                study,
                SteerableDefinition(attributes=(rest,), judged_by="stances", models=(model,)),
                {"stances": ("s.csv", rows.encode())},
            )
        )
        assert number(report, "accuracy", "steered · rest").value == 0.5
        assert number(report, "answers that could not be read", "steered · rest").value == 0.5
        assert number(report, "balanced accuracy", "steered · all attributes").value == 0.5

    def test_a_denied_attribute_is_refused(self, study: Study, researcher: User) -> None:
        both = DeclaredAttribute(names=("Hate", "wit"), description="somebody")
        definition = SteerableDefinition(
            attributes=(both,), judged_by="group", models=(self.model(),),
            denied={"hate": "it does harm"},
        )  # fmt: skip
        mine = performed(study, definition)
        assert "hate & wit: it does harm" in mine.run.error
        assert not fake_benchmark_model.ASKED
        client = Client()
        client.force_login(researcher)
        answer = client.post(
            reverse("benchmark-new", args=[study.public_id, "steerable"]),
            {
                "name": "No", "attributes": "names,group\nHate & wit,gender: man",
                "denied": "hate: it does harm", "judged_by": "group", "conditioning": "system",
                "models": [definition.models[0]], "people": "jurors", "least": 1, "prompts": 1,
                "orders": 1, "samples": 1, "temperature": 1, "most": 0, "seed": 0,
                "bootstraps": 10, "smoothing": 0, "ties": "share",
            },
        )  # fmt: skip
        assert answer.status_code == 200
        assert "These may not be steered to: hate &amp; wit" in answer.content.decode()

    def test_a_group_that_there_is_not(self, study: Study) -> None:
        other = DeclaredAttribute(names=("x",), group="gender: other")
        definition = SteerableDefinition(
            attributes=(other,), judged_by="group", models=(self.model(),),
            people=People(by=("gender",)),
        )  # fmt: skip
        assert "no group 'gender: other' among the people" in performed(study, definition).run.error


class TestForms:
    def sent(self, study: Study, user: User, kind: str, **fields: Any) -> Any:
        client = Client()
        client.force_login(user)
        return client.post(
            reverse("benchmark-new", args=[study.public_id, kind]),
            {"name": "N", "alpha": 1, "bootstraps": 20, "seed": 0, "most": 0, **fields},
        )

    def test_objectives_are_declared_with_the_ends_of_their_scales(
        self, study: Study, researcher: User
    ) -> None:
        answer = self.sent(
            study, researcher, "objectives", functions="linear\nlinear:helpful=1,coverage=3",
            objectives=["criterion:helpful", "coverage:coverage"],
        )  # fmt: skip
        assert answer.status_code == 302
        made = Benchmark.objects.get()
        stored = definition_from_plain(made.kind, made.definition)
        assert isinstance(stored, ObjectivesDefinition)
        assert [(o.name, o.worst, o.best) for o in stored.objectives] == [
            ("helpful", 1.0, 5.0), ("coverage", 0.0, 1.0),
        ]  # fmt: skip
        assert definition_to_plain(stored) == made.definition

    @pytest.mark.parametrize("written", ["inf", "∞"])
    def test_the_worst_off_as_an_objective(
        self, study: Study, researcher: User, written: str
    ) -> None:
        answer = self.sent(
            study, researcher, "objectives", functions="linear",
            objectives=["welfare:fair"], alpha=written,
        )  # fmt: skip
        assert answer.status_code == 302, answer.content.decode()
        made = Benchmark.objects.get()
        assert made.definition["objectives"][0]["alpha"] == "inf", "as JSON can hold it"
        stored = definition_from_plain(made.kind, made.definition)
        assert definition_to_plain(stored) == made.definition
        mine = made.runs.get()
        perform_run(run_id=mine.run.pk, work=perform_benchmark)
        worst = number(report_of(BenchmarkRun.objects.get()), "welfare fair", "alpha")
        assert worst.value == pytest.approx(0.01), "whoever said 1 of 5"
        assert worst.low is None, "a minimum has no honest interval"

    @pytest.mark.parametrize("written", ["-1", "much", "nan", "-inf"])
    def test_an_alpha_that_can_not_be(self, study: Study, researcher: User, written: str) -> None:
        answer = self.sent(
            study, researcher, "objectives", functions="linear",
            objectives=["welfare:fair"], alpha=written,
        )  # fmt: skip
        assert f"α = {written} can’t be taken" in answer.content.decode().replace("&#x27;", "’")
        assert not Benchmark.objects.exists()

    @pytest.mark.parametrize("written", ["0 inf", "0 nan", "0 x"])
    def test_a_reference_that_can_not_be(
        self, study: Study, researcher: User, written: str
    ) -> None:
        answer = self.sent(
            study, researcher, "tradeoff", functions="linear", steered="alpha",
            objectives=["criterion:helpful", "criterion:fair"], reference=written,
        )  # fmt: skip
        assert "are not all numbers; write such as: 0 0" in answer.content.decode()
        assert not Benchmark.objects.exists()

    def test_what_is_said_of_a_file_is_told_in_the_words_of_the_form(
        self, study: Study, researcher: User
    ) -> None:
        values = SimpleUploadedFile("values.csv", b"model,cost\nalpha,3\nbeta,2\n")
        answer = self.sent(
            study, researcher, "objectives", functions="linear", values_file=values,
            ranges="cost=3",
        )  # fmt: skip
        assert "Ranges: cost=3 must be written cost=WORST:BEST." in answer.content.decode()

    def test_two_revisions_of_one_source_are_told_apart(
        self, study: Study, researcher: User
    ) -> None:
        study.sources.filter(name="beta").update(revision="2")
        study.sources.filter(name="gamma").update(name="beta", revision="3")
        answer = self.sent(
            study, researcher, "steerable", judged_by="jurors", conditioning="system",
            attributes="names,criterion,source\nkind,fair,beta@3", unsteered_source="beta@2",
            people="jurors", least=1, prompts=1, orders=1, samples=1, temperature=1,
            smoothing=0, ties="share",
        )  # fmt: skip
        assert answer.status_code == 302, answer.content.decode()
        mine = Benchmark.objects.get().runs.get()
        perform_run(run_id=mine.run.pk, work=perform_benchmark)
        report = report_of(BenchmarkRun.objects.select_related("run").get())
        gain = number(report, "gain over not steered", "sources · kind")
        assert gain.value == pytest.approx(0.99 * (2.5 - 4) / 4)

    def test_examples_of_an_attribute(self, study: Study, researcher: User) -> None:
        model = LanguageModel.objects.create(name="m", kind="file", location="m")
        fields = {
            "judged_by": "entailment", "conditioning": "few_shot", "models": [model.public_id],
            "people": "jurors", "least": 1, "prompts": 1, "orders": 1, "samples": 1,
            "temperature": 1, "smoothing": 0, "ties": "share",
        }  # fmt: skip
        bad = self.sent(
            study, researcher, "steerable", attributes="names,examples\nrest,Work?", **fields
        )
        assert "must be written QUESTION =&gt; ANSWER" in bad.content.decode()
        answer = self.sent(
            study, researcher, "steerable",
            attributes="names,statement,examples\nrest,Rest.,Work? => No. | Sleep? => Yes.",
            **fields,
        )  # fmt: skip
        assert answer.status_code == 302, answer.content.decode()
        made = Benchmark.objects.get()
        stored = definition_from_plain(made.kind, made.definition)
        assert isinstance(stored, SteerableDefinition)
        assert stored.attributes[0].examples == (("Work?", "No."), ("Sleep?", "Yes."))

    def test_a_function_that_can_not_be(self, study: Study, researcher: User) -> None:
        answer = self.sent(
            study, researcher, "objectives", functions="median", objectives=["criterion:helpful"]
        )
        assert "There is no commensurating function" in answer.content.decode()

    @pytest.mark.parametrize("kind", ["objectives", "tradeoff"])
    def test_nothing_to_measure(self, study: Study, researcher: User, kind: str) -> None:
        answer = self.sent(study, researcher, kind, functions="linear", steered="alpha")
        assert answer.status_code == 200
        assert "tick an objective, or give a file" in answer.content.decode()

    @pytest.mark.parametrize("kind", ["distributional", "steerable", "objectives", "tradeoff"])
    def test_an_empty_form_is_shown_again(self, study: Study, researcher: User, kind: str) -> None:
        client = Client()
        client.force_login(researcher)
        answer = client.post(reverse("benchmark-new", args=[study.public_id, kind]), {"name": ""})
        assert answer.status_code == 200
        assert "field__error" in answer.content.decode()
        assert not Benchmark.objects.exists()

    def test_each_function_needs_its_steered_model(self, study: Study, researcher: User) -> None:
        answer = self.sent(
            study, researcher, "tradeoff", functions="linear\nminimum", steered="alpha",
            objectives=["criterion:helpful", "criterion:fair"],
        )  # fmt: skip
        assert "There are 2 functions and 1 steered models" in answer.content.decode()

    @pytest.mark.parametrize("kind", ["distributional", "steerable", "objectives", "tradeoff"])
    def test_every_form_opens(self, study: Study, researcher: User, kind: str) -> None:
        client = Client()
        client.force_login(researcher)
        page = client.get(reverse("benchmark-new", args=[study.public_id, kind]))
        assert page.status_code == 200
        # Which forms ask for models says so where none is registered, and leads on.
        asks = kind in ("distributional", "steerable")
        assert ("No language model is on offer yet" in page.content.decode()) is asks

    def test_a_form_must_say_what_it_defines(self, study: Study) -> None:
        class Silent(BenchmarkForm):
            pass

        with pytest.raises(TypeError, match="abstract method"):
            Silent(study=study)  # type: ignore[abstract]

    def test_what_can_not_be_declared(self) -> None:
        with pytest.raises(InvalidDefinition, match="can't be told of what the model writes"):
            TradeoffDefinition(objectives=(HELPFUL,), functions=("linear",), model="x")
        with pytest.raises(InvalidDefinition, match="2 numbers for 1 objectives"):
            TradeoffDefinition(
                objectives=(HELPFUL,), functions=("linear",), steered={"linear": "a"},
                reference=(0, 0),
            )  # fmt: skip
