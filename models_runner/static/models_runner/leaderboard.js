// Writes α beside its slider: the last stop is infinity. Without this file the button does it.
"use strict";
document.addEventListener("input", (event) => {
  const slider = event.target;
  if (slider instanceof HTMLInputElement && slider.matches("[data-alpha]")) {
    const label = Number(slider.value) >= Number(slider.max) ? "∞" : slider.value;
    slider.setAttribute("aria-valuetext", label);
    document.querySelector(`output[for="${CSS.escape(slider.id)}"]`).value = label;
    for (const link of document.querySelectorAll(".stops a")) {
      if (link.textContent === label) {
        link.setAttribute("aria-current", "true");
      } else {
        link.removeAttribute("aria-current");
      }
    }
  }
});
