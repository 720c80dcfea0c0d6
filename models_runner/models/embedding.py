"""Vectors of texts, stored once for each text and encoder."""

from django.db import models


class Embedding(models.Model):
    """A text's vector; the key is a digest of encoder, weights, dtype and text."""

    key = models.CharField(max_length=64, unique=True)
    encoder = models.CharField(max_length=200)
    weights_digest = models.CharField(max_length=64)
    dtype = models.CharField(max_length=16)
    dimensions = models.PositiveIntegerField()
    vector = models.BinaryField(help_text="Little-endian float32.")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("id",)

    def __str__(self) -> str:
        return self.key[:12]
