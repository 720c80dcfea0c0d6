"""The leaderboard: what is computed and kept, who sees it; its numbers are those of the domain."""

import csv
import io
import json
from collections.abc import Callable
from math import inf
from typing import Any

import numpy as np
import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from pytest_django import DjangoCaptureOnCommitCallbacks

from annotations.models import Participation, Rating, Response, Study, StudyRole
from juries.domain.failure_modes import left_below
from juries.domain.welfare import group_means, power_welfare
from juries.models import Juror, Jury, Run, User
from juries.services.invitations import withdraw_juror
from juries.services.runs import perform_run
from models_runner.domain.leaderboard import board
from models_runner.models import LeaderboardSnapshot, PredictedRating, RewardTraining
from models_runner.selectors.jury_ratings import (
    NothingPredicted,
    Share,
    utilities_said_and_predicted,
)
from models_runner.selectors.leaderboard import stored_board
from models_runner.services.leaderboard import (
    perform_leaderboard,
    request_first_leaderboard,
    request_leaderboard,
)

# Rows: woman, man, woman, man. Alpha pleases the women, beta everybody a little.
SAID = {"alpha": (5, 1, 5, 3), "beta": (3, 3, 4, 3)}


@pytest.fixture(autouse=True)
def quick(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.RUN_HEARTBEAT_SECONDS = 3600
    monkeypatch.setattr(board, "GRID", (0.0, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0, inf))
    monkeypatch.setattr(board, "BOOTSTRAPS", 100)
    monkeypatch.setattr(board, "RULE_RESAMPLES", 3)


@pytest.fixture
def study(make_study: Callable[..., Study], jury: Jury) -> Study:
    made = make_study(jury=jury, queries=2)
    rate(made)
    return made


def rate(study: Study, *, key: str = "helpful") -> None:
    assert study.jury is not None
    for place, juror in enumerate(study.jury.jurors.order_by("id")):
        Participation.objects.get_or_create(
            study=study, juror=juror, defaults={"ordinal": place, "state": "finished"}
        )
        for response in Response.objects.filter(query__study=study).select_related("source"):
            Rating.objects.create(
                juror=juror,
                response=response,
                criterion=study.criteria.get(key=key),
                value=SAID[response.source.name][place],
                created_at=timezone.now(),
            )


def utilities() -> dict[str, np.ndarray[Any, np.dtype[np.float64]]]:
    return {name: 0.01 + 0.99 * (np.array(said) - 1) / 4 for name, said in SAID.items()}


def computed(study: Study) -> Run:
    run = request_leaderboard(study=study, requested_by=None)
    perform_run(run_id=run.pk, work=perform_leaderboard)
    run.refresh_from_db()
    return run


def address(study: Study, **query: object) -> str:
    asked = "&".join(f"{name}={value}" for name, value in query.items())
    return reverse("study-leaderboard", args=[study.public_id]) + (f"?{asked}" if asked else "")


def file_of(study: Study, figure: str, form: str, **query: object) -> str:
    path = reverse("study-leaderboard-download", args=[study.public_id, figure, form])
    return f"{path}?{'&'.join(f'{name}={value}' for name, value in query.items())}"


def client_of(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def with_role(study: Study, role: str) -> Client:
    user = User.objects.create_user(f"the-{role}", password="a-long-password")
    StudyRole.objects.create(study=study, user=user, role=role)
    return client_of(user)


def numbers(client: Client, study: Study, figure: str, **query: object) -> list[dict[str, Any]]:
    told = json.loads(client.get(file_of(study, figure, "json", **query)).content)
    return [dict(zip(told["columns"], row, strict=True)) for row in told["rows"]]


def trained(study: Study, *, usable: bool | None = True, **fields: Any) -> RewardTraining:
    run = Run.objects.create(
        kind="models_runner.train_reward", title="t", state=Run.State.SUCCEEDED
    )
    training = RewardTraining.objects.create(
        study=study,
        criterion=study.criteria.get(key="helpful"),
        run=run,
        method="independent",
        is_usable=usable,
        evaluation={
            "gate": {"usable": bool(usable), "reasons": ["It is no better than the mean."]},
            "rows": [
                {
                    "method": "independent",
                    "situation": "seen_juror_new_item",
                    "mae": {"value": 0.75},
                }
            ],
        },
        **fields,
    )
    assert study.jury is not None
    for response in Response.objects.filter(query__study=study):
        for juror in study.jury.jurors.all():
            PredictedRating.objects.create(
                training=training, juror=juror, response=response,
                mean=2.0, standard_deviation=0.4, low=1, high=3,
            )  # fmt: skip
    return training


# --- Computing --------------------------------------------------------------------------------


def test_the_road_from_nothing_to_a_leaderboard(
    study: Study,
    researcher: User,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    client = client_of(researcher)
    assert "No leaderboard has been computed" in client.get(address(study)).content.decode()
    compute = reverse("study-leaderboard-compute", args=[study.public_id])
    with django_capture_on_commit_callbacks() as sent:
        assert client.post(compute)["Location"] == address(study)
        client.post(compute)
    assert len(sent) == 1
    assert "is being computed" in client.get(address(study)).content.decode()
    run = Run.objects.get(kind="models_runner.leaderboard")
    perform_run(run_id=run.pk, work=perform_leaderboard)
    run.refresh_from_db()
    assert run.state == Run.State.SUCCEEDED, run.error
    page = client.get(address(study)).content.decode()
    assert "Which source serves the jury best by helpful, at α = 0?" in page
    assert f"/runs/{run.public_id}/" in page
    assert "being computed" not in page
    assert "There is more to count" not in page


def test_a_study_without_criteria_is_refused(study: Study) -> None:
    Rating.objects.all().delete()
    study.criteria.all().delete()
    run = computed(study)
    assert run.state == Run.State.FAILED
    assert "no criterion" in run.error


def test_two_runs_keep_the_same_numbers(study: Study) -> None:
    computed(study)
    computed(study)
    one, other = LeaderboardSnapshot.objects.all()
    assert one.content == other.content
    assert one.input_digest == other.input_digest


def test_the_first_leaderboard_is_asked_for_once(study: Study) -> None:
    run = request_first_leaderboard(study=study)
    assert run is not None
    assert run.parameters == {"study": study.pk}
    assert request_first_leaderboard(study=study) is None


def test_a_failed_run_says_so(study: Study, researcher: User) -> None:
    Run.objects.create(
        kind="models_runner.leaderboard", title="x", state=Run.State.FAILED,
        error="no memory", parameters={"study": study.pk},
    )  # fmt: skip
    page = client_of(researcher).get(address(study)).content.decode()
    assert "The last attempt failed" in page
    assert "no memory" in page


# --- The numbers ------------------------------------------------------------------------------


@pytest.mark.parametrize("alpha", [0.0, 0.5, 1.0, 4.0, inf])
def test_the_ranking_is_that_of_the_domain(study: Study, researcher: User, alpha: float) -> None:
    computed(study)
    asked = "inf" if alpha == inf else alpha
    rows = numbers(client_of(researcher), study, "ranking", alpha=asked)
    expected = {name: float(power_welfare(u, alpha=alpha)) for name, u in utilities().items()}
    assert {row["source"]: row["welfare"] for row in rows} == pytest.approx(expected)
    assert [row["source"] for row in rows] == sorted(expected, key=lambda name: -expected[name])
    assert [row["place"] for row in rows] == [1, 2]
    for row in rows:
        if alpha == inf:
            assert row["low"] is row["high"] is row["chance that it leads"] is None
        else:
            assert row["low"] <= row["high"]
            assert row["lead low"] <= row["lead high"]
    if alpha != inf:
        assert sum(row["chance that it leads"] for row in rows) == pytest.approx(1)


def test_along_alpha_the_leader_changes_where_the_domain_says(
    study: Study, researcher: User
) -> None:
    computed(study)
    client = client_of(researcher)
    rows = numbers(client, study, "sweep")
    assert [row["α"] for row in rows] == ["0", "0.25", "0.5", "1", "2", "4", "8", "16", "∞"]
    assert (rows[0]["who leads"], rows[-1]["who leads"]) == ("alpha", "beta")
    (snapshot,) = LeaderboardSnapshot.objects.all()
    stored = stored_board(snapshot=snapshot, criterion="helpful", share=Share.SAID)
    assert stored is not None
    assert stored.board is not None
    (crossing,) = stored.board.sweep.crossings
    u = utilities()
    at = [float(power_welfare(u[name], alpha=crossing.alpha)) for name in ("alpha", "beta")]
    assert at[0] == pytest.approx(at[1], abs=1e-4)
    page = client.get(address(study)).content.decode()
    assert f"at α ≈ {crossing.alpha:.3g} beta overtakes alpha" in page


def test_groups_and_who_is_left_behind(study: Study, researcher: User) -> None:
    computed(study)
    client = client_of(researcher)
    rows = {row["gender"]: row for row in numbers(client, study, "groups", trait="gender")}
    u = np.column_stack([utilities()[name] for name in ("alpha", "beta")])
    means = group_means(u, groups=["woman", "man", "woman", "man"])
    for place, group in enumerate(means.groups):
        shown = [rows[group][source] for source in ("alpha", "beta")]
        assert shown == pytest.approx(means.means[place])
    assert rows["man"]["alpha gets least"] == "yes"
    assert rows["woman"]["alpha gets least"] == ""
    (left,) = left_below(means, responses=("alpha", "beta"), winners=("alpha",), threshold=0.4)
    page = client.get(address(study, tau=0.4)).content.decode()
    assert f"alpha, which leads, leaves {left.group} at {left.mean:.2f}, below τ = 0.4" in page
    assert "beta does not" in page
    assert "leaves no group below τ = 0.2" in client.get(address(study, tau=0.2)).content.decode()


def test_who_tips_it(study: Study, researcher: User) -> None:
    computed(study)
    client = client_of(researcher)
    assert study.jury is not None
    jurors = [str(juror.public_id) for juror in study.jury.jurors.order_by("id")]
    tips = numbers(client, study, "tipping", alpha=0)
    as_rated = {row["juror"] for row in tips if row["utilities"] == "as rated"}
    u = utilities()
    expected = {
        juror
        for place, juror in enumerate(jurors)
        if np.delete(u["alpha"], place).mean() <= np.delete(u["beta"], place).mean()
    }
    assert as_rated == expected
    rows = {row["source"]: row for row in numbers(client, study, "influence", alpha=0)}
    changes = [np.delete(u["alpha"], place).mean() - u["alpha"].mean() for place in range(4)]
    assert abs(rows["alpha"]["largest change"]) == pytest.approx(max(map(abs, changes)))
    assert rows["alpha"]["by whose leaving"] == jurors[1]


def test_rules_count_the_queries_that_a_source_wins(study: Study, researcher: User) -> None:
    computed(study)
    rows = {row["rule"]: row for row in numbers(client_of(researcher), study, "rules")}
    utilitarian = rows["utilitarian (highest mean)"]
    assert (utilitarian["alpha"], utilitarian["beta"]) == (2, 0)
    rawls = rows["Rawls (highest minimum)"]
    assert (rawls["alpha"], rawls["beta"], rawls["alpha low"]) == (0, 2, None)
    majority = next(row for label, row in rows.items() if label.startswith("majority"))
    assert majority["nobody"] + majority["alpha"] + majority["beta"] == 2


# --- What counts ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("usable", "stale", "reason"),
    [
        (None, False, "No reward model has learnt helpful yet"),
        (False, False, "did not pass its gate"),
        (True, True, "has withdrawn. Train it again."),
    ],
)
def test_predictions_are_offered_only_where_they_may_be_used(
    study: Study, researcher: User, usable: bool | None, stale: bool, reason: str
) -> None:
    if usable is not None:
        trained(study, usable=usable, stale_since=timezone.now() if stale else None)
    with pytest.raises(NothingPredicted, match=reason):
        utilities_said_and_predicted(criterion=study.criteria.get(key="helpful"), share=Share.BOTH)
    computed(study)
    page = client_of(researcher).get(address(study)).content.decode()
    assert reason in page
    assert "said and predicted" not in page


def test_predicted_ratings_fill_gaps_and_are_marked(study: Study, researcher: User) -> None:
    silent = study.jury.jurors.order_by("id").last()  # type: ignore[union-attr]  # it has a jury
    Rating.objects.filter(juror=silent).delete()
    training = trained(study)
    data = utilities_said_and_predicted(
        criterion=study.criteria.get(key="helpful"), share=Share.BOTH
    )
    assert data.guessed.sum(axis=1).tolist() == [0, 0, 0, 4]
    assert data.ratings[3].tolist() == [2.0] * 4
    assert data.predicted is not None
    assert data.predicted.deviations[3] == pytest.approx(0.4 * 0.99 / 4)
    computed(study)
    client = client_of(researcher)
    page = client.get(address(study, share="both")).content.decode()
    assert "4 of 16 ratings are guesses" in page
    assert "off by 0.75 on the scale from 1 to 5" in page
    assert f"/runs/{training.run.public_id}/" in page
    assert 'class="tag tag--predicted"' in page
    rows = numbers(client, study, "ranking", share="both")
    assert [row["predicted share"] for row in rows] == [0.25, 0.25]
    said = numbers(client, study, "ranking", share="said")
    assert [row["predicted share"] for row in said] == [0, 0]
    # Another criterion has no model, so that there nothing can be shown but why.
    other = client.get(address(study, share="both", criterion="fair")).content.decode()
    assert "Nothing predicted can be counted" in other
    assert "No reward model has learnt fair yet" in other


# --- The page ---------------------------------------------------------------------------------


def test_three_people(study: Study, researcher: User, stranger: User) -> None:
    computed(study)
    viewer = with_role(study, "viewer")
    shown = viewer.get(address(study)).content.decode()
    assert "Which source serves" in shown
    assert "Compute again" not in shown
    assert "Compute again" in with_role(study, "editor").get(address(study)).content.decode()
    compute = reverse("study-leaderboard-compute", args=[study.public_id])
    assert viewer.post(compute).status_code == 404
    assert viewer.get(compute).status_code == 405
    outside = client_of(stranger)
    assert outside.get(address(study)).status_code == 404
    assert outside.post(compute).status_code == 404
    assert outside.get(file_of(study, "ranking", "csv")).status_code == 404
    assert Client().get(address(study)).status_code == 302


def test_what_is_said_later_makes_it_outdated(study: Study, researcher: User) -> None:
    computed(study)
    client = client_of(researcher)
    rating = Rating.objects.order_by("id").last()
    assert rating is not None
    Rating.objects.filter(pk=rating.pk).update(is_current=False)
    Rating.objects.create(
        juror=rating.juror, response=rating.response, criterion=rating.criterion, value=1,
        created_at=timezone.now(),
    )  # fmt: skip
    assert "There is more to count" in client.get(address(study)).content.decode()
    computed(study)
    assert "There is more to count" not in client.get(address(study)).content.decode()
    trained(study)
    assert "There is more to count" in client.get(address(study)).content.decode()


def test_a_withdrawal_marks_it(study: Study, researcher: User) -> None:
    computed(study)
    juror = Juror.objects.order_by("id").first()
    assert juror is not None
    withdraw_juror(juror=juror, erase_said=True)
    page = client_of(researcher).get(address(study)).content.decode()
    assert "A juror has withdrawn what she said" in page


def test_the_slider_gets_only_what_changes(study: Study, researcher: User) -> None:
    computed(study)
    client = client_of(researcher)
    part = client.get(address(study, alpha="16.25", tau=0.3), headers={"HX-Target": "at-alpha"})
    text = part.content.decode()
    assert "at α = ∞?" in text
    assert "<html" not in text
    assert "Do other rules" not in text
    assert part["HX-Replace-Url"] == "?criterion=helpful&share=said&trait=gender&tau=0.3&alpha=inf"
    assert "HX-Target" in part["Vary"]


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ({"alpha": "0.3"}, "α = 0.3 was not computed"),
        ({"alpha": "nan"}, "α = nan was not computed"),
        ({"tau": "2"}, "less than or equal to 1"),
        ({"criterion": "kind"}, "kind is not one of the available choices"),
        ({"trait": "shoe"}, "shoe is not one of the available choices"),
        ({"share": "both"}, "both is not one of the available choices"),
    ],
)
def test_odd_wishes_are_named(
    study: Study, researcher: User, query: dict[str, str], message: str
) -> None:
    computed(study)
    client = client_of(researcher)
    page = client.get(address(study, **query))
    assert page.status_code == 200
    assert message in page.content.decode()
    assert "at α = 0?" in page.content.decode()
    assert client.get(file_of(study, "ranking", "csv", **query)).status_code == 404


def test_every_figure_can_be_taken_away(study: Study, researcher: User) -> None:
    computed(study)
    client = client_of(researcher)
    for figure in ("ranking", "sweep", "rules", "groups"):
        svg = client.get(file_of(study, figure, "svg"))
        assert svg["Content-Type"] == "image/svg+xml"
        assert svg.content.startswith(b"<svg")
    for table in ("ranking", "sweep", "rules", "groups", "worst-off", "influence", "tipping"):
        rows = list(
            csv.reader(io.StringIO(client.get(file_of(study, table, "csv")).content.decode()))
        )
        assert len({len(row) for row in rows}) == 1, table
    assert client.get(file_of(study, "worst-off", "svg")).status_code == 404
    assert client.get(file_of(study, "nothing", "csv")).status_code == 404
    assert client.get(file_of(study, "ranking", "pdf")).status_code == 404


def test_a_criterion_that_nobody_rated_says_so(study: Study, researcher: User) -> None:
    computed(study)
    page = client_of(researcher).get(address(study, criterion="fair")).content.decode()
    assert "Fair: nobody has rated it yet." in page


def test_the_page_takes_as_many_queries_whatever_it_shows(
    make_study: Callable[..., Study], jury: Jury, researcher: User
) -> None:
    client = client_of(researcher)
    taken = []
    for queries in (1, 3):
        study = make_study(jury=jury, queries=queries)
        rate(study)
        computed(study)
        client.get(address(study))
        with CaptureQueriesContext(connection) as caught:
            assert client.get(address(study)).status_code == 200
        taken.append(len(caught))
    assert taken[0] == taken[1]
    assert taken[0] <= 20
