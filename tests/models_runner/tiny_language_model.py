"""A tiny language model and its tokenizer, written to a folder: made here, it knows nothing."""

from pathlib import Path
from typing import Any

import torch
from tokenizers import ByteLevelBPETokenizer
from transformers import (
    GPT2Config,
    GPT2LMHeadModel,
    LlamaConfig,
    LlamaForCausalLM,
    PreTrainedTokenizerFast,
)

TEXTS = [f"The answer is {letter}. Answer Choice: {letter}" for letter in "ABCDE"] * 8
TEMPLATE = (
    "{% for message in messages %}<|{{ message.role }}|>{{ message.content }}\n{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>{% endif %}"
)
LONGEST = 600


def write_tiny(folder: Path, *, kind: str = "llama", seed: int = 5, chat: bool = True) -> Path:
    """Write tokenizer and weights; `kind` llama has rotary positions, gpt2 learnt ones."""
    trained = ByteLevelBPETokenizer()
    trained.train_from_iterator(
        TEXTS, vocab_size=330, min_frequency=2, show_progress=False, special_tokens=["<|end|>"]
    )
    tokenizer = PreTrainedTokenizerFast(  # type: ignore[no-untyped-call]  # untyped there
        tokenizer_object=trained._tokenizer, eos_token="<|end|>", pad_token="<|end|>"
    )
    if chat:
        tokenizer.chat_template = TEMPLATE
    tokenizer.save_pretrained(folder)
    torch.manual_seed(seed)
    ids: dict[str, Any] = {"eos_token_id": 0, "bos_token_id": 0, "pad_token_id": 0}
    if kind == "llama":
        LlamaForCausalLM(
            LlamaConfig(
                vocab_size=len(tokenizer),
                hidden_size=32,
                intermediate_size=48,
                num_hidden_layers=2,
                num_attention_heads=4,
                num_key_value_heads=2,
                max_position_embeddings=LONGEST,
                initializer_range=0.3,
                **ids,
            )
        ).save_pretrained(folder)
    else:
        GPT2LMHeadModel(
            GPT2Config(
                vocab_size=len(tokenizer),
                n_embd=32,
                n_layer=2,
                n_head=4,
                n_positions=LONGEST,
                initializer_range=0.3,
                **ids,
            )
        ).save_pretrained(folder)
    return folder
