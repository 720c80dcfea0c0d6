"""The number type "auto": 16 bits where the hardware computes with them, else float32."""

import torch

AUTO = "auto"
NATIVE_BFLOAT16 = ("avx512_bf16", "amx_bf16", "bf16", "sve_bf16")
"""Names that `torch.cpu.get_capabilities` has for products of bfloat16, on x86-64 and ARM."""


def resolved(wanted: str, device: torch.device) -> str:
    """The name of the number type to use.

    A processor that only emulates bfloat16 would be slower with it, so it gets float32.

    Args:
        wanted: "auto", or a name that is given back as it is.
        device: what computes.
    """
    if wanted != AUTO:
        return wanted
    if device.type == "cpu":
        able = torch.cpu.get_capabilities()
        return "bfloat16" if any(able.get(name) for name in NATIVE_BFLOAT16) else "float32"
    if device.type == "cuda":
        return "bfloat16" if torch.cuda.is_bf16_supported() else "float16"
    return "float16"
