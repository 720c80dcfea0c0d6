// Writes a slider's number beside it. Without this file the slider still works.
"use strict";
document.addEventListener("input", (event) => {
  const slider = event.target;
  if (slider instanceof HTMLInputElement && slider.type === "range" && slider.id) {
    const output = document.querySelector(`output[for="${CSS.escape(slider.id)}"]`);
    if (output) {
      output.value = slider.value;
    }
  }
});
