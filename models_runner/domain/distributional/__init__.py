"""How near a model's answers come to those of a group of people (definitions 9 and 10).

Sorensen and others, "A roadmap to pluralistic alignment" (2024), sections 3.3 and 5.2, appendix A.
Files: `probabilities` (what a distribution is), `divergences` (distances over unordered options),
`ordinal` (over options with codes), `modes` (the most frequent answer), `tetrachoric` (paired
binary answers), `controls` (shuffled labels, noise floor), `resampling` (intervals), `table`
(labelled questions), `comparison` (everything at once), `alignment` (before and after aligning),
`stored_answers` (answers of large models as a published benchmark stores them).
"""
