"""Who may do what with pools and juries: small predicates on a user."""

from django.contrib.auth.models import AnonymousUser

from juries.models import Run, User


def can_manage_juries(user: User | AnonymousUser) -> bool:
    """A staff member who may change juries (pools, quotas, draws, seats, invitations)."""
    return user.is_active and user.is_staff and user.has_perm("juries.change_jury")


def can_begin_pool(user: User | AnonymousUser) -> bool:
    """A staff member who manages juries and may make new pools."""
    return can_manage_juries(user) and user.has_perm("juries.add_pool")


def can_change_pool(user: User | AnonymousUser) -> bool:
    """A staff member who manages juries and may change the settings of pools."""
    return can_manage_juries(user) and user.has_perm("juries.change_pool")


def can_change_features(user: User | AnonymousUser) -> bool:
    """A staff member who manages juries and may add, change and remove features and values."""
    return can_manage_juries(user) and user.has_perms(
        [
            f"juries.{act}_{row}"
            for act in ("add", "change", "delete")
            for row in ("feature", "featurevalue")
        ]
    )


def can_change_shares(user: User | AnonymousUser) -> bool:
    """A staff member who manages juries and may say what the population is like."""
    return can_manage_juries(user) and user.has_perm("juries.change_featurevalue")


def can_begin_jury(user: User | AnonymousUser) -> bool:
    """A staff member who manages juries and may make new ones."""
    return can_manage_juries(user) and user.has_perm("juries.add_jury")


def can_see_identity(user: User | AnonymousUser) -> bool:
    """Who may know the names, addresses and own ids of candidates and of those on the seats."""
    return user.has_perm("juries.view_candidatecontact")


def can_see_runs(user: User | AnonymousUser) -> bool:
    """A staff member. Runs name no person."""
    return user.is_active and user.is_staff


def can_steer_run(user: User | AnonymousUser, run: Run) -> bool:
    """Who asked for a Run may cancel it and start it again; so may those who manage juries."""
    if not can_see_runs(user):
        return False
    return run.requested_by_id == user.pk or can_manage_juries(user)
