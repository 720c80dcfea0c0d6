"""Language models by `transformers`: from a hub id or a folder, on CPU or GPU.

Prompts that begin alike are read together: the keys and values of what they share are computed
once and kept beside each (`models_runner.domain.elicitation.prefixes`), and logits are computed
only at the places that are asked for.
"""

import hashlib
import inspect
import json
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from copy import deepcopy
from threading import Lock
from typing import Any

import numpy as np
import torch
from jinja2 import TemplateError
from transformers import (
    AutoModelForCausalLM,
    AutoTokenizer,
    DynamicCache,
    GenerationConfig,
    LogitsProcessor,
    LogitsProcessorList,
    StoppingCriteria,
    StoppingCriteriaList,
)
from transformers.utils import logging as transformers_logging

from models_runner.backends.hub import OutOfReach, loading_options
from models_runner.backends.language.prompting import (
    as_messages,
    as_text,
    identity_of,
    refuse_unknown_parameters,
    ways_to_write,
)
from models_runner.backends.number_types import resolved
from models_runner.domain.elicitation.prefixes import SharedPrefix, shared_prefixes
from models_runner.ports import (
    Ability,
    AbilityMissing,
    Completion,
    FinishReason,
    GenerationRequest,
    LanguageModel,
    LetterScores,
    ModelSpecification,
    ModelUnavailable,
    OptionScores,
    Progress,
    Prompt,
    RequestFailed,
    TemplateKind,
)

# A Run has a progress bar of its own.
transformers_logging.disable_progress_bar()  # type: ignore[no-untyped-call]  # untyped there

LOADED_AT_ONCE = 2
"""Models that a worker process keeps: a pair that is compared, without loading it in turns."""

TOKENS_PER_BATCH = {"cpu": 2048, "cuda": 16384}
LONGEST_BATCH = 64
DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}

_loaded: OrderedDict[str, "TransformersLanguageModel"] = OrderedDict()
_loading = Lock()


def load(specification: ModelSpecification) -> LanguageModel:
    """The model of a specification; the last two are kept loaded in this process.

    Raises:
        ModelUnavailable: the folder or hub id can't be loaded, or the device is not there.
    """
    return load_from(specification, location=specification.location)


def load_from(specification: ModelSpecification, *, location: str) -> LanguageModel:
    """As `load`, with the weights read from another place than the specification names.

    Raises:
        ModelUnavailable: as for `load`.
    """
    refuse_unknown_parameters(specification, {"batch_tokens": int})
    key = json.dumps(
        [
            location,
            specification.kind,
            specification.location,
            specification.revision,
            specification.dtype,
            specification.device,
            specification.template.value,
            dict(specification.parameters),
        ],
        sort_keys=True,
    )
    with _loading:
        if key in _loaded:
            _loaded.move_to_end(key)
            return _loaded[key]
        while len(_loaded) >= LOADED_AT_ONCE:
            _loaded.popitem(last=False)
        model = TransformersLanguageModel(specification, location=location)
        _loaded[key] = model
        return model


class TransformersLanguageModel:
    """A causal language model that `AutoModelForCausalLM` loads.

    Args:
        specification: what to load; `parameters` may hold "batch_tokens", the most tokens that are
            read at once (2048 on a CPU, 16384 on a GPU unless said).
        location: where the weights are read: a folder or a hub id.

    Raises:
        ModelUnavailable: it can't be loaded; the message says from where, and what to do.
    """

    def __init__(self, specification: ModelSpecification, *, location: str) -> None:
        self.name = specification.location
        self.revision = specification.revision
        self.abilities = frozenset(Ability)
        self._called = specification.name
        self._template = specification.template
        self._device = _device(specification)
        self.dtype, number_type = _dtype(specification, self._device)
        try:
            options = loading_options(location, revision=specification.revision)
            # Any: their stubs lack what models have in common.
            self._tokenizer: Any = AutoTokenizer.from_pretrained(location, **options)
            self._model: Any = AutoModelForCausalLM.from_pretrained(
                location, dtype=number_type, **options
            )
        except OutOfReach as problem:
            raise ModelUnavailable(
                f"{self._called}: {problem} Let the worker reach the hub, or copy the model here"
                " and register its folder."
            ) from problem
        except (OSError, ValueError, KeyError, ImportError) as problem:
            raise ModelUnavailable(
                f"{self._called}: {location!r} could not be loaded as a language model: {problem}"
            ) from problem
        if self._template is TemplateKind.CHAT and not self._tokenizer.chat_template:
            raise ModelUnavailable(
                f"{self._called}: the tokenizer of {location!r} has no chat template. Set the"
                " template of this model to plain text."
            )
        self.weights_digest = _digest(self._model, self._tokenizer)
        try:
            self._model.eval().to(self._device)  # type: ignore[no-untyped-call]  # untyped there
        except torch.OutOfMemoryError as problem:
            raise ModelUnavailable(
                f"{self._called}: does not fit the memory of {self._device}. Choose a number type"
                " of 16 bits, another device, or a smaller model."
            ) from problem
        self.identity = identity_of(
            specification, weights=self.weights_digest, dtype=self.dtype, location=self.name
        )
        self._keeps_logits = "logits_to_keep" in inspect.signature(self._model.forward).parameters
        self._longest = int(getattr(self._model.config, "max_position_embeddings", 0)) or 2**31
        usual = TOKENS_PER_BATCH.get(self._device.type, TOKENS_PER_BATCH["cpu"])
        self._batch_tokens = int(specification.parameters.get("batch_tokens", usual))
        own = self._model.generation_config
        self._ends = _as_list(own.eos_token_id) or _as_list(self._tokenizer.eos_token_id)
        pad = self._tokenizer.pad_token_id
        self._pad = pad if pad is not None else (self._ends[0] if self._ends else 0)
        # What the model's makers advise for sampling is no part of a request.
        self._model.generation_config = GenerationConfig(  # type: ignore[no-untyped-call]
            eos_token_id=self._ends or None, pad_token_id=self._pad
        )

    # --- completions ------------------------------------------------------------------------------

    def generate(
        self,
        requests: Sequence[GenerationRequest],
        *,
        on_done: Callable[[Completion], None] | None = None,
        progress: Progress | None = None,
    ) -> list[Completion]:
        """See `LanguageModel`. A seed gives the same draws in any company."""
        found: dict[int, Completion] = {}

        def done(place: int, completion: Completion) -> None:
            found[place] = completion
            if on_done is not None:
                on_done(completion)
            if progress is not None:
                progress(len(found), len(requests))

        tokens: list[list[int]] = []
        fitting = []
        for place, request in enumerate(requests):
            try:
                tokens.append(self._tokens(request.prompt))
            except RequestFailed as failure:
                tokens.append([])
                failed = FinishReason.FAILED
                done(place, Completion(request.key, "", failed, error=str(failure)))
                continue
            if len(tokens[place]) + request.max_tokens > self._longest:
                done(place, self._too_long(request, len(tokens[place])))
            else:
                fitting.append(place)
        for batch in self._generation_batches(requests, tokens, fitting):
            completions = self._generate_batch(
                [requests[place] for place in batch],
                [tokens[place] for place in batch],
                # A sign of life after each token, so that a cancel need not wait for the batch.
                alive=lambda: progress(len(found), len(requests)) if progress else None,
            )
            for place, completion in zip(batch, completions, strict=True):
                done(place, completion)
        return [found[place] for place in range(len(requests))]

    def _too_long(self, request: GenerationRequest, length: int) -> Completion:
        return Completion(
            key=request.key,
            text="",
            finish_reason=FinishReason.FAILED,
            prompt_tokens=length,
            error=(
                f"The prompt has {length} tokens and {request.max_tokens} may follow; the model"
                f" bears {self._longest} in all. Shorten the prompt or ask for fewer tokens."
            ),
        )

    def _generation_batches(
        self,
        requests: Sequence[GenerationRequest],
        tokens: Sequence[list[int]],
        fitting: Sequence[int],
    ) -> Iterator[list[int]]:
        """Requests that end alike and are about as long."""
        groups: dict[tuple[int, tuple[str, ...]], list[int]] = {}
        for place in fitting:
            request = requests[place]
            groups.setdefault((request.max_tokens, request.stop), []).append(place)
        for (max_tokens, _), members in groups.items():
            members.sort(key=lambda place: len(tokens[place]))
            batch: list[int] = []
            for place in members:
                widest = len(tokens[place]) + max_tokens
                if batch and (
                    widest * (len(batch) + 1) > self._batch_tokens or len(batch) >= LONGEST_BATCH
                ):
                    yield batch
                    batch = []
                batch.append(place)
            if batch:
                yield batch

    def _generate_batch(
        self,
        requests: Sequence[GenerationRequest],
        tokens: Sequence[list[int]],
        *,
        alive: Callable[[], None],
    ) -> list[Completion]:
        width = max(len(row) for row in tokens)
        rows = [[self._pad] * (width - len(row)) + row for row in tokens]
        mask = [[0] * (width - len(row)) + [1] * len(row) for row in tokens]
        first = requests[0]
        options: dict[str, Any] = {}
        if first.stop:
            options |= {"stop_strings": list(first.stop), "tokenizer": self._tokenizer}
        with torch.inference_mode(), _memory(self._called):
            written = self._model.generate(
                input_ids=torch.tensor(rows, device=self._device),
                attention_mask=torch.tensor(mask, device=self._device),
                max_new_tokens=first.max_tokens,
                do_sample=False,
                logits_processor=LogitsProcessorList([_SeededDraws(requests)]),
                stopping_criteria=StoppingCriteriaList([_Alive(alive)]),
                **options,
            )
        return [
            self._completion(request, len(own), row[width:].tolist())
            for request, own, row in zip(requests, tokens, written.cpu(), strict=True)
        ]

    def _completion(
        self, request: GenerationRequest, prompt_tokens: int, written: list[int]
    ) -> Completion:
        end = next((i for i, token in enumerate(written) if token in self._ends), None)
        own = written if end is None else written[:end]
        text = str(self._tokenizer.decode(own, skip_special_tokens=True))
        cuts = [place for stop in request.stop if (place := text.find(stop)) >= 0]
        if cuts:
            # What follows the stop is padding, or came because another row had not ended.
            text = text[: min(cuts)]
        ended = end is not None or bool(cuts)
        return Completion(
            key=request.key,
            text=text.strip(),
            finish_reason=FinishReason.STOP if ended else FinishReason.LENGTH,
            prompt_tokens=prompt_tokens,
            completion_tokens=len(own) + (end is not None),
        )

    # --- log-probabilities ------------------------------------------------------------------------

    def next_letters(
        self,
        prompts: Sequence[Prompt],
        letters: Sequence[str],
        *,
        progress: Progress | None = None,
    ) -> LetterScores:
        """See `LanguageModel`."""
        ways = ways_to_write(letters)
        ids = self._letter_ids(ways)
        flat = torch.tensor([token for own in ids for token in own if token is not None])
        scores = np.full((len(prompts), len(ways), 2), -np.inf)
        places = [
            (i, j) for i, own in enumerate(ids) for j, token in enumerate(own) if token is not None
        ]
        rows, columns = (list(part) for part in zip(*places, strict=True)) if places else ([], [])
        sequences = [self._checked_tokens(prompt, place) for place, prompt in enumerate(prompts)]
        done = 0
        for batch, logits in self._read(sequences, asked_last=[1] * len(sequences)):
            for place, own in zip(batch, logits, strict=True):
                logs = torch.log_softmax(own[-1].float(), dim=-1)[flat.to(own.device)]
                scores[place, rows, columns] = logs.double().cpu().numpy()
            done += len(batch)
            if progress is not None:
                progress(done, len(prompts))
        return LetterScores(scores=scores, ways=ways)

    def option_likelihoods(
        self,
        prompts: Sequence[Prompt],
        options: Sequence[Sequence[str]],
        *,
        progress: Progress | None = None,
    ) -> list[OptionScores]:
        """See `LanguageModel`."""
        sequences: list[list[int]] = []
        starts: list[int] = []
        owners: list[tuple[int, int]] = []
        for place, (prompt, own) in enumerate(zip(prompts, options, strict=True)):
            context = self._checked_tokens(prompt, place)
            for rank, option in enumerate(own):
                whole = self._checked_tokens(prompt, place, followed_by=option)
                start = _common_length(context, whole)
                if not 0 < start < len(whole):
                    raise RequestFailed(
                        f"{self._called}: prompt {place + 1}, option {option!r} has no token of"
                        " its own after the prompt."
                    )
                sequences.append(whole)
                starts.append(start)
                owners.append((place, rank))
        totals = [np.full(len(own), np.nan) for own in options]
        counts = [np.zeros(len(own), dtype=np.int64) for own in options]
        left = [len(own) for own in options]
        # The last token of the prompt is read with the option: its logits are of the first one.
        asked_last = [len(row) - start + 1 for row, start in zip(sequences, starts, strict=True)]
        for batch, logits in self._read(sequences, asked_last=asked_last):
            for place, own_logits in zip(batch, logits, strict=True):
                targets = torch.tensor(sequences[place][starts[place] :], device=own_logits.device)
                logs = torch.log_softmax(own_logits[:-1].float(), dim=-1)
                picked = logs.gather(1, targets[:, None]).double().sum()
                question, rank = owners[place]
                totals[question][rank] = float(picked.cpu())
                counts[question][rank] = len(targets)
                left[question] -= 1
            if progress is not None:
                progress(sum(count == 0 for count in left), len(prompts))
        return [
            OptionScores(total=total, mean=total / np.maximum(count, 1), tokens=count)
            for total, count in zip(totals, counts, strict=True)
        ]

    def _letter_ids(self, ways: Sequence[tuple[str, str]]) -> list[tuple[int | None, int | None]]:
        """The token of each way to write a letter; None where there is none of its own."""
        found = []
        for bare, spaced in ways:
            one = self._token(bare, bare)
            other = next(
                (
                    token
                    for mark in ("Ġ", "▁")
                    if (token := self._token(f"{mark}{bare}", spaced)) not in (None, one)
                ),
                None,
            )
            if one is None and other is None:
                raise AbilityMissing(
                    f"{self._called}: the letter {bare!r} is no token of this model, so its"
                    " probability can't be read from the next token. Use the likelihood of the"
                    " options' texts, or sampling."
                )
            found.append((one, other))
        return found

    def _token(self, piece: str, text: str) -> int | None:
        """The id of a piece of the vocabulary, if it is written as `text`."""
        token = self._tokenizer.convert_tokens_to_ids(piece)
        if token is None or token == self._tokenizer.unk_token_id:
            return None
        if self._tokenizer.convert_ids_to_tokens(token) != piece:
            return None
        decoded = self._tokenizer.decode([token])
        return int(token) if decoded.strip() == text.strip() else None

    def _read(
        self, sequences: Sequence[list[int]], *, asked_last: Sequence[int]
    ) -> Iterator[tuple[list[int], list[torch.Tensor]]]:
        """Places of sequences, and for each the logits of its last `asked_last` tokens."""
        with torch.inference_mode(), _memory(self._called):
            for group in shared_prefixes(sequences, own=asked_last):
                cache = self._prefix_cache(sequences[group.members[0]][: group.length])
                for batch in self._reading_batches(sequences, group):
                    yield batch, self._read_batch(sequences, batch, group.length, cache, asked_last)

    def _prefix_cache(self, prefix: list[int]) -> DynamicCache | None:
        if not prefix:
            return None
        cache = DynamicCache(config=self._model.config)
        ids = torch.tensor([prefix], device=self._device)
        self._forward(ids, past_key_values=cache, use_cache=True, keep=[len(prefix) - 1])
        return cache

    def _reading_batches(
        self, sequences: Sequence[list[int]], group: SharedPrefix
    ) -> Iterator[list[int]]:
        """Members of about the same length; the shared prefix counts as read by none."""
        batch: list[int] = []
        for place in sorted(group.members, key=lambda member: len(sequences[member])):
            own = len(sequences[place]) - group.length
            if batch and (
                own * (len(batch) + 1) > self._batch_tokens or len(batch) >= LONGEST_BATCH
            ):
                yield batch
                batch = []
            batch.append(place)
        if batch:
            yield batch

    def _read_batch(
        self,
        sequences: Sequence[list[int]],
        batch: list[int],
        shared: int,
        cache: DynamicCache | None,
        asked_last: Sequence[int],
    ) -> list[torch.Tensor]:
        rests = [sequences[place][shared:] for place in batch]
        width = max(len(rest) for rest in rests)
        # Padding stands behind, where no token of the row looks.
        ids = torch.tensor(
            [rest + [self._pad] * (width - len(rest)) for rest in rests], device=self._device
        )
        wanted = [
            list(range(len(rest) - asked_last[place], len(rest)))
            for place, rest in zip(batch, rests, strict=True)
        ]
        keep = sorted({position for own in wanted for position in own})
        at = {position: place for place, position in enumerate(keep)}
        options: dict[str, Any] = {"use_cache": False}
        if cache is not None:
            own_cache = deepcopy(cache)
            own_cache.batch_repeat_interleave(len(batch))
            positions = torch.arange(shared, shared + width, device=self._device)
            options = {
                "past_key_values": own_cache,
                "use_cache": True,
                "position_ids": positions.expand(len(batch), -1),
            }
        logits = self._forward(ids, keep=keep, **options)
        return [logits[row, [at[position] for position in own]] for row, own in enumerate(wanted)]

    def _forward(self, ids: torch.Tensor, *, keep: list[int], **options: Any) -> torch.Tensor:
        """Logits at some positions, (rows, positions, vocabulary)."""
        positions = torch.tensor(keep, device=self._device)
        if self._keeps_logits:
            kept: torch.Tensor = self._model(ids, logits_to_keep=positions, **options).logits
            return kept
        whole: torch.Tensor = self._model(ids, **options).logits
        return whole[:, positions]

    # --- prompts ----------------------------------------------------------------------------------

    def _tokens(self, prompt: Prompt, *, followed_by: str = "") -> list[int]:
        if self._template is TemplateKind.PLAIN:
            return list(self._tokenizer(as_text(prompt) + followed_by)["input_ids"])
        turns = [{"role": m.role, "content": m.content} for m in as_messages(prompt)]
        try:
            text = str(
                self._tokenizer.apply_chat_template(
                    turns, tokenize=False, add_generation_prompt=True
                )
            )
        except TemplateError as problem:
            raise RequestFailed(
                f"{self._called}: the model's chat template refuses the prompt: {problem}. Some"
                " know no system message: leave the instruction blank."
            ) from problem
        # The template has written the special tokens already.
        return list(self._tokenizer(text + followed_by, add_special_tokens=False)["input_ids"])

    def _checked_tokens(self, prompt: Prompt, place: int, *, followed_by: str = "") -> list[int]:
        try:
            tokens = self._tokens(prompt, followed_by=followed_by)
        except RequestFailed as problem:
            raise RequestFailed(f"Prompt {place + 1}: {problem}") from problem
        if not 0 < len(tokens) <= self._longest:
            raise RequestFailed(
                f"{self._called}: prompt {place + 1} has {len(tokens)} tokens; the model bears 1 to"
                f" {self._longest}."
            )
        return tokens


class _SeededDraws(LogitsProcessor):
    """Makes the likeliest token one that is drawn, by noise of each row's own seed.

    The argmax of log-probabilities plus Gumbel noise is a draw from them (Gumbel-max), so rows of
    one batch can have temperatures and seeds of their own.
    """

    def __init__(self, requests: Sequence[GenerationRequest]) -> None:
        self._requests = requests
        self._sources = []
        for request in requests:
            source = torch.Generator()
            if request.seed is None:
                source.seed()
            else:
                source.manual_seed(request.seed)
            self._sources.append(source)

    def __call__(self, input_ids: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
        logs = scores.float().cpu()
        for row, (request, source) in enumerate(zip(self._requests, self._sources, strict=True)):
            if request.temperature == 0:
                continue
            own = torch.log_softmax(logs[row] / request.temperature, dim=-1)
            if request.top_p < 1:
                ordered, places = own.sort(descending=True)
                before = ordered.exp().cumsum(0) - ordered.exp()
                own[places[before >= request.top_p]] = -torch.inf
            noise = torch.rand(own.shape, generator=source).clamp_(min=1e-20)
            logs[row] = own - (-noise.log()).log()
        return logs.to(scores.device)


class _Alive(StoppingCriteria):
    """Calls back after each token; what the callback raises ends the generation."""

    def __init__(self, alive: Callable[[], None]) -> None:
        self._alive = alive

    def __call__(self, input_ids: torch.Tensor, scores: Any, **_: Any) -> torch.Tensor:
        self._alive()
        return torch.zeros(input_ids.shape[0], dtype=torch.bool, device=input_ids.device)


class _memory:  # noqa: N801 - reads as a verb where it is used
    """Says what to do where a device has no memory left."""

    def __init__(self, called: str) -> None:
        self._called = called

    def __enter__(self) -> None: ...

    def __exit__(self, kind: object, problem: BaseException | None, trace: object) -> None:
        if isinstance(problem, torch.OutOfMemoryError):
            raise ModelUnavailable(
                f"{self._called}: the device ran out of memory. Give this model a smaller"
                ' "batch_tokens" among its parameters, or another device.'
            ) from problem


def _device(specification: ModelSpecification) -> torch.device:
    wanted = specification.device
    if wanted == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(wanted)
    except RuntimeError as problem:
        raise ModelUnavailable(f"{specification.name}: {wanted!r} is no device.") from problem
    there = {
        "cpu": 1,
        "cuda": torch.cuda.device_count(),
        "mps": int(torch.backends.mps.is_available()),
    }.get(device.type, 0)
    if (device.index or 0) >= there:
        raise ModelUnavailable(
            f"{specification.name}: the worker's machine has no {wanted!r}. Set the device to auto"
            " or cpu, or run a worker where there is one."
        )
    return device


def _dtype(specification: ModelSpecification, device: torch.device) -> tuple[str, torch.dtype]:
    wanted = resolved(specification.dtype, device)
    if wanted not in DTYPES:
        raise ModelUnavailable(
            f"{specification.name}: {wanted!r} is no number type; use auto, {', '.join(DTYPES)}."
        )
    return wanted, DTYPES[wanted]


def _digest(model: Any, tokenizer: Any) -> str:
    """SHA-256 over weights (by name), configuration, tokenizer and chat template."""
    digest = hashlib.sha256()
    for name, tensor in sorted(model.state_dict().items()):
        digest.update(f"{name}{tuple(tensor.shape)}{tensor.dtype}".encode())
        digest.update(tensor.detach().cpu().contiguous().view(torch.uint8).numpy().data)
    config = model.config.to_dict()
    for name in ("_name_or_path", "transformers_version"):
        config.pop(name, None)
    digest.update(json.dumps(config, sort_keys=True, default=str).encode())
    backend = getattr(tokenizer, "backend_tokenizer", None)
    words = backend.to_str() if backend is not None else json.dumps(tokenizer.get_vocab())
    digest.update(f"{words}{tokenizer.chat_template}".encode())
    return digest.hexdigest()


def _as_list(value: int | Sequence[int] | None) -> list[int]:
    if value is None:
        return []
    return [value] if isinstance(value, int) else list(value)


def _common_length(one: Sequence[int], other: Sequence[int]) -> int:
    length = min(len(one), len(other))
    return next((i for i in range(length) if one[i] != other[i]), length)
