// The layer table, with bars, and its plots.
import { h, number, percent } from "./dom.js";
import { errorShare } from "./graph/heat.js";
import { dataTable } from "./table.js";
import { layerPlots, memoryPlot } from "./plots.js";

export function startLayers(panel, data, choose) {
  const place = panel.querySelector(".layers-place");
  const view = data.views.findLast((each) => each.key !== "compiled");
  let done = false;
  panel.addEventListener("shown", () => {
    if (done) return;
    done = true;
    const plots = h("div", { class: "plots" });
    place.append(plots);
    layerPlots(plots, data.layers);
    if (view?.hasEdges) memoryPlot(plots, view);
    for (const figure of plots.children) figure.fit(); // who prints sees no other frame than the first
    if (data.layers.length) place.append(layerTable(data.layers, choose));
  });
}

function layerTable(layers, choose) {
  const most = (column) => Math.max(1, ...layers.map((row) => row[column] ?? 0));
  const tops = { 5: most(5), 6: most(6), 7: most(7) };
  const tone = (row) => (row[2] === "CPU" ? "cpu" : "npu");
  const measured = (title, column) => ({
    title,
    value: (row) => row[column] ?? 0,
    show: (row) => (row[column] ? number(row[column]) : ""),
    numeric: true,
    bar: (row) => (row[column] ?? 0) / tops[column],
    tone,
  });
  const error = {
    title: "Error",
    value: (row) => row[9] ?? -1,
    show: (row) => (typeof row[9] === "number" ? percent(row[9]) : ""),
    numeric: true,
    bar: (row) => (typeof row[9] === "number" ? errorShare(row[9]) : 0),
    tone: (row) => `heat-${Math.floor(5 * errorShare(row[9]))}`,
  };
  return dataTable({
    label: "Layers, as the compiler scheduled them",
    rows: layers,
    text: (row) => row.join(" ").toLowerCase(),
    onRow: choose,
    columns: [
      { title: "#", value: (row) => row[0], numeric: true },
      {
        title: "Layer",
        value: (row) => row[1],
        show: (row) => h("span", {}, h("b", {}, row[1]), " ", h("span", { class: "name soft" }, row[8])),
      },
      {
        title: "On",
        value: (row) => row[2],
        show: (row) =>
          h(
            "span",
            { class: "device" },
            h("span", { class: `key d-${tone(row)}`, "aria-hidden": "true" }, row[2]?.[0] ?? "?"),
            row[2],
          ),
      },
      { title: "Type", value: (row) => row[3] ?? "" },
      { title: "Output", value: (row) => row[4] ?? "" },
      measured("NPU cycles", 5),
      ...(layers.some((row) => row[6]) ? [measured("DDR cycles", 6)] : []),
      measured("KB moved", 7),
      ...(layers.some((row) => typeof row[9] === "number") ? [error] : []),
    ],
  }).element;
}
