"""E-mail addresses as keys, so that one person doesn't stand in a pool twice."""

import hashlib


def email_key(email: str) -> str:
    """SHA-256 of the address, trimmed and in small letters; blank for a blank one."""
    normal = email.strip().casefold()
    return hashlib.sha256(normal.encode()).hexdigest() if normal else ""
