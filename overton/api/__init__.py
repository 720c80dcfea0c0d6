"""The REST API over answers, judgements, labels of expression and windows."""
