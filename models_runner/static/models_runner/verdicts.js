// Seats by button and by dragging. Without this file the numbers and the form's button do it all.
"use strict";
{
  const SVG = "http://www.w3.org/2000/svg";
  const builder = document.getElementById("builder");

  const countOf = (row) => row.querySelector("[data-seats]");

  const seatsIn = (row) => {
    const written = Number.parseInt(countOf(row).value, 10);
    return Math.min(Math.max(Number.isNaN(written) ? 0 : written, 0), 60);
  };

  const drawSeats = (row) => {
    const bench = row.querySelector("[data-bench]");
    bench.replaceChildren(
      ...Array.from({ length: seatsIn(row) }, () => {
        const seat = document.createElement("span");
        seat.className = "seat seat--accepted";
        seat.draggable = true;
        const mark = document.createElementNS(SVG, "svg");
        mark.setAttribute("class", "seat__mark");
        const use = document.createElementNS(SVG, "use");
        use.setAttribute("href", bench.dataset.mark);
        mark.append(use);
        seat.append(mark);
        return seat;
      }),
    );
  };

  const changed = (rows) => {
    rows.forEach(drawSeats);
    const all = [...builder.querySelectorAll("[data-row]")];
    builder.querySelector("[data-size]").textContent = all.reduce((sum, row) => sum + seatsIn(row), 0);
    builder.dispatchEvent(new CustomEvent("seats"));
  };

  const put = (row, number) => {
    countOf(row).value = Math.min(Math.max(number, 0), 60);
  };

  const begin = () => {
    for (const hidden of builder.querySelectorAll("[hidden]:is([data-step], [data-with-script])")) {
      hidden.hidden = false;
    }
    builder.querySelectorAll("[data-row]").forEach(drawSeats);
    builder.addEventListener("click", (event) => {
      const button = event.target.closest("[data-step]");
      if (button) {
        const row = button.closest("[data-row]");
        put(row, seatsIn(row) + Number(button.dataset.step));
        changed([row]);
      }
    });
    builder.addEventListener("input", (event) => {
      if (event.target.matches("[data-seats]")) {
        changed([event.target.closest("[data-row]")]);
      }
    });
    let from = null;
    builder.addEventListener("dragstart", (event) => {
      from = event.target.closest?.("[data-row]") ?? null;
      event.dataTransfer?.setData("text/plain", "a seat");
    });
    builder.addEventListener("dragover", (event) => {
      const row = event.target.closest("[data-row]");
      for (const other of builder.querySelectorAll("[data-over]")) {
        delete other.dataset.over;
      }
      if (from && row) {
        event.preventDefault();
        row.dataset.over = "";
      }
    });
    builder.addEventListener("drop", (event) => {
      const row = event.target.closest("[data-row]");
      if (from && row && row !== from) {
        event.preventDefault();
        put(from, seatsIn(from) - 1);
        put(row, seatsIn(row) + 1);
        changed([from, row]);
      }
    });
    builder.addEventListener("dragend", () => {
      from = null;
      for (const row of builder.querySelectorAll("[data-over]")) {
        delete row.dataset.over;
      }
    });
  };

  if (builder) {
    begin();
  }
}
