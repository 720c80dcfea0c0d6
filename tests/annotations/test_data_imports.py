"""Queries and ratings from outside."""

import json
import time
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from annotations.domain.tables import DeclaredScale, RatingColumns, read_ratings, read_table
from annotations.models import Participation, Query, Rating, Response, Source, Study
from annotations.services.bundles import BundleRefused
from annotations.services.exports import write_bundle
from annotations.services.query_import import MappingRefused
from annotations.services.raters import RatersRefused, raters_to_pool, seat_raters
from annotations.services.ratings_import import (
    RatedCriterion,
    RatingsRefused,
    ratings_to_study,
)
from annotations.services.study_import import import_bundle, import_queries
from juries.models import AuditEntry, CandidateTrait, Juror, Jury, Pool, Seat, User

MAPPING = {"query_id": "id", "query": "q", "source": "who", "response": "r", "options": "o"}
TWO = b"id,q,who,r,o\na,One?,m1,yes,x|y\na,One?,m2,no,\nb,Two?,m1,maybe,\n"


@pytest.fixture
def study(db: None) -> Study:
    return Study.objects.create(title="Study", slug="study")


def test_queries_and_responses(study: Study, researcher: User) -> None:
    report = import_queries(study=study, table=read_table(TWO), mapping=MAPPING, actor=researcher)
    assert report.is_done
    assert (report.rows, report.queries, report.responses, report.sources) == (3, 2, 3, 2)
    study.refresh_from_db()
    assert study.query_count == 2
    assert list(study.queries.values_list("external_id", "ordinal")) == [("a", 0), ("b", 1)]
    assert list(Query.objects.get(external_id="a").options.values_list("key", flat=True)) == [
        "x",
        "y",
    ]
    assert AuditEntry.objects.get(verb="imported queries into").actor == researcher


def test_more_responses_to_known_queries(study: Study) -> None:
    import_queries(study=study, table=read_table(TWO), mapping=MAPPING, actor=None)
    more = b"id,q,who,r,o\nb,Two?,m2,no,\nc,Three?,m2,no,\n"
    report = import_queries(study=study, table=read_table(more), mapping=MAPPING, actor=None)
    assert (report.queries, report.known_queries, report.sources) == (1, 1, 0)
    assert Query.objects.get(external_id="c").ordinal == 2
    again = import_queries(study=study, table=read_table(more), mapping=MAPPING, actor=None)
    assert [(one.row, one.column) for one in again.problems] == [(2, "who"), (3, "who")]
    other = b"id,q,who,r,o\nb,Changed?,m9,no,a|b\n"
    clash = import_queries(study=study, table=read_table(other), mapping=MAPPING, actor=None)
    assert [one.column for one in clash.problems] == ["q", "o"]
    assert Response.objects.count() == 5


def test_nothing_is_half_imported(study: Study) -> None:
    rows = b"id,q,who,r,o\n" + b"".join(b"q%d,Q?,m,r,\n" % n for n in range(50)) + b",Q?,m,r,\n"
    report = import_queries(study=study, table=read_table(rows), mapping=MAPPING, actor=None)
    assert not report.is_done
    assert report.problems[0].row == 52
    assert not Query.objects.exists()
    assert not Source.objects.exists()
    with pytest.raises(MappingRefused, match="'nope'"):
        import_queries(
            study=study, table=read_table(rows), mapping={**MAPPING, "query": "nope"}, actor=None
        )


def test_a_hundred_thousand_rows(study: Study, django_assert_max_num_queries: Any) -> None:
    lines = ["id,q,who,r,o"]
    lines += [f"q{n // 4},Question {n // 4}?,m{n % 4},Answer {n}," for n in range(100_000)]
    data = "\n".join(lines).encode()
    started = time.monotonic()
    table = read_table(data)
    report = import_queries(study=study, table=table, mapping=MAPPING, actor=None)
    assert report.is_done
    assert Response.objects.count() == 100_000
    assert Query.objects.count() == 25_000
    # Seconds on a laptop; the bound only catches work that grows with the square of the rows.
    assert time.monotonic() - started < 120


def test_the_command_for_queries(study: Study, tmp_path: Path, capsys: Any) -> None:
    path = tmp_path / "queries.jsonl"
    path.write_text(
        "\n".join(
            json.dumps({"Query ID": f"q{n}", "text": "Why?", "model": "m", "response": "So."})
            for n in range(3)
        )
    )
    call_command("import_queries", "study", path, column=["query=text", "source=model"])
    assert Response.objects.count() == 3
    with pytest.raises(CommandError, match="3 problems"):
        call_command("import_queries", "study", path, column=["query=text", "source=model"])
    assert "row 1, model: the study has the response" in capsys.readouterr().err
    with pytest.raises(CommandError, match="no column 'nope'"):
        call_command("import_queries", "study", path, column=["query=nope", "source=model"])
    with pytest.raises(CommandError, match="FIELD=COLUMN"):
        call_command("import_queries", "study", path, column=["query"])
    with pytest.raises(CommandError, match="no study"):
        call_command("import_queries", "other", path)
    with pytest.raises(CommandError, match="No such file"):
        call_command("import_queries", "study", tmp_path / "nothing.csv")


# --- Ratings --------------------------------------------------------------------------------------


def ratings_file(path: Path, *, raters: int = 6, items: int = 4) -> Path:
    lines = ["user,instance,text,stars,gender,age"]
    for rater in range(raters):
        gender, age = ("woman", "man")[rater % 2], ("young", "old", "")[rater % 3]
        lines += [
            f"u{rater},i{item},Text {item}.,{1 + (rater + item) % 5}.0,{gender},{age}"
            for item in range(items)
        ]
    path.write_text("\n".join(lines))
    return path


LONG = {
    "juror": "user",
    "item": "instance",
    "text": "text",
    "rating": "stars",
    "scale": "1,5",
    "traits": "gender,age",
}


def test_the_command_for_ratings(db: None, tmp_path: Path, capsys: Any, researcher: User) -> None:
    path = ratings_file(tmp_path / "r.csv")
    call_command(
        "import_ratings", path, study_title="Stars & Co", criterion="Beauty", licence="cc0-1.0",
        owner="researcher", **LONG,
    )  # fmt: skip
    study = Study.objects.get()
    assert (study.slug, study.state, study.licence) == ("stars-co", "closed", "cc0-1.0")
    assert study.roles.get().user == researcher
    assert study.query_count == study.queries.count() == 4
    jury = study.jury
    assert jury is not None
    assert jury.size == jury.seats.filter(state=Seat.State.ACCEPTED).count() == 6
    assert Rating.objects.count() == 24
    assert CandidateTrait.objects.count() == 6 + 4
    criterion = study.criteria.get()
    assert (criterion.key, criterion.low, criterion.high) == ("beauty", 1, 5)
    rating = Rating.objects.get(
        juror__candidate__external_id="u3", response__external_id="i2", criterion=criterion
    )
    assert rating.value == 1
    assert set(Participation.objects.values_list("state", flat=True)) == {"finished"}
    assert "24 ratings of 4 items to 4 queries by 6 jurors" in capsys.readouterr().out


def test_a_given_jury(db: None, tmp_path: Path, capsys: Any) -> None:
    path = ratings_file(tmp_path / "r.csv")
    (tmp_path / "jury.txt").write_text("u1\nu4\n")
    options = {**LONG, "study_title": "T", "raters": tmp_path / "jury.txt"}
    call_command("import_ratings", path, **options)
    assert Juror.objects.count() == 2
    assert Rating.objects.count() == 8
    assert "16 ratings of others left out" in capsys.readouterr().out
    (tmp_path / "jury.txt").write_text("u1\nnobody\n")
    with pytest.raises(CommandError, match="'nobody'"):
        call_command("import_ratings", path, **options)
    assert Pool.objects.count() == 1


def test_wrong_ratings_are_listed(db: None, tmp_path: Path, capsys: Any) -> None:
    path = ratings_file(tmp_path / "r.csv")
    path.write_text(path.read_text() + "\nu0,i0,Text 0.,9,man,young")
    with pytest.raises(CommandError, match="2 problems"):
        call_command("import_ratings", path, study_title="T", **LONG)
    told = capsys.readouterr().err
    assert "row 26, gender: 'u0' has 'man' here, but 'woman' in row 2" in told
    assert "row 26, stars: 9 is outside the scale from 1 to 5" in told
    assert not Pool.objects.exists()
    assert not Jury.objects.exists()
    for change, match in (
        ({"scale": "5,1"}, "below the higher"),
        ({"scale": "five"}, "LOW,HIGH"),
        ({"values": "Yes"}, "WORD=NUMBER"),
        ({"values": "Yes=9"}, "outside the scale"),
        ({"juror": ""}, "--juror COLUMN"),
        ({"juror": "nope"}, "no column 'nope'"),
        ({"owner": "nobody"}, "no user"),
    ):
        with pytest.raises(CommandError, match=match):
            call_command("import_ratings", path, study_title="T", **{**LONG, **change})


def test_a_rater_matrix(db: None, tmp_path: Path) -> None:
    document = {
        "instances": [
            {
                "id": number,
                "instance": {"user_prompt": f"Q{number}", "response": f"R{number}"},
                "annotations": {"safety": {"individual_human_scores": ["Yes", "No", "Unsure"]}},
            }
            for number in range(5)
        ]
    }
    path = tmp_path / "d.json"
    path.write_text(json.dumps(document))
    call_command("import_ratings", path, study_title="D", format="dices", criterion="safe")
    assert (
        list(Rating.objects.order_by("juror_id", "id").values_list("value", flat=True))
        == [1.0] * 5 + [0.0] * 5 + [None] * 5
    )
    assert Study.objects.get().criteria.get().scale_kind == "yes_no"
    assert Query.objects.get(external_id="3").text == "Q3"
    path.write_text("{")
    with pytest.raises(CommandError, match="no JSON"):
        call_command("import_ratings", path, study_title="D", format="dices")


def test_sources_that_answer_one_query_stand_beside_each_other(db: None, tmp_path: Path) -> None:
    path = tmp_path / "r.csv"
    path.write_text(
        "user,instance,text,stars,prompt,model\n"
        "u,i1,Trees.,5,What cools?,alpha\n"
        "u,i2,Read it.,2,Do the task,alpha\n"
        "u,i3,Shade.,4,What cools?,beta\n"
        "u,i4,Read more.,1,Do the task,alpha\n"
        "u,i5,Nothing.,3,,beta\n"
        "u,i6,Less.,3,,alpha\n"
        "v,i1,Trees.,4,What cools?,alpha\n"
    )
    options = {**LONG, "traits": "", "query": "prompt", "source": "model"}
    call_command("import_ratings", path, study_title="T", **options)
    study = Study.objects.get()
    found = [
        (query.external_id, query.text, sorted(query.responses.values_list("source__name", "text")))
        for query in study.queries.order_by("ordinal")
    ]
    assert found == [
        ("i1", "What cools?", [("alpha", "Trees."), ("beta", "Shade.")]),
        ("i2", "Do the task", [("alpha", "Read it.")]),
        ("i4", "Do the task", [("alpha", "Read more.")]),
        ("i5", study.criteria.get().question, [("beta", "Nothing.")]),
        ("i6", study.criteria.get().question, [("alpha", "Less.")]),
    ]
    assert study.query_count == 5
    assert dict(
        Rating.objects.filter(juror__candidate__external_id="u").values_list(
            "response__external_id", "value"
        )
    ) == {"i1": 5, "i2": 2, "i3": 4, "i4": 1, "i5": 3, "i6": 3}


def test_services_on_a_drawn_jury(db: None, tmp_path: Path) -> None:
    columns = RatingColumns(
        juror="user", item="instance", text="text", rating="stars", traits=("gender",)
    )
    scale = DeclaredScale(low=1, high=5)
    table = read_table(ratings_file(tmp_path / "r.csv").read_bytes())
    found = read_ratings(table, columns=columns, scale=scale)
    pool = raters_to_pool(raters=found.raters, traits=found.traits, name="P", is_simulated=True)
    jury = Jury.objects.create(pool=pool, name="Drawn", size=2)
    criterion = RatedCriterion(name="stars", scale=scale)
    with pytest.raises(RatingsRefused, match="Nobody on Drawn"):
        ratings_to_study(jury=jury, ratings=found, criterion=criterion, title="T")
    for candidate in pool.candidates.order_by("id")[:2]:
        Juror.objects.create(jury=jury, candidate=candidate)
    made = ratings_to_study(jury=jury, ratings=found, criterion=criterion, title="T")
    assert (made.ratings, made.left_out, made.jurors) == (8, 16, 2)
    assert made.study.is_simulated
    with pytest.raises(RatingsRefused, match="taken"):
        ratings_to_study(jury=jury, ratings=found, criterion=criterion, title="T", slug="t")
    with pytest.raises(RatersRefused, match="no raters"):
        raters_to_pool(raters={}, traits=(), name="Nobody")
    with pytest.raises(RatersRefused, match="each of them once"):
        seat_raters(pool=pool, name="Twice", raters=["u1", "u1"])


def test_any_number_on_a_slider_survives_the_round_trip(db: None, tmp_path: Path) -> None:
    path = tmp_path / "r.csv"
    path.write_text("user,instance,text,stars\nu,i,T.,0.123456789\nv,i,T.,0.9\n")
    options = {**LONG, "traits": "", "scale": "0,1", "step": 0}
    call_command("import_ratings", path, study_title="T", **options)
    study = Study.objects.get()
    write_bundle(study=study, folder=tmp_path / "out")
    copy = import_bundle(path=tmp_path / "out", slug="copy").study
    values = Rating.objects.filter(criterion__study=copy).order_by("id")
    assert list(values.values_list("value", flat=True)) == [0.123456789, 0.9]
    with pytest.raises(BundleRefused):
        import_bundle(path=tmp_path / "out")


def test_popquorn(db: None, shared_data: Path, tmp_path: Path) -> None:
    started = time.monotonic()
    call_command(
        "import_ratings", shared_data / "popquorn/raw_data.csv", study_title="Offensiveness",
        juror="user_id", item="instance_id", text="text", rating="offensiveness", scale="1,5",
        traits="gender,race,age,occupation,education",
    )  # fmt: skip
    assert time.monotonic() - started < 60
    study = Study.objects.get()
    assert (study.query_count, Rating.objects.count(), Juror.objects.count()) == (1500, 13036, 262)
    manifest = write_bundle(study=study, folder=tmp_path / "out", formats=("parquet",))
    assert {table["name"]: table["rows"] for table in manifest["tables"]}["ratings"] == 13036


def test_dices_350(db: None, shared_data: Path) -> None:
    path = shared_data / "dices_350/dices_350_crowdsourced.json"
    call_command("import_ratings", path, study_title="Dices", format="dices")
    assert Rating.objects.count() == 350 * 123
    assert Rating.objects.filter(value__isnull=True).count() == 2694
    assert Rating.objects.filter(value=1).count() == 14064
