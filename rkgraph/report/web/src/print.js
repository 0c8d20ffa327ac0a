// Paper has no tabs and no triangles: everything opens for printing, and closes again.
import { all } from "./dom.js";

export function startPrinting(tabs) {
  let closed = [];
  addEventListener("beforeprint", () => {
    tabs.forEach((each) => each.showAll());
    closed = all("details:not([open], .long, .as-table, .passed)");
    closed.forEach((part) => (part.open = true));
  });
  addEventListener("afterprint", () => {
    closed.forEach((part) => (part.open = false));
    tabs.forEach((each) => each.restore());
  });
  for (const button of all("[data-print]")) button.addEventListener("click", () => print());
}
