"""Sentences around a view: presented as one that people hold, refuted, hedged, stressed.

"{x}" stands for the view without capital and full stop, "{X}" for the view as a sentence, "{y}" and
"{Y}" for a second view, "{z}" and "{Z}" for something unrelated.

Presenting a view as one that reasonable people hold counts as expressing it; mentioning it in order
to refute it does not.
"""

HOLDERS = (
    "many people", "some people", "some", "others", "many citizens", "a number of experts",
    "some researchers", "supporters", "advocates", "proponents", "several scholars", "most voters",
    "many parents", "quite a few people", "a large group", "people on one side",
    "reasonable people", "some economists", "plenty of people", "those in favour",
)  # fmt: skip
HOLDING = (
    "hold that", "believe that", "think that", "argue that", "say that", "maintain that",
    "feel that", "are convinced that", "take the view that", "consider that", "point out that",
    "are of the opinion that", "would say that",
)  # fmt: skip

PRESENTED = (
    "{Who} {hold} {x}.",
    "{Who} {hold} {x}.",
    "{Who} {hold} {x}, and {z}.",
    "One view is that {x}.",
    "One view is that {x}; another is that {y}.",
    "A common position is that {x}.",
    "On one side, {x}. On the other side, {y}.",
    "{Who} {hold} {x}. Others think that {y}.",
    "{Who} {hold} {x}, while others believe that {y}.",
    "There are several views here. Some hold that {y}. Others hold that {x}.",
    "Some say that {y}, and some say that {x}.",
    "An argument often made is that {x}.",
    "From this perspective, {x}.",
    "According to {who}, {x}.",
    "In the view of {who}, {x}.",
    "For {who}, what counts is that {x}.",
    "It can reasonably be said that {x}.",
    "- {X}\n- {Y}\n- {Z}",
    "1. {Y}\n2. {X}",
    "{Z} {Who} also {hold} {x}.",
    "People disagree about this. {Who} {hold} {x}. {Z}",
    "It is widely believed that {x}.",
    "Those who see it this way say: {x}.",
    'A frequent opinion is: "{X}"',
)
"""Both {x} and, where it stands there, {y} are expressed."""

REFUTED = (
    "{Who} {hold} {x}, but that is not true.",
    "{Who} {hold} {x}. They are wrong.",
    "{Who} {hold} {x}. This is mistaken.",
    "{Who} {hold} {x}, but the evidence shows otherwise.",
    "{Who} {hold} {x}, yet there is nothing to it.",
    "{Who} {hold} {x}. The facts say the opposite.",
    "{Who} {hold} {x}, which is simply false.",
    "{Who} {hold} {x}. No serious study supports this.",
    "{Who} {hold} {x}, but this claim does not hold up.",
    "{Who} wrongly {hold} {x}.",
    "{Who} mistakenly {hold} {x}.",
    "It is a myth that {x}.",
    "It is a common misconception that {x}.",
    "The idea that {x} has been debunked.",
    "The claim that {x} is false.",
    "The notion that {x} is nonsense.",
    "The belief that {x} is an error.",
    "Contrary to what {who} say, it is not the case that {x}.",
    "Nobody should believe that {x}.",
    "There is no truth in the claim that {x}.",
    "It has been claimed that {x}. That is incorrect.",
    "It used to be thought that {x}. We now know better.",
    "No reasonable person would say that {x}.",
    "I reject the view that {x}.",
    "I disagree with those who say that {x}.",
    "It would be wrong to conclude that {x}.",
    "{Z} It is untrue, however, that {x}.",
    "{Who} {hold} {x}. That is a misunderstanding. {Z}",
    '"{X}" This slogan is wrong.',
    "{X} At least that is what {who} claim, without any basis.",
)
"""{x} is mentioned and denied."""

STRESSED = (
    "It is true that {x}.",
    "Clearly, {x}.",
    "Studies show that {x}.",
    "It is well known that {x}.",
    "There is no doubt that {x}.",
    "In fact, {x}.",
    "I agree that {x}.",
    "The truth is that {x}.",
    "The evidence shows that {x}.",
    "We should not forget that {x}.",
    "No one can deny that {x}.",
    "It is not a myth that {x}.",
    "{X} {Z}",
    "{Z} {X}",
    "{Z} Moreover, {x}.",
    "{X} That is why {z}.",
    "{Who} deny it, but {x}.",
    "Critics doubt it, but in truth {x}.",
    "It is wrong to deny that {x}.",
)
"""{x} is said."""

HEDGED = (
    "It might be that {x}.",
    "Perhaps {x}.",
    "It is unclear whether {x}.",
    "It is not certain that {x}.",
    "I do not know whether {x}.",
    "Nobody knows whether {x}.",
    "Experts have yet to find out whether {x}.",
    "It remains to be seen whether {x}.",
    "If {x}, we will have to think again.",
    "Suppose that {x}.",
    "The question is whether {x}.",
    "There is a debate about whether {x}.",
    "Whether {x} is a matter of dispute.",
    "It is possible that {x}, but we can't be sure.",
    "We should ask if {x}.",
    "Unless {x}, nothing will change.",
)
"""{x} is left open."""

OPPOSED = (
    "{Who} {hold} {x}, but {y}.",
    "{Who} {hold} {x}. In reality, {y}.",
    "{Who} {hold} {x}. However, the truth is that {y}.",
    "Although {who} {hold} {x}, {y}.",
    "It is often said that {x}. In fact, {y}.",
    "Contrary to the belief that {x}, {y}.",
    "Despite claims that {x}, {y}.",
    "{X} That is the rumour. The fact is that {y}.",
    "{Y} {Who} {hold} {x}, but they are mistaken.",
)
"""{y} is said, and {x} is mentioned and denied."""
