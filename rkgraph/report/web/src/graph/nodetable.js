// The same nodes as a table: everything that the picture tells, for those who do not see it.
import { h } from "../dom.js";
import { deviceOf } from "../devices.js";
import { dataTable } from "../table.js";
import { searchable } from "./findings.js";

export function nodeTable(views, found, go) {
  const tables = views.map((view, index) =>
    dataTable({
      label: `${view.title}: ${view.key === "compiled" ? "layers" : "nodes"} as a table`,
      rows: view.labels.map((_, node) => node),
      text: (node) => searchable(view, found[index], node),
      onRow: (node) => go(index, node),
      columns: [
        { title: "#", value: (node) => node, numeric: true },
        { title: "Operator", value: (node) => view.operators[view.operator[node]] },
        {
          title: "Name",
          value: (node) => view.labels[node],
          show: (node) => h("span", { class: "name" }, view.labels[node]),
        },
        {
          title: view.key === "compiled" ? "On" : "Predicted",
          value: (node) => deviceOf(view.devices[node]).words,
          show: (node) => chip(view.devices[node]),
        },
        ...(view.real
          ? [
              {
                title: "Compiled",
                value: (node) => deviceOf(view.real[node]).words,
                show: (node) => (view.real[node] === " " ? "" : chip(view.real[node])),
              },
            ]
          : []),
        ...(view.key === "compiled"
          ? []
          : [{ title: "Findings", value: (node) => (found[index].get(node) ?? []).map((row) => row[1]).join(", ") }]),
      ],
    }),
  );
  const boxes = tables.map((table, index) =>
    h("details", { class: "as-table" }, h("summary", {}, `${views[index].title} as a table`), table.element),
  );
  return {
    element: h("div", {}, ...boxes),
    choose: (chosen) => tables.forEach((table, index) => table.mark(chosen?.view === index ? chosen.node : null)),
  };
}

function chip(letter) {
  const device = deviceOf(letter);
  return h(
    "span",
    { class: "device" },
    h("span", { class: `key d-${device.name}`, "aria-hidden": "true" }, device.mark),
    device.words,
  );
}
