// Buttons that copy a field's text. Without this file they stay hidden, and the text can be selected.
"use strict";
{
  const show = () => {
    for (const button of document.querySelectorAll("button[data-copy]")) button.hidden = false;
  };
  document.addEventListener("click", async (event) => {
    const button = event.target instanceof Element && event.target.closest("button[data-copy]");
    if (!button) return;
    const field = document.getElementById(button.dataset.copy);
    field.select();
    try {
      await navigator.clipboard.writeText(field.value);
    } catch {
      document.execCommand("copy"); // where the page is not served by HTTPS
    }
    const words = button.textContent;
    button.textContent = "Copied";
    setTimeout(() => (button.textContent = words), 2000);
  });
  document.addEventListener("htmx:afterSwap", show);
  show();
}
