// Light, dark or as the system has it. The choice is kept under the key that Django's admin uses
// too, so both agree. Without this file the page follows the system.
"use strict";
{
  const KEY = "theme";
  const NAMES = { auto: "automatic", light: "light", dark: "dark" };
  const root = document.documentElement;

  const remembered = () => {
    try {
      const value = localStorage.getItem(KEY);
      return value in NAMES ? value : "auto";
    } catch {
      return "auto"; // storage is blocked: the choice lasts for this page
    }
  };

  const label = (theme) => {
    for (const button of document.querySelectorAll("[data-theme-switch]")) {
      button.textContent = `Colours: ${NAMES[theme]}`;
      button.hidden = false;
    }
  };

  const choose = (theme) => {
    root.dataset.theme = theme;
    try {
      localStorage.setItem(KEY, theme);
    } catch {
      // As above.
    }
    label(theme);
  };

  const next = (theme) => {
    const systemIsDark = matchMedia("(prefers-color-scheme: dark)").matches;
    const order = systemIsDark ? ["auto", "light", "dark"] : ["auto", "dark", "light"];
    return order[(order.indexOf(theme) + 1) % order.length];
  };

  root.dataset.theme = remembered();
  document.addEventListener("DOMContentLoaded", () => label(root.dataset.theme));
  document.addEventListener("click", (event) => {
    if (event.target.closest("[data-theme-switch]")) {
      choose(next(root.dataset.theme));
    }
  });
  addEventListener("storage", (event) => {
    if (event.key === KEY) {
      root.dataset.theme = remembered();
      label(root.dataset.theme);
    }
  });
}
