"""The people who knock at the researchers' doors."""

from collections.abc import Callable

import pytest
from django.contrib.auth.models import Permission
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from juries.models import User


@pytest.fixture
def staff_client(researcher: User) -> Client:
    """Signed in as a superuser."""
    client = Client()
    client.force_login(researcher)
    return client


@pytest.fixture
def colleague(db: None) -> User:
    """A staff member without any permission."""
    return User.objects.create_user("colleague", password="a-long-password", is_staff=True)


@pytest.fixture
def colleague_client(colleague: User) -> Client:
    """Signed in as staff without permissions."""
    client = Client()
    client.force_login(colleague)
    return client


@pytest.fixture
def manager_client(db: None) -> Client:
    """Signed in as staff with every permission on juries, and no superuser."""
    manager = User.objects.create_user("manager", password="a-long-password", is_staff=True)
    manager.user_permissions.set(Permission.objects.filter(content_type__app_label="juries"))
    client = Client()
    client.force_login(manager)
    return client


@pytest.fixture
def stranger_client(stranger: User) -> Client:
    """Signed in without being staff."""
    client = Client()
    client.force_login(stranger)
    return client


@pytest.fixture
def count_queries() -> Callable[[Client, str], int]:
    """Number of queries that a page takes."""

    def count(client: Client, path: str) -> int:
        with CaptureQueriesContext(
            connection,
        ) as captured:
            response = client.get(path)
            assert response.status_code == 200, response.status_code
        return len(captured)

    return count
