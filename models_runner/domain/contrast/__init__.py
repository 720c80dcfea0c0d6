"""Pairs of sentences made by rule, which teach a model of entailment what people stumble over.

Files: `pairs` (labelled pairs and their file), `negation` and `antonyms` (denying a sentence),
`frames` (a view refuted, presented, hedged), `grammar` (quantifiers, numbers, roles, from word
lists of our own), `mixture` (all of them from given pairs, by seed).
"""
