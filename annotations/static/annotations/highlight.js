// The words of a response that mattered, picked in the text itself. Without this file there is a box
// for each sentence; with it
//  - a tap picks a word, a second one takes all up to there; dragging picks too;
//  - W leads into the text: arrows move from word to word, with Shift they take more;
//  - F and A say how the picked words counted, X takes a mark away;
//  - the boxes stay, folded up, and do the same to whole sentences.
// Where a word stands in the stored text is written on it by the server; nothing is counted here.
"use strict";
{
  const KINDS = {
    for: { label: "Spoke for it", sign: "+", key: "f" },
    against: { label: "Spoke against it", sign: "−", key: "a" },
  };
  const QUOTED = 60; // characters of a passage that are shown or read out

  const make = (tag, attributes, ...children) => {
    const element = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
    element.dataset.made = "";
    element.append(...children);
    return element;
  };
  const short = (text) => {
    const words = text.replace(/\s+/g, " ").trim();
    return words.length > QUOTED ? `${words.slice(0, QUOTED - 1).trimEnd()}…` : words;
  };

  class VenireHighlight extends HTMLElement {
    connectedCallback() {
      // A page shown again from memory brings the controls of its first showing.
      for (const made of this.querySelectorAll("[data-made]")) made.remove();
      this.text = this.querySelector("[data-words]");
      this.parts = [...this.text.querySelectorAll("[data-s], [data-gap]")];
      this.words = this.parts.filter((part) => part.dataset.s !== undefined);
      if (!this.words.length) return; // no word has a place: the sentences do
      this.spans = this.words.map(({ dataset }) => [Number(dataset.s), Number(dataset.e)]);
      this.kinds = this.words.map(() => "");
      this.others = new Set(); // marks that hold no word of the text as it is shown
      this.field = this.querySelector("[name=marks]");
      this.nothing = this.querySelector("[name=nothing]");
      this.readSentences();
      this.equip();
      this.listen();
      if (!this.field.value) this.field.value = this.dataset.marked;
      this.cursor = 0;
      this.picked = null; // [first, last] of the words
      this.read();
    }

    disconnectedCallback() {
      this.ends?.abort();
    }

    readSentences() {
      this.sentences = [];
      for (const row of this.querySelectorAll(".passages__row")) {
        // What was marked inside a sentence can be seen in the text.
        if (row.classList.contains("passages__row--part")) {
          row.hidden = true;
          for (const box of row.querySelectorAll("input")) box.removeAttribute("name");
          continue;
        }
        const boxes = [...row.querySelectorAll("input")];
        const [from, to] = [Number(boxes[0].dataset.from), Number(boxes[0].dataset.to)];
        const inside = this.wordsIn(from, to);
        this.sentences.push({ from, to, inside, boxes });
        for (const box of boxes) box.removeAttribute("name"); // the field "marks" is sent instead
      }
    }

    equip() {
      this.querySelector("#help-marks").replaceChildren(
        "Pick words in the text above: tap the first and the last one, or drag over them. Then say how they counted.",
        make("span", { class: "keys-hint" }, " With the keyboard: W leads to the words, ← and → move, Shift takes more."),
      );
      this.text.tabIndex = 0;
      this.text.setAttribute("role", "group");
      this.text.setAttribute("aria-label", "The response, word by word. Arrows move, with Shift they take more. F: spoke for it, A: spoke against it, X: take a mark away.");
      this.shown = make("p", { class: "highlight__picked" });
      const button = (label, key, act, more = "") => {
        const element = make("button", { type: "button", class: `button button--small ${more}`, "data-key": key }, label, " ", make("kbd", { "aria-hidden": "true" }, key.toUpperCase()));
        element.addEventListener("click", act);
        return element;
      };
      const tools = Object.entries(KINDS).map(([kind, { label, key, sign }]) =>
        button(`${sign} ${label}`, key, () => this.mark(kind), `highlight__tool--${kind}`),
      );
      this.text.after(
        make(
          "div",
          { class: "highlight__tools", role: "group", "aria-label": "How the words counted" },
          this.shown,
          ...tools,
          button("Unmark", "x", () => this.mark("")),
          button("Word by word", "w", () => this.text.focus(), "keys-hint"),
        ),
      );
      this.list = make("ul", { class: "highlight__marks", "aria-label": "What you marked" });
      this.status = make("p", { class: "visually-hidden", role: "status" });
      this.querySelector("#help-marks").after(this.list, this.status);
      const folded = this.querySelector(".highlight__list");
      folded.open = this.sentences.some((sentence) => !sentence.inside.length);
      this.dataset.ready = "";
    }

    listen() {
      this.ends = new AbortController();
      const { signal } = this.ends;
      this.text.addEventListener("keydown", (event) => this.onKey(event), { signal });
      this.text.addEventListener("focus", () => this.show(), { signal });
      this.text.addEventListener("blur", () => this.show(), { signal });
      this.text.addEventListener("click", (event) => this.onClick(event), { signal });
      document.addEventListener("selectionchange", () => this.onSelection(), { signal });
      this.nothing.addEventListener("change", () => {
        if (!this.nothing.checked) return;
        this.kinds.fill("");
        this.others.clear();
        this.write();
        this.say("Nothing stood out. All marks are taken away.");
      }, { signal });
      for (const sentence of this.sentences) {
        for (const box of sentence.boxes) {
          box.addEventListener("change", () => this.onBox(sentence, box), { signal });
        }
      }
      this.closest("form")?.addEventListener("venire:filled", () => this.read(), { signal });
    }

    // --- Picking
    wordsIn(from, to) {
      return [...this.spans.keys()].filter((n) => this.spans[n][0] < to && this.spans[n][1] > from);
    }

    pick(first, last) {
      this.picked = first === null ? null : [Math.min(first, last), Math.max(first, last)];
      this.show();
    }

    onClick(event) {
      const word = event.target.closest("[data-s]");
      // A link is followed by Enter, or with Ctrl; a tap on it picks its words.
      if (event.target.closest("a") && event.detail && !event.ctrlKey && !event.metaKey) event.preventDefault();
      if (!word || !event.detail || !getSelection().isCollapsed) return;
      const here = this.words.indexOf(word);
      if (this.picked && here >= this.picked[0] && here <= this.picked[1]) {
        this.pick(null);
      } else if (this.picked) {
        this.pick(Math.min(this.picked[0], here), Math.max(this.picked[1], here));
      } else {
        const run = this.runs().find(([first, last]) => first <= here && here <= last);
        this.anchor = here;
        this.pick(...(run ?? [here, here]));
      }
      this.cursor = here;
      this.hasMoved = true;
      this.show();
      this.say(this.picked ? `Picked: ${this.quote(...this.picked)}` : "Nothing is picked.");
    }

    onSelection() {
      const selection = getSelection();
      if (selection.isCollapsed || !selection.rangeCount) return;
      const range = selection.getRangeAt(0);
      if (!range.intersectsNode(this.text)) return;
      const touched = [...this.words.keys()].filter((n) => {
        const word = this.words[n];
        if (!range.intersectsNode(word)) return false;
        const inside = document.createRange();
        inside.selectNodeContents(word);
        // At least one character of it, not only its edge.
        return (
          range.compareBoundaryPoints(Range.END_TO_START, inside) < 0 &&
          range.compareBoundaryPoints(Range.START_TO_END, inside) > 0
        );
      });
      if (!touched.length) return;
      this.anchor = touched[0];
      this.cursor = touched.at(-1);
      this.hasMoved = true;
      this.pick(touched[0], touched.at(-1));
    }

    onKey(event) {
      if (event.ctrlKey || event.metaKey || event.altKey || event.target !== this.text) return;
      const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
      const marks = Object.entries(KINDS).find(([, one]) => one.key === key)?.[0];
      const to = this.goal(key);
      if (to !== undefined) this.moveTo(to, event.shiftKey);
      else if (marks) this.mark(marks);
      else if (key === "x") this.mark("");
      else if (key === "Escape") this.pick(null);
      else return;
      event.preventDefault();
      event.stopPropagation();
    }

    goal(key) {
      const last = this.words.length - 1;
      const starts = this.sentences.map(({ inside }) => inside[0]).filter((n) => n !== undefined);
      const goals = {
        ArrowRight: () => this.cursor + 1,
        ArrowLeft: () => this.cursor - 1,
        ArrowDown: () => starts.find((n) => n > this.cursor) ?? last,
        ArrowUp: () => starts.findLast((n) => n < this.cursor) ?? 0,
        Home: () => 0,
        End: () => last,
      };
      const goal = goals[key]?.();
      return goal === undefined ? undefined : Math.max(0, Math.min(last, goal));
    }

    moveTo(place, takesMore) {
      // The first arrow shows where she is; it does not go on from a place that she has not seen.
      if (!this.picked && !this.hasMoved && place <= 1 && !takesMore) place = 0;
      this.hasMoved = true;
      if (takesMore) this.anchor ??= this.cursor;
      else this.anchor = place;
      this.cursor = place;
      this.pick(this.anchor, place);
      this.words[place].scrollIntoView({ block: "nearest" });
      const kind = this.kinds[place];
      const said = takesMore ? `Picked: ${this.quote(...this.picked)}` : this.words[place].textContent;
      this.say(kind && !takesMore ? `${said} (${KINDS[kind].label.toLowerCase()})` : said);
    }

    // --- Marking
    mark(kind) {
      if (!this.picked) {
        this.say("Pick words first: tap them, drag over them, or press W and use the arrows.");
        this.shown.textContent = "Pick words in the text first.";
        return;
      }
      const [first, last] = this.picked;
      this.kinds.fill(kind, first, last + 1);
      if (kind) this.nothing.checked = false;
      getSelection().removeAllRanges();
      this.anchor = null;
      this.picked = null;
      this.write();
      const how = kind ? KINDS[kind].label.toLowerCase() : "is not marked any more";
      this.say(`${this.quote(first, last)} ${how}.`);
    }

    onBox(sentence, box) {
      const { kind, from, to } = box.dataset;
      for (const word of sentence.inside) this.kinds[word] = box.checked ? kind : "";
      if (!sentence.inside.length) {
        for (const other of Object.keys(KINDS)) this.others.delete(`${other}:${from}-${to}`);
        if (box.checked) this.others.add(`${kind}:${from}-${to}`);
      }
      if (box.checked) this.nothing.checked = false;
      this.write();
    }

    // Words in a row that are marked alike: [first, last, kind].
    runs() {
      const found = [];
      for (const [n, kind] of this.kinds.entries()) {
        if (kind && n && this.kinds[n - 1] === kind) found.at(-1)[1] = n;
        else if (kind) found.push([n, n, kind]);
      }
      return found;
    }

    // The characters of a run; where it begins or ends with a whole sentence, all of that.
    spanOf([first, last]) {
      const whole = this.sentences.filter(
        ({ inside }) => inside.length && inside[0] >= first && inside.at(-1) <= last,
      );
      const opens = whole.find(({ inside }) => inside[0] === first);
      const closes = whole.findLast(({ inside }) => inside.at(-1) === last);
      return [opens?.from ?? this.spans[first][0], closes?.to ?? this.spans[last][1]];
    }

    // --- The field that is sent, and what is shown of it
    read() {
      this.kinds.fill("");
      this.others.clear();
      for (const token of this.field.value.split(/\s+/).filter(Boolean)) {
        const [, kind, from, to] = token.match(/^(for|against):(\d+)-(\d+)$/) ?? [];
        const inside = kind ? this.wordsIn(Number(from), Number(to)) : [];
        for (const word of inside) this.kinds[word] = kind;
        if (!inside.length) this.others.add(token);
      }
      this.show();
    }

    write() {
      const runs = this.runs().map((run) => `${run[2]}:${this.spanOf(run).join("-")}`);
      this.field.value = [...runs, ...this.others].join(" ");
      this.show();
      this.field.dispatchEvent(new Event("input", { bubbles: true }));
    }

    show() {
      const hasFocus = document.activeElement === this.text;
      const [first, last] = this.picked ?? [1, 0];
      let n = -1; // the word before, or this one
      for (const part of this.parts) {
        const isWord = part.dataset.s !== undefined;
        if (isWord) n += 1;
        const kind = isWord || this.kinds[n] === this.kinds[n + 1] ? this.kinds[n] : "";
        if (kind) part.dataset.mark = kind;
        else delete part.dataset.mark;
        part.toggleAttribute("data-first", Boolean(isWord && kind && this.kinds[n - 1] !== kind));
        part.toggleAttribute("data-picked", isWord ? n >= first && n <= last : n >= first && n < last);
        part.toggleAttribute("data-cursor", isWord && hasFocus && n === this.cursor);
      }
      this.shown.textContent = this.picked ? `Picked: ${this.quote(first, last)}` : "Tap the first and the last word, or drag over them.";
      this.list.replaceChildren(...this.runs().map((run) => this.row(run)));
      for (const { inside, boxes, from, to } of this.sentences) {
        for (const box of boxes) {
          const { kind } = box.dataset;
          box.checked = inside.length
            ? inside.every((word) => this.kinds[word] === kind)
            : this.others.has(`${kind}:${from}-${to}`);
        }
      }
    }

    row([first, last, kind]) {
      const { sign, label } = KINDS[kind];
      const words = this.quote(first, last);
      const remove = make("button", { type: "button", class: "button button--small button--quiet", "aria-label": `Unmark ${words}` }, "Unmark");
      remove.addEventListener("click", () => {
        this.kinds.fill("", first, last + 1);
        this.write();
        this.say(`${words} is not marked any more.`);
        (this.list.querySelector("button") ?? this.text).focus({ preventScroll: true });
      });
      return make("li", { class: `highlight__mark highlight__mark--${kind}` }, make("span", {}, make("b", {}, `${sign} ${label}: `), words), remove);
    }

    quote(first, last) {
      const range = document.createRange();
      range.setStartBefore(this.words[first]);
      range.setEndAfter(this.words[last]);
      return `“${short(range.toString())}”`;
    }

    say(text) {
      this.status.textContent = text;
    }
  }

  customElements.define("venire-highlight", VenireHighlight);
}
