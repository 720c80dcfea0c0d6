"""Importing and exporting pools: all or nothing, by row, nobody lost."""

from collections.abc import Callable
from pathlib import Path

import pytest
from django.conf import LazySettings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse

from juries import tasks
from juries.models import Candidate, CandidateContact, FeatureValue, Jury, Pool, Run
from juries.selectors.pool_files import (
    categories_csv,
    codes_csv,
    population_csv,
    respondents_csv,
)
from juries.selectors.quotas import quotas_of
from juries.services import pool_imports, uploads
from juries.services.pool_imports import (
    PoolImportRefused,
    create_pool,
    import_pool,
    import_quotas,
    perform_import,
    plan_import,
)
from juries.services.quotas import WantedQuota, set_quotas
from juries.services.runs import perform_run
from juries.services.uploads import PoolFiles

CATEGORIES = (
    b"category,name,min,max\ngender,woman,1,2\ngender,man,0,2\nage,young,0,3\nage,old,0,3\n"
)
RESPONDENTS = (
    b"id,email,gender,age,household\n"
    b"a,A@example.org,woman,young,12 Mill Lane\n"
    b"b,b@example.org,man,old,\n"
    b"c,,woman,old,\n"
)
POPULATION = b"feature,value,share\ngender,woman,51%\ngender,man,0.49\n"


@pytest.fixture
def fresh(db: None) -> Pool:
    return create_pool(name="Village")


def files(
    respondents: bytes = RESPONDENTS,
    categories: bytes = CATEGORIES,
    population: bytes | None = None,
) -> PoolFiles:
    return PoolFiles(categories=categories, respondents=respondents, population=population)


def people(pool: Pool) -> dict[str, tuple[str, ...]]:
    return {
        person.external_id: tuple(
            person.traits.order_by("feature__position").values_list(
                "feature_value__value", flat=True
            )
        )
        for person in pool.candidates.all()
    }


class TestImport:
    def test_writes_people_traits_contacts_and_shares(self, fresh: Pool) -> None:
        report = import_pool(pool=fresh, files=files(population=POPULATION))
        assert (report.added, report.updated, report.kept) == (3, 0, 0)
        assert people(fresh) == {
            "a": ("woman", "young"),
            "b": ("man", "old"),
            "c": ("woman", "old"),
        }
        ada = fresh.candidates.get(external_id="a")
        assert (ada.contact.email, ada.household) == ("A@example.org", "12 mill lane")
        assert not CandidateContact.objects.filter(candidate__external_id="c").exists()
        assert FeatureValue.objects.get(value="woman").population_share == 0.51

    def test_again_updates_by_id_and_loses_nobody(self, fresh: Pool) -> None:
        import_pool(pool=fresh, files=files())
        before = dict(fresh.candidates.values_list("external_id", "public_id"))
        again = b"id,email,gender,age,household\nb,,man,young,\nd,d@example.org,man,young,\n"
        report = import_pool(pool=fresh, files=files(again))
        assert (report.added, report.updated, report.kept) == (1, 1, 2)
        assert people(fresh)["b"] == ("man", "young")
        assert people(fresh)["a"] == ("woman", "young")
        assert fresh.candidates.get(external_id="b").contact.email == "b@example.org"
        after = dict(fresh.candidates.values_list("external_id", "public_id"))
        assert before.items() <= after.items()

    def test_two_people_may_swap_addresses(self, fresh: Pool) -> None:
        import_pool(pool=fresh, files=files())
        swapped = b"id,email,gender,age\na,b@example.org,woman,young\nb,a@example.org,man,old\n"
        import_pool(pool=fresh, files=files(swapped))
        assert fresh.candidates.get(external_id="a").contact.email == "b@example.org"
        assert fresh.candidates.get(external_id="b").contact.email == "a@example.org"

    @pytest.mark.parametrize(
        ("respondents", "row", "words"),
        [
            (RESPONDENTS + b"d,a@EXAMPLE.org,man,old,\n", 5, "is also that of 'a'"),
            (RESPONDENTS + b"a,,man,old,\n", 5, "already stands in row 2"),
            (RESPONDENTS + b"d,,men,old,\n", 5, "it may be 'man', 'woman'"),
            (RESPONDENTS + b",,man,old,\n", 5, "id is blank"),
            (RESPONDENTS.replace(b"gender", b"sex"), 1, "'gender' is missing"),
        ],
    )
    def test_one_bad_row_stops_all(
        self, fresh: Pool, respondents: bytes, row: int, words: str
    ) -> None:
        with pytest.raises(PoolImportRefused) as refusal:
            import_pool(pool=fresh, files=files(respondents))
        assert any(error.row == row and words in error.message for error in refusal.value.errors)
        assert not fresh.candidates.exists()
        assert not fresh.features.exists()

    def test_an_address_of_someone_outside_the_file_is_a_duplicate(self, fresh: Pool) -> None:
        import_pool(pool=fresh, files=files())
        other = b"id,email,gender,age\nz,b@example.org,man,old\n"
        with pytest.raises(PoolImportRefused, match="also that of 'b'"):
            import_pool(pool=fresh, files=files(other))

    def test_a_feature_of_the_pool_may_not_be_missing(self, fresh: Pool) -> None:
        import_pool(pool=fresh, files=files())
        with pytest.raises(PoolImportRefused, match="has the feature 'age'"):
            import_pool(
                pool=fresh,
                files=files(b"id,gender\nz,man\n", b"category,name,min,max\ngender,man,0,1\n"),
            )

    @pytest.mark.parametrize(
        ("population", "words"),
        [
            (b"feature,value,share\ngender,woman,0.7\ngender,man,0.49\n", "add up to 1.1900"),
            (b"feature,value,share\ngender,women,0.7\n", "not among the categories"),
            (b"feature,value,share\ngender,woman,many\n", "'many'"),
            (b"feature,value,share\ngender,woman,nan\n", "'nan'"),
            (b"feature,value\ngender,woman\n", "'share' is missing"),
            (b"", "is missing"),
            (b"\xff\xfe", "not UTF-8"),
        ],
    )
    def test_bad_population(self, fresh: Pool, population: bytes, words: str) -> None:
        with pytest.raises(PoolImportRefused) as refusal:
            import_pool(pool=fresh, files=files(population=population))
        assert any(words in error.message for error in refusal.value.errors)
        assert not fresh.candidates.exists()

    def test_a_plan_writes_nothing(self, fresh: Pool) -> None:
        report = plan_import(pool=fresh, files=files(population=POPULATION))
        assert (report.added, report.shares, len(report.new_values)) == (3, 2, 4)
        assert not fresh.candidates.exists()
        assert not fresh.features.exists()

    def test_invented_people_have_the_same_public_ids_anywhere(self, db: None) -> None:
        first = create_pool(name="Demo", slug="demo", simulated=True)
        import_pool(pool=first, files=files())
        ids = set(first.candidates.values_list("public_id", flat=True))
        first.candidates.all().delete()
        import_pool(pool=first, files=files())
        assert set(first.candidates.values_list("public_id", flat=True)) == ids

    def test_real_people_have_random_ones(self, fresh: Pool) -> None:
        import_pool(pool=fresh, files=files())
        ids = set(fresh.candidates.values_list("public_id", flat=True))
        fresh.candidates.all().delete()
        import_pool(pool=fresh, files=files())
        assert ids.isdisjoint(fresh.candidates.values_list("public_id", flat=True))


class TestQuotasFromCategories:
    def test_bounds_become_quotas(self, fresh: Pool) -> None:
        import_pool(pool=fresh, files=files())
        jury = Jury.objects.create(pool=fresh, name="J", size=2)
        assert import_quotas(jury=jury, categories=CATEGORIES) == 4
        woman = FeatureValue.objects.get(value="woman")
        quota = jury.quotas.get(key=str(woman.pk))
        assert (quota.minimum, quota.maximum) == (1, 2)

    def test_how_far_bounds_may_give_way_comes_in_and_goes_out(self, fresh: Pool) -> None:
        import_pool(pool=fresh, files=files())
        jury = Jury.objects.create(pool=fresh, name="J", size=2)
        header, *rows = CATEGORIES.decode().splitlines()
        flexible = [f"{header},min_flex,max_flex", f"{rows[0]},0,", f"{rows[1]},,3"]
        flexible += [f"{row},," for row in rows[2:]]
        import_quotas(jury=jury, categories="\n".join(flexible).encode())
        told = "".join(categories_csv(pool=fresh, jury=jury))
        assert told.splitlines() == flexible
        before = list(quotas_of(jury=jury))
        assert [quota.states_flex for quota in before] == [True, True, False, False]
        import_quotas(jury=jury, categories=told.encode())
        assert list(quotas_of(jury=jury)) == before
        import_quotas(jury=jury, categories=CATEGORIES)
        assert not any(quota.states_flex for quota in quotas_of(jury=jury))
        plain = "".join(categories_csv(pool=fresh, jury=jury))
        assert plain.splitlines() == CATEGORIES.decode().splitlines()

    def test_combinations_keep_how_far_they_may_give_way(self, fresh: Pool) -> None:
        import_pool(pool=fresh, files=files())
        jury = Jury.objects.create(pool=fresh, name="J", size=2)
        both = tuple(value.values.all()[0].pk for value in fresh.features.all())
        set_quotas(jury=jury, quotas=[WantedQuota(both, 1, 1, 0, 2)])
        import_quotas(jury=jury, categories=CATEGORIES)
        kept = quotas_of(jury=jury)[-1]
        assert (kept.flexible_minimum, kept.flexible_maximum) == (0, 2)

    def test_unknown_values_are_named(self, fresh: Pool) -> None:
        jury = Jury.objects.create(pool=fresh, name="J", size=2)
        with pytest.raises(PoolImportRefused, match="no gender: woman"):
            import_quotas(jury=jury, categories=CATEGORIES)
        assert not jury.quotas.exists()


class TestRoundTrip:
    def test_exported_files_make_the_same_pool(self, fresh: Pool) -> None:
        import_pool(pool=fresh, files=files(population=POPULATION))
        copy = create_pool(name="Copy")
        import_pool(
            pool=copy,
            files=PoolFiles(
                categories="".join(categories_csv(pool=fresh)).encode(),
                respondents="".join(respondents_csv(pool=fresh)).encode(),
                population="".join(population_csv(pool=fresh)).encode(),
            ),
        )
        assert people(copy) == people(fresh)
        for exported in (respondents_csv, population_csv, categories_csv):
            assert list(exported(pool=copy)) == list(exported(pool=fresh))


class TestCommand:
    @pytest.fixture
    def folder(self, tmp_path: Path) -> Path:
        (tmp_path / "categories.csv").write_bytes(CATEGORIES)
        (tmp_path / "respondents.csv").write_bytes(RESPONDENTS)
        return tmp_path

    def call(self, folder: Path, *more: str) -> None:
        call_command(
            "import_pool",
            f"--categories={folder / 'categories.csv'}",
            f"--respondents={folder / 'respondents.csv'}",
            *more,
        )

    def test_makes_a_pool_then_adds_to_it(
        self, db: None, folder: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        self.call(folder, "--name=Hill", "--simulated")
        assert Pool.objects.get(slug="hill").is_simulated
        self.call(folder, "--slug=hill")
        assert "3 updated" in capsys.readouterr().out
        assert Candidate.objects.count() == 3

    def test_codes_for_everybody_who_can_be_drawn(self, db: None, folder: Path) -> None:
        self.call(folder, "--name=Hill")
        pool = Pool.objects.get()
        person = pool.candidates.order_by("pk")[0]
        CandidateContact.objects.filter(candidate=person).delete()
        CandidateContact.objects.create(
            candidate=person, pool=pool, name="=1+1", email="a@example.org"
        )
        pool.candidates.exclude(pk=person.pk).update(state="withdrawn")
        header, *rows = "".join(codes_csv(pool=pool)).splitlines()
        assert header == "id,name,email,code"
        assert rows == [f"{person.external_id},'=1+1,a@example.org,{person.public_id}"]

    def test_dry_run(self, db: None, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.call(folder, "--name=Hill", "--dry-run")
        assert "3 would be added" in capsys.readouterr().out
        assert not Pool.objects.exists()

    def test_errors_leave_no_pool(
        self, db: None, folder: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        (folder / "respondents.csv").write_bytes(RESPONDENTS + b"d,,other,old,\n")
        with pytest.raises(CommandError, match="1 error"):
            self.call(folder, "--name=Hill")
        assert "respondents.csv, row 5" in capsys.readouterr().err
        assert not Pool.objects.exists()

    def test_a_file_that_is_not_there(self, db: None, folder: Path) -> None:
        (folder / "respondents.csv").unlink()
        with pytest.raises(CommandError, match="can't be read"):
            self.call(folder, "--name=Hill")

    def test_a_new_pool_needs_a_name(self, db: None, folder: Path) -> None:
        with pytest.raises(CommandError, match="--name"):
            self.call(folder, "--slug=hill")


class TestPages:
    @pytest.fixture(autouse=True)
    def own_folder(self, settings: LazySettings, tmp_path: Path) -> None:
        settings.UPLOADS_DIR = tmp_path

    def upload(self, client: Client, pool: Pool, respondents: bytes = RESPONDENTS) -> str:
        answer = client.post(
            reverse("admin:juries_pool_import", args=[pool.pk]),
            {
                "categories": SimpleUploadedFile("categories.csv", CATEGORIES),
                "respondents": SimpleUploadedFile("respondents.csv", respondents),
                "population": SimpleUploadedFile("population.csv", POPULATION),
            },
        )
        return answer.content.decode()

    def test_check_then_import(self, staff_client: Client, fresh: Pool, tmp_path: Path) -> None:
        page = self.upload(staff_client, fresh)
        assert "nothing is imported yet" in page
        assert not fresh.candidates.exists()
        name = page.split('name="upload" value="')[1].split('"')[0]
        path = reverse("admin:juries_pool_import", args=[fresh.pk])
        answer = staff_client.post(path, {"upload": name}, follow=True)
        assert "3 added" in answer.content.decode()
        assert fresh.candidates.count() == 3
        assert not list(tmp_path.iterdir())
        answer = staff_client.post(path, {"upload": name}, follow=True)
        assert "choose them again" in answer.content.decode()

    def test_errors_by_row(self, staff_client: Client, fresh: Pool, tmp_path: Path) -> None:
        page = self.upload(staff_client, fresh, RESPONDENTS + b"d,,<b>x</b>,old,\n")
        assert "nothing was imported" in page
        assert "&lt;b&gt;x&lt;/b&gt;" in page
        assert not list(tmp_path.iterdir())

    def test_many_rows_are_a_run(
        self, staff_client: Client, fresh: Pool, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(tasks, "_send", lambda *, run_id, kind: None)
        monkeypatch.setattr(pool_imports, "DIRECT_ROWS", 2)
        name = self.upload(staff_client, fresh).split('name="upload" value="')[1].split('"')[0]
        path = reverse("admin:juries_pool_import", args=[fresh.pk])
        answer = staff_client.post(path, {"upload": name})
        run = Run.objects.get()
        assert answer["Location"] == reverse("run", args=[run.public_id])
        perform_run(run_id=run.pk, work=perform_import)
        run.refresh_from_db()
        assert (run.state, run.result["added"]) == (Run.State.SUCCEEDED, 3)

    @pytest.mark.parametrize("name", ["pool-../../etc", "../x", "pool-" + "0" * 32])
    def test_forged_names_open_nothing(self, name: str) -> None:
        with pytest.raises(uploads.UploadGone):
            uploads.kept_upload(name=name)

    def test_population_page(self, staff_client: Client, fresh: Pool) -> None:
        path = reverse("admin:juries_pool_population", args=[fresh.pk])
        assert "Nobody is in this pool yet" in staff_client.get(path).content.decode()
        import_pool(pool=fresh, files=files(population=POPULATION))
        page = staff_client.get(path).content.decode()
        assert "66.7 %" in page
        assert "51.0 %" in page
        assert "quota__people" in page

    @pytest.mark.parametrize("room", ["import", "population"])
    def test_doors(
        self, room: str, fresh: Pool, client: Client, stranger_client: Client,
        colleague_client: Client, manager_client: Client,
    ) -> None:  # fmt: skip
        path = reverse(f"admin:juries_pool_{room}", args=[fresh.pk])
        assert client.get(path).status_code == 302
        assert stranger_client.get(path).status_code == 302
        assert colleague_client.get(path).status_code == 403
        assert manager_client.get(path).status_code == 200

    def test_people_are_exported_to_those_who_may_see_them(
        self, fresh: Pool, manager_client: Client, colleague_client: Client
    ) -> None:
        import_pool(pool=fresh, files=files())
        path = reverse("admin:juries_pool_export", args=[fresh.pk, "respondents.csv"])
        assert colleague_client.get(path).status_code == 403
        answer = manager_client.get(path)
        text = b"".join(answer).decode()
        assert "a,,A@example.org,woman,young,12 mill lane" in text

    def test_withdraw_in_the_list_of_people(self, fresh: Pool, staff_client: Client) -> None:
        import_pool(pool=fresh, files=files())
        person = fresh.candidates.get(external_id="a")
        staff_client.post(
            reverse("admin:juries_candidate_changelist"),
            {"action": "withdraw", "_selected_action": [person.pk]},
        )
        person.refresh_from_db()
        assert person.state == Candidate.State.WITHDRAWN
        assert not CandidateContact.objects.filter(candidate=person).exists()
        assert staff_client.get(
            reverse("admin:juries_candidate_change", args=[person.pk])
        ).status_code == 200  # fmt: skip

    @pytest.mark.parametrize("model", ["pool", "candidate", "feature"])
    def test_lists_take_as_many_queries_for_three_as_for_one(
        self, model: str, staff_client: Client, count_queries: Callable[[Client, str], int]
    ) -> None:
        path = reverse(f"admin:juries_{model}_changelist")

        def add(number: int) -> None:
            pool = create_pool(name=f"P{number}")
            pool.features.create(name="age")
            pool.candidates.create(external_id="x")

        add(1)
        staff_client.get(path)
        one = count_queries(staff_client, path)
        add(2)
        add(3)
        assert count_queries(staff_client, path) == one

    def test_the_pool_and_feature_forms(self, staff_client: Client, pool: Pool) -> None:
        assert staff_client.get(
            reverse("admin:juries_pool_change", args=[pool.pk])
        ).status_code == 200  # fmt: skip
        assert staff_client.get(
            reverse("admin:juries_feature_change", args=[pool.features.first().pk])  # type: ignore[union-attr]  # it has two
        ).status_code == 200  # fmt: skip
