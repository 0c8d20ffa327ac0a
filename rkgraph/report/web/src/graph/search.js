// Search over all views at once: by name, operator, device or code of a finding.
import { freshId, h, short } from "../dom.js";
import { searchable } from "./findings.js";

const MOST = 40;

export function search({ views, found, go, hits }) {
  const id = freshId("search");
  const field = h("input", {
    type: "search",
    id,
    placeholder: "Find a node, operator or RK code  ( / )",
    autocomplete: "off",
    "aria-describedby": `${id}-count`,
  });
  const count = h("span", { class: "soft hits", id: `${id}-count`, role: "status" });
  const list = h("ul", { class: "results", hidden: true });
  let matches = [],
    at = -1;
  const texts = views.map((view, index) => view.labels.map((_, node) => searchable(view, found[index], node)));

  function update() {
    const words = field.value.toLowerCase().split(/\s+/).filter(Boolean);
    at = -1;
    if (!words.length) {
      matches = [];
      [list.hidden, count.textContent] = [true, ""];
      return hits(null);
    }
    const sets = texts.map(
      (each) => new Set(each.flatMap((text, node) => (words.every((word) => text.includes(word)) ? [node] : []))),
    );
    matches = sets.flatMap((set, view) => [...set].map((node) => ({ view, node })));
    count.textContent = sets
      .map(
        (set, view) =>
          `${set.size.toLocaleString("en")}${views.length > 1 ? ` ${views[view].title.toLowerCase()}` : " found"}`,
      )
      .join(", ");
    list.replaceChildren(
      ...matches.slice(0, MOST).map(({ view, node }) =>
        h(
          "li",
          {},
          h(
            "button",
            {
              type: "button",
              onclick: () => {
                list.hidden = true;
                go(view, node);
              },
            },
            h("b", {}, views[view].operators[views[view].operator[node]]),
            " ",
            h("span", { class: "name" }, short(views[view].labels[node], 70)),
            views.length > 1 ? h("span", { class: "soft" }, ` ${views[view].title}`) : null,
          ),
        ),
      ),
    );
    list.hidden = !matches.length;
    return hits(sets);
  }

  field.addEventListener("input", update);
  field.addEventListener("focus", () => (list.hidden = !matches.length));
  field.addEventListener("keydown", (event) => {
    if (event.key === "Escape") {
      if (field.value) event.stopPropagation();
      field.value = "";
      update();
    } else if (event.key === "Enter" && matches.length) {
      event.preventDefault();
      at = (at + (event.shiftKey ? -1 : 1) + matches.length) % matches.length;
      list.hidden = true;
      go(matches[at].view, matches[at].node);
    } else if (event.key === "ArrowDown") {
      event.preventDefault();
      list.querySelector("button")?.focus();
    }
  });
  list.addEventListener("keydown", (event) => {
    const step = { ArrowDown: "nextElementSibling", ArrowUp: "previousElementSibling" }[event.key];
    if (event.key === "Escape") {
      list.hidden = true;
      field.focus();
    } else if (step) {
      event.preventDefault();
      (document.activeElement.parentElement[step]?.firstElementChild ?? field).focus();
    }
  });
  const element = h(
    "div",
    { class: "search" },
    h("label", { class: "unseen", for: id }, "Search the graph"),
    field,
    count,
    list,
  );
  addEventListener("pointerdown", (event) => {
    if (!element.contains(event.target)) list.hidden = true;
  });
  addEventListener("keydown", (event) => {
    if (
      event.key === "/" &&
      !/^(INPUT|SELECT|TEXTAREA)$/.test(document.activeElement?.tagName ?? "") &&
      field.offsetParent
    ) {
      event.preventDefault();
      field.focus();
    }
  });
  return {
    element,
    set(words) {
      field.value = words;
      update();
      list.hidden = true;
    },
  };
}
