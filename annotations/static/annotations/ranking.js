// A list of responses that is put in order by key, touch or pointer. Without this file each response
// has a number to choose; with it those fields are kept up to date and put out of sight.
//  - a response's letter takes hold of it; arrows move it, a digit puts it in that place;
//  - two buttons move it up and down; the grip can be dragged;
//  - nothing is an answer until something was moved, or the order was said to be right.
"use strict";
{
  const make = (tag, attributes, ...children) => {
    const element = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
    element.dataset.made = "";
    element.append(...children);
    return element;
  };

  class VenireRanking extends HTMLElement {
    connectedCallback() {
      // A page shown again from memory brings the controls of its first showing.
      for (const made of this.querySelectorAll("[data-made]")) made.remove();
      this.list = this.querySelector(".ranking__list");
      this.hasTies = this.hasAttribute("ties");
      this.status = make("p", { class: "visually-hidden", role: "status" });
      this.right = make("button", { type: "button", class: "button ranking__right" }, "The order is right as it stands");
      this.right.addEventListener("click", () => {
        this.write();
        this.rows()[0].querySelector(".ranking__grip").focus();
        this.say("The order is taken as it stands.");
      });
      this.append(this.right, this.status);
      for (const row of this.rows()) this.equip(row);
      const help = this.querySelector(".field__help");
      help.replaceChildren(
        "The best on top. Move with the arrows, or drag by the handle on the left.",
        make("span", { class: "keys-hint" }, " With the keyboard: press a response’s letter, then ↑, ↓ or a number."),
      );
      this.dataset.ready = "";
      this.closest("form")?.addEventListener("venire:filled", () => this.read());
      this.read();
    }

    rows() {
      return [...this.list.children];
    }

    equip(row) {
      const { letter } = row.dataset;
      const grip = make(
        "button",
        { type: "button", class: "ranking__grip", "data-key": letter.toLowerCase() },
        make("span", { class: "ranking__place", "aria-hidden": "true" }),
        make("span", { "aria-hidden": "true" }, "↕"),
      );
      grip.addEventListener("keydown", (event) => this.onKey(event, row));
      grip.addEventListener("click", () => grip.focus());
      this.makeDraggable(grip, row);
      const up = make("button", { type: "button", class: "ranking__step", "aria-label": `Response ${letter} up` }, "↑");
      const down = make("button", { type: "button", class: "ranking__step", "aria-label": `Response ${letter} down` }, "↓");
      up.addEventListener("click", () => this.move(row, this.rows().indexOf(row) - 1));
      down.addEventListener("click", () => this.move(row, this.rows().indexOf(row) + 1));
      row.prepend(grip);
      row.append(make("span", { class: "ranking__steps" }, up, down));
      if (this.hasTies) {
        const box = make("input", { type: "checkbox" });
        box.addEventListener("change", () => {
          this.write();
          this.say(this.placeOf(row));
        });
        row.append(make("label", { class: "check ranking__tie" }, box, make("span", {}, "As good as the one above")));
      }
      row.querySelector("select").hidden = true;
    }

    // --- Moving: the row that is held stays where it is in the document, so that it keeps the focus
    // and the pointer; the others go round it.
    move(row, index) {
      const rows = this.rows();
      const from = rows.indexOf(row);
      const to = Math.max(0, Math.min(rows.length - 1, index));
      if (to !== from) this.untie(row);
      for (let place = from; place < to; place += 1) row.before(row.nextElementSibling);
      for (let place = from; place > to; place -= 1) row.after(row.previousElementSibling);
      if (to !== from) this.untie(row);
      this.write();
      this.say(this.placeOf(row));
    }

    untie(row) {
      for (const other of [row, row.nextElementSibling]) {
        const box = other?.querySelector(".ranking__tie input");
        if (box) box.checked = false;
      }
    }

    onKey(event, row) {
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      const rows = this.rows();
      const here = rows.indexOf(row);
      const to = {
        ArrowUp: here - 1,
        ArrowDown: here + 1,
        Home: 0,
        End: rows.length - 1,
      }[event.key];
      if (to !== undefined) this.move(row, to);
      else if (/^[1-9]$/.test(event.key)) this.move(row, Number(event.key) - 1);
      else if (event.key === "Enter") this.closest("form").requestSubmit();
      else return;
      event.preventDefault();
      event.stopPropagation();
    }

    makeDraggable(grip, row) {
      let from = -1;
      const middle = (other) => {
        const box = other.getBoundingClientRect();
        return box.top + box.height / 2;
      };
      grip.addEventListener("pointerdown", (event) => {
        if (event.button) return;
        grip.setPointerCapture(event.pointerId);
        from = this.rows().indexOf(row);
        row.toggleAttribute("data-held", true);
      });
      grip.addEventListener("pointermove", (event) => {
        if (from < 0) return;
        const { previousElementSibling: above, nextElementSibling: below } = row;
        if (above && event.clientY < middle(above)) row.after(above);
        else if (below && event.clientY > middle(below)) row.before(below);
      });
      const drop = () => {
        if (from < 0) return;
        const moved = this.rows().indexOf(row) !== from;
        from = -1;
        row.removeAttribute("data-held");
        if (!moved) return;
        this.untie(row);
        this.write();
        this.say(this.placeOf(row));
      };
      grip.addEventListener("pointerup", drop);
      grip.addEventListener("pointercancel", drop);
    }

    // --- The fields that are sent, and what is shown of them
    read() {
      const rows = this.rows();
      const values = new Map(rows.map((row) => [row, Number(row.querySelector("select").value)]));
      const isOrdered = rows.every((row) => values.get(row));
      rows.sort((a, b) =>
        (isOrdered && values.get(a) - values.get(b)) || a.dataset.shown - b.dataset.shown,
      );
      this.list.append(...rows);
      for (const [index, row] of rows.entries()) {
        const box = row.querySelector(".ranking__tie input");
        if (box) box.checked = isOrdered && index > 0 && values.get(row) === values.get(rows[index - 1]);
      }
      this.show(isOrdered);
    }

    write() {
      let place = 0;
      for (const [index, row] of this.rows().entries()) {
        const tied = index > 0 && row.querySelector(".ranking__tie input")?.checked;
        if (!tied) place = index + 1;
        row.querySelector("select").value = String(place);
      }
      this.show(true);
      this.dispatchEvent(new Event("input", { bubbles: true }));
    }

    show(isOrdered) {
      const rows = this.rows();
      this.toggleAttribute("data-ordered", isOrdered);
      this.right.hidden = isOrdered;
      for (const [index, row] of rows.entries()) {
        const place = row.querySelector("select").value;
        const [up, down] = row.querySelectorAll(".ranking__step");
        up.setAttribute("aria-disabled", String(index === 0));
        down.setAttribute("aria-disabled", String(index === rows.length - 1));
        row.querySelector(".ranking__place").textContent = isOrdered ? place : "–";
        row
          .querySelector(".ranking__grip")
          .setAttribute("aria-label", `${isOrdered ? this.placeOf(row) : `Response ${row.dataset.letter}: no place yet`} Move with arrows or a number.`);
        const tie = row.querySelector(".ranking__tie");
        if (tie) tie.hidden = index === 0;
      }
    }

    placeOf(row) {
      const rows = this.rows();
      const { value } = row.querySelector("select");
      const level = rows.filter((other) => other.querySelector("select").value === value).length > 1;
      return `Response ${row.dataset.letter}: place ${value} of ${rows.length}${level ? ", shared" : ""}.`;
    }

    say(text) {
      this.status.textContent = text;
    }
  }

  customElements.define("venire-ranking", VenireRanking);
}
