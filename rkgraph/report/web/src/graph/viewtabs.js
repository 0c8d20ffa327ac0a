// The tabs above the views; side by side all of them are shown.
import { freshId, h } from "../dom.js";

export function viewTabs(views, panes, pick) {
  const tabs = views.map((view, index) =>
    h("button", { role: "tab", type: "button", id: freshId("view"), onclick: () => pick(index) }, view.title),
  );
  const element = h(
    "div",
    { role: "tablist", class: "view-tabs", "aria-label": "Views of the graph", hidden: views.length < 2 },
    ...tabs,
  );
  panes.forEach((pane, index) => {
    pane.element.id ||= freshId("pane");
    tabs[index].setAttribute("aria-controls", pane.element.id);
    pane.element.setAttribute("role", "tabpanel");
  });
  element.addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step) return;
    event.preventDefault();
    const next = (tabs.indexOf(document.activeElement) + step + tabs.length) % tabs.length;
    tabs[next].focus();
    pick(next);
  });
  return {
    element,
    show: (chosen, beside) =>
      tabs.forEach((tab, index) => {
        tab.setAttribute("aria-selected", index === chosen);
        tab.tabIndex = index === chosen ? 0 : -1;
        tab.classList.toggle("beside-too", beside);
      }),
  };
}
