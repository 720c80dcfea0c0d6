"""Places by groups: who belongs to which group by what she says of herself, and what is free.

A way into a study gives so many places in all, and so many to each of its groups. A group names
options of questions about the juror; one who picked a named option of each of these questions
belongs to it. Groups that ask about the same questions stand for each other ("women", "men");
groups that ask about different ones are counted side by side, so that one person takes a place in
each (gender and age apart), or in one (gender by age).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class PlaceRule:
    """Who belongs to a group.

    Attributes:
        key: the group's own key.
        answers: question's key -> the options that count; of each question named she must have
            picked one. Not empty, and no question without options.
    """

    key: int
    answers: Mapping[str, frozenset[str]]

    def fits(self, replies: Mapping[str, str]) -> bool:
        """Whether these replies (question's key -> what was said) belong to the group."""
        return all(replies.get(question) in options for question, options in self.answers.items())


@dataclass(frozen=True, slots=True)
class Belonging:
    """Where somebody belongs.

    Attributes:
        groups: keys of the groups that she counts in, in the order of the rules.
        is_wanted: False if, of the groups about some same questions, she fits none.
    """

    groups: tuple[int, ...]
    is_wanted: bool


def belonging(*, replies: Mapping[str, str], rules: Sequence[PlaceRule]) -> Belonging:
    """The groups of a newcomer.

    Args:
        replies: question's key -> what she said; a skipped question is missing or "".
        rules: of all the groups. None: everybody is wanted and belongs to no group.
    """
    found = tuple(rule.key for rule in rules if rule.fits(replies))
    asked = {frozenset(rule.answers) for rule in rules}
    met = {frozenset(rule.answers) for rule in rules if rule.key in found}
    return Belonging(groups=found, is_wanted=asked == met)


def is_full(*, wanted: Iterable[int], taken: Mapping[int, int], places: Mapping[int, int]) -> bool:
    """Whether one of the wanted groups has no place left.

    Args:
        wanted: keys of groups.
        taken: how many places of each are taken; a missing key means none.
        places: how many there are of each.
    """
    return any(taken.get(key, 0) >= places[key] for key in wanted)
