"""Whether voting rules choose the sources that welfare does."""

import numpy as np

from annotations.ports import Figure, Table
from models_runner.figures.choice import TIE, Choice, known, names
from models_runner.figures.marks import marks_svg


def rules_figure(choice: Choice) -> Figure:
    """Queries won by each source under each voting rule."""
    rules, sources = choice.board.rules, choice.sources
    title = "Do other rules choose the same sources?"
    queries = rules[0].queries if rules else 0
    won, lower, upper = (
        np.stack([getattr(tally, part) for tally in rules]) for part in ("won", "lower", "upper")
    )
    return Figure(
        key="rules",
        title=title,
        svg=marks_svg(
            title=title,
            axis="queries won",
            rows=[tally.label for tally in rules],
            sources=sources,
            values=won,
            lower=lower,
            upper=upper,
            limits=(0.0, float(max(queries, 1))),
            hollow=bool(choice.board.guessed),
        ),
        caption="Each rule chooses among the responses to one query, and nothing is added up over "
        "queries but how many a source wins; ties are shared. MAX-SAT counts jurors above 0.5."
        + (" Predicted ratings count at their means." if choice.board.guessed else ""),
        finding=_rules_finding(choice),
        n=f"{queries} queries with two responses or more, {choice.board.sweep.jurors} jurors",
        interval=f"95 % of {rules[0].resamples} resampled juries; none for the minimum",
        is_predicted=bool(choice.board.guessed),
        table=Table(
            columns=(
                "rule",
                *(f"{source}{part}" for source in sources for part in ("", " low", " high")),
                "nobody",
            ),
            rows=tuple(
                (
                    tally.label,
                    *(
                        known(array[place])
                        for place in range(len(sources))
                        for array in (tally.won, tally.lower, tally.upper)
                    ),
                    tally.nobody,
                )
                for tally in rules
            ),
            numeric=frozenset(range(1, 2 + 3 * len(sources))),
            caption=title,
        ),
    )


def _rules_finding(choice: Choice) -> str:
    best: dict[str, list[str]] = {}
    for tally in choice.board.rules:
        top = float(tally.won.max())
        if top > 0:
            leading = [
                source
                for source, won in zip(choice.sources, tally.won, strict=True)
                if won >= top - TIE
            ]
            best.setdefault(names(leading), []).append(tally.label.split(" (")[0])
    if not best:
        return "No query has two responses or more that were judged."
    if len(best) == 1:
        return f"{next(iter(best))} wins the most queries under every rule."
    told = [f"{who}: most queries by {', '.join(rules)}" for who, rules in best.items()]
    return f"{'; '.join(told)}."
