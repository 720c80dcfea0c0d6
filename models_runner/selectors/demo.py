"""What there is to open in a fresh installation."""

from django.urls import reverse

from annotations.models import Study
from juries.models import Draw


def demo_addresses(*, study: Study | None) -> list[tuple[str, str]]:
    """Labelled paths worth opening: the home page, the admin, and the demo's pages if loaded."""
    addresses = [("home", reverse("home")), ("researchers' workplace", reverse("admin:index"))]
    if study is not None:
        addresses.append(("the demo's results", reverse("study-results", args=[study.public_id])))
        draw = Draw.objects.filter(jury=study.jury, published_at__isnull=False).first()
        if draw is not None:
            addresses.append(("its published draw", reverse("draw", args=[draw.public_id])))
    return addresses
