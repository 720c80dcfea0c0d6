"""Coming into a study over HTTP; and the researcher's pages: an owner, a viewer, a stranger."""

import re
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.core import signing
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from annotations.forms.ways_in import EntryForm
from annotations.models import Arrival, Participation, Rating, Study, StudyRole, WayIn
from juries.models import Candidate, Jury, Seat, User

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("four_steps")]

MakeWay = Callable[..., WayIn]
PID = "5f0c1ab2c3d4e5f601234567"
BOTH = {"rating_helpful": "4", "rating_fair": "2"}
JSON = {"Accept": "application/json"}
WOMAN = {"gender": "woman", "age": "18-34"}


@pytest.fixture(autouse=True)
def nobody_has_tried() -> None:
    cache.clear()


def address(way: WayIn, pid: str = "") -> str:
    url = reverse("way-in", args=[way.token])
    return f"{url}?PROLIFIC_PID={pid}&STUDY_ID=s&SESSION_ID=x" if pid else url


def agreeing(**changes: str) -> dict[str, str]:
    shown = signing.dumps(int(time.time()) - 60, salt=EntryForm.salt)
    data = {"decision": "agree", "version": "1", "ticket": str(uuid4()), "shown": shown}
    return {**data, "website": "", **changes}


def agree(client: Client, way: WayIn, pid: str = "", **changes: str) -> Any:
    return client.post(address(way, pid), agreeing(**changes))


def come_in(way: WayIn, pid: str = "", **said: str) -> tuple[Client, Any]:
    """A browser in which somebody has agreed and answered, and what came of it."""
    client = Client()
    asked = agree(client, way, pid)
    assert asked["Location"] == reverse("way-in-questions", args=[way.token])
    return client, client.post(asked["Location"], {**WOMAN, **said})


def work(client: Client) -> Any:
    """From the instructions to the thanks."""
    way = f"/work/{Participation.objects.latest('id').public_id}/"
    client.post(f"{way}instructions/")
    page = client.get(way, follow=True)
    for _ in range(2):
        found = re.search(r'data-url="([^"]+)"', page.content.decode())
        assert found is not None
        page = client.post(found[1], {**BOTH, "client_id": str(uuid4())}, follow=True)
    return page


class TestOpenLink:
    def test_from_the_address_to_the_thanks(self, make_way: MakeWay) -> None:
        way = make_way(groups={"woman": 1}, complete="https://club.example/thanks?s={status}")
        client = Client()
        page = client.get(address(way)).content.decode()
        for words in ("Please agree.", "Nobody is drawn by lot", 'name="website"'):
            assert words in page
        assert not Candidate.objects.exists()
        client, page = come_in(way)
        text = page.content.decode()
        assert page.status_code == 200
        assert "There is a place for you" in text
        link = re.search(r'value="http://[^"]+(/j/[^"]+/)"', text)
        assert link is not None
        thanks = work(client).content.decode()
        assert 'href="https://club.example/thanks?s=complete"' in thanks
        assert Rating.objects.count() == 4
        # Her own link, in another browser, and the address in this one, lead back to it.
        assert Client().get(link[1], follow=True).content.decode().count("Thank you") >= 1
        again = client.get(address(way), follow=True)
        assert again.redirect_chain[-1][0].endswith("/thanks/")
        assert "You have answered 1 question." in again.content.decode()

    def test_no_thank_you_leaves_no_trace(self, make_way: MakeWay) -> None:
        way = make_way(no_consent="NO-1")
        page = agree(Client(), way, decision="decline", shown="").content.decode()
        assert "nothing about you has been kept" in page
        assert "NO-1" in page
        assert not Candidate.objects.exists()
        assert WayIn.objects.get().declined_count == 1

    @pytest.mark.parametrize(
        ("changes", "words"),
        [
            ({"website": "http://spam"}, "quicker than anybody reads"),
            ({"shown": ""}, "quicker than anybody reads"),
            ({"decision": ""}, "say whether you agree"),
            ({"version": "0"}, "has been changed in the meantime"),
            ({"ticket": "x"}, "was not complete"),
        ],
    )
    def test_traps_and_forged_forms(
        self, make_way: MakeWay, changes: dict[str, str], words: str
    ) -> None:
        page = agree(Client(), make_way(), **changes)
        assert page.status_code == 400
        assert words in page.content.decode()
        assert not Candidate.objects.exists()

    def test_a_page_sent_twice_is_one_person(self, make_way: MakeWay) -> None:
        way, data = make_way(), agreeing()
        for _ in range(2):
            assert Client().post(address(way), data).status_code == 302
        assert Arrival.objects.count() == 1

    def test_too_many_from_one_address(
        self, make_way: MakeWay, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("annotations.views.ways_in.TRIES", 2)
        way = make_way()
        statuses = [agree(Client(), way).status_code for _ in range(3)]
        assert statuses == [302, 302, 429]
        other = Client(REMOTE_ADDR="203.0.113.9")
        assert agree(other, way).status_code == 302

    def test_behind_a_proxy_the_visitor_counts(
        self, make_way: MakeWay, monkeypatch: pytest.MonkeyPatch, settings: Any
    ) -> None:
        monkeypatch.setattr("annotations.views.ways_in.TRIES", 1)
        way = make_way()
        clients = [Client(HTTP_X_FORWARDED_FOR=f"198.51.100.7, 203.0.113.{n}") for n in range(2)]
        assert [agree(client, way).status_code for client in clients] == [302, 429]
        cache.clear()
        settings.BEHIND_PROXY = True
        assert [agree(client, way).status_code for client in clients] == [302, 302]
        assert agree(clients[1], way).status_code == 302  # leads on; she is known

    def test_without_questions_she_goes_straight_to_her_place(
        self, make_way: MakeWay, open_study: Study
    ) -> None:
        open_study.profile_questions.all().delete()
        page = agree(Client(), make_way())
        assert "There is a place for you" in page.content.decode()

    def test_closed(self, make_way: MakeWay) -> None:
        way = make_way()
        client = Client()
        asked = agree(client, way)["Location"]
        WayIn.objects.update(is_open=False)
        for answer in (
            Client().get(address(way)), agree(Client(), way), client.get(asked),
            client.post(asked, WOMAN),
        ):  # fmt: skip
            assert answer.status_code == 410
            assert "Nobody can come in now" in answer.content.decode()
        assert Client().get("/in/guess/").status_code == 404
        assert not Seat.objects.exists()


class TestNoPlace:
    def test_full_and_screened_out(self, make_way: MakeWay) -> None:
        way = make_way(groups={"woman": 1, "man": 1}, quota_full="FULL-1", screened_out="OUT-1")
        come_in(way)
        client, page = come_in(way)
        assert page["Location"] == "/work/end/"
        text = client.get("/work/end/").content.decode()
        assert "This group is full" in text
        assert "FULL-1" in text
        client, _ = come_in(way, gender="other")
        text = client.get("/work/end/").content.decode()
        assert "Other people are looked for" in text
        assert "OUT-1" in text
        # Other answers do not open the door a second time.
        again = client.post(reverse("way-in-questions", args=[way.token]), {**WOMAN}, follow=True)
        assert "Other people are looked for" in again.content.decode()
        assert Seat.objects.count() == 1

    def test_full_before_she_has_answered(self, make_way: MakeWay) -> None:
        way = make_way(places=1)
        come_in(way)
        assert "This group is full" in Client().get(address(way)).content.decode()
        assert "This group is full" in agree(Client(), way).content.decode()
        assert Candidate.objects.count() == 1

    def test_a_place_lost_and_found(self, make_way: MakeWay) -> None:
        way = make_way(places=1)
        Jury.objects.update(size=1)
        client, _ = come_in(way)
        url = f"/work/{Participation.objects.get().public_id}/"
        client.post(f"{url}instructions/")
        page = client.get(url)["Location"]
        Arrival.objects.update(lease_expires_at=timezone.now() - timedelta(seconds=1))
        other, _ = come_in(way)
        for place in (url, page, "/work/", "/work/leave/"):
            assert client.get(place)["Location"] == "/work/end/"
        refused = client.post(page, BOTH, headers=JSON)
        assert (refused.status_code, refused.json()["saved"]) == (410, False)
        gone = client.get("/work/end/")
        assert gone.status_code == 410
        assert "Your place has been given away" in gone.content.decode()
        assert client.post("/work/end/", {"again": ""})["Location"] == "/work/end/"
        other.post("/work/leave/", {"how": "everything"})
        assert client.post("/work/end/", {"again": ""})["Location"] == url
        assert client.get(page).status_code == 200
        assert client.get("/work/end/")["Location"] == url

    def test_what_she_said_can_be_erased_without_a_place(self, make_way: MakeWay) -> None:
        way = make_way(places=1, kind="prolific", complete="C")
        client, _ = come_in(way, PID)
        seat = Seat.objects.get()
        client.post("/work/leave/", {"how": "seat"})
        seat.refresh_from_db()
        assert seat.state == Seat.State.DECLINED
        back = Client()
        page = back.get(address(way, PID), follow=True)
        assert "You have left this study" in page.content.decode()
        assert "Look whether a place is free" not in page.content.decode()
        assert "has been deleted" in back.post("/work/end/", {"erase": ""}).content.decode()
        assert PID not in Candidate.objects.get().external_id
        assert back.get("/work/end/").status_code == 404


class TestProlific:
    def test_the_whole_way_and_back_again(self, make_way: MakeWay) -> None:
        way = make_way(kind="prolific", complete="DONE1", no_consent="NO1")
        client, page = come_in(way, PID)
        own = Participation.objects.get()
        assert page["Location"] == f"/work/{own.public_id}/"
        assert own.came_by == "prolific"
        # Other answers would count her in another group.
        assert client.get(f"{page['Location']}questions/")["Location"] == page["Location"]
        thanks = work(client).content.decode()
        assert 'href="https://app.prolific.com/submissions/complete?cc=DONE1"' in thanks
        assert "Return to Prolific" in thanks
        assert PID not in thanks
        # Another browser, the same id: her own participation.
        again = Client().get(address(way, PID), follow=True)
        assert again.content.decode().count("DONE1") == 2
        assert Participation.objects.count() == Candidate.objects.count() == 1

    def test_two_tabs(self, make_way: MakeWay) -> None:
        way = make_way(kind="prolific", complete="C")
        first, second = Client(), Client()
        for tab in (first, second):
            assert agree(tab, way, PID).status_code == 302
        asked = reverse("way-in-questions", args=[way.token])
        places = [tab.post(asked, WOMAN)["Location"] for tab in (first, second)]
        assert places[0] == places[1]
        assert Participation.objects.count() == Seat.objects.count() == 1

    @pytest.mark.parametrize("pid", ["", "short", "{{%PROLIFIC_PID%}}", "' or 1=1 --", "x" * 500])
    def test_a_missing_or_malformed_id(self, make_way: MakeWay, pid: str) -> None:
        way = make_way(kind="prolific", complete="C")
        for answer in (
            Client().get(reverse("way-in", args=[way.token]), {"PROLIFIC_PID": pid}),
            Client().post(reverse("way-in", args=[way.token]), agreeing()),
        ):
            assert answer.status_code == 400
            assert "Your Prolific id is missing" in answer.content.decode()
        assert not Candidate.objects.exists()

    def test_saying_no_takes_the_code_along(self, make_way: MakeWay) -> None:
        way = make_way(kind="prolific", complete="C", no_consent="NO1")
        page = agree(Client(), way, PID, decision="decline").content.decode()
        assert "submissions/complete?cc=NO1" in page
        assert not Candidate.objects.exists()

    def test_saying_no_to_a_newer_text(self, make_way: MakeWay, open_study: Study) -> None:
        way = make_way(kind="prolific", complete="C", no_consent="NO1")
        client, page = come_in(way, PID)
        Study.objects.update(consent_version="2")
        url = page["Location"]
        page = client.post(f"{url}consent/", {"decision": "decline", "version": "2"}, follow=True)
        assert "submissions/complete?cc=NO1" in page.content.decode()
        lease = Arrival.objects.get().lease_expires_at
        assert lease is not None
        assert lease <= timezone.now()

    def test_two_people_in_one_browser_are_two(self, make_way: MakeWay) -> None:
        way = make_way(kind="prolific", complete="C")
        client, page = come_in(way, PID)
        agree(client, way, "f" * 24)
        assert client.get(page["Location"]).status_code == 404
        assert Arrival.objects.count() == 2


def test_another_panel(make_way: MakeWay) -> None:
    way = make_way(
        kind="panel", id_parameter="rid", completion_url="https://p.example/e?r={id}&s={status}"
    )
    url = f"{reverse('way-in', args=[way.token])}?rid=A-1%2B2"
    assert Client().get(url).status_code == 200
    client = Client()
    client.post(url, agreeing())
    client.post(reverse("way-in-questions", args=[way.token]), WOMAN)
    assert 'href="https://p.example/e?r=A-1%2B2&amp;s=complete"' in work(client).content.decode()
    bad = Client().get(url.replace("A-1%2B2", "https://evil.example/"))
    assert bad.status_code == 400
    assert "evil" not in bad.content.decode()


def test_pages_of_drawn_jurors_ask_nothing_more(
    jury: Jury, make_study: Callable[..., Study], at_work: Callable[..., Participation]
) -> None:
    """The places of newcomers cost a juror with a seat of her own not a single query."""
    own = at_work(make_study(jury=jury))
    client = Client()
    session = client.session
    session["juror_seat"] = own.juror.seat.pk
    session.save()
    url = client.get(f"/work/{own.public_id}/")["Location"]
    with CaptureQueriesContext(
        connection,
    ) as asked:
        assert client.get(url).status_code == 200
    assert not [q for q in asked.captured_queries if 'FROM "annotations_arrival"' in q["sql"]]
    assert not [q for q in asked.captured_queries if "annotations_wayin" in q["sql"]]


# --- The researcher -------------------------------------------------------------------------------


@pytest.fixture
def owner(client: Client, open_study: Study, stranger: User) -> Client:
    User.objects.filter(pk=stranger.pk).update(is_staff=True)
    stranger.refresh_from_db()
    open_study.roles.create(user=stranger, role=StudyRole.Role.OWNER)
    client.force_login(stranger)
    return client


class TestDesk:
    def test_places_as_they_fill(self, owner: Client, make_way: MakeWay, open_study: Study) -> None:
        way = make_way(kind="prolific", complete="C", groups={"woman": 2, "man": 1})
        work(come_in(way, PID)[0])
        come_in(way, "b" * 24)
        come_in(way, "c" * 24)
        url = reverse("study-ways-in", args=[open_study.public_id])
        page = owner.get(url).content.decode()
        assert "PROLIFIC_PID={{%PROLIFIC_PID%}}&amp;STUDY_ID={{%STUDY_ID%}}" in page
        rows = [
            re.findall(r'class="number">(?:<span class="tag">)?(\w+)', row)
            for row in re.findall(r"<tr><th scope=\"row\">.*?</tr>", page)
        ]
        assert rows == [["1", "1", "2", "full"], ["0", "0", "1", "1"], ["1", "1", "10", "8"]]
        assert "1 came when their group was full" in page
        live = owner.get(reverse("study-ways-in-live", args=[open_study.public_id]))
        assert live.status_code == 200
        front = owner.get(reverse("study", args=[open_study.public_id])).content.decode()
        assert "nobody was drawn by lot" in front
        assert "Draw replacements" not in front

    def test_opening_and_closing(self, owner: Client, make_way: MakeWay, open_study: Study) -> None:
        way = make_way(kind="prolific", is_open=False)
        urls = [
            reverse(f"way-in-{verb}", args=[open_study.public_id, way.public_id])
            for verb in ("open", "close")
        ]
        page = owner.post(urls[0], follow=True).content.decode()
        assert "Prolific pays by it" in page
        WayIn.objects.update(complete="C")
        owner.post(urls[0])
        assert WayIn.objects.get().is_open
        owner.post(urls[1])
        assert not WayIn.objects.get().is_open

    def test_a_viewer_looks_and_a_stranger_finds_nothing(
        self, owner: Client, make_way: MakeWay, open_study: Study, django_user_model: Any
    ) -> None:
        way = make_way()
        study, own = open_study.public_id, way.public_id
        reads = [reverse(name, args=[study]) for name in ("study-ways-in", "study-ways-in-live")]
        writes = [reverse(name, args=[study, own]) for name in ("way-in-open", "way-in-close")]
        admin_page = reverse("admin:annotations_wayin_change", args=[way.pk])
        open_study.roles.update(role=StudyRole.Role.VIEWER)
        assert [owner.get(url).status_code for url in reads] == [200, 200]
        assert [owner.post(url).status_code for url in writes] == [404, 404]
        assert owner.post(admin_page, {"name": "x"}).status_code == 403
        other = Client()
        other.force_login(django_user_model.objects.create_user("other", is_staff=True))
        assert [other.get(url).status_code for url in reads] == [404, 404]
        assert [other.post(url).status_code for url in writes] == [404, 404]
        assert other.get(admin_page).status_code == 302
        assert (
            "List" not in other.get(reverse("admin:annotations_wayin_changelist")).content.decode()
        )
        assert Client().get(reads[0]).status_code == 302
        assert WayIn.objects.get().is_open

    def test_another_studys_way_is_not_here(
        self, owner: Client, make_way: MakeWay, open_study: Study, make_study: Any
    ) -> None:
        way = make_way(is_open=False)
        mine = make_study()
        mine.roles.create(user=open_study.roles.get().user, role=StudyRole.Role.OWNER)
        url = reverse("way-in-open", args=[mine.public_id, way.public_id])
        assert owner.post(url).status_code == 404

    def test_a_drawn_jury_is_told_why(
        self, owner: Client, jury: Jury, make_study: Any, open_study: Study
    ) -> None:
        study = make_study(jury=jury)
        study.roles.create(user=open_study.roles.get().user, role=StudyRole.Role.OWNER)
        page = owner.get(reverse("study-ways-in", args=[study.public_id])).content.decode()
        assert "4 seats that were given out otherwise" in page
        assert "Add a way in" not in page

    def test_queries_do_not_grow_with_people(
        self, owner: Client, make_way: MakeWay, open_study: Study
    ) -> None:
        way = make_way(groups={"woman": 9})
        url = reverse("study-ways-in", args=[open_study.public_id])
        counts = []
        for _ in range(2):
            come_in(way)
            with CaptureQueriesContext(connection) as asked:
                owner.get(url)
            counts.append(len(asked))
        assert counts[0] == counts[1]


class TestAdmin:
    FIELDS = {
        "name": "Wave 1", "kind": "prolific", "places": "4", "complete": "C1",
        "screened_out": "", "quota_full": "", "no_consent": "", "id_parameter": "",
        "completion_url": "", "groups-INITIAL_FORMS": "0", "groups-TOTAL_FORMS": "1",
        "groups-0-name": "young women", "groups-0-places": "2",
        "groups-0-answers": ['["gender", "woman"]', '["age", "18-34"]'], "_save": "1",
    }  # fmt: skip

    def add(self, client: Client, study: Study, **changes: Any) -> Any:
        url = f"{reverse('admin:annotations_wayin_add')}?study={study.pk}"
        return client.post(url, {**self.FIELDS, **changes})

    def test_a_way_with_a_group(self, owner: Client, open_study: Study) -> None:
        url = reverse("admin:annotations_wayin_add")
        assert owner.get(url)["Location"] == f"{url}?study={open_study.pk}"
        page = owner.get(f"{url}?study={open_study.pk}").content.decode()
        assert "gender: Your gender?" in page
        answer = self.add(owner, open_study)
        assert answer["Location"] == reverse("study-ways-in", args=[open_study.public_id])
        way = WayIn.objects.get()
        assert (way.study, way.is_open, way.complete) == (open_study, False, "C1")
        group = way.groups.get()
        assert group.answers == {"gender": ["woman"], "age": ["18-34"]}
        change = reverse("admin:annotations_wayin_change", args=[way.pk])
        text = owner.get(change).content.decode()
        assert len(re.findall(r'name="groups-0-answers"[^>]* checked', text)) == 2
        kept = {"groups-INITIAL_FORMS": "1", "groups-0-id": str(group.pk)}
        kept["groups-0-way_in"] = str(way.pk)
        owner.post(change, {**self.FIELDS, **kept, "places": "5"})
        way.refresh_from_db()
        assert way.places == 5
        log = owner.get(reverse("study-log", args=[open_study.public_id])).content.decode()
        for words in ("added a way into", "added a group to a way into", "changed a way into"):
            assert words in log

    @pytest.mark.parametrize(
        ("changes", "words"),
        [
            ({"complete": "https://evil.example/"}, "is no code"),
            ({"completion_url": "https://x.example/"}, "Prolific’s address is known"),
            ({"id_parameter": "pid"}, "Only another panel"),
            ({"kind": "panel"}, "in which parameter"),
            ({"kind": "panel", "id_parameter": "p", "quota_full": "http://x.example"}, "https://"),
            ({"kind": "open", "completion_url": "https://x.example/{id}"}, "be filled in here"),
            ({"places": "0"}, "at least 1 place"),
            ({"groups-0-answers": []}, "Tick the answers"),
            ({"groups-0-answers": ['["gender", "none"]']}, "valid choice"),
        ],
    )
    def test_refused(
        self, owner: Client, open_study: Study, changes: dict[str, Any], words: str
    ) -> None:
        answer = self.add(owner, open_study, **changes)
        assert answer.status_code == 200
        text = answer.content.decode().replace("&#x27;", "’").replace("'", "’")
        assert words in text
        assert not WayIn.objects.exists()

    def test_removing(self, owner: Client, make_way: MakeWay) -> None:
        way = make_way(kind="prolific", complete="C")
        come_in(way, PID)
        url = reverse("admin:annotations_wayin_delete", args=[way.pk])
        owner.post(url, {"post": "yes"})
        assert WayIn.objects.exists()
        Arrival.objects.all().delete()
        owner.post(url, {"post": "yes"})
        assert not WayIn.objects.exists()
