"""Who may do what with a study: small predicates on a user and a study."""

from django.contrib.auth.models import AnonymousUser

from annotations.models import Export, Study, StudyRole
from juries.models import User

KEPT_FROM_VIEWERS = (
    "This export holds the right answers of the quiz, so that only owners and editors of the study "
    "may have it. Ask for one of your own; it is written without them."
)
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


def can_see_quiz_answers(user: User | AnonymousUser, study: Study) -> bool:
    """Who may edit the study sees which answers to its quiz are right, and nobody else.

    Who knows them could tell jurors, or sit on the jury herself.
    """
    return can_edit_study(user, study)


def can_download_export(user: User | AnonymousUser, export: Export) -> bool:
    """Whoever sees the study; where the quiz is in it, who may see its answers."""
    if export.holds_quiz:
        return can_see_quiz_answers(user, export.study)
    return can_view_study(user, export.study)


def can_own_study(user: User | AnonymousUser, study: Study) -> bool:
    """The user owns the study, or is a superuser."""
    if user.is_anonymous or not user.is_active:
        return False
    return user.is_superuser or study.roles.filter(user=user, role=StudyRole.Role.OWNER).exists()
