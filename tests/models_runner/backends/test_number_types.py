"""The number type "auto"."""

from types import MappingProxyType

import pytest
import torch

from models_runner.backends.number_types import resolved

CPU = torch.device("cpu")


@pytest.mark.parametrize(
    ("able", "expected"),
    [
        ({"architecture": "x86_64", "avx512_f": True, "avx512_bf16": True}, "bfloat16"),
        ({"architecture": "x86_64", "avx512_bf16": False, "amx_bf16": True}, "bfloat16"),
        ({"architecture": "arm64", "neon": True, "bf16": True}, "bfloat16"),
        ({"architecture": "x86_64", "avx512_f": True, "avx512_bf16": False}, "float32"),
        ({"architecture": "unknown"}, "float32"),
    ],
)
def test_a_processor_gets_what_it_computes_with(
    able: dict[str, object], expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: MappingProxyType(able))
    assert resolved("auto", CPU) == expected
    assert resolved("float32", CPU) == "float32"


@pytest.mark.parametrize(("able", "expected"), [(True, "bfloat16"), (False, "float16")])
def test_so_does_a_graphics_card(
    able: bool, expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda: able)
    assert resolved("auto", torch.device("cuda")) == expected


def test_other_devices_get_float16() -> None:
    assert resolved("auto", torch.device("mps")) == "float16"
