"""The sections of the results page against numbers worked out by hand."""

import json
from collections.abc import Callable
from dataclasses import asdict

import numpy as np
import pytest
from django.utils import timezone

from annotations.models import Criterion, Participation, Rating, Response, Study
from annotations.ports import SectionContent, Table
from annotations.sections import (
    AgreementSection,
    ParticipationSection,
    UtilitySection,
    WelfareSection,
)
from annotations.selectors.progress import GONE, seats_with_progress, strata
from annotations.selectors.ratings import juror_traits, rating_matrix, utilities
from juries.models import Jury, Pool, Quota, Seat
from juries.services.invitations import withdraw_juror

SECTIONS = (ParticipationSection, AgreementSection, UtilitySection, WelfareSection)
Rate = Callable[..., Criterion]


@pytest.fixture
def study(make_study: Callable[..., Study], jury: Jury) -> Study:
    """Two queries, sources alpha and beta, before the jury of four."""
    return make_study(jury=jury, queries=2)


@pytest.fixture
def rate(jury: Jury) -> Rate:
    """Writes a juror's ratings, one a response, by query and source; None: can't say."""

    def write(study: Study, *rows: list[float | str | None], key: str = "helpful") -> Criterion:
        criterion = study.criteria.get(key=key)
        jurors = list(jury.jurors.order_by("id"))
        responses = list(
            Response.objects.filter(query__study=study).order_by("query__ordinal", "source__name")
        )
        for juror, row in zip(jurors, rows, strict=False):
            for response, value in zip(responses, row, strict=True):
                if value != "":
                    Rating.objects.create(
                        juror=juror,
                        response=response,
                        criterion=criterion,
                        value=value,
                        created_at=timezone.now(),
                    )
        return criterion

    return write


def built(study: Study, section: type) -> SectionContent:
    """A section, which must be JSON without NaN and whose tables must be rectangular."""
    content: SectionContent = section().build(study=study)
    json.dumps(asdict(content), allow_nan=False, default=sorted)
    for table in [f.table for f in content.figures] + [t for _, t in content.tables]:
        assert all(len(row) == len(table.columns) for row in table.rows)
        assert all(index < len(table.columns) for index in table.numeric)
    for figure in content.figures:
        assert "nan" not in figure.svg.lower().replace("finance", "")
    return content


def column(table: Table, name: str) -> list[str | int | float | None]:
    return [row[table.columns.index(name)] for row in table.rows]


def u(rating: float) -> float:
    return 0.01 + 0.99 * (rating - 1) / 4


# --- Nothing said -----------------------------------------------------------------------------


@pytest.mark.parametrize("section", SECTIONS)
def test_an_empty_study_says_what_is_missing(study: Study, section: type) -> None:
    Seat.objects.all().delete()
    content = built(study, section)
    assert content.empty_reason.endswith(".")
    assert not content.figures
    assert not content.tables


@pytest.mark.parametrize("section", SECTIONS)
def test_a_study_without_a_jury_has_reasons_too(
    make_study: Callable[..., Study], section: type
) -> None:
    assert built(make_study(), section).empty_reason


@pytest.mark.parametrize("section", [AgreementSection, UtilitySection, WelfareSection])
def test_only_cant_say_is_no_rating(study: Study, rate: Rate, section: type) -> None:
    rate(study, [None] * 4, [None] * 4)
    content = built(study, section)
    text = " ".join((*content.summary, *content.notices, content.empty_reason))
    assert "highest mean" not in text
    assert "leads" not in text
    assert "no ratings" in text or "could say" in text


def test_a_criterion_that_nobody_rated_is_named(study: Study, rate: Rate) -> None:
    rate(study, [1, 2, 3, 4], [2, 2, 3, 3])
    assert "Fair: nobody has rated it yet." in built(study, AgreementSection).notices


# --- One juror --------------------------------------------------------------------------------


def test_one_juror_has_numbers_but_no_intervals(study: Study, rate: Rate) -> None:
    rate(study, [5, 1, 3, 1])
    table = built(study, UtilitySection).figures[0].table
    assert column(table, "source") == ["alpha", "beta"]
    assert column(table, "mean utility") == pytest.approx([(u(5) + u(3)) / 2, 0.01])
    assert column(table, "low") == [None, None]
    assert "alone" in str(column(table, "why")[0])
    agreement = built(study, AgreementSection).figures[0].table
    assert agreement.rows[0][1] is None
    assert agreement.rows[0][-1] == "No item was rated by two jurors."


# --- Utilities --------------------------------------------------------------------------------


def test_the_matrix_keeps_silence_and_cant_say_apart(study: Study, rate: Rate) -> None:
    criterion = rate(study, [5, None, "", 1])
    matrix = rating_matrix(criterion=criterion)
    assert [r.source for r in matrix.responses] == ["alpha", "beta", "alpha", "beta"]
    np.testing.assert_array_equal(matrix.values, [[5, np.nan, np.nan, 1]])
    np.testing.assert_array_equal(matrix.cant_say, [[False, True, False, False]])
    np.testing.assert_allclose(
        utilities(criterion=criterion, matrix=matrix), [[1, np.nan, np.nan, 0.01]]
    )
    assert matrix.query_index.tolist() == [0, 0, 1, 1]


def test_a_changed_rating_counts_once(study: Study, rate: Rate, jury: Jury) -> None:
    criterion = rate(study, [5, 5, 5, 5])
    old = Rating.objects.order_by("id")[0]
    Rating.objects.filter(pk=old.pk).update(is_current=False)
    Rating.objects.create(
        juror=old.juror,
        response=old.response,
        criterion=criterion,
        value=1,
        created_at=timezone.now(),
    )
    assert rating_matrix(criterion=criterion).values[0].tolist() == [1, 5, 5, 5]


def test_two_revisions_of_one_source_are_two_columns(study: Study, rate: Rate) -> None:
    study.sources.filter(name="beta").update(name="alpha", revision="2")
    rate(study, [1, 2, 3, 4])
    matrix = rating_matrix(criterion=study.criteria.get(key="helpful"))
    assert len(matrix.sources) == 2


def test_utilities_of_sources_are_means_over_jurors(study: Study, rate: Rate) -> None:
    # By query and source: alpha, beta, alpha, beta.
    rate(study, [5, 1, 5, 1], [3, 2, 1, 2], [4, "", 4, ""])
    content = built(study, UtilitySection)
    table = content.figures[0].table
    assert column(table, "source") == ["alpha", "beta"]
    assert column(table, "mean utility") == pytest.approx(
        [np.mean([1, (u(3) + u(1)) / 2, u(4)]), np.mean([0.01, u(2)])]
    )
    assert column(table, "jurors") == [3, 2]
    assert content.summary[0].startswith("Helpful: alpha (0.")
    by_response = content.tables[0][1]
    assert column(by_response, "ratings") == [3, 2, 3, 2]
    assert column(by_response, "lowest") == pytest.approx([u(3), 0.01, u(1), 0.01])


def test_sources_with_the_same_mean_share_the_lead(study: Study, rate: Rate) -> None:
    rate(study, [3, 3, 3, 3], [4, 4, 2, 2])
    (sentence,) = built(study, UtilitySection).summary
    assert "alpha" in sentence
    assert "beta" in sentence


def test_a_source_that_nobody_rated_stands_without_a_number(study: Study, rate: Rate) -> None:
    rate(study, [3, "", 3, ""], [4, "", 2, ""])
    table = built(study, UtilitySection).figures[0].table
    assert column(table, "mean utility")[1] is None
    assert column(table, "why")[1]
    assert built(study, WelfareSection).figures[0].table.columns[1:4] == (
        "alpha",
        "alpha low",
        "alpha high",
    )


# --- Welfare ----------------------------------------------------------------------------------


def test_welfare_by_hand(study: Study, rate: Rate) -> None:
    # alpha: everybody 3. beta: 5 for three, 1 for one: better on average, worse for the worst-off.
    rate(study, *[[3, 5, 3, 5]] * 3, [3, 1, 3, 1])
    content = built(study, WelfareSection)
    table = content.figures[0].table
    at = dict(zip(column(table, "α"), table.rows, strict=True))
    alpha, beta = table.columns.index("alpha"), table.columns.index("beta")
    good, bad = 1.0, 0.01
    assert at["0"][alpha] == pytest.approx(u(3))
    assert at["0"][beta] == pytest.approx((3 * good + bad) / 4)
    assert at["1"][beta] == pytest.approx((good**3 * bad) ** 0.25)
    assert at["2"][beta] == pytest.approx(1 / ((3 / good + 1 / bad) / 4))
    assert at["∞"][beta] == pytest.approx(bad)
    assert (at["0"][-2], at["1"][-2], at["∞"][-2]) == ("beta", "alpha", "alpha")
    assert at["∞"][-1] is None
    assert at["∞"][beta + 1] is None
    # The geometric mean and the mean cross where w_alpha(beta) = u(3); between 0 and 1.
    assert "beta leads at α = 0, alpha at α = ∞" in content.summary[1]
    assert "alpha overtakes beta" in content.summary[1]
    tail = dict(content.tables)["Helpful: the worst-off"]
    assert column(tail, "worst-off juror, as observed") == pytest.approx([u(3), bad])


def test_who_gets_what_is_each_groups_mean(study: Study, rate: Rate) -> None:
    # Jurors 0 and 2 are women, 1 and 3 men.
    rate(study, [5, 1, 5, 1], [1, 5, 1, 5], [5, 1, 5, 1], [1, 5, 1, 5])
    table = dict(built(study, WelfareSection).tables)["Helpful: who gets what"]
    rows = {row[0]: row[1:] for row in table.rows}
    assert rows["gender: woman"] == pytest.approx((2, 1.0, 0.01))
    assert rows["gender: man"] == pytest.approx((2, 0.01, 1.0))


def test_one_source_leads_nobody(make_study: Callable[..., Study], rate: Rate, jury: Jury) -> None:
    study = make_study(jury=jury, queries=1, sources=("only",))
    rate(study, [5], [1])
    content = built(study, WelfareSection)
    assert not any("leads" in sentence for sentence in content.summary)


def test_a_name_with_and_is_one_source(
    make_study: Callable[..., Study], rate: Rate, jury: Jury
) -> None:
    study = make_study(jury=jury, queries=1, sources=("Search and rescue", "beta"))
    rate(study, [5, 1], [5, 2])
    content = built(study, WelfareSection)
    assert content.summary[1] == "Helpful: Search and rescue leads at every α."


def test_sources_that_lead_together_lead(
    make_study: Callable[..., Study], rate: Rate, jury: Jury
) -> None:
    study = make_study(jury=jury, queries=1, sources=("a", "b", "c"))
    rate(study, [5, 1, 2], [1, 5, 2])
    content = built(study, WelfareSection)
    assert "a and b lead at α = 0, c at α = ∞" in content.summary[1]


def test_equal_sources_tie(study: Study, rate: Rate) -> None:
    rate(study, [4, 4, 2, 2], [3, 3, 5, 5])
    content = built(study, WelfareSection)
    assert any("equally" in sentence for sentence in content.summary)
    assert set(column(content.figures[0].table, "leads")) == {"alpha, beta"}


def test_sources_that_answered_other_queries_are_not_compared_silently(
    study: Study, rate: Rate
) -> None:
    rate(study, [3, 5, 3, ""], [3, 5, 3, ""])
    (notice,) = [n for n in built(study, WelfareSection).notices if "same rated queries" in n]
    assert "alpha 2, beta 1" in notice


def test_welfare_below_its_band_is_said(
    make_study: Callable[..., Study], rate: Rate, jury: Jury, pool: Pool
) -> None:
    # Eight jurors, each alone the worst-off on one query: hardly a resample has all eight of them.
    for number, candidate in enumerate(pool.candidates.order_by("id")[4:], start=5):
        juror = jury.jurors.create(candidate=candidate)
        Seat.objects.create(jury=jury, juror=juror, number=number, state=Seat.State.ACCEPTED)
    study = make_study(jury=jury, queries=8, sources=("only",))
    rate(study, *[[1 if own == query else 5 for query in range(8)] for own in range(8)])
    content = built(study, WelfareSection)
    table = content.figures[0].table
    low, value = column(table, "only low"), column(table, "only")
    below = [
        a
        for a, x, b in zip(column(table, "α"), value, low, strict=True)
        if isinstance(x, float) and isinstance(b, float) and x < b - 1e-9
    ]
    # At 0 every resample has the same mean; beyond, w is convex in how often each stands in it.
    assert below == ["0.25", "0.5", "1", "2", "4", "8", "16"]
    (told,) = [notice for notice in content.notices if "too small" in notice]
    assert "8 jurors" in told
    assert "only at α = 0.25 (by +0." in told


def test_a_juror_who_could_never_say_is_not_counted(study: Study, rate: Rate) -> None:
    rate(study, [3, 5, 3, 5], [3, 4, 3, 4], [None] * 4)
    assert built(study, WelfareSection).figures[0].n == "2 jurors, 4 responses"
    assert built(study, UtilitySection).figures[0].n == "2 jurors, 8 ratings"


# --- Agreement --------------------------------------------------------------------------------


def test_full_agreement_is_one_and_the_split_is_explained(study: Study, rate: Rate) -> None:
    rate(study, *[[1, 2, 4, 5]] * 4)
    rate(study, [5, 3, 3, 3], [1, 3, 3, 3], [5, 3, 3, 3], [1, 3, 3, 3], key="fair")
    content = built(study, AgreementSection)
    table = content.figures[0].table
    assert table.rows[0][0] == "Helpful (ordinal)"
    assert table.rows[0][1] == pytest.approx(1.0)
    split = content.tables[0][1]
    first = dict(zip(split.columns, split.rows[0], strict=True))
    assert first["criterion"] == "Fair"
    assert first["trait that explains most"] == "gender"
    assert first["share it explains"] == pytest.approx(1.0)
    assert first["its groups' means"] == "man 1.0, woman 5.0"
    assert first["standard deviation, share of the scale"] == pytest.approx(2 / 4)


def test_the_kind_of_scale_decides_the_level(study: Study, rate: Rate) -> None:
    study.criteria.filter(key="helpful").update(scale_kind="yes_no", low=0, high=1)
    rate(study, [0, 1, 0, 1], [0, 1, 1, 1])
    assert built(study, AgreementSection).figures[0].table.rows[0][0] == "Helpful (nominal)"


@pytest.mark.parametrize("section", [AgreementSection, UtilitySection, WelfareSection])
def test_the_same_study_gives_the_same_numbers(study: Study, rate: Rate, section: type) -> None:
    rate(study, [5, 1, 4, 2], [3, 2, 1, 2], [4, 3, 4, 1])
    assert asdict(built(study, section)) == asdict(built(study, section))


@pytest.mark.parametrize("section", [AgreementSection, UtilitySection, WelfareSection])
def test_the_fingerprint_follows_what_is_read(study: Study, rate: Rate, section: type) -> None:
    plan = section()
    seen = {plan.fingerprint(study=study)}
    rate(study, [5, 1, 4, 2])
    seen.add(plan.fingerprint(study=study))
    study.criteria.filter(key="helpful").update(high=7)
    seen.add(plan.fingerprint(study=study))
    study.sources.filter(name="beta").update(name="gamma")
    seen.add(plan.fingerprint(study=study))
    Rating.objects.all().delete()
    seen.add(plan.fingerprint(study=study))
    assert len(seen) == 5


# --- Who answered -----------------------------------------------------------------------------


def test_seats_stand_by_stage_and_against_quotas(study: Study, jury: Jury, pool: Pool) -> None:
    women = pool.features.get(name="gender").values.get(value="woman")
    quota = Quota.objects.create(jury=jury, key=str(women.pk), minimum=2, maximum=2)
    quota.feature_values.add(women)
    seats = list(jury.seats.order_by("number"))
    for ordinal, (seat, state, done) in enumerate(
        zip(seats[:3], ("finished", "working", "consented"), (2, 1, 0), strict=True)
    ):
        Participation.objects.create(
            study=study, juror=seat.juror, ordinal=ordinal, state=state, completed_count=done
        )
    seats[3].state = Seat.State.DECLINED
    seats[3].save()
    content = built(study, ParticipationSection)
    assert content.summary == ("1 of 3 seated jurors have finished. 1 declined or withdrew.",)
    rows = {row[1]: row[2:] for row in content.figures[0].table.rows}
    # Seats 1 and 3 are women: one has finished, one has not begun.
    assert rows["woman"] == ("2 to 2", 2, 1, 0, 1, 0)
    assert rows["man"] == ("none", 1, 0, 1, 0, 1)
    assert "gender woman: 1 finished, minimum 2" in content.notices[0]


def test_simulated_jurors_are_called_so(study: Study) -> None:
    study.is_simulated = True
    assert "simulated jurors" in built(study, ParticipationSection).summary[0]


def test_a_person_erased_keeps_her_seat_and_loses_her_traits(study: Study, jury: Jury) -> None:
    seat = jury.seats.order_by("number")[0]
    withdraw_juror(juror=seat.juror, erase_said=True)
    seats = seats_with_progress(study=study)
    assert seats[0].stage == GONE
    assert set(seats[0].traits.values()) == {"not known"}
    groups = strata(study=study, seats=seats)
    assert sum(len(g.seats) for g in groups if g.feature == "gender") == 3
    built(study, ParticipationSection)


def test_traits_come_in_the_order_asked(jury: Jury) -> None:
    ids = list(jury.jurors.order_by("-id").values_list("pk", flat=True))
    traits = juror_traits(juror_ids=ids)
    assert list(traits) == ["gender", "age"]
    assert traits["gender"] == ("man", "woman", "man", "woman")
    assert traits["age"] == ("40 and over", "40 and over", "under 40", "under 40")


def test_a_pool_without_features_has_no_strata(
    make_study: Callable[..., Study], rate: Rate
) -> None:
    pool = Pool.objects.create(name="Bare", slug="bare")
    jury = Jury.objects.create(pool=pool, name="Bare jury", size=2)
    for number in (1, 2):
        candidate = pool.candidates.create(external_id=f"b{number}")
        juror = jury.jurors.create(candidate=candidate)
        Seat.objects.create(jury=jury, juror=juror, number=number, state=Seat.State.ACCEPTED)
    study = make_study(jury=jury, queries=1)
    for juror in jury.jurors.all():
        for response in study.queries.get().responses.all():
            Rating.objects.create(
                juror=juror,
                response=response,
                criterion=study.criteria.get(key="helpful"),
                value=4,
                created_at=timezone.now(),
            )
    for section in SECTIONS:
        assert not built(study, section).empty_reason
    figure = built(study, WelfareSection).figures[0]
    assert "without strata" in figure.interval
