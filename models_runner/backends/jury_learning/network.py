"""A network that has been learnt, what it foresees, and how it is kept."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from models_runner.backends.jury_learning.arrays import FloatArray, IntArray, index
from models_runner.backends.jury_learning.files import packed, under, unpacked
from models_runner.backends.jury_learning.layers import WIDTH, Top
from models_runner.backends.jury_learning.plan import TrainingPlan
from models_runner.backends.jury_learning.reader import Reader
from models_runner.backends.jury_learning.traits import level_places
from models_runner.domain.reward import InvalidArtefact, InvalidRatings, Prediction, RatingTable
from models_runner.ports import EncoderUnavailable

_ROWS = 8192


@dataclass(frozen=True, slots=True, eq=False)
class JuryNetwork:
    """A trained network and its jurors; predicts cells of the table whose texts it was given.

    embeddings, groups : (J, 32) of the jurors; newcomer: (32,) mean and spread of the trained ones
    counts : (J,) own ratings behind each embedding
    levels : for each trait how many values it has
    """

    top: Top
    encoder: Any
    reader: Reader
    vectors: Tensor
    embeddings: Tensor
    groups: Tensor
    newcomer: tuple[Tensor, Tensor]
    counts: IntArray
    levels: tuple[int, ...]
    centre: float
    scale: float
    noise: float
    sd: float
    thresholds: tuple[tuple[int, float], ...]
    plan: TrainingPlan
    manifest: Mapping[str, Any]

    def adapt(self, *, table: RatingTable) -> JuryNetwork:
        """Embeddings fitted to the ratings in `table`, the network frozen.

        A juror without ratings has the mean of the trained embeddings, and her groups' own.
        """
        groups = self.top.groups(level_places(table, self.levels, self.reader.device)).detach()
        embeddings = _fit_embeddings(self, table, groups)
        counts = np.bincount(table.jurors, minlength=table.juror_count)
        return replace(self, embeddings=embeddings, groups=groups, counts=counts.astype(np.int64))

    def predict_cells(
        self, *, features: FloatArray, items: IntArray, jurors: IntArray
    ) -> Prediction:
        """What jurors (R,) would say of items (R,), codes of the table; -1: a new juror.

        The features are not looked at: the network reads the texts.
        """
        del features
        items, jurors = np.asarray(items, dtype=np.int64), np.asarray(jurors, dtype=np.int64)
        if len(items) and not (items.min() >= 0 and items.max() < len(self.vectors)):
            raise InvalidRatings(
                f"items holds codes from {items.min()} to {items.max()}, but must be in "
                f"[0, {len(self.vectors)})."
            )
        return self._predict(self.vectors, items, jurors)

    def predict_texts(
        self, *, texts: Sequence[str], queries: Sequence[str], jurors: IntArray
    ) -> Prediction:
        """What each of the jurors (R,) would say of the text (R) at the same place."""
        pairs = list(zip(texts, queries, strict=True))
        places = {pair: place for place, pair in enumerate(dict.fromkeys(pairs))}
        tokens = self.reader.tokens([text for text, _ in places], [query for _, query in places])
        items = np.array([places[pair] for pair in pairs], dtype=np.int64)
        return self._predict(self.reader.read(self.encoder, tokens), items, np.asarray(jurors))

    def _predict(self, vectors: Tensor, items: IntArray, jurors: IntArray) -> Prediction:
        mean = np.empty(len(items))
        newcomer = torch.cat([self.embeddings, self.newcomer[0][None]])
        groups = torch.cat([self.groups, torch.zeros_like(self.groups[:1])])
        if not len(self.groups):
            groups = torch.zeros(1, WIDTH, device=self.reader.device)
        with torch.inference_mode():
            for first in range(0, len(items), _ROWS):
                part = slice(first, first + _ROWS)
                who = index(jurors[part], self.reader.device)
                rated = self.top(
                    vectors[index(items[part], self.reader.device)], newcomer[who], groups[who]
                )
                mean[part] = rated.float().cpu().numpy()
        mean = self.centre + self.scale * mean
        own = np.zeros(len(items), dtype=np.int64)
        own[jurors >= 0] = self.counts[jurors[jurors >= 0]]
        reach = np.full(len(items), math.inf)
        for count, threshold in self.thresholds:
            reach[own >= count] = threshold
        sd = np.full(len(items), self.sd)
        return Prediction(
            mean=mean,
            sd=sd,
            low=mean - reach * sd,
            high=mean + reach * sd,
            own_ratings=own,
            median=mean,
        )

    def to_file(self) -> bytes:
        """A safetensors file with the manifest among its metadata."""
        tensors = {f"top.{name}": value for name, value in self.top.state_dict().items()}
        if self.manifest["tuned"]:
            state = self.encoder.state_dict()
            tensors.update({f"encoder.{name}": value for name, value in state.items()})
        tensors.update(
            {
                "embeddings": self.embeddings,
                "groups": self.groups,
                "newcomer.mean": self.newcomer[0],
                "newcomer.spread": self.newcomer[1],
                "counts": torch.from_numpy(self.counts),
            }
        )
        return packed(tensors, manifest=self.manifest)


def network_from_file(data: bytes) -> JuryNetwork:
    """What ``to_file`` gave; it has no table, so that only ``predict_texts`` tells anything.

    Raises ``InvalidArtefact``, ``EncoderUnavailable``.
    """
    try:
        tensors, manifest = unpacked(data)
        plan = TrainingPlan(**manifest["plan"])
        reader = Reader(
            model=manifest["model"], revision=manifest["revision"], longest=plan.longest
        )
        top = Top(
            text_width=reader.width,
            jurors=len(tensors["top.jurors"]),
            levels=len(tensors["top.levels"]),
        )
        top.load_state_dict(under("top.", tensors))
        if manifest["tuned"]:
            reader.encoder.load_state_dict(under("encoder.", tensors))
        device = reader.device
        return JuryNetwork(
            top=top.eval().to(device),
            encoder=reader.encoder.eval(),
            reader=reader,
            vectors=torch.zeros(0, reader.width, device=device),
            embeddings=tensors["embeddings"].to(device),
            groups=tensors["groups"].to(device),
            newcomer=(
                tensors["newcomer.mean"].to(device),
                tensors["newcomer.spread"].to(device),
            ),
            counts=tensors["counts"].numpy().astype(np.int64),
            levels=tuple(manifest["levels"]),
            centre=float(manifest["centre"]),
            scale=float(manifest["scale"]),
            noise=float(manifest["noise"]),
            sd=float(manifest["sd"]),
            thresholds=tuple(
                (int(count), math.inf if value is None else float(value))
                for count, value in manifest["thresholds"]
            ),
            plan=plan,
            manifest=manifest,
        )
    except (InvalidArtefact, EncoderUnavailable):
        raise
    except Exception as problem:  # any damage to the file ends here
        raise InvalidArtefact(f"The stored model cannot be read: {problem}") from problem


def _fit_embeddings(network: JuryNetwork, table: RatingTable, groups: Tensor) -> Tensor:
    """Embeddings (J, 32) at the smallest |error| / noise + |(e - mean) / spread|^2 / 2."""
    mean, spread = network.newcomer
    device = network.reader.device
    free = torch.zeros(table.juror_count, WIDTH, device=device)
    if not len(table.ratings):
        return mean + spread * free
    # Scoped so that a caller's inference mode does not reach in here.
    with torch.inference_mode(mode=False), torch.enable_grad():
        free = free.clone().requires_grad_(True)
        target = torch.from_numpy((table.ratings - network.centre) / network.scale).float()
        target = target.to(device)
        text = network.vectors[index(table.items, device)]
        who = index(table.jurors, device)
        group = groups[who]
        optimiser = torch.optim.Adam([free], lr=0.1)
        for _ in range(network.plan.fitting_steps):
            guess = network.top(text, (mean + spread * free)[who], group)
            loss = (guess - target).abs().sum() / network.noise + (free**2).sum() / 2
            (gradient,) = torch.autograd.grad(loss, [free])
            free.grad = gradient
            optimiser.step()
    return (mean + spread * free).detach()
