"""A report as Markdown, for a paper's appendix or a pull request."""

from __future__ import annotations

from models_runner.domain.benchmark_report.numbers import Report, section_tables


def report_markdown(report: Report, *, figures: tuple[tuple[str, str], ...] = ()) -> str:
    """All numbers as tables, then how they came about. `figures`: title and file of each."""
    lines = [f"# {escaped(report.title)}", ""]
    if report.is_predicted:
        lines += ["Some of these numbers rest on a model's guess of what people would say.", ""]
    for table in section_tables(report):
        lines += [f"## {escaped(table.section.title)}", ""]
        if table.section.text:
            lines += [table.section.text, ""]
        if table.shared:
            lines += [f"All of: {', '.join(table.shared)}.", ""]
        lines += markdown_table(
            ("", *table.columns),
            [
                (name, *("" if cell is None else cell.shown for cell in cells))
                for name, cells in table.rows
            ],
        )
        lines.append("")
        lines += [f"- {', '.join(names)}: {method}." for method, names in table.methods]
        lines += [f"- Empty or ∞: {reason}" for reason in table.reasons]
        lines.append("")
    for title, file in figures:
        lines += [f"![{escaped(title)}]({file})", ""]
    if report.notes:
        lines += ["## Notes", "", *(f"- {note}" for note in report.notes), ""]
    lines += ["## From", "", f"Software: {report.version}.", ""]
    lines += markdown_table(("input", "SHA-256"), list(report.inputs.items()))
    for model in report.models:
        lines += ["", f"- {escaped(str(model.get('name', '')))}: identity `{model['identity']}`"]
    return "\n".join(lines).rstrip() + "\n"


def markdown_table(columns: tuple[str, ...], rows: list[tuple[str, ...]]) -> list[str]:
    """A table in Markdown, a line for each row."""
    return [
        "| " + " | ".join(map(escaped, columns)) + " |",
        "|" + "---|" * len(columns),
        *("| " + " | ".join(map(escaped, row)) + " |" for row in rows),
    ]


def escaped(text: str) -> str:
    """A text that stays in its cell and its line."""
    return " ".join(text.replace("\\", "\\\\").replace("|", "\\|").split())
