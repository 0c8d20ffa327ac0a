// Findings by node, how many of them are below a box, and the words by which a node is found.
import { deviceOf } from "../devices.js";

/** All that a search looks at: name, operator, device, and codes of findings. */
export function searchable(view, found, node) {
  const codes = (found.get(node) ?? []).map((row) => row[1]);
  const operator = view.operators[view.operator[node]];
  return [view.labels[node], operator, deviceOf(view.devices[node]).words, ...codes].join(" ").toLowerCase();
}

export function byNode(rows) {
  const found = new Map();
  for (const row of rows) found.set(row[0], [...(found.get(row[0]) ?? []), row]);
  return found;
}

/** {causes, induced} of an item; notes do not count. */
export function counter(found) {
  const known = new Map();
  return function counted(graph, item) {
    if (known.has(item)) return known.get(item);
    const total = { causes: 0, induced: 0 };
    const walk = (child) => (graph.isBox(child) ? graph.box(child).children.forEach(walk) : add(child));
    const add = (node) => {
      for (const row of found.get(node) ?? []) if (row[2] !== "note") total[row[3] ? "causes" : "induced"] += 1;
    };
    walk(item);
    known.set(item, total);
    return total;
  };
}
