"""Volunteering on a pool's open page."""

import re
import time

import pytest
from django.conf import LazySettings
from django.core import mail, signing
from django.core.cache import cache
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from juries.forms import registration as form_module
from juries.models import Candidate, CandidateContact, Jury, Pool
from juries.services import registration
from juries.services.contacts import email_key


@pytest.fixture
def open_pool(pool: Pool) -> Pool:
    cache.clear()
    pool.registration_open = True
    pool.save()
    return pool


@pytest.fixture
def with_mail(settings: LazySettings) -> None:
    settings.MAIL_CONFIGURED = True
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"


def answers(pool: Pool, **changes: str) -> dict[str, str]:
    data = {
        f"feature-{feature.pk}": str(feature.values.first().pk)  # type: ignore[union-attr]  # each has two
        for feature in pool.features.all()
    }
    shown = signing.dumps(int(time.time()) - 60, salt=form_module.SALT)
    return {**data, "email": "new@example.org", "consent": "on", "shown": shown, **changes}


def register(client: Client, pool: Pool, **changes: str) -> tuple[int, str]:
    answer = client.post(
        reverse("pool-register", args=[pool.slug]), answers(pool, **changes), follow=True
    )
    return answer.status_code, answer.content.decode()


def newcomer() -> Candidate:
    return Candidate.objects.get(origin="registration")


class TestJoining:
    def test_asks_the_features_and_the_consent(self, client: Client, open_pool: Pool) -> None:
        page = client.get(reverse("pool-register", args=[open_pool.slug])).content.decode()
        for words in ("Gender", "under 40", "I agree to be drawn.", 'type="email"'):
            assert words in page
        assert "style=" not in page

    def test_without_mail_she_can_be_drawn_at_once(self, client: Client, open_pool: Pool) -> None:
        _, page = register(client, open_pool)
        person = newcomer()
        assert person.state == Candidate.State.ACTIVE
        assert person.consent_version == "1"
        assert person.consented_at is not None
        assert person.traits.count() == 2
        assert person.contact.email == "new@example.org"
        assert str(person.public_id) in page

    @pytest.mark.parametrize(
        ("changes", "words"),
        [
            ({"consent": ""}, "required"),
            ({"email": "x"}, "valid email"),
            ({"website": "http://spam"}, "quicker than anybody reads"),
            ({"shown": ""}, "quicker than anybody reads"),
            ({"shown": "forged"}, "quicker than anybody reads"),
        ],
    )
    def test_refused(
        self, client: Client, open_pool: Pool, changes: dict[str, str], words: str
    ) -> None:
        status, page = register(client, open_pool, **changes)
        assert status == 400
        assert words in page
        assert not Candidate.objects.filter(origin="registration").exists()

    def test_too_quick_and_too_old(
        self, client: Client, open_pool: Pool, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        now = signing.dumps(int(time.time()), salt=form_module.SALT)
        assert register(client, open_pool, shown=now)[0] == 400
        two_days_ago = signing.TimestampSigner(salt=form_module.SALT)
        with monkeypatch.context() as patch:
            patch.setattr(
                two_days_ago, "timestamp", lambda: signing.b62_encode(int(time.time() - 172800))
            )
            old = two_days_ago.sign_object(int(time.time() - 172800))
        status, page = register(client, open_pool, shown=old)
        assert status == 400
        assert "open for more than a day" in page
        again = re.findall(r'name="shown" value="([^"]+)"', page)[0]
        assert again != old

    def test_another_pools_value_is_refused(self, client: Client, open_pool: Pool) -> None:
        other = Pool.objects.create(name="O", slug="o")
        value = other.features.create(name="gender").values.create(value="woman")
        feature = open_pool.features.get(name="gender")
        assert register(client, open_pool, **{f"feature-{feature.pk}": str(value.pk)})[0] == 400
        with pytest.raises(registration.RegistrationRefused, match="no answer to: gender"):
            registration.register_candidate(
                pool=open_pool,
                email="x@example.org",
                values={
                    feature.pk: value.pk,
                    open_pool.features.get(name="age").pk: open_pool.features.get(name="age")
                    .values.all()[0]
                    .pk,
                },
                now=timezone.now(),
            )

    @pytest.mark.parametrize("closed", ["never", "over"])
    def test_closed(self, client: Client, open_pool: Pool, closed: str) -> None:
        if closed == "never":
            open_pool.registration_open = False
        else:
            open_pool.registration_closes_at = timezone.now()
        open_pool.save()
        status, page = register(client, open_pool)
        assert status == 410
        assert "closed" in page
        assert not Candidate.objects.filter(origin="registration").exists()

    def test_too_many_from_one_address(
        self, client: Client, open_pool: Pool, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("juries.views.pools.TRIES", 2)
        for number in range(2):
            assert register(client, open_pool, email=f"{number}@example.org")[0] == 200
        assert register(client, open_pool, email="3@example.org")[0] == 429
        assert Candidate.objects.filter(origin="registration").count() == 2


class TestDuplicates:
    def test_look_the_same_from_outside(self, client: Client, open_pool: Pool) -> None:
        def blank(page: str) -> str:
            page = re.sub(r"[0-9a-f]{8}-[0-9a-f-]{27}", "CODE", page)
            return re.sub(r"/pools/leave/[^/]+/", "LEAVE", page)

        _, first = register(client, open_pool)
        _, second = register(Client(), open_pool, email=" NEW@Example.org ")
        assert Candidate.objects.filter(origin="registration").count() == 1
        assert blank(first) == blank(second)
        assert str(newcomer().public_id) not in second

    def test_with_mail_the_owner_is_told(
        self, client: Client, open_pool: Pool, with_mail: None,
        django_capture_on_commit_callbacks: object,
    ) -> None:  # fmt: skip
        person = open_pool.candidates.get(external_id="p0")
        CandidateContact.objects.create(
            candidate=person, pool=open_pool, email="new@example.org",
            email_key=email_key("new@example.org"),
        )  # fmt: skip
        with django_capture_on_commit_callbacks(execute=True):  # type: ignore[operator]  # a fixture of pytest-django
            _, page = register(client, open_pool)
        assert "open the link in our mail" in page
        [message] = mail.outbox
        assert "already in" in message.subject


class TestConfirming:
    @pytest.fixture
    def link(
        self, client: Client, open_pool: Pool, with_mail: None,
        django_capture_on_commit_callbacks: object,
    ) -> str:  # fmt: skip
        with django_capture_on_commit_callbacks(execute=True):  # type: ignore[operator]  # a fixture of pytest-django
            register(client, open_pool)
        body = str(mail.outbox[0].body)
        return str(re.findall(r"http://127\.0\.0\.1:8000(/pools/confirm/\S+)", body)[0])

    def test_nobody_is_drawn_before_she_confirms(self, client: Client, link: str) -> None:
        person = newcomer()
        assert person.state == Candidate.State.UNCONFIRMED
        assert link.split("/")[3] not in str(
            CandidateContact.objects.values().get(candidate=person)
        )
        assert "you are in the pool" in client.get(link).content.decode()
        person.refresh_from_db()
        assert person.state == Candidate.State.ACTIVE
        assert client.get(link).status_code == 200

    def test_late(self, client: Client, link: str) -> None:
        old = timezone.now() - registration.CONFIRM_WITHIN
        Candidate.objects.filter(origin="registration").update(consented_at=old)
        assert client.get(link).status_code == 410
        assert newcomer().state == Candidate.State.UNCONFIRMED

    def test_forged(self, client: Client, link: str) -> None:
        assert client.get(reverse("pool-confirm", args=["x"])).status_code == 410

    def test_confirming_again_after_leaving_does_nothing(self, client: Client, link: str) -> None:
        registration.leave_pool(candidate=newcomer())
        assert client.get(link).status_code == 410
        assert newcomer().state == Candidate.State.WITHDRAWN


class TestLeaving:
    def test_asks_then_erases(self, client: Client, open_pool: Pool) -> None:
        _, page = register(client, open_pool)
        path = re.findall(r'href="(/pools/leave/[^"]+)"', page)[0]
        assert "Leave and erase" in client.get(path).content.decode()
        assert newcomer().state == Candidate.State.ACTIVE
        client.post(path)
        person = newcomer()
        assert person.state == Candidate.State.WITHDRAWN
        assert not person.traits.exists()
        assert not CandidateContact.objects.filter(candidate=person).exists()
        assert client.get(path).status_code == 410

    def test_forged(self, client: Client, open_pool: Pool) -> None:
        forged = signing.dumps(str(open_pool.candidates.all()[0].public_id), salt="other")
        assert client.post(reverse("pool-leave", args=[forged])).status_code == 410
        assert open_pool.candidates.drawable().count() == 8

    def test_the_address_can_register_anew(self, client: Client, open_pool: Pool) -> None:
        register(client, open_pool)
        registration.leave_pool(candidate=newcomer())
        register(client, open_pool)
        assert open_pool.candidates.drawable().filter(origin="registration").count() == 1


def test_open_pools_are_listed(client: Client, open_pool: Pool, jury: Jury) -> None:
    Pool.objects.create(name="Secret", slug="secret")
    for name in ("home", "pool-list"):
        page = client.get(reverse(name)).content.decode()
        assert open_pool.get_absolute_url() in page
        assert "Secret" not in page
