"""The REST API over reward models and what they guess; and the API's own description."""
