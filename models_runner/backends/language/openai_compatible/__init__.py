"""Endpoints that speak OpenAI's protocol: `/chat/completions`, or `/completions` for plain text.

What passes (a full house, a server that restarts, a connection that breaks, an answer that is no
JSON) is tried again, more and more slowly. What does not pass (a refused key, an unknown model)
ends the work at once; what concerns one prompt (too long, withheld) ends that prompt alone.

Files: `model` (what a model can do here), `endpoint` (sending, and what an answer means that is
none), `calls` (many at once), `replies` (reading what came back), `failures`.
"""

from models_runner.backends.language.openai_compatible.model import OpenAICompatibleModel, load

__all__ = ["OpenAICompatibleModel", "load"]
