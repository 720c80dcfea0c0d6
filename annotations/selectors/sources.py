"""What the sources of a study are called, wherever figures and tables name them."""

from collections import Counter

from annotations.models import Source


def source_labels(*, study_id: int) -> dict[int, str]:
    """By primary key: a source's name; name and revision where the study has two of one name.

    Everything that says what a source reached takes its name from here, so that what the jury
    thinks of it and what it covers can be set side by side.
    """
    sources = list(Source.objects.filter(study_id=study_id))
    named = Counter(source.name for source in sources)
    return {
        source.pk: source.name if named[source.name] == 1 else str(source) for source in sources
    }
