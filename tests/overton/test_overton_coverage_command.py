"""`coverage`: tables in, windows and every measure out."""

import json
from pathlib import Path
from typing import Any

import pytest
from django.conf import LazySettings
from django.core.management import CommandError, call_command
from fake_entailment import WordJudge

RESPONSES = """query,source,text
q1,alpha,Trees cool the street. Cars need parking space.
q1,beta,Some claim that trees cool the street. That is false.
q2,alpha,Tea is warm in winter.
q2,beta,Nothing of note.
q3,beta,A query without answers.
"""
ANSWERS = """query,answer,text,exclusion
q1,trees,Trees cool the street.,
q1,cars,Cars need parking space.,
q1,burn,Burn it all down.,calls for violence
q2,tea,Tea is warm in winter.,
"""
LABELS = """response,answer,label
alpha,trees,does not
"""


VERDICTS = {"trees": "reasonable", "cars": "unreasonable", "tea": "Correct"}


def judgements(jurors: int = 10) -> str:
    """All find trees and tea reasonable, cars unreasonable; half of them live in the north."""
    rows = ["juror,answer,verdict,holds,side"]
    for number in range(jurors):
        side = "north" if number % 2 else "south"
        for answer, verdict in (
            ("trees", "reasonable"),
            ("cars", "unreasonable"),
            ("tea", "Correct"),
        ):
            rows.append(f"j{number},{answer},{verdict},{'yes' if side == 'north' else 'no'},{side}")
    return "\n".join(rows) + "\n"


@pytest.fixture(autouse=True)
def judge(settings: LazySettings) -> None:
    settings.ENTAILMENT_BACKENDS = {"words": "fake_entailment.WordJudge"}
    settings.ENTAILMENT_BACKEND = "words"
    settings.ENTAILMENT_MODEL = ""
    WordJudge.calls.clear()


@pytest.fixture
def files(tmp_path: Path) -> dict[str, Path]:
    found = {}
    for name, text in {
        "responses": RESPONSES,
        "answers": ANSWERS,
        "judgements": judgements(),
        "labels": LABELS,
    }.items():
        found[name] = tmp_path / f"{name}.csv"
        found[name].write_text(text)
    return found


def coverage(files: dict[str, Path], **options: Any) -> dict[str, Any]:
    out = files["answers"].parent / "coverage.json"
    call_command(
        "coverage",
        *(str(files[name]) for name in ("responses", "answers", "judgements")),
        out=out,
        bootstraps=50,
        **options,
    )
    found: dict[str, Any] = json.loads(out.read_text())
    return found


def of(found: dict[str, Any], query: str, source: str) -> dict[str, Any]:
    return next(
        row for row in found["responses"] if (row["query"], row["source"]) == (query, source)
    )


def test_windows_and_measures_by_hand(files: dict[str, Path]) -> None:
    found = coverage(files, threshold=0.6, groups="side", group_minimum=5)
    verdicts = {
        one["answer"]: one["verdict"] for window in found["windows"] for one in window["answers"]
    }
    assert verdicts == {
        "trees": "reasonable",
        "cars": "undecided",  # nobody of five: at most .43 of a group by the interval
        "burn": "excluded",
        "tea": "correct",
    }
    alpha = of(found, "q1", "alpha")
    assert [(one["answer"], one["expressed"], one["by"]) for one in alpha["answers"]] == [
        ("trees", True, "judge"),
        ("cars", True, "judge"),
        ("burn", False, "judge"),
    ]
    said = alpha["answers"][0]
    assert RESPONSES.splitlines()[1].split(",")[2][said["start"] : said["end"]] == (
        "Trees cool the street."
    )
    refuted = of(found, "q1", "beta")["answers"][0]
    assert (refuted["expressed"], refuted["refuted"]) == (False, True)
    sources = {one["source"]: one["measures"]["coverage"] for one in found["sources"]}
    assert (sources["alpha"]["value"], sources["alpha"]["n"]) == (1, 2)
    assert sources["beta"]["value"] == 0
    assert set(alpha["by_group"]) == {"side: north", "side: south"}
    assert alpha["by_group"]["side: south"]["reason"] == "Nobody holds an answer of this window."
    assert found["without_answers"] == ["q3"]
    assert found["reading"]["judge"]["name"] == "words"
    assert not found["reading"]["report_card"]["validated"]


def test_people_alone_load_no_judge(files: dict[str, Path], settings: LazySettings) -> None:
    settings.ENTAILMENT_BACKEND = "nobody"
    found = coverage(files, labels=files["labels"])
    assert found["reading"] == {
        "pairs": 8,
        "labelled": 1,
        "settled_by_people": 1,
        "settled_by_judge": 0,
        "judge": None,
    }
    alpha = of(found, "q1", "alpha")
    assert alpha["answers"][1]["reason"] == "Nobody has labelled it."
    assert alpha["measures"]["coverage"]["value"] == 0


def test_a_label_wins_over_the_judge(files: dict[str, Path]) -> None:
    found = coverage(files, labels=files["labels"], backend="words", threshold=0.6)
    first = of(found, "q1", "alpha")["answers"][0]
    assert (first["expressed"], first["by"], first["score"]) == (False, "people", 0.98)
    assert found["reading"]["settled_by_judge"] == 7
    assert found["reading"]["report_card"]["pairs"] == 1


def test_the_same_files_give_the_same_bytes(files: dict[str, Path]) -> None:
    coverage(files, cluster=True, seed=3)
    out = files["answers"].parent / "coverage.json"
    first = out.read_bytes()
    coverage(files, cluster=True, seed=3)
    assert out.read_bytes() == first


def test_groups_are_found_in_each_query_by_hand(files: dict[str, Path]) -> None:
    """Eight jurors: j0 to j3 against j4 to j7 on q1, even against odd on q2; four pairs in all."""
    files["answers"].write_text(
        "query,answer,text\n"
        "q1,trees,Trees cool the street.\nq1,cars,Cars need parking space.\n"
        "q2,tea,Tea is warm in winter.\nq2,ice,Ice is cold.\nq3,one,Only one answer.\n"
    )
    rows = ["juror,answer,verdict,holds"]
    for number in range(8):
        for first, second, is_first in (
            ("trees", "cars", number < 4), ("tea", "ice", number % 2 == 0),
        ):  # fmt: skip
            held, refused = (first, second) if is_first else (second, first)
            rows += [f"j{number},{held},reasonable,yes", f"j{number},{refused},unreasonable,no"]
        rows.append(f"j{number},one,correct,yes")
    files["judgements"].write_text("\n".join(rows) + "\n")
    ratings = files["answers"].parent / "ratings.csv"
    # Of the second camp on q1 the even ones find themselves in it and the odd ones don't.
    ratings.write_text(
        "query,response,juror,rating\n"
        + "".join(
            f"q1,alpha,j{number},{2 if number in (5, 7) else 5}\nq3,beta,j{number},5\n"
            for number in range(8)
        )
        + "".join(f"q2,alpha,j{number},5\n" for number in range(8))
    )
    found = coverage(files, represented=ratings, cluster=True)
    groups = {one["query"]: one for one in found["opinion_groups"]}
    assert list(groups["q1"]["members"].values()) == [0, 0, 0, 0, 1, 1, 1, 1]
    assert list(groups["q2"]["members"].values()) == [0, 1, 0, 1, 0, 1, 0, 1]
    assert set(groups["q3"]["members"].values()) == {-1}
    assert groups["q3"]["reason"].startswith("Nobody has given 2 votes")
    assert found["clusters"]["groups"] == 4, "over all queries there are four pairs"
    alpha = of(found, "q1", "alpha")["represented"]
    assert [(one["mean"]["value"], one["represented"]) for one in alpha["groups"]] == [
        (5.0, True),
        (3.5, False),
    ]
    assert (alpha["share"]["value"], alpha["share"]["n"]) == (0.5, 2)
    # The pairs stand beside them, and would have given three quarters.
    assert sorted(one["represented"] for one in alpha["by_group"]) == [False, True, True, True]
    sources = {one["source"]: one["represented"] for one in found["sources"]}
    assert (sources["alpha"]["value"], sources["alpha"]["n"]) == (0.75, 2)
    assert sources["beta"]["value"] is None
    alone = coverage(files, represented=ratings)
    assert alone["opinion_groups"] == found["opinion_groups"], "whatever the groups of coverage"
    assert alone["clusters"] is None
    assert {one["source"]: one["represented"] for one in alone["sources"]} == sources
    assert coverage(files)["opinion_groups"] is None


def test_declared_groups_stand_beside_those_of_the_query(files: dict[str, Path]) -> None:
    """Here all vote alike on q1 but for what they hold: the north holds everything."""
    ratings = files["answers"].parent / "ratings.jsonl"
    ratings.write_text(
        "".join(
            json.dumps({"query": "q1", "response": "alpha", "juror": f"j{n}", "rating": 5 - n % 2})
            + "\n"
            for n in range(3)
        )
        + '{"query": "q1", "response": "beta", "juror": "j1", "rating": 2}\n'
    )
    found = coverage(files, represented=ratings, groups="side")
    alpha = of(found, "q1", "alpha")["represented"]
    assert alpha["share"]["value"] == 1
    assert {one["name"]: one["mean"]["value"] for one in alpha["groups"]} == {
        "group 1": 5.0,
        "group 2": 4.0,
    }
    assert {one["name"]: one["mean"]["value"] for one in alpha["by_group"]} == {
        "side: north": 4.0,
        "side: south": 5.0,
    }
    beta = of(found, "q1", "beta")["represented"]["share"]
    assert (beta["value"], beta["n"]) == (0, 1)
    assert beta["reason"] == "Of 1 of 2 groups nobody rated."
    beta = next(one for one in found["sources"] if one["source"] == "beta")
    assert beta["represented"]["value"] == 0


@pytest.mark.parametrize(
    ("table", "before", "after", "problem"),
    [
        ("responses", "q1,beta", "q1,alpha", "row 3, source: 'alpha' to 'q1' stands in row 2"),
        ("responses", "q2,beta,Nothing", ",beta,Nothing", "row 5, query: blank"),
        ("answers", "q1,cars,", "q1,trees,", "row 3, answer: 'trees' of 'q1' stands in row 2"),
        ("judgements", "j0,trees,reasonable", "j0,trees,fine", "row 2, verdict: 'fine' is none"),
        ("judgements", "j0,trees", "j0,birds", "row 2, answer: there is no answer 'birds'"),
        ("judgements", "j0,cars", "j0,trees", "row 3, answer: 'j0' has judged it in row 2"),
        ("judgements", "unreasonable,no", "unreasonable,maybe", "'maybe' is neither yes nor no"),
        ("labels", "does not", "perhaps", "row 2, label: 'perhaps' is none"),
        ("labels", "alpha,trees", "gamma,trees", "there is no response 'gamma' to 'q1'"),
    ],
)
def test_bad_rows_are_named_and_nothing_is_written(
    files: dict[str, Path],
    capsys: pytest.CaptureFixture[str],
    table: str,
    before: str,
    after: str,
    problem: str,
) -> None:
    files[table].write_text(files[table].read_text().replace(before, after, 1))
    with pytest.raises(CommandError, match="nothing was computed") as caught:
        coverage(files, labels=files["labels"], groups="side")
    assert caught.value.returncode == 2
    told = capsys.readouterr().err
    assert problem in told
    assert str(files[table]) in told
    assert not (files["answers"].parent / "coverage.json").exists()


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"groups": "town"}, "judgements.csv: There is no column 'town'; there are: juror"),
        ({"groups": "side", "cluster": True}, "not both"),
        ({"threshold": 2.0}, "threshold is 2"),
        ({"reasonable_share": 0.0}, "reasonable_share is 0"),
    ],
)
def test_options_that_cannot_be_end_with_two(
    files: dict[str, Path], options: dict[str, Any], problem: str
) -> None:
    with pytest.raises(CommandError, match=problem) as caught:
        coverage(files, **options)
    assert caught.value.returncode == 2


def test_an_id_of_several_answers_needs_its_query(
    files: dict[str, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    files["answers"].write_text(ANSWERS.replace("q2,tea", "q2,trees"))
    files["judgements"].write_text("juror,answer,verdict\nj1,trees,correct\n")
    with pytest.raises(CommandError):
        coverage(files)
    assert "'trees' is the id of several answers; add a column “query”" in capsys.readouterr().err
    files["judgements"].write_text("juror,query,answer,verdict\nj1,q2,trees,can't say\n")
    found = coverage(files)
    assert found["windows"][1]["answers"][0]["everyone"]["cant_say"] == 1
