"""The set of feasible panels, with interchangeable candidates merged.

Candidates who count towards the same quotas, whose presence is equally free and who share no
binding household are interchangeable: any panel stays feasible when one takes the other's place. A
*kind* is such a class, and a panel is described by how many of each kind sit. Merging is exact by
symmetry: some optimal lottery gives all members of a kind the same chance (Flanigan et al., Nature
596, 2021, section "Methods").
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from juries.domain.candidates import (
    CandidateProfile,
    InvalidCandidates,
    in_order_of_id,
    known_ids,
)
from juries.domain.quotas import (
    Quota,
    QuotaProblem,
    QuotaProblemCode,
    check_quotas,
)

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class PanelSpace:
    """Integer points x with lower <= x <= upper and row_lower <= rows @ x <= row_upper.

    x[t] is the number of members of kind t who sit. Shapes: `kinds` has T tuples of indices into
    `candidates` (every candidate who may sit is in exactly one); `lower`, `upper`, `sizes`,
    `certain` (T,); `rows` (R, T) with the panel's size first, then the quotas, then the households.
    """

    candidates: tuple[CandidateProfile, ...]
    quotas: tuple[Quota, ...]
    size: int
    kinds: tuple[tuple[int, ...], ...]
    sizes: IntArray
    lower: IntArray
    upper: IntArray
    certain: NDArray[np.bool_]
    rows: csr_matrix
    row_lower: FloatArray
    row_upper: FloatArray
    row_labels: tuple[str, ...]

    @property
    def quota_rows(self) -> range:
        """Rows that stand for quotas, in the order of `quotas`."""
        return range(1, 1 + len(self.quotas))

    def is_feasible(self, counts: IntArray) -> bool:
        """Whether the integer vector `counts` (T,) is a panel; exact."""
        values = self.rows @ counts
        return bool(
            np.all(counts >= self.lower)
            and np.all(counts <= self.upper)
            and np.all(values >= self.row_lower)
            and np.all(values <= self.row_upper)
        )


def build_panel_space(
    *,
    candidates: Sequence[CandidateProfile],
    quotas: Sequence[Quota],
    size: int,
    household_limit: int | None = None,
    must_sit: Collection[str] = (),
    must_not_sit: Collection[str] = (),
) -> PanelSpace:
    """Merge `candidates` into kinds and write the quotas as rows.

    Raises InvalidCandidates for bad or unknown ids or for an id that both must and must not sit,
    and ValueError for a household limit below 1.
    """
    ordered = in_order_of_id(candidates)
    ids = [candidate.id for candidate in ordered]
    seated = known_ids(must_sit, among=ids, label="must sit")
    barred = known_ids(must_not_sit, among=ids, label="must not sit")
    if seated & barred:
        raise InvalidCandidates(
            f"{len(seated & barred)} id(s) both must and must not sit, first"
            f" {min(seated & barred)!r}; take them off one of the lists."
        )
    if household_limit is not None and household_limit < 1:
        raise ValueError(f"The household limit is {household_limit}; it must be at least 1.")
    eligible = [index for index, candidate in enumerate(ordered) if candidate.id not in barred]
    households = _binding_households(
        candidates=ordered, eligible=eligible, household_limit=household_limit
    )
    incidence = _incidence(candidates=ordered, quotas=quotas)
    classes: dict[tuple[tuple[int, ...], bool, str], list[int]] = {}
    for index in eligible:
        candidate = ordered[index]
        home = candidate.household.strip()
        key = (incidence[index], candidate.id in seated, home if home in households else "")
        classes.setdefault(key, []).append(index)
    keys = sorted(classes, key=lambda key: classes[key][0])
    sizes = np.array([len(classes[key]) for key in keys], dtype=np.int64)
    certain = np.array([key[1] for key in keys], dtype=np.bool_)
    cap = np.array(
        [household_limit if key[2] and household_limit is not None else size for key in keys],
        dtype=np.int64,
    )
    lower = np.where(certain, sizes, 0).astype(np.int64)
    upper = np.where(certain, sizes, np.minimum(sizes, cap)).astype(np.int64)
    matrix, row_lower, row_upper, labels = _rows(
        keys=keys, quotas=quotas, size=size, household_limit=household_limit
    )
    return PanelSpace(
        candidates=ordered,
        quotas=tuple(quotas),
        size=size,
        kinds=tuple(tuple(classes[key]) for key in keys),
        sizes=sizes,
        lower=lower,
        upper=upper,
        certain=certain,
        rows=matrix,
        row_lower=row_lower,
        row_upper=row_upper,
        row_labels=labels,
    )


def problems_by_sums(space: PanelSpace) -> tuple[QuotaProblem, ...]:
    """Contradictions that sums alone show, among those who may sit."""
    eligible = [space.candidates[index] for kind in space.kinds for index in kind]
    problems = list(check_quotas(candidates=eligible, quotas=space.quotas, size=space.size))
    seated = int(space.sizes[space.certain].sum())
    if seated > space.size:
        problems.append(
            QuotaProblem(
                QuotaProblemCode.MUST_SIT_ABOVE_SIZE,
                "",
                (),
                seated,
                space.size,
                f"{seated} candidates must sit on a panel of {space.size}.",
            )
        )
    fixed = space.rows @ space.lower
    for row, quota in zip(space.quota_rows, space.quotas, strict=True):
        if fixed[row] > quota.maximum:
            problems.append(
                QuotaProblem(
                    QuotaProblemCode.MUST_SIT_ABOVE_MAXIMUM,
                    quota.traits[0][0],
                    tuple(value for _, value in quota.traits),
                    int(fixed[row]),
                    quota.maximum,
                    f"{quota.label} admits at most {quota.maximum} and {int(fixed[row])}"
                    " of those who must sit have it.",
                )
            )
    problems.extend(
        QuotaProblem(
            QuotaProblemCode.MUST_SIT_ABOVE_HOUSEHOLD_LIMIT,
            "",
            (),
            int(fixed[row]),
            int(space.row_upper[row]),
            f"{int(fixed[row])} of those who must sit share the"
            f" {space.row_labels[row]}, which may send {int(space.row_upper[row])}.",
        )
        for row in range(1 + len(space.quotas), len(space.row_labels))
        if fixed[row] > space.row_upper[row]
    )
    return tuple(problems)


def _binding_households(
    *,
    candidates: Sequence[CandidateProfile],
    eligible: Sequence[int],
    household_limit: int | None,
) -> frozenset[str]:
    if household_limit is None:
        return frozenset()
    members: dict[str, int] = {}
    for index in eligible:
        home = candidates[index].household.strip()
        if home:
            members[home] = members.get(home, 0) + 1
    return frozenset(home for home, count in members.items() if count > household_limit)


def _incidence(
    *, candidates: Sequence[CandidateProfile], quotas: Sequence[Quota]
) -> list[tuple[int, ...]]:
    by_traits: dict[tuple[tuple[str, str], ...], tuple[int, ...]] = {}
    result: list[tuple[int, ...]] = []
    for candidate in candidates:
        found = by_traits.get(candidate.traits)
        if found is None:
            found = tuple(number for number, quota in enumerate(quotas) if quota.admits(candidate))
            by_traits[candidate.traits] = found
        result.append(found)
    return result


def _rows(
    *,
    keys: Sequence[tuple[tuple[int, ...], bool, str]],
    quotas: Sequence[Quota],
    size: int,
    household_limit: int | None,
) -> tuple[csr_matrix, FloatArray, FloatArray, tuple[str, ...]]:
    homes = {home: place for place, home in enumerate(sorted({key[2] for key in keys} - {""}))}
    row_of: list[int] = []
    kind_of: list[int] = []
    for kind, (counted, _, home) in enumerate(keys):
        touched = [0, *(1 + number for number in counted)]
        if home:
            touched.append(1 + len(quotas) + homes[home])
        row_of.extend(touched)
        kind_of.extend([kind] * len(touched))
    height = 1 + len(quotas) + len(homes)
    matrix = csr_matrix(
        (np.ones(len(row_of)), (np.array(row_of, dtype=int), np.array(kind_of, dtype=int))),
        shape=(height, len(keys)),
    )
    limit = household_limit if household_limit is not None else size
    lower = np.array([size, *(quota.minimum for quota in quotas), *([0] * len(homes))], dtype=float)
    upper = np.array(
        [size, *(quota.maximum for quota in quotas), *([limit] * len(homes))], dtype=float
    )
    labels = (
        "panel's size",
        *(quota.label for quota in quotas),
        *(f"household {home!r}" for home in homes),
    )
    return matrix, lower, upper, labels
