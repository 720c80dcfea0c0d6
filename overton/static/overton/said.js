// Lights the words that express an answer while it is pointed to or focused, and the answers of the
// words. Without this file the numbers lead from one to the other.
(() => {
  "use strict";
  const marks = Array.from(document.querySelectorAll("[data-said]"));
  const answers = Array.from(document.querySelectorAll("[data-answer]"));
  if (!marks.length) return;

  const numbersOf = (element) => {
    const near = element instanceof Element ? element : null;
    const mark = near && near.closest("[data-said]");
    if (mark) return mark.dataset.said.split(" ");
    const reference = near && near.closest(".said-number a");
    if (reference) return [reference.id.slice("said-".length)];
    const answer = near && near.closest("[data-answer]");
    return answer ? [answer.dataset.answer] : [];
  };

  const light = (numbers) => {
    for (const mark of marks) {
      mark.toggleAttribute(
        "data-lit",
        mark.dataset.said.split(" ").some((number) => numbers.includes(number)),
      );
    }
    for (const answer of answers) {
      answer.toggleAttribute("data-lit", numbers.includes(answer.dataset.answer));
    }
  };

  const page = document.querySelector(".said-page");
  page.addEventListener("pointerover", (event) => light(numbersOf(event.target)));
  page.addEventListener("pointerleave", () => light(numbersOf(document.activeElement)));
  page.addEventListener("focusin", (event) => light(numbersOf(event.target)));
  page.addEventListener("focusout", () => light([]));
})();
