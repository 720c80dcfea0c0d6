"""The two CSV files: dialects, and every error with its row."""

import csv
import io
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from juries.domain.pool_files import (
    MOST_ERRORS,
    CategoriesFile,
    InvalidPoolFile,
    RespondentsFile,
    RowError,
    RowErrorCode,
    ValueQuota,
    as_profiles,
    as_quotas,
    parse_categories,
    parse_respondents,
)
from juries.domain.quotas import Quota

POOLS = Path(__file__).resolve().parents[3].parent / "shared" / "data" / "pools"

GENDER = (ValueQuota("female", 1, 2), ValueQuota("male", 1, 2))
CATEGORIES = CategoriesFile((("gender", GENDER), ("age", (ValueQuota("18-29", 0, 3),))))
BOM = b"\xef\xbb\xbf"


def category_errors(content: bytes) -> list[RowError]:
    with pytest.raises(InvalidPoolFile) as caught:
        parse_categories(content=content)
    return list(caught.value.errors)


def people(content: bytes | str, **options: object) -> RespondentsFile:
    raw = content.encode() if isinstance(content, str) else content
    return parse_respondents(content=raw, categories=CATEGORIES, **options)  # type: ignore[arg-type]  # options of many types


def people_errors(content: bytes | str, **options: object) -> list[RowError]:
    with pytest.raises(InvalidPoolFile) as caught:
        people(content, **options)
    return list(caught.value.errors)


@pytest.mark.parametrize("header", ["category,name", "category,feature", "feature,value"])
@pytest.mark.parametrize("mark", [b"", BOM])
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_categories_dialects(header: str, mark: bytes, newline: str, separator: str) -> None:
    lines = [f"{header},min,max", "gender, female ,1,2", "gender,male,1,2", "age,18-29,0,3", ""]
    content = mark + newline.join(lines).replace(",", separator).encode()
    assert parse_categories(content=content) == CATEGORIES


def test_flexible_bounds_and_any_order_of_columns() -> None:
    content = b"MAX,max_flex,Category,min_flex,Name,min,note\n5,6,age,,old,2,x\n"
    assert parse_categories(content=content) == CategoriesFile(
        (("age", (ValueQuota("old", 2, 5, None, 6),)),)
    )


def test_quotas_and_profiles() -> None:
    assert as_quotas(CATEGORIES)[0] == Quota((("gender", "female"),), 1, 2)
    flexible = parse_categories(content=b"category,name,min,max,min_flex,max_flex\na,b,2,4,1,\n")
    assert as_quotas(flexible) == (Quota((("a", "b"),), 2, 4, 1, None),)
    found = people("id,gender,age\np1,female,18-29\n")
    assert as_profiles(found)[0].traits == (("gender", "female"), ("age", "18-29"))


@pytest.mark.parametrize(
    ("body", "row", "column", "code"),
    [
        ("a,b,x,2", 2, "min", RowErrorCode.NOT_A_WHOLE_NUMBER),
        ("a,b,1.5,2", 2, "min", RowErrorCode.NOT_A_WHOLE_NUMBER),
        ("a,b,,2", 2, "min", RowErrorCode.NOT_A_WHOLE_NUMBER),
        ("a,b,-1,2", 2, "min", RowErrorCode.NEGATIVE_NUMBER),
        ("a,b,3,2", 2, "min", RowErrorCode.CROSSED_BOUNDS),
        ("a,b,1,2\n\na,b,1,2", 4, "name", RowErrorCode.REPEATED_CATEGORY),
        (",b,1,2", 2, "category", RowErrorCode.BLANK_VALUE),
        ("a,,1,2", 2, "name", RowErrorCode.BLANK_VALUE),
        ("a,b,1", 2, "", RowErrorCode.RAGGED_ROW),
        ("a,b,1,2,9", 2, "", RowErrorCode.RAGGED_ROW),
        (f"{'a' * 81},b,1,2", 2, "category", RowErrorCode.TOO_LONG),
        ('a,"b,1,2', 2, "", RowErrorCode.BROKEN_CSV),
        ("", 1, "", RowErrorCode.EMPTY_FILE),
    ],
)
def test_category_errors(body: str, row: int, column: str, code: RowErrorCode) -> None:
    (error,) = category_errors(f"category,name,min,max\n{body}\n".encode())
    assert (error.file, error.row, error.column, error.code) == (
        "categories.csv",
        row,
        column,
        code,
    )
    assert error.message


def test_flexible_bounds_must_contain_the_bounds() -> None:
    errors = category_errors(b"category,name,min,max,min_flex,max_flex\na,b,2,4,3,3\n")
    assert [error.column for error in errors] == ["min_flex", "max"]


def test_missing_and_repeated_columns() -> None:
    assert {error.column for error in category_errors(b"category,name\na,b\n")} == {"min", "max"}
    (error,) = category_errors(b"category,name,min,max,Min\n")
    assert error.code is RowErrorCode.REPEATED_COLUMN


@pytest.mark.parametrize("content", [b"", BOM, b"\n", b",,\n"])
def test_empty_files(content: bytes) -> None:
    (error,) = category_errors(content)
    assert error.code is RowErrorCode.EMPTY_FILE


@pytest.mark.parametrize("mark", [b"", BOM])
def test_wrong_encoding_names_the_byte(mark: bytes) -> None:
    content = mark + b"category,name,min,max\nage," + b"\xe4lter,1,2\n"
    (error,) = category_errors(content)
    assert error.code is RowErrorCode.WRONG_ENCODING
    assert error.row == 2
    assert f"byte offset {len(mark) + 26}" in error.message
    assert "UTF-8" in error.message


def test_utf_16_and_zero_bytes_are_refused() -> None:
    (error,) = category_errors("category,name,min,max\n".encode("utf-16"))
    assert "UTF-16" in error.message
    (error,) = category_errors(b"category,name,min,max\na,\0,1,2\n")
    assert "byte offset 24" in error.message


def test_respondents_with_contact_and_household() -> None:
    found = people(
        "Name,age,ID,gender,email,street,town,shoe\n"
        " Ada ,18-29,7, female ,a@b.example,1  High St,Ely,40\n"
        '"Bo\nB",18-29,8,male,,,,41\n',
        household_columns=["street", "town"],
    )
    ada, bo = found.rows
    assert (ada.row, ada.id, ada.values) == (2, "7", ("female", "18-29"))
    assert (ada.name, ada.email, ada.household) == ("Ada", "a@b.example", "1 high st | ely")
    assert (bo.row, bo.household, bo.email) == (3, "", "")
    assert found.id_column == "ID"
    assert not found.id_is_first_column
    assert found.ignored_columns == ("shoe",)


def test_first_column_is_the_documented_fallback() -> None:
    found = people("code,gender,age\nx,male,18-29\n")
    assert (found.id_column, found.id_is_first_column) == ("code", True)
    (error,) = people_errors("gender,age\nmale,18-29\n")
    assert error.code is RowErrorCode.MISSING_COLUMN
    (error,) = people_errors("id,gender,age\nx,male,18-29\n", id_column="number")
    assert error.column == "number"


def test_every_error_has_its_row() -> None:
    errors = people_errors(
        "id,gender,age,email\n"
        "1,Female,18-29,\n"
        ",male,18-29,\n"
        "\n"
        "1,robot,18-29,\n"
        "2,,18-29,nonsense\n"
        "3,male\n"
    )
    assert [(error.row, error.column, error.code) for error in errors] == [
        (2, "gender", RowErrorCode.CASE_MISMATCH),
        (3, "id", RowErrorCode.BLANK_ID),
        (5, "id", RowErrorCode.REPEATED_ID),
        (5, "gender", RowErrorCode.UNKNOWN_VALUE),
        (6, "gender", RowErrorCode.BLANK_VALUE),
        (6, "email", RowErrorCode.BAD_EMAIL),
        (7, "", RowErrorCode.RAGGED_ROW),
    ]
    assert "'female'" in errors[0].message
    assert "row 2" in errors[2].message


def test_missing_feature_column_suggests_the_spelling() -> None:
    (error,) = people_errors("id,Gender,age\n1,male,18-29\n")
    assert (error.column, error.code) == ("gender", RowErrorCode.MISSING_COLUMN)
    assert "'Gender'" in error.message


def test_header_without_people() -> None:
    (error,) = people_errors("id,gender,age\n")
    assert error.code is RowErrorCode.EMPTY_FILE


def test_errors_are_capped_and_counted() -> None:
    content = "id,gender,age\n" + "".join(f"{i},robot,18-29\n" for i in range(MOST_ERRORS + 50))
    with pytest.raises(InvalidPoolFile, match=f"{MOST_ERRORS + 49} more") as caught:
        people(content)
    assert len(caught.value.errors) == MOST_ERRORS
    assert caught.value.omitted == 50


def test_a_hundred_thousand_rows() -> None:
    content = "id,gender,age\n" + "".join(f"p{i},female,18-29\n" for i in range(100_000))
    found = people(content)
    assert len(found.rows) == 100_000
    assert found.rows[-1].row == 100_001


@pytest.mark.skipif(not POOLS.is_dir(), reason=f"no pools at {POOLS}")
@pytest.mark.parametrize("name", ["synth_200_40", "tight_150_24", "synth_3000_150"])
def test_stored_pools_are_read(name: str) -> None:
    folder = POOLS / name
    categories = parse_categories(content=(folder / "categories.csv").read_bytes())
    found = parse_respondents(
        content=(folder / "respondents.csv").read_bytes(), categories=categories
    )
    assert len(found.rows) == int(name.split("_")[1])
    assert len(found.columns) == 6


CELLS = st.text(
    st.characters(blacklist_categories=("Cs", "Cc"), blacklist_characters=",;\t"),
    min_size=1,
    max_size=20,
).filter(lambda text: text.strip() == text)


@settings(max_examples=50, deadline=None)
@given(values=st.lists(CELLS, min_size=1, max_size=5, unique=True), ids=st.sets(CELLS, min_size=1))
def test_round_trip(values: list[str], ids: set[str]) -> None:
    categories = io.StringIO()
    writer = csv.writer(categories)
    writer.writerow(["category", "name", "min", "max"])
    writer.writerows(["trait", value, 0, 9] for value in values)
    parsed = parse_categories(content=categories.getvalue().encode())
    assert [value.value for value in parsed.features[0][1]] == values
    rows = [(person, values[place % len(values)]) for place, person in enumerate(sorted(ids))]
    respondents = io.StringIO()
    writer = csv.writer(respondents)
    writer.writerow(["id", "trait"])
    writer.writerows(rows)
    found = parse_respondents(content=respondents.getvalue().encode(), categories=parsed)
    assert [(row.id, row.values[0]) for row in found.rows] == rows
