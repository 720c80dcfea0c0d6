"""The contrast of every text and background that the style sheet pairs, in both schemes (WCAG 2.2).

The colours are read from the style sheet itself, so changing a token there is checked here.
"""

import re
from pathlib import Path

import pytest

STATIC = Path(__file__).resolve().parents[2] / "venire" / "static" / "venire"
SHEET = (STATIC / "css" / "venire.css").read_text()
ADMIN = (STATIC / "css" / "admin.css").read_text()

TEXT = 4.5  # WCAG 1.4.3, level AA
MARK = 3.0  # WCAG 1.4.11: borders of controls, focus, marks in charts

GROUNDS = ("paper", "surface", "sunken")
TINTS = ("accent-tint", "danger-tint", "warning-tint", "success-tint")


def blocks(selector: str) -> list[dict[str, str]]:
    """The colour tokens of each rule with exactly this selector."""
    pattern = re.compile(rf"^[ \t]*{re.escape(selector)} \{{(.*?)\}}", re.DOTALL | re.MULTILINE)
    return [
        dict(re.findall(r"--([a-z0-9-]+):\s*(#[0-9a-f]{6});", body))
        for body in pattern.findall(SHEET)
    ]


LIGHT_TOKENS = {**blocks(":root")[0], **blocks(":root")[1]}
DARK_TOKENS = {**LIGHT_TOKENS, **blocks(':root[data-theme="dark"]')[0]}
SCHEMES = {"light": LIGHT_TOKENS, "dark": DARK_TOKENS}

PAIRS = [
    *[(text, ground, TEXT) for text in ("ink", "ink-quiet") for ground in (*GROUNDS, *TINTS)],
    *[("accent", ground, TEXT) for ground in (*GROUNDS, "accent-tint")],
    *[("accent-strong", ground, TEXT) for ground in (*GROUNDS, "accent-tint")],
    *[(s, g, TEXT) for s in ("danger", "warning", "success") for g in (*GROUNDS, f"{s}-tint")],
    ("on-accent", "accent-fill", TEXT),
    ("on-accent", "accent-fill-hover", TEXT),
    ("on-danger", "danger-fill", TEXT),
    ("on-danger", "danger-fill-hover", TEXT),
    ("plate-ink", "plate", TEXT),
    *[("edge", ground, MARK) for ground in GROUNDS],
    ("accent", "line", MARK),
    *[("focus", ground, MARK) for ground in (*GROUNDS, *TINTS)],
    *[("data-edge", ground, MARK) for ground in GROUNDS],
]


def luminance(colour: str) -> float:
    """Relative luminance of #rrggbb, in [0, 1] (WCAG 2.2, definition)."""
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    """Contrast ratio, in [1, 21]."""
    lighter, darker = sorted((luminance(one), luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def test_contrast_of_known_pairs() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21.0)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize(("front", "ground", "needed"), PAIRS)
def test_pairs_reach_their_contrast(scheme: str, front: str, ground: str, needed: float) -> None:
    tokens = SCHEMES[scheme]
    ratio = contrast(tokens[front], tokens[ground])
    assert ratio >= needed, f"--{front} on --{ground}, {scheme}: {ratio:.2f}, needs {needed}"


@pytest.mark.parametrize("scheme", SCHEMES)
def test_every_data_colour_or_its_outline_stands_out(scheme: str) -> None:
    tokens = SCHEMES[scheme]
    assert {f"data-{n}" for n in range(1, 9)} <= tokens.keys()
    for ground in GROUNDS:
        for n in range(1, 9):
            best = max(
                contrast(tokens[f"data-{n}"], tokens[ground]),
                contrast(tokens["data-edge"], tokens[ground]),
            )
            assert best >= MARK, f"--data-{n} on --{ground}, {scheme}: {best:.2f}"


def test_system_dark_and_chosen_dark_are_the_same() -> None:
    chosen = blocks(':root[data-theme="dark"]')
    system = blocks(':root:not([data-theme="light"])')
    assert len(chosen) == len(system) == 1
    assert chosen == system


def test_dark_changes_every_colour_but_data_and_plate() -> None:
    dark = blocks(':root[data-theme="dark"]')[0]
    light = blocks(":root")[0]
    assert dark.keys() == light.keys()
    same = {name for name in light if light[name] == dark[name]}
    assert same == {f"data-{n}" for n in range(1, 8)}


def test_accent_and_its_fill_agree() -> None:
    """The admin sheet restores --accent from --accent-fill."""
    assert "--accent: var(--accent-fill);" in ADMIN
    for tokens in SCHEMES.values():
        assert tokens["accent"] == tokens["accent-fill"]


@pytest.mark.parametrize("sheet", [SHEET, ADMIN], ids=["venire.css", "admin.css"])
def test_every_token_used_is_defined(sheet: str) -> None:
    defined = set(re.findall(r"--([a-z0-9-]+):", SHEET + ADMIN))
    used = set(re.findall(r"var\(--([a-z0-9-]+)\)", sheet))
    assert used <= defined, f"unknown tokens: {sorted(used - defined)}"


def test_colours_stand_in_tokens_alone() -> None:
    """Outside tokens and print no rule names a colour of its own."""
    start, end = SHEET.index("@layer base {"), SHEET.index("@layer print {")
    assert re.findall(r"#[0-9a-f]{3,8}\b|rgb\(", SHEET[start:end]) == []
    assert re.findall(r":[^;{]*#[0-9a-f]{3,8}\b|rgb\(", ADMIN) == []


def test_fonts_are_small_licensed_and_present() -> None:
    fonts = STATIC / "fonts"
    named = set(re.findall(r'url\("\.\./fonts/([^"]+)"\)', SHEET))
    there = {path.name for path in fonts.glob("*.woff2")}
    assert named == there
    assert sum(path.stat().st_size for path in fonts.glob("*.woff2")) < 500_000
    assert SHEET.count("font-display: swap") == SHEET.count("@font-face {")
    for family in ("source-serif-4", "public-sans"):
        assert "SIL Open Font License" in (fonts / f"{family}-OFL.txt").read_text()
