"""Two traps for bots: a field that people don't see, and a page that nobody reads that quickly."""

import time
from typing import Any, ClassVar

from django import forms
from django.core import signing
from django.http import QueryDict

LEAST_SECONDS = 3
MOST_SECONDS = 24 * 3600


class TrappedForm(forms.Form):
    """A form on a page that is open to everybody.

    A field that people don't see must stay empty, and the form must have been open for a moment:
    it carries the signed time at which it was shown. Subclasses name a salt of their own.
    """

    salt: ClassVar[str]
    least_seconds: ClassVar[int] = LEAST_SECONDS

    website = forms.CharField(label="Leave this empty", required=False)
    shown = forms.CharField(required=False, widget=forms.HiddenInput)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.looks_automatic = False
        self.is_stale = False
        self.fields["shown"].initial = signing.dumps(int(time.time()), salt=self.salt)
        trap = self.fields["website"].widget.attrs
        trap.update({"autocomplete": "off", "tabindex": "-1"})

    def clean(self) -> dict[str, Any]:
        """Tell people from bots."""
        cleaned = super().clean() or {}
        if cleaned.get("website"):
            self.looks_automatic = True
        try:
            shown = int(
                signing.loads(cleaned.get("shown", ""), salt=self.salt, max_age=MOST_SECONDS)
            )
        except signing.SignatureExpired:
            self.is_stale = True
        except signing.BadSignature:
            self.looks_automatic = True
        else:
            if time.time() - shown < self.least_seconds:
                self.looks_automatic = True
        if self.is_stale:
            raise forms.ValidationError(
                "This page was open for more than a day. Look over your answers and send them "
                "again."
            )
        if self.looks_automatic:
            raise forms.ValidationError(
                "That was quicker than anybody reads. Wait a moment and send it again."
            )
        return cleaned

    def show_again(self) -> None:
        """Start the clock anew, so that a mended form can be sent."""
        data = QueryDict(mutable=True)
        for name, value in self.data.items():
            data[name] = value
        data["shown"] = str(self.fields["shown"].initial)
        self.data = data
