// One keystroke a label: a key presses the button that carries it. Works without this file too.
(() => {
  "use strict";
  const form = document.querySelector("[data-label-form]");
  if (!form) return;
  let sent = false;
  form.addEventListener("submit", (event) => {
    if (sent) event.preventDefault();
    sent = true;
  });
  window.addEventListener("pageshow", () => {
    sent = false;
  });
  document.addEventListener("keydown", (event) => {
    if (event.altKey || event.ctrlKey || event.metaKey || event.repeat) return;
    if (event.target.closest("input, textarea, select, [contenteditable]")) return;
    const key = event.key.toLowerCase();
    const button = Array.from(form.querySelectorAll("[data-key]")).find(
      (candidate) => candidate.dataset.key === key,
    );
    if (button) {
      event.preventDefault();
      button.click();
    }
  });
})();
