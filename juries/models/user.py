"""People who work with Venire: researchers and administrators. Jurors have no account."""

from django.contrib.auth.models import AbstractUser


class User(AbstractUser):
    """A researcher or an administrator."""
