"""The only modules that import torch or transformers. They are loaded by dotted path."""
