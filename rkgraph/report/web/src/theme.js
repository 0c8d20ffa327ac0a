// Light and dark follow the system until somebody chooses; canvases are told, for they read colours once.
import { all } from "./dom.js";

const KEY = "rkgraph-theme";
const listeners = [];
export const onTheme = (listener) => listeners.push(listener);

function remembered() {
  try {
    return localStorage.getItem(KEY);
  } catch {
    return null; // a page from a file may not have a store
  }
}

function remember(theme) {
  try {
    localStorage.setItem(KEY, theme);
  } catch {
    return; // then it holds until the page is closed
  }
}

function apply(theme) {
  document.documentElement.dataset.theme = theme;
  for (const button of all("[data-set-theme]")) button.setAttribute("aria-pressed", button.dataset.setTheme === theme);
  for (const listener of listeners) listener();
}

/** Shows the page in light; returns what undoes that. */
export function inLight() {
  const before = document.documentElement.dataset.theme;
  apply("light");
  return () => apply(before);
}

export function startTheme() {
  for (const button of all("[data-set-theme]")) {
    button.addEventListener("click", () => {
      remember(button.dataset.setTheme);
      apply(button.dataset.setTheme);
    });
  }
  const known = remembered();
  apply(["light", "dark"].includes(known) ? known : "auto");
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () =>
    listeners.forEach((listener) => listener()),
  );
}
