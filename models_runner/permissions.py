"""Who may do what with the registry of language models: small predicates on a user."""

from django.contrib.auth.models import AnonymousUser

from juries.models import User


def can_see_models(user: User | AnonymousUser) -> bool:
    """A member of staff."""
    return user.is_active and user.is_staff


def can_manage_models(user: User | AnonymousUser) -> bool:
    """A member of staff who may change the registry, and so decide whom keys are sent to."""
    return can_see_models(user) and user.has_perms(
        ("models_runner.add_languagemodel", "models_runner.change_languagemodel")
    )
