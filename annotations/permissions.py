"""Who may do what with a study: small predicates on a user and a study."""

from django.contrib.auth.models import AnonymousUser

from annotations.models import Study, StudyRole
from juries.models import User

EDITING = (StudyRole.Role.OWNER, StudyRole.Role.EDITOR)


def can_begin_study(user: User | AnonymousUser) -> bool:
    """A member of staff may begin a study or bring one in; she owns it then."""
    return user.is_active and user.is_staff


def can_view_study(user: User | AnonymousUser, study: Study) -> bool:
    """The user has a role on the study, or is a superuser."""
    return Study.objects.visible_to(user).filter(pk=study.pk).exists()


def can_edit_study(user: User | AnonymousUser, study: Study) -> bool:
    """The user owns or edits the study, or is a superuser."""
    if user.is_anonymous or not user.is_active:
        return False
    return user.is_superuser or study.roles.filter(user=user, role__in=EDITING).exists()


def can_own_study(user: User | AnonymousUser, study: Study) -> bool:
    """The user owns the study, or is a superuser."""
    if user.is_anonymous or not user.is_active:
        return False
    return user.is_superuser or study.roles.filter(user=user, role=StudyRole.Role.OWNER).exists()
