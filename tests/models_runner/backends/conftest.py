"""A tiny encoder in a folder, as a package would ship it."""

from pathlib import Path

import pytest
import torch
from transformers import BertConfig, BertModel, BertTokenizer

WORDS = [
    *("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", ".", "cats", "dogs", "birds", "purr", "bark"),
    *("sing", "can", "not", "and", "it", "is", "true", "that", "people", "say", "the", "all"),
]


@pytest.fixture(scope="session")
def tiny_base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One layer, 16 values wide, a few words."""
    folder = tmp_path_factory.mktemp("tiny_base")
    (folder / "vocab.txt").write_text("\n".join(WORDS))
    BertTokenizer(str(folder / "vocab.txt")).save_pretrained(folder)
    torch.manual_seed(7)
    config = BertConfig(
        vocab_size=len(WORDS),
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=16,
        max_position_embeddings=280,
    )
    BertModel(config).save_pretrained(folder)
    return folder
