// Tabs of a story, made of its sections: without this script they stand below each other, as on paper.
import { all, h } from "./dom.js";

export function startTabs(story) {
  const panels = all(":scope > .panel", story);
  if (!panels.length) return { showAll() {}, restore() {} }; // a model that could not be read has its error only
  const list = h("div", { role: "tablist", class: "tabs", "aria-label": "Parts of the report" });
  const tabs = panels.map((panel) => {
    const count = panel.dataset.count;
    const tab = h(
      "button",
      { role: "tab", type: "button", id: `${panel.id}-tab`, "aria-controls": panel.id },
      panel.dataset.tab,
      count ? h("span", { class: "count" }, count) : null,
    );
    panel.setAttribute("role", "tabpanel");
    panel.setAttribute("aria-labelledby", tab.id);
    panel.tabIndex = 0;
    return tab;
  });
  const show = (chosen) => {
    panels.forEach((panel, index) => {
      const selected = index === chosen;
      panel.hidden = !selected;
      tabs[index].setAttribute("aria-selected", selected);
      tabs[index].tabIndex = selected ? 0 : -1;
    });
    story.dataset.part = panels[chosen].dataset.tab.toLowerCase();
    panels[chosen].dispatchEvent(new CustomEvent("shown"));
  };
  const byHash = () => {
    const panel = location.hash ? document.getElementById(decodeURIComponent(location.hash.slice(1))) : null;
    const index = panels.findIndex((each) => each === panel || each.contains(panel));
    if (index >= 0) show(index);
    return index >= 0;
  };
  tabs.forEach((tab, index) =>
    tab.addEventListener("click", () => {
      history.replaceState(null, "", `#${panels[index].id}`);
      show(index);
    }),
  );
  list.addEventListener("keydown", (event) => {
    const now = tabs.indexOf(document.activeElement);
    const to = { ArrowRight: now + 1, ArrowLeft: now - 1, Home: 0, End: tabs.length - 1 }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    const next = (to + tabs.length) % tabs.length;
    show(next);
    tabs[next].focus();
  });
  list.append(...tabs);
  panels[0].before(list);
  addEventListener("hashchange", byHash);
  if (!byHash()) show(0);
  story.addEventListener("show-panel", (event) => {
    const index = panels.findIndex((panel) => panel.id === event.detail);
    if (index >= 0) tabs[index].click();
  });
  return {
    showAll: () => {
      story.dataset.part = "summary";
      panels.forEach((panel) => (panel.hidden = false));
      for (const name of ["shown", "printing"])
        panels.forEach((panel) => panel.dispatchEvent(new CustomEvent(name)));
    },
    restore: () => {
      show(
        Math.max(
          0,
          tabs.findIndex((tab) => tab.getAttribute("aria-selected") === "true"),
        ),
      );
    },
  };
}
