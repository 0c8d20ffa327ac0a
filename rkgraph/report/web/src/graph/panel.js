// The graph of a story: its views side by side or one at a time, one selection, search, colours, details, a table.
import { all, freshId, h, number } from "../dom.js";
import { DEVICES, deviceOf } from "../devices.js";
import { store } from "../store.js";
import { dataTable } from "../table.js";
import { details } from "./details.js";
import { matcher } from "./matching.js";
import { Pane } from "./pane.js";
import { search } from "./search.js";

export function startGraph(panel, data, story) {
  const views = data.views;
  const place = panel.querySelector(".graph-place");
  const state = store({ view: 0, chosen: null, side: false, mode: "device", hits: null });
  const counterparts = matcher(views, data.matches);
  const found = views.map((view) => byNode(view.findings));
  const layers = views.findIndex((view) => view.key === "compiled");
  const cost = costs(data, views, layers, counterparts);
  const live = h("div", { class: "unseen", role: "status", "aria-live": "polite" });
  const side = h("aside", { class: "details", "aria-label": "Chosen node" });

  const panes = views.map((view, index) => new Pane(view, {
    findings: (graph, item) => counted(graph, item, found[index]),
    heat: (graph, item) => (graph.isBox(item) ? null : cost.share(index, item)),
    matches: () => state.get().hits?.[index] ?? null,
    words: (graph, node) => [deviceOf(graph.devices[node]).words, ...(found[index].get(node) ?? []).map((row) => row[1])].join(", "),
  }, { choose: (node) => choose(index, node), say: (text) => (live.textContent = text) }));

  const tabs = viewTabs(views, panes, (index) => state.set({ view: index }));
  const finder = search({ views, found, go: (view, node) => choose(view, node), hits: (hits) => state.set({ hits }) });
  const stage = h("div", { class: "panes" }, ...panes.map((pane) => pane.element));
  const legend = h("div", { class: "legend", "aria-label": "Legend" });
  const table = nodeTable(views, found, (view, node) => choose(view, node), data);
  place.replaceChildren(toolbar(), h("div", { class: "workbench" }, h("div", {}, tabs.element, stage, legend), side), table.element, live);

  function choose(view, node) {
    state.set({ view: state.get().side ? state.get().view : view, chosen: node === null ? null : { view, node } });
  }

  function toolbar() {
    const button = (text, label, act) => h("button", { type: "button", "aria-label": label, title: label, onclick: act }, text);
    const shown = () => (state.get().side ? panes : [panes[state.get().view]]);
    const modes = [["device", "Device"], ["finding", "Cause or induced"], ...(cost.title ? [["heat", cost.title]] : [])];
    const id = freshId("colour");
    const mode = h("select", { id, onchange: () => state.set({ mode: mode.value }) }, ...modes.map(([value, text]) => h("option", { value }, text)));
    const hide = () => panes.forEach((pane) => pane.setHidden([...(constants.checked ? [] : pane.graph.constants()), ...(folded.checked ? [] : pane.graph.folded())]));
    const box = (stem, checked) => h("input", { type: "checkbox", id: freshId(stem), checked, onchange: hide });
    const [constants, folded] = [box("constants", false), box("folded", true)];
    const beside = h("button", { type: "button", class: "beside", "aria-pressed": "false", onclick: () => state.set({ side: !state.get().side }) }, "Side by side");
    return h("div", { class: "toolbar", role: "group", "aria-label": "Graph tools" }, finder.element,
      h("label", { for: id }, "Colour "), mode, h("label", { class: "check" }, constants, " Constants"), h("label", { class: "check" }, folded, " Folded"),
      h("span", { class: "buttons" },
        button("Expand all", "Expand all boxes", () => shown().forEach((pane) => pane.setAll(true))),
        button("Collapse all", "Collapse all boxes", () => shown().forEach((pane) => pane.setAll(false))),
        button("Fit", "Fit the whole graph", () => shown().forEach((pane) => pane.fit())),
        button("−", "Zoom out", () => shown().forEach((pane) => pane.scale(1 / 1.4))),
        button("+", "Zoom in", () => shown().forEach((pane) => pane.scale(1.4))),
        views.length > 1 ? beside : null));
  }

  state.listen((now, before) => {
    if (now.view !== before.view || now.side !== before.side) arrange(now);
    if (now.mode !== before.mode) {
      panes.forEach((pane) => {
        pane.mode = now.mode;
        if (pane.layout) pane.recolour();
      });
      drawLegend(now.mode);
    }
    if (now.hits !== before.hits) panes.forEach((pane) => pane.redraw());
    if (now.chosen !== before.chosen) follow(now.chosen);
  });

  function arrange({ view, side: beside }) {
    stage.classList.toggle("side-by-side", beside);
    panes.forEach((pane, index) => (pane.element.hidden = !beside && index !== view));
    for (const pane of panes.filter((each) => !each.element.hidden)) {
      pane.ready();
      pane.resize();
      if (pane.nodes?.length) pane.showItem(pane.graph.shownFor(pane.nodes[0]));
    }
    tabs.show(view, beside);
    const button = place.querySelector(".beside");
    button?.setAttribute("aria-pressed", beside);
  }

  // The chosen node is the chosen node everywhere.
  function follow(chosen) {
    const others = [];
    panes.forEach((pane, index) => {
      if (chosen === null) return pane.choose([]);
      const match = index === chosen.view ? { nodes: [chosen.node], near: false } : counterparts(chosen.view, index, chosen.node);
      const gone = views[chosen.view].removed?.[chosen.node];
      const note = match.nodes.length ? (match.near ? `Not here itself${gone ? ` (taken out by ${gone[0]})` : ""}: this is the nearest.` : "") : "Not in this view.";
      if (index !== chosen.view) others.push({ ...match, key: views[index].key, title: views[index].title, label: match.nodes.length ? `${views[index].labels[match.nodes[0]]}${match.nodes.length > 1 ? ` and ${match.nodes.length - 1} more` : ""}` : "" });
      return pane.choose(match.nodes, { near: match.near, note });
    });
    table.choose(chosen);
    if (chosen === null) {
      side.replaceChildren(...nothing());
      live.textContent = "Nothing chosen";
      return;
    }
    const view = views[chosen.view];
    const layer = view.key === "compiled" ? data.layers[chosen.node] : layers >= 0 ? data.layers[counterparts(chosen.view, layers, chosen.node).nodes[0]] : null;
    side.replaceChildren(...details(view, chosen.node, {
      findings: found[chosen.view].get(chosen.node) ?? [], counterparts: others, layer,
      go: (key, node) => choose(views.findIndex((each) => each.key === key), node),
      goFinding: (code) => story.dispatchEvent(new CustomEvent("show-audit", { detail: code })),
    }));
    live.textContent = `Chosen: ${panes[chosen.view].spoken(chosen.node)}`;
  }

  function drawLegend(mode) {
    const chip = (cls, mark, text) => h("span", {}, h("span", { class: `key ${cls}`, "aria-hidden": "true" }, mark), text);
    const rows = mode === "device"
      ? Object.entries(DEVICES).filter(([letter]) => views.some((view) => view.devices.includes(letter))).map(([, d]) => chip(`d-${d.name}`, d.mark, d.words))
      : mode === "finding" ? [chip("d-cause", "!", "cause"), chip("d-induced", "↳", "follows from another finding"), chip("d-calm", "", "nothing found")]
      : [1, 2, 3, 4, 5].map((step) => chip(`d-heat-${step - 1}`, String(step), cost.step(step)));
    legend.replaceChildren(...rows, h("span", {}, h("span", { class: "dot-cause" }), "has a finding"));
  }

  const nothing = () => [h("p", { class: "soft" }, "Choose a node: click it, search for it, or walk there with the arrow keys."), h("p", { class: "soft" }, "A click on a box opens or closes it. All views follow the chosen node.")];
  side.append(...nothing());
  drawLegend("device");
  panel.addEventListener("shown", () => arrange(state.get()));
  if (!panel.hidden) arrange(state.get());
  return {
    state,
    panes,
    find(words) {
      finder.set(words);
    },
    recolour(devices) {
      panes[0].graph.recolour(devices ?? views[0].devices);
      panes[0].ready();
      panes[0].recolour();
    },
  };
}

function byNode(rows) {
  const found = new Map();
  for (const row of rows) found.set(row[0], [...(found.get(row[0]) ?? []), row]);
  return found;
}

function counted(graph, item, found) {
  graph.counted ??= new Map();
  if (graph.counted.has(item)) return graph.counted.get(item);
  const total = { causes: 0, induced: 0 };
  const add = (node) => {
    for (const row of found.get(node) ?? []) if (row[2] !== "note") total[row[3] ? "causes" : "induced"] += 1;
  };
  const walk = (child) => (graph.isBox(child) ? graph.box(child).children.forEach(walk) : add(child));
  walk(item);
  graph.counted.set(item, total);
  return total;
}

// Heat: measured rounding errors where there are some, else what the compiler says that layers move.
function costs(data, views, layers, counterparts) {
  const itself = (from, to, node) => {
    const { nodes, near } = counterparts(from, to, node);
    return near ? [] : nodes;
  };
  const errors = new Map(data.errors.filter(([node]) => node >= 0).map(([node, , loss]) => [node, loss]));
  const last = layers < 0 ? views.length - 1 : layers - 1;
  if (errors.size) {
    const most = Math.max(...errors.values()), least = Math.min(...errors.values());
    const scale = (loss) => (Math.log(loss + 1e-12) - Math.log(least + 1e-12)) / (Math.log(most + 1e-12) - Math.log(least + 1e-12) || 1);
    return { title: "8-bit error", step: (n) => (n === 1 ? "least harmed" : n === 5 ? `most (1 − cosine ${most.toPrecision(2)})` : ""), share: (view, node) => {
      const nodes = view === last ? [node] : itself(view, last, node);
      const known = nodes.map((n) => errors.get(n)).filter((loss) => loss !== undefined);
      return known.length ? Math.min(0.999, scale(Math.max(...known))) : null;
    } };
  }
  const traffic = data.layers.map((row) => row[7] ?? 0);
  const most = Math.max(0, ...traffic);
  if (layers < 0 || !most) return { title: "", share: () => null, step: () => "" };
  return { title: "KB moved", step: (n) => (n === 1 ? "little" : n === 5 ? `most (${number(Math.round(most))} KB)` : ""), share: (view, node) => {
    const rows = view === layers ? [node] : itself(view, layers, node);
    return rows.length ? Math.min(0.999, Math.sqrt(Math.max(...rows.map((row) => traffic[row])) / most)) : null;
  } };
}

function viewTabs(views, panes, pick) {
  const tabs = views.map((view, index) => h("button", { role: "tab", type: "button", id: freshId("view"), onclick: () => pick(index) }, view.title));
  const element = h("div", { role: "tablist", class: "view-tabs", "aria-label": "Views of the graph", hidden: views.length < 2 }, ...tabs);
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
  return { element, show: (chosen, beside) => tabs.forEach((tab, index) => {
    tab.setAttribute("aria-selected", index === chosen);
    tab.tabIndex = index === chosen ? 0 : -1;
    tab.classList.toggle("beside-too", beside);
  }) };
}

// The same nodes as a table: everything that the picture tells, for those who do not see it.
function nodeTable(views, found, go, data) {
  const tables = views.map((view, index) => dataTable({
    label: `${view.title}: ${view.key === "compiled" ? "layers" : "nodes"} as a table`,
    rows: view.labels.map((_, node) => node),
    text: (node) => `${view.labels[node]} ${view.operators[view.operator[node]]} ${deviceOf(view.devices[node]).words} ${(found[index].get(node) ?? []).map((row) => row[1]).join(" ")}`.toLowerCase(),
    onRow: (node) => go(index, node),
    columns: [
      { title: "#", value: (node) => node, numeric: true },
      { title: "Operator", value: (node) => view.operators[view.operator[node]] },
      { title: "Name", value: (node) => view.labels[node], show: (node) => h("span", { class: "name" }, view.labels[node]) },
      { title: view.key === "compiled" ? "On" : "Predicted", value: (node) => deviceOf(view.devices[node]).words, show: (node) => chip(view.devices[node]) },
      ...(view.real ? [{ title: "Compiled", value: (node) => deviceOf(view.real[node]).words, show: (node) => (view.real[node] === " " ? "" : chip(view.real[node])) }] : []),
      ...(view.key === "compiled" ? [] : [{ title: "Findings", value: (node) => (found[index].get(node) ?? []).map((row) => row[1]).join(", ") }]),
    ],
  }));
  const boxes = tables.map((table, index) => h("details", { class: "as-table" }, h("summary", {}, `${views[index].title} as a table`), table.element));
  return {
    element: h("div", {}, ...boxes),
    choose: (chosen) => tables.forEach((table, index) => table.mark(chosen?.view === index ? chosen.node : null)),
  };
}

function chip(letter) {
  const device = deviceOf(letter);
  return h("span", { class: "device" }, h("span", { class: `key d-${device.name}`, "aria-hidden": "true" }, device.mark), device.words);
}
