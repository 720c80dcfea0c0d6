"""What the sources of a study are called, wherever figures and tables name them."""

from collections import Counter

from annotations.models import Source


def source_labels(*, study_id: int) -> dict[int, str]:
    """By primary key: a source's name; name and revision where the study has two of one name.

    Everything that says what a source reached takes its name from here, so that what the jury
    thinks of it and what it covers can be set side by side. No two sources are called alike: where
    one has a name that reads like the name and revision of another ("m@1" beside "m" at "1"), the
    revision is told in words, too.
    """
    sources = list(Source.objects.filter(study_id=study_id).order_by("pk"))
    named = Counter(source.name for source in sources)
    labels = {
        source.pk: source.name if named[source.name] == 1 else str(source) for source in sources
    }
    called = Counter(labels.values())
    taken = {label for label, count in called.items() if count == 1}
    for source in sources:
        label = labels[source.pk]
        if called[label] > 1:
            told = f"revision {source.revision}" if source.revision else "no revision"
            wanted = f"{source.name} ({told})"
            label, number = wanted, 1
            while label in taken:
                number += 1
                label = f"{wanted} {number}"
            taken.add(label)
            labels[source.pk] = label
    return labels
