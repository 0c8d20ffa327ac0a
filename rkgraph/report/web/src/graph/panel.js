// The graph of a story: its views side by side or one at a time, one choice, search, colours, details, a table.
import { h } from "../dom.js";
import { deviceOf } from "../devices.js";
import { store } from "../store.js";
import { details } from "./details.js";
import { byNode, counter } from "./findings.js";
import { heats } from "./heat.js";
import { legend } from "./legend.js";
import { matcher } from "./matching.js";
import { nodeTable } from "./nodetable.js";
import { Pane } from "./pane.js";
import { search } from "./search.js";
import { toolbar } from "./toolbar.js";
import { viewTabs } from "./viewtabs.js";

export class GraphPanel {
  constructor(panel, data, story) {
    this.story = story;
    this.data = data;
    this.views = data.views;
    this.state = store({ view: 0, chosen: null, side: false, mode: "device", hits: null });
    this.counterparts = matcher(this.views, data.matches);
    this.found = this.views.map((view) => byNode(view.findings));
    this.compiled = this.views.findIndex((view) => view.key === "compiled");
    this.heats = heats(data, this.views, this.compiled, this.counterparts);
    this.warmths = new Map(); // of boxes, which are drawn with every movement
    this.live = h("div", { class: "unseen", role: "status", "aria-live": "polite" });
    this.panes = this.views.map((view, index) => this.#pane(view, index));
    this.#build(panel.querySelector(".graph-place"));
    this.state.listen((now, before) => this.#changed(now, before));
    panel.addEventListener("shown", () => this.#arrange(this.state.get()));
    panel.addEventListener("printing", () => this.panes.forEach((pane) => pane.paint()));
    if (!panel.hidden) this.#arrange(this.state.get());
  }

  #pane(view, index) {
    const found = this.found[index];
    const codes = (node) => (found.get(node) ?? []).map((row) => row[1]);
    const facts = {
      findings: counter(found),
      heat: (graph, item) => this.#warmth(graph, index, item),
      matches: () => this.state.get().hits?.[index] ?? null,
      words: (graph, node) => [deviceOf(graph.devices[node]).words, ...codes(node)].join(", "),
    };
    const say = (text) => (this.live.textContent = text);
    return new Pane(view, facts, { choose: (node) => this.choose(index, node), say });
  }

  #build(place) {
    const go = (view, node) => this.choose(view, node);
    this.tabs = viewTabs(this.views, this.panes, (view) => this.state.set({ view }));
    this.finder = search({ views: this.views, found: this.found, go, hits: (hits) => this.state.set({ hits }) });
    this.table = nodeTable(this.views, this.found, go);
    this.stage = h("div", { class: "panes" }, ...this.panes.map((pane) => pane.element));
    this.legend = h("div", { class: "legend" }, ...legend("device", this.views));
    this.side = h("aside", { class: "details", "aria-label": "Chosen node" }, ...nothing());
    const left = h("div", {}, this.tabs.element, this.stage, this.legend);
    const workbench = h("div", { class: "workbench" }, left, this.side);
    place.replaceChildren(toolbar(this), workbench, this.table.element, this.live);
  }

  /** Chooses a node (null: none) of a view, and shows that view. */
  choose(view, node) {
    const shown = this.state.get().side ? this.state.get().view : view;
    this.state.set({ view: shown, chosen: node === null ? null : { view, node } });
  }

  find(words) {
    this.finder.set(words);
  }

  /** Colours the original by the devices of another target. */
  recolour(devices) {
    const [first] = this.panes;
    first.graph.recolour(devices ?? this.views[0].devices);
    first.ready();
    first.recolour();
  }

  #changed(now, before) {
    if (now.view !== before.view || now.side !== before.side) this.#arrange(now);
    if (now.mode !== before.mode) this.#colour(now.mode);
    if (now.hits !== before.hits) this.panes.forEach((pane) => pane.redraw());
    if (now.chosen !== before.chosen) this.#follow(now.chosen);
  }

  #arrange({ view, side }) {
    this.stage.classList.toggle("side-by-side", side);
    this.panes.forEach((pane, index) => (pane.element.hidden = !side && index !== view));
    for (const pane of this.panes.filter((each) => !each.element.hidden)) {
      pane.ready();
      pane.resize();
      if (pane.nodes?.length) pane.showItem(pane.graph.shownFor(pane.nodes[0]));
    }
    this.tabs.show(view, side);
  }

  #colour(mode) {
    for (const pane of this.panes) {
      pane.mode = mode;
      if (pane.layout) pane.recolour();
    }
    this.legend.replaceChildren(...legend(mode, this.views, this.#heat()?.step));
  }

  /** Of a node, or the warmest in a box; null where nothing was measured. */
  #warmth(graph, index, item) {
    const heat = this.#heat();
    if (!heat) return null;
    if (!graph.isBox(item)) return heat.share(index, item);
    const key = `${heat.key} ${index} ${item}`;
    if (!this.warmths.has(key)) {
      const known = graph.box(item).children.map((child) => this.#warmth(graph, index, child));
      this.warmths.set(
        key,
        known.reduce((most, share) => (share !== null && share > (most ?? -1) ? share : most), null),
      );
    }
    return this.warmths.get(key);
  }

  #heat() {
    return this.heats.find(({ key }) => key === this.state.get().mode);
  }

  // The chosen node is the chosen node everywhere.
  #follow(chosen) {
    this.table.choose(chosen);
    if (chosen === null) {
      this.panes.forEach((pane) => pane.choose([]));
      this.side.replaceChildren(...nothing());
      this.live.textContent = "Nothing chosen";
      return;
    }
    const matches = this.views.map((_, index) => this.#match(chosen, index));
    const gone = this.views[chosen.view].removed?.[chosen.node];
    this.panes.forEach((pane, index) => {
      const { nodes, near } = matches[index];
      pane.choose(nodes, { near, note: noteOf(nodes, near, gone) });
    });
    this.side.replaceChildren(...this.#details(chosen, matches));
    this.live.textContent = `Chosen: ${this.panes[chosen.view].spoken(chosen.node)}`;
  }

  #match({ view, node }, index) {
    return index === view ? { nodes: [node], near: false } : this.counterparts(view, index, node);
  }

  #details({ view, node }, matches) {
    const others = matches
      .map((match, index) => ({ ...match, ...this.#named(index, match.nodes) }))
      .filter((_, index) => index !== view);
    return details(this.views[view], node, {
      findings: this.found[view].get(node) ?? [],
      counterparts: others,
      layer: this.compiled < 0 ? null : this.data.layers[matches[this.compiled].nodes[0]],
      go: (key, other) =>
        this.choose(
          this.views.findIndex((each) => each.key === key),
          other,
        ),
      goFinding: (code) => this.story.dispatchEvent(new CustomEvent("show-audit", { detail: code })),
    });
  }

  #named(index, nodes) {
    const { key, title, labels } = this.views[index];
    const more = nodes.length > 1 ? ` and ${nodes.length - 1} more` : "";
    return { key, title, label: nodes.length ? `${labels[nodes[0]]}${more}` : "" };
  }
}

function noteOf(nodes, near, gone) {
  if (!nodes.length) return "Not in this view.";
  const by = gone ? ` (taken out by ${gone[0]})` : "";
  return near ? `Not here itself${by}: this is the nearest.` : "";
}

const nothing = () =>
  [
    "Choose a node: click it, search for it, or walk there with the arrow keys.",
    "A click on a box opens or closes it. All views follow the chosen node.",
  ].map((text) => h("p", { class: "soft" }, text));
