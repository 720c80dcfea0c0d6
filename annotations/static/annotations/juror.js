// The juror's pages, made quicker. Every page works without this file; with it
//  - keys pick answers, Enter saves and goes on, arrows move between pages;
//  - an answer is first kept in this browser, then sent, and sent again until the server has it;
//  - the pages that come next are loaded ahead, so that a lost network does not stop the work;
//  - the line at the top always says what is saved.
"use strict";
{
  const AHEAD = 4; // pages loaded before she gets there
  const IDLE_AFTER = 60_000; // milliseconds without a sign of her
  const RETRIES = [1, 2, 4, 8, 15, 30, 60]; // seconds between attempts
  const OUTBOX = "venire:outbox";
  const DRAFT = "venire:draft:";

  // --- Storage: this browser's own, or memory where it is blocked -------------------------------
  const memory = new Map();
  const store = {
    lasting: true,
    get(key) {
      try {
        return JSON.parse(localStorage.getItem(key) ?? memory.get(key) ?? "null");
      } catch {
        return JSON.parse(memory.get(key) ?? "null");
      }
    },
    set(key, value) {
      const text = JSON.stringify(value);
      try {
        localStorage.setItem(key, text);
        memory.delete(key);
      } catch {
        this.lasting = false;
        memory.set(key, text);
      }
    },
    remove(key) {
      memory.delete(key);
      try {
        localStorage.removeItem(key);
      } catch {
        // Nothing is kept there then.
      }
    },
    forget(prefix) {
      memory.clear();
      try {
        for (const key of Object.keys(localStorage)) {
          if (key.startsWith(prefix)) localStorage.removeItem(key);
        }
      } catch {
        // Nothing is kept there then.
      }
    },
  };

  const newId = () => {
    if (crypto.randomUUID) return crypto.randomUUID();
    const bytes = crypto.getRandomValues(new Uint8Array(16));
    bytes[6] = (bytes[6] & 0x0f) | 0x40;
    bytes[8] = (bytes[8] & 0x3f) | 0x80;
    const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
    return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
  };

  // --- The page as it stands ----------------------------------------------------------------------
  const main = () => document.getElementById("main");
  const work = () => document.querySelector("[data-work]");
  const form = () => document.querySelector("[data-form]");
  const pathOf = (url) => new URL(url, location.href).pathname + new URL(url, location.href).search;
  const token = () => document.querySelector("[name=csrfmiddlewaretoken]")?.value ?? "";

  const say = (state, text) => {
    const line = document.querySelector("[data-saved-line]");
    if (!line || (line.dataset.state === state && line.textContent === text)) return;
    line.dataset.state = state;
    line.textContent = text;
  };
  const clock = () =>
    new Date().toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
  const kept = () => (store.lasting ? "kept in this browser" : "kept while this page is open");

  // --- Time at it: active while she is there, idle while the page stands open unused --------------
  const time = { active: 0, idle: 0, since: performance.now(), seen: performance.now() };
  const tick = () => {
    const now = performance.now();
    const there = document.visibilityState === "visible" && now - time.seen < IDLE_AFTER;
    time[there ? "active" : "idle"] += now - time.since;
    time.since = now;
  };
  const seen = () => {
    tick();
    time.seen = performance.now();
  };
  const restart = () => {
    time.active = 0;
    time.idle = 0;
    time.since = time.seen = performance.now();
  };
  setInterval(tick, 5000);
  document.addEventListener("visibilitychange", tick);
  for (const name of ["pointermove", "pointerdown", "keydown", "scroll", "input"]) {
    addEventListener(name, seen, { passive: true });
  }

  // --- Drafts: what is filled in but not sent -------------------------------------------------------
  const ENVELOPE = new Set(["csrfmiddlewaretoken", "client_id", "active_ms", "idle_ms"]);
  const filledIn = () =>
    [...new FormData(form())].filter(([name]) => !ENVELOPE.has(name));
  const fillIn = (pairs) => {
    const element = form();
    for (const input of element.elements) {
      if (input.type === "radio" || input.type === "checkbox") input.checked = false;
    }
    for (const [name, value] of pairs) {
      for (const input of element.querySelectorAll(`[name="${CSS.escape(name)}"]`)) {
        if (input.type === "radio" || input.type === "checkbox") {
          if (input.value === value) input.checked = true;
        } else {
          input.value = value;
        }
      }
    }
    showSliders();
    element.dispatchEvent(new Event("venire:filled"));
  };
  let draftTimer = 0;
  const keepDraft = () => {
    clearTimeout(draftTimer);
    draftTimer = setTimeout(() => {
      if (form()) store.set(DRAFT + work().dataset.url, filledIn());
    }, 250);
  };
  addEventListener("pagehide", () => {
    if (form() && draftTimer) store.set(DRAFT + work().dataset.url, filledIn());
  });

  // --- The outbox: what was given and is not yet on record ------------------------------------------
  const outbox = () => store.get(OUTBOX) ?? [];
  const change = (edit) => store.set(OUTBOX, edit(outbox()));
  let sending = false;
  let failures = 0;
  let lastSaved = "";
  let retryTimer = 0;
  const waiting = new Map(); // id -> what to do once the server has answered

  const waitingWords = () =>
    `${navigator.onLine ? "The server does not answer" : "No network"}: your answer is ${kept()} ` +
    "and will be sent as soon as it is possible";

  const report = () => {
    const left = outbox().filter((entry) => !entry.refused).length;
    if (left && failures) say("waiting", waitingWords());
    else if (left) say("saving", "Saving");
  };

  const post = (url, body) =>
    fetch(url, {
      method: "POST",
      body,
      credentials: "same-origin",
      redirect: "follow",
      signal: AbortSignal.timeout?.(20_000),
      headers: {
        Accept: "application/json",
        "Content-Type": "application/x-www-form-urlencoded",
        "X-CSRFToken": token(),
      },
    });

  const sendOne = async (entry) => {
    let response;
    try {
      response = await post(entry.url, entry.body);
    } catch {
      return false; // no network
    }
    if (response.status >= 500 || response.status === 429 || response.status === 408) return false;
    let answer = {};
    try {
      answer = await response.json();
    } catch {
      // A page in place of JSON: refused by something in between.
    }
    if (response.ok && answer.next) {
      change((entries) => entries.filter((other) => other.id !== entry.id));
      store.remove(DRAFT + entry.url);
      settle(entry, { next: answer.next });
    } else if (response.status === 422) {
      change((entries) => entries.filter((other) => other.id !== entry.id));
      settle(entry, { errors: answer.errors ?? {} });
    } else {
      // Kept, but not tried again by itself.
      change((entries) =>
        entries.map((other) => (other.id === entry.id ? { ...other, refused: true } : other)),
      );
      settle(entry, { refused: answer.message ?? "" });
    }
    return true;
  };

  const settle = (entry, outcome) => {
    const then = waiting.get(entry.id);
    waiting.delete(entry.id);
    if (outcome.errors) {
      comeBackTo(entry, outcome.errors);
    } else if (outcome.refused !== undefined) {
      say(
        "failed",
        outcome.refused ||
          `Not saved: the server did not take it. It is ${kept()}; open your personal link again.`,
      );
    } else {
      const left = outbox().filter((other) => !other.refused).length;
      if (!left && !document.querySelector("[data-error-summary]")) {
        lastSaved = clock();
        say("saved", `Saved at ${lastSaved}`);
      }
      then?.(outcome.next);
    }
  };

  const sendAll = async () => {
    if (sending) return;
    sending = true;
    clearTimeout(retryTimer);
    try {
      for (;;) {
        const entry = outbox().find((other) => !other.refused);
        if (!entry) break;
        if (!(await sendOne(entry))) {
          const pause = RETRIES[Math.min(failures, RETRIES.length - 1)];
          failures += 1;
          report();
          retryTimer = setTimeout(send, pause * 1000);
          return;
        }
        if (failures) {
          failures = 0;
          lookAhead();
        }
      }
    } finally {
      sending = false;
    }
    if (outbox().some((entry) => !entry.refused)) send();
  };
  // One tab sends at a time, so that answers arrive in the order in which they were given.
  const send = () =>
    navigator.locks ? navigator.locks.request("venire-outbox", sendAll) : sendAll();

  addEventListener("online", () => {
    failures = Math.min(failures, 1);
    send();
    lookAhead();
  });
  addEventListener("offline", () => {
    if (work() && !outbox().length) {
      say("waiting", `No network: you can go on, what you answer is ${kept()}`);
    }
  });

  // --- Pages loaded ahead ---------------------------------------------------------------------------
  const pages = new Map(); // path -> { html, url }
  let looking = false;

  const load = async (url) => {
    const path = pathOf(url);
    if (pages.has(path)) return pages.get(path);
    const response = await fetch(path, { credentials: "same-origin", headers: { Accept: "text/html" } });
    if (!response.ok) throw new Error(`status ${response.status}`);
    const page = { html: await response.text(), url: pathOf(response.url) };
    const parsed = new DOMParser().parseFromString(page.html, "text/html");
    const inside = parsed.querySelector("[data-work]");
    if (!inside) return page; // thanks, consent: never from memory
    page.following = inside.dataset.following;
    page.ahead = inside.dataset.ahead;
    page.path = inside.dataset.url;
    pages.set(path, page);
    pages.set(page.path, page);
    return page;
  };

  const followingOf = async (page) => {
    if (page.following) return page.following;
    if (page.next !== undefined) return page.next;
    const response = await post(page.ahead, "");
    if (!response.ok) return "";
    page.next = (await response.json()).url;
    return page.next;
  };

  // Says on the page how many of those that follow are at hand: `data-loaded-ahead`.
  const lookAheadFrom = async (here) => {
    let page = pages.get(here.dataset.url);
    for (let count = 0; count < AHEAD; count += 1) {
      const url = await followingOf(page);
      if (!url) break;
      page = await load(url);
      if (!page.path) break;
      here.dataset.loadedAhead = String(count + 1);
    }
  };

  const lookAhead = async () => {
    if (looking || navigator.connection?.saveData) return;
    looking = true;
    try {
      // She may have gone on in the meantime; then there is more to load, seen from there.
      for (let here = null; work() && work() !== here; ) {
        here = work();
        await lookAheadFrom(here);
      }
    } catch {
      // No network: what is there is there.
    } finally {
      looking = false;
    }
  };

  // --- Going from page to page ------------------------------------------------------------------------
  const given = new Map(); // path -> what she gave there, for pages shown from memory

  const show = (page, { push = true } = {}) => {
    const parsed = new DOMParser().parseFromString(page.html, "text/html");
    const next = parsed.getElementById("main");
    main().replaceChildren(...[...next.childNodes].map((node) => document.adoptNode(node)));
    const footer = parsed.querySelector(".footer__row > span");
    document.querySelector(".footer__row > span")?.replaceWith(document.adoptNode(footer));
    document.title = parsed.title;
    const path = work()?.dataset.url ?? page.url;
    if (push) history.pushState({ path }, "", path);
    scrollTo(0, 0);
    begin();
    (document.querySelector("[data-heading]") ?? main()).focus({ preventScroll: true });
  };

  const go = async (url, options) => {
    let page = pages.get(pathOf(url));
    if (!page?.html) {
      try {
        page = await load(url);
      } catch {
        if (navigator.onLine) location.assign(url);
        else say("waiting", `No network: this page can't be loaded now. What you answered is ${kept()}`);
        return;
      }
    }
    if (page.path) show(page, options);
    else location.assign(page.url);
  };

  addEventListener("popstate", () => {
    if (pages.get(pathOf(location.href))?.html) go(location.href, { push: false });
    else location.reload();
  });

  // --- Errors -------------------------------------------------------------------------------------------
  const showErrors = (errors) => {
    const place = document.querySelector("[data-errors]");
    const names = Object.keys(errors);
    for (const spot of document.querySelectorAll("[data-error-of]")) {
      const text = errors[spot.dataset.errorOf];
      spot.replaceChildren();
      if (text) {
        const line = document.createElement("p");
        line.className = "field__error";
        line.textContent = text;
        spot.append(line);
      }
    }
    place.replaceChildren();
    if (!names.length) return;
    const box = document.createElement("div");
    box.className = "errors";
    box.setAttribute("role", "alert");
    box.tabIndex = -1;
    box.dataset.errorSummary = "";
    const title = document.createElement("h2");
    title.textContent =
      names.length === 1 ? "One thing needs another look" : `${names.length} things need another look`;
    const list = document.createElement("ul");
    for (const name of names) {
      const item = document.createElement("li");
      if (name && document.getElementById(`field-${name}`)) {
        const link = document.createElement("a");
        link.href = `#field-${name}`;
        link.textContent = errors[name];
        item.append(link);
      } else {
        item.textContent = errors[name];
      }
      list.append(item);
    }
    box.append(title, list);
    place.append(box);
    say("failed", "This page is not saved yet");
    box.focus();
  };

  const comeBackTo = async (entry, errors) => {
    const fields = [...new URLSearchParams(entry.body)].filter(([name]) => !ENVELOPE.has(name));
    if (work()?.dataset.url !== entry.url) await go(entry.url);
    if (work()?.dataset.url !== entry.url) return;
    fillIn(fields);
    keepDraft();
    showErrors(errors);
  };

  const missing = () => {
    const errors = {};
    for (const group of document.querySelectorAll("[data-required][data-group]")) {
      const inputs = [...group.querySelectorAll("input, textarea, select")].filter((i) => i.name);
      const answered = inputs.some((input) =>
        input.type === "radio" || input.type === "checkbox" ? input.checked : input.value.trim(),
      );
      if (!answered) {
        const words = group.querySelector("textarea")
          ? "please write a sentence or two."
          : "please answer this question.";
        const { label } = group.dataset;
        errors[group.dataset.group] =
          group.dataset.missing ?? (label ? `${label}: ${words}` : `P${words.slice(1)}`);
      }
    }
    return errors;
  };

  // --- Saving ---------------------------------------------------------------------------------------------
  const save = async () => {
    const errors = missing();
    showErrors(errors);
    if (Object.keys(errors).length) return;
    const element = form();
    const url = work().dataset.url;
    tick();
    element.elements.client_id.value = newId();
    element.elements.active_ms.value = String(Math.round(time.active));
    element.elements.idle_ms.value = String(Math.round(time.idle));
    const entry = {
      id: element.elements.client_id.value,
      url,
      body: new URLSearchParams(new FormData(element)).toString(),
    };
    clearTimeout(draftTimer);
    draftTimer = 0;
    store.set(DRAFT + url, filledIn());
    given.set(url, filledIn());
    change((entries) => [...entries, entry]);
    say("saving", "Saving");
    const here = pages.get(url);
    const nextUrl = here?.following || here?.next;
    const ready = nextUrl && pages.get(pathOf(nextUrl));
    if (ready?.html) {
      show(ready);
      report();
    } else {
      element.setAttribute("aria-busy", "true");
      // She may have gone back in the meantime; then she is not called away.
      waiting.set(entry.id, (next) => work()?.dataset.url === url && go(next));
    }
    send();
  };

  document.addEventListener("submit", (event) => {
    if (event.target.matches("[data-form]")) {
      event.preventDefault();
      if (event.target.getAttribute("aria-busy") !== "true") save();
    } else if (event.target.matches("[data-leave]")) {
      store.forget("venire:");
    }
  });

  document.addEventListener("click", (event) => {
    const back = event.target.closest("a[data-back]");
    const plain = !event.ctrlKey && !event.metaKey && !event.shiftKey && event.button === 0;
    if (back && plain && work()) {
      event.preventDefault();
      go(back.href);
    }
  });

  document.addEventListener("input", (event) => {
    if (!event.target.closest("[data-form]")) return;
    const element = form();
    element.removeAttribute("aria-busy");
    const { clears } = event.target.dataset;
    if (clears && event.target.checked) {
      element.elements[clears].value = "";
    } else if (event.target.name && event.target.type === "number" && event.target.value) {
      const box = element.querySelector(`[data-clears="${CSS.escape(event.target.name)}"]`);
      if (box) box.checked = false;
    }
    showSliders();
    keepDraft();
    if (!outbox().length) {
      const answered = work().dataset.answered === "yes";
      say("", answered ? "Changed; not saved yet" : "");
    }
  });

  // --- Sliders: a track before each number field ------------------------------------------------------------
  const showSliders = () => {
    for (const slider of document.querySelectorAll("[data-slider]")) {
      const number = slider.querySelector("input[type=number]");
      const track = slider.querySelector("input[type=range]");
      if (!track) continue;
      const untouched = number.value === "";
      track.toggleAttribute("data-untouched", untouched);
      if (untouched) track.value = String((Number(number.min) + Number(number.max)) / 2);
      else track.value = number.value;
      track.setAttribute("aria-valuetext", untouched ? "not set" : number.value);
    }
  };
  const makeSliders = () => {
    for (const number of document.querySelectorAll("[data-slider] input[type=number]")) {
      if (number.parentElement.querySelector("input[type=range]")) continue;
      const track = document.createElement("input");
      track.type = "range";
      track.min = number.min;
      track.max = number.max;
      track.step = number.step;
      track.setAttribute("aria-label", number.getAttribute("aria-label"));
      const take = () => {
        number.value = track.value;
        number.dispatchEvent(new Event("input", { bubbles: true }));
      };
      track.addEventListener("input", take);
      // Pressing on the thumb where it stands is an answer too: the middle.
      track.addEventListener("pointerup", () => number.value === "" && take());
      number.before(track);
    }
    showSliders();
  };

  // --- Keys ---------------------------------------------------------------------------------------------------
  const groups = () => [...document.querySelectorAll("[data-form] fieldset")];
  const isAnswered = (group) =>
    [...group.querySelectorAll("input, textarea, select")].some((input) =>
      input.type === "radio" || input.type === "checkbox"
        ? input.checked
        : (input.type === "number" || input.tagName === "SELECT") && input.value,
    );
  const currentGroup = () => {
    const focused = document.activeElement?.closest("[data-form] fieldset");
    return focused ?? groups().find((group) => !isAnswered(group)) ?? null;
  };
  const markCurrent = () => {
    const all = groups();
    const current = all.length > 1 ? currentGroup() : null;
    for (const group of all) group.toggleAttribute("data-current", group === current);
  };
  const within = (scope, key) =>
    [...(scope?.querySelectorAll("[data-key]") ?? [])].find(
      (element) => element.dataset.key.toLowerCase() === key && !element.disabled,
    );

  const pick = (input) => {
    if (input.tagName === "BUTTON" || input.tagName === "A") {
      input.click();
      return;
    }
    const group = input.closest("fieldset");
    input.checked = input.type === "checkbox" ? !input.checked : true;
    input.dispatchEvent(new Event("input", { bubbles: true }));
    input.dispatchEvent(new Event("change", { bubbles: true }));
    if (input.type === "checkbox" && !input.dataset.clears) return;
    const next = groups().find((other) => !isAnswered(other));
    const target = next ?? document.querySelector("[data-save]");
    if (target && target !== group) {
      target.focus({ preventScroll: true });
      target.scrollIntoView({ block: "nearest" });
    }
    markCurrent();
  };

  document.addEventListener("keydown", (event) => {
    const typing = event.target.matches?.(
      "textarea, select, input:not([type=radio], [type=checkbox], [type=range])",
    );
    if (event.key === "Enter") {
      const saves = form() && (!typing || event.ctrlKey || event.metaKey || event.target.tagName === "INPUT");
      const own = event.target.closest?.("a, button, summary");
      if (saves && !own && !event.isComposing) {
        event.preventDefault();
        form().requestSubmit();
      } else if (!form() && !typing && !own) {
        document.querySelector('[data-key="Enter"]')?.click();
      }
      return;
    }
    if (typing || event.ctrlKey || event.metaKey || event.altKey || !work()) return;
    const field = event.target.matches?.("input");
    if (event.key === "ArrowLeft" && !field) {
      document.querySelector("a[data-back]")?.click();
    } else if (event.key === "ArrowRight" && !field) {
      const next = pages.get(work().dataset.url);
      const url = next?.following || next?.next;
      // Forward without saving only where nothing would be lost.
      if (url && work().dataset.answered === "yes" && !store.get(DRAFT + work().dataset.url)) go(url);
    } else if (event.key.length === 1) {
      const key = event.key.toLowerCase();
      const input = within(currentGroup() ?? groups()[0], key) ?? within(form(), key);
      if (input) {
        event.preventDefault();
        pick(input);
      }
    }
  });
  document.addEventListener("focusin", markCurrent);
  document.addEventListener("change", markCurrent);

  // --- The lease, while the page is open -------------------------------------------------------------------------
  let leaseTimer = 0;
  const keepLease = () => {
    clearInterval(leaseTimer);
    if (!work()) return;
    const every = Math.max(20, Math.min(120, Number(work().dataset.leaseSeconds) / 3));
    leaseTimer = setInterval(() => {
      if (work() && document.visibilityState === "visible") post(work().dataset.lease, "").catch(() => {});
    }, every * 1000);
  };

  // --- A page begins ------------------------------------------------------------------------------------------------
  let cameFrom = "";
  const remember = () => {
    const { url, following, ahead } = work().dataset;
    if (!pages.get(url)?.html) {
      const html = document.documentElement.outerHTML;
      pages.set(url, { ...pages.get(url), html, url, path: url, following, ahead });
    }
    // "The end of the query before" is the page that she came from, if she came from there.
    const back = document.querySelector("a[data-back]");
    const [before] = back ? pathOf(back.href).split("?") : [""];
    if (before && cameFrom.startsWith(before)) pages.set(pathOf(back.href), pages.get(cameFrom));
    cameFrom = url;
  };

  const begin = () => {
    if (!work()) return;
    restart();
    remember();
    makeSliders();
    const { url } = work().dataset;
    const draft = store.get(DRAFT + url) ?? given.get(url);
    if (draft && !document.querySelector("[data-error-summary]")) {
      fillIn(draft);
      if (outbox().some((entry) => entry.url === url)) {
        report();
      } else if (store.get(DRAFT + url)) {
        say("", `Filled in before, ${kept()}; not sent yet`);
      } else {
        work().dataset.answered = "yes";
        say("saved", "Saved; you can change it");
      }
    }
    if (!draft && lastSaved && !outbox().length) say("saved", `Saved at ${lastSaved}`);
    document.querySelector("[data-error-summary]")?.focus();
    markCurrent();
    report();
    keepLease();
    lookAhead();
  };

  if (document.querySelector("[data-left]")) store.forget("venire:");
  begin();
  if (outbox().length) {
    // Those that were refused get another chance with a fresh page.
    change((entries) => entries.map((entry) => ({ ...entry, refused: false })));
    send();
  }
}
