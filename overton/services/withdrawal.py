"""What becomes of this floor's rows when a juror leaves."""

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from juries.models import Juror
from overton.models import Answer, ExpressionLabel, Judgement, WindowSnapshot
from overton.services.entailment import mark_readings_stale


@transaction.atomic
def erase_said(*, juror: Juror, erase_said: bool) -> None:
    """Erase a juror's judgements, labels and proposals, if she asks for it.

    An answer that she proposed and that the jury has before it keeps its words; who proposed it
    is forgotten. One that researchers made of her own answer to the query goes, unless others have
    judged or labelled it. Snapshots that may hold what she said are marked stale, and so are
    readings whose threshold was learned from labels of hers; what was read of an answer goes with
    the answer. Where she leaves without asking for that, what she said stays under her random id.

    Args:
        juror: who leaves.
        erase_said: whether what she said goes too.
    """
    if not erase_said:
        return
    studies = set(
        Judgement.objects.filter(juror=juror).values_list("answer__query__study", flat=True)
    )
    labelled = set(
        ExpressionLabel.objects.filter(juror=juror).values_list("answer__query__study", flat=True)
    )
    Judgement.objects.filter(juror=juror).delete()
    ExpressionLabel.objects.filter(juror=juror).delete()
    hers = Answer.objects.filter(proposed_by=juror)
    # A snapshot that was taken with her own view before the jury holds its words.
    studies.update(hers.filter(origin=Answer.Origin.OPINION).values_list("query__study", flat=True))
    # Oldest first: an earlier wording points to the later one and must go before it.
    keeps_words = Q(state=Answer.State.ACCEPTED) & ~Q(origin=Answer.Origin.OPINION)
    for answer in hers.exclude(keeps_words).order_by("id"):
        others = answer.judgements.exists() or answer.expression_labels.exists()
        if not others and not answer.merged_answers.exists():
            answer.delete()
    hers.update(proposed_by=None, submission=None)
    WindowSnapshot.objects.filter(study__in=studies, stale_since__isnull=True).update(
        stale_since=timezone.now()
    )
    mark_readings_stale(studies=sorted(labelled))
