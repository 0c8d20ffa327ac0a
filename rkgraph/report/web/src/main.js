// Brings the page to life. What it shows is in the document already, or in the JSON beside it; nothing is fetched.
import { all } from "./dom.js";
import { startCopying } from "./copy.js";
import { GraphPanel } from "./graph/panel.js";
import { startLayers } from "./layers.js";
import { startPrinting } from "./print.js";
import { startTabs } from "./tabs.js";
import { startTheme } from "./theme.js";
import { unpack } from "./unpack.js";

const started = performance.now();
const data = JSON.parse(document.getElementById("rkgraph-data").textContent);
startTheme();
startCopying();
const tabs = all(".story").map(startStory);
startPrinting(tabs);
document.documentElement.dataset.ready = String(Math.round(performance.now() - started));

function startStory(story) {
  const mine = data.stories[story.id];
  if (mine?.views) unpack(mine);
  const part = (name) => story.querySelector(`:scope > #${story.id}-${name}`);
  const show = (name) => story.dispatchEvent(new CustomEvent("show-panel", { detail: `${story.id}-${name}` }));
  const parts = startTabs(story);
  const graph = part("graph") && mine?.views?.length ? new GraphPanel(part("graph"), mine, story) : null;
  if (part("layers") && mine) {
    startLayers(part("layers"), mine, (row) => {
      show("graph");
      graph?.state.set({
        chosen: { view: mine.views.findIndex((view) => view.key === "compiled"), node: row },
        view: mine.views.length - 1,
      });
    });
  }
  for (const button of all("[data-find]", story)) {
    button.hidden = graph === null;
    button.addEventListener("click", () => {
      show("graph");
      graph.find(button.dataset.find);
    });
  }
  story.addEventListener("show-audit", (event) => {
    const audit = document.getElementById(`${story.id}-${event.detail}`);
    if (!audit) return;
    show("findings");
    audit.open = true;
    audit.querySelector("summary").focus();
    audit.scrollIntoView({ block: "start" });
  });
  for (const button of all("[data-audit]", story)) {
    button.addEventListener("click", () =>
      story.dispatchEvent(new CustomEvent("show-audit", { detail: button.dataset.audit })),
    );
  }
  for (const button of all("[data-devices]", story)) {
    button.addEventListener("click", () => {
      show("graph");
      const other = data.stories[button.dataset.devices];
      graph?.recolour(other?.devices);
    });
  }
  return parts;
}
