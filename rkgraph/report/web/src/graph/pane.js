// One view of a graph: canvas, zoom and pan, pointer and keyboard, minimap.
import { select } from "d3-selection";
import { zoom, zoomIdentity } from "d3-zoom";
import { freshId, h } from "../dom.js";
import { onTheme } from "../theme.js";
import { colouring, palette } from "./colours.js";
import { draw, linesOf } from "./draw.js";
import { Graph } from "./model.js";
import { Layout } from "./layout.js";
import { minimap } from "./minimap.js";
import { nextItem } from "./keyboard.js";

/** `events`: {choose(node|null), say(text)}; `facts`: {findings(graph, item), heat(graph, item), matches(node)|null}. */
export class Pane {
  constructor(view, facts, events) {
    this.view = view;
    this.facts = facts;
    this.events = events;
    this.graph = new Graph(view);
    this.chosen = new Set();
    this.near = false;
    this.cursor = null;
    this.mode = "device";
    this.transform = zoomIdentity;
    this.canvas = h("canvas", {
      tabindex: "0",
      role: "application",
      "aria-roledescription": "graph",
      "aria-label": "",
    });
    const help = h(
      "p",
      { class: "unseen", id: freshId("keys") },
      "Arrow keys go along the edges and to neighbours, Enter opens or closes a box or chooses a node, plus and minus zoom, 0 fits, Escape lets go. The same nodes are in the table below.",
    );
    this.canvas.setAttribute("aria-describedby", help.id);
    this.map = minimap((x, y) => this.centre(x, y));
    this.note = h("p", { class: "pane-note", hidden: true });
    this.title = h(
      "h3",
      { class: "pane-title" },
      view.title,
      h(
        "span",
        { class: "soft" },
        ` ${this.graph.n.toLocaleString("en")} ${view.key === "compiled" ? "layers" : "nodes"}`,
      ),
    );
    this.element = h(
      "section",
      { class: "pane", "data-view": view.key, "aria-label": `${view.title} graph` },
      this.title,
      h("div", { class: "stage" }, this.canvas, this.map.element, this.note),
      help,
    );
    this.fitted = false;
    this.#listen();
    onTheme(() => this.theme());
  }

  #listen() {
    this.zoom = zoom()
      .scaleExtent([0.02, 4])
      .on("zoom", ({ transform }) => {
        this.transform = transform;
        this.redraw();
      });
    select(this.canvas).call(this.zoom).on("dblclick.zoom", null);
    this.canvas.addEventListener("click", (event) => this.#clicked(event));
    this.canvas.addEventListener("mousemove", (event) => this.#hovered(event));
    this.canvas.addEventListener("keydown", (event) => this.#pressed(event));
    this.canvas.addEventListener("focus", () => {
      this.cursor ??= [...this.chosen][0] ?? this.graph.box(this.graph.root).children[0] ?? null;
      this.redraw();
    });
    this.canvas.addEventListener("blur", () => {
      this.cursor = null;
      this.redraw();
    });
    new ResizeObserver(() => this.resize()).observe(this.canvas);
  }

  theme() {
    this.colours = palette();
    if (this.layout) this.recolour();
  }

  // Laid out when it is first seen: a view that nobody opens costs nothing.
  ready() {
    if (this.layout) return;
    this.colours = palette();
    this.layout = new Layout(this.graph);
    this.#relined();
  }

  #relined() {
    this.lines = linesOf(this.graph, this.layout);
    const { width, height } = this.layout;
    this.zoom.translateExtent([
      [-2 * width - 800, -2 * height - 800],
      [3 * width + 800, 3 * height + 800],
    ]);
    this.recolour();
  }

  recolour() {
    const findings = (item) => this.facts.findings(this.graph, item);
    this.colour = colouring(this.mode, this.graph, this.colours, findings, (item) => this.facts.heat(this.graph, item));
    this.findings = findings;
    this.map.picture(this);
    this.redraw();
  }

  resize() {
    const { clientWidth, clientHeight } = this.canvas;
    if (!clientWidth || !this.layout) return;
    const ratio = devicePixelRatio || 1;
    this.canvas.width = clientWidth * ratio;
    this.canvas.height = clientHeight * ratio;
    const before = this.width;
    this.width = clientWidth;
    const narrowed = before && Math.abs(clientWidth - before) > before / 4 && !this.nodes?.length;
    if (!this.fitted || narrowed) this.start();
    else if (before !== clientWidth) {
      const { x, y, k } = this.transform;
      this.move(zoomIdentity.translate(x + (clientWidth - before) / 2, y).scale(k));
    }
    this.paint();
  }

  // At first the top of the graph, at a scale that can be read; the whole where that is as good.
  start() {
    this.fitted = true;
    const { clientWidth: w, clientHeight: hgt } = this.canvas;
    const whole = Math.min(1, w / (this.layout.width + 40), hgt / (this.layout.height + 40));
    const k = Math.max(whole, Math.min(0.8, w / (this.layout.width + 40)), 0.15);
    const y = k > whole ? 16 : (hgt - this.layout.height * k) / 2;
    this.move(zoomIdentity.translate((w - this.layout.width * k) / 2, y).scale(k));
  }

  fit() {
    const { clientWidth: w, clientHeight: hgt } = this.canvas;
    const k = Math.min(1, w / (this.layout.width + 40), hgt / (this.layout.height + 40));
    this.move(zoomIdentity.translate((w - this.layout.width * k) / 2, (hgt - this.layout.height * k) / 2).scale(k));
  }

  move(transform) {
    select(this.canvas).call(this.zoom.transform, transform);
  }

  scale(factor) {
    select(this.canvas).call(this.zoom.scaleBy, factor);
  }

  centre(x, y) {
    select(this.canvas).call(this.zoom.translateTo, x, y);
  }

  showItem(item) {
    const r = this.layout.placed.get(item);
    if (!r || !this.canvas.clientWidth) return;
    if (this.transform.k < 0.5) select(this.canvas).call(this.zoom.scaleTo, 0.8);
    this.centre(r.x + r.w / 2, r.y + Math.min(r.h / 2, 120));
  }

  redraw() {
    if (this.waiting || !this.layout) return;
    this.waiting = true;
    requestAnimationFrame(() => {
      this.waiting = false;
      this.paint();
    });
  }

  paint() {
    const { clientWidth, clientHeight } = this.canvas;
    if (!clientWidth || !this.layout) return;
    const context = this.canvas.getContext("2d");
    const ratio = devicePixelRatio || 1;
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    const hits = this.facts.matches();
    const matches = hits ? (item) => (this.graph.isBox(item) ? this.#holdsAny(item, hits) : hits.has(item)) : null;
    draw(context, { ...this, matches, findings: this.findings }, this.transform, clientWidth, clientHeight);
    this.map.frame(this.transform, clientWidth, clientHeight);
  }

  #holdsAny(item, hits) {
    return this.graph
      .box(item)
      .children.some((child) => (this.graph.isBox(child) ? this.#holdsAny(child, hits) : hits.has(child)));
  }

  /** Marks nodes as the chosen ones, opens the boxes around the first, and brings it into sight. */
  choose(nodes, { near = false, note = "" } = {}) {
    this.ready();
    this.near = near;
    this.nodes = nodes;
    const first = nodes[0];
    if (first !== undefined && this.graph.hidden.has(first)) this.setHidden([]);
    if (first !== undefined && this.graph.reveal(first)) this.relayout(false);
    this.chosen = new Set(nodes.map((node) => this.graph.shownFor(node)));
    this.note.hidden = !note;
    this.note.textContent = note;
    this.element.dataset.chosen = nodes.join(" ");
    if (first !== undefined) this.showItem(first);
    this.redraw();
  }

  setHidden(hidden) {
    this.graph.hide(hidden);
    this.relayout();
  }

  relayout(keepChosen = true) {
    this.ready();
    this.layout.update();
    if (keepChosen && this.nodes) this.chosen = new Set(this.nodes.map((node) => this.graph.shownFor(node)));
    this.#relined();
  }

  setAll(open) {
    this.graph.setAll(open);
    this.relayout();
    this.fit();
  }

  toggle(item) {
    const box = this.graph.box(item);
    const before = this.layout.placed.get(item);
    box.open = !box.open;
    this.relayout();
    const after = this.layout.placed.get(item);
    const { k } = this.transform;
    this.move(this.transform.translate(before.x - after.x + (before.w - after.w) / 2, before.y - after.y));
    this.element.dataset.toggled = `${this.graph.title(item)} ${box.open ? "open" : "closed"}`;
    this.events.say(`${this.graph.title(item)} ${box.open ? `opened, ${box.children.length} inside` : "closed"}`);
    return k;
  }

  itemAt(event) {
    const [x, y] = this.transform.invert([event.offsetX, event.offsetY]);
    let found = null;
    for (const [item, r] of this.layout.placed) {
      if (x < r.x || x > r.x + r.w || y < r.y || y > r.y + r.h) continue;
      if (item !== this.graph.root) found = item; // inner items come after the boxes that hold them
    }
    return found;
  }

  #clicked(event) {
    const item = this.itemAt(event);
    this.cursor = item;
    if (item === null) return this.events.choose(null);
    if (!this.graph.isBox(item)) return this.events.choose(item);
    const r = this.layout.placed.get(item);
    const [, y] = this.transform.invert([event.offsetX, event.offsetY]);
    if (!this.graph.box(item).open || y < r.y + 28) this.toggle(item);
    return null;
  }

  #hovered(event) {
    if (!this.layout) return;
    const item = this.itemAt(event);
    this.canvas.title =
      item === null
        ? ""
        : this.graph.isBox(item)
          ? `${this.graph.title(item)}: ${this.graph.box(item).leaves} nodes`
          : this.view.labels[item];
    this.canvas.style.cursor = item === null ? "grab" : "pointer";
  }

  #pressed(event) {
    const acts = {
      "+": () => this.scale(1.3),
      "=": () => this.scale(1.3),
      "-": () => this.scale(1 / 1.3),
      0: () => this.fit(),
      Escape: () => this.events.choose(null),
    };
    if (event.key === "Enter" || event.key === " ") {
      event.preventDefault();
      if (this.cursor === null) return;
      if (this.graph.isBox(this.cursor)) this.toggle(this.cursor);
      else this.events.choose(this.cursor);
    } else if (event.key.startsWith("Arrow")) {
      event.preventDefault();
      const next = nextItem(this.graph, this.layout, this.lines, this.cursor, event.key);
      if (next === null) return;
      this.cursor = next;
      this.showItem(next);
      this.redraw();
      this.events.say(this.spoken(next));
    } else if (acts[event.key] && !event.ctrlKey && !event.metaKey) {
      event.preventDefault();
      acts[event.key]();
    }
  }

  spoken(item) {
    const { graph } = this;
    if (!graph.isBox(item)) return `${graph.title(item)}, ${this.view.labels[item]}, ${this.facts.words(graph, item)}`;
    return `${graph.title(item)}, box of ${graph.box(item).leaves} nodes, ${graph.box(item).open ? "open" : "closed"}`;
  }
}
