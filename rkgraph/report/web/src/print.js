// Paper has no tabs and no triangles, and is white: everything opens for printing, is drawn in light, and goes back again.
import { all } from "./dom.js";
import { inLight } from "./theme.js";

export function startPrinting(tabs) {
  let closed = [];
  let asBefore = () => {};
  addEventListener("beforeprint", () => {
    asBefore = inLight();
    tabs.forEach((each) => each.showAll());
    closed = all("details:not([open], .long, .as-table, .passed)");
    closed.forEach((part) => (part.open = true));
  });
  addEventListener("afterprint", () => {
    closed.forEach((part) => (part.open = false));
    tabs.forEach((each) => each.restore());
    asBefore();
  });
  for (const button of all("[data-print]")) button.addEventListener("click", () => print());
}
