// The panel beside the graph: all that is known of the chosen node.
import { h, number, percent, short } from "../dom.js";
import { deviceOf } from "../devices.js";

/** facts of a node → elements. `go(view, node)` chooses another node. */
export function details(view, node, { findings, counterparts, layer, go, goFinding }) {
  const device = deviceOf(view.devices[node]);
  const parts = [
    h("h3", {}, view.operators[view.operator[node]]),
    h("p", { class: "name" }, view.labels[node]),
    h("p", {}, deviceChip(device, view.key === "compiled" ? "" : "predicted: "), real(view, node)),
  ];
  const added = view.added?.[node],
    removed = view.removed?.[node];
  if (added) parts.push(h("p", { class: "soft" }, `Written by ${added[0]}: ${added[1]}`));
  if (removed) parts.push(h("p", { class: "soft" }, `Taken out by ${removed[0]}: ${removed[1]}`));
  if (layer) parts.push(facts(layerFacts(layer)));
  if (findings.length) {
    parts.push(
      h("h4", {}, "Findings"),
      h("ul", { class: "found" }, ...findings.slice(0, 20).map((row) => finding(row, goFinding))),
    );
  }
  parts.push(...values("Inputs", view, view.inputsOf[node] ?? [], (value) => view.makers.get(value), go));
  parts.push(...values("Outputs", view, view.outputsOf[node] ?? [], () => undefined, go));
  const attributes = Object.entries(view.attributes?.[node] ?? {});
  if (attributes.length) {
    parts.push(
      h("h4", {}, "Attributes"),
      facts(
        attributes.map(([name, value]) => [
          name,
          short(Array.isArray(value) ? `[${value.join(", ")}]` : String(value), 160),
        ]),
      ),
    );
  }
  if (counterparts.length) {
    parts.push(
      h("h4", {}, "In the other views"),
      h(
        "ul",
        { class: "links" },
        ...counterparts.map(({ title, key, nodes, near, label }) =>
          h(
            "li",
            {},
            h("span", { class: "soft" }, `${title}: `),
            nodes.length ? link(label, () => go(key, nodes[0])) : "not there",
            near ? h("span", { class: "soft" }, " (nearest; it has no counterpart)") : null,
          ),
        ),
      ),
    );
  }
  return parts;
}

const deviceChip = (device, before) =>
  h("span", { class: `chip on-${device.name}` }, `${before}${device.mark} ${device.words}`);

function real(view, node) {
  const letter = view.real?.[node];
  return letter && letter !== " " ? deviceChip(deviceOf(letter), " compiled: ") : null;
}

const link = (text, act) => h("button", { type: "button", class: "link", onclick: act }, text);
const facts = (rows) =>
  h("dl", { class: "facts small" }, ...rows.flatMap(([name, value]) => [h("dt", {}, name), h("dd", {}, value)]));

function layerFacts([id, , target, dtype, shape, npu, ddr, kb, , error]) {
  const rows = [
    ["Layer", `#${id}, ${target}`],
    ["Type", dtype],
    ["Output", shape],
    ["NPU cycles", npu ? number(npu) : null],
    ["DDR cycles", ddr ? number(ddr) : null],
    ["Error", typeof error === "number" ? percent(error) : null],
    ["Read + write", kb ? `${number(kb)} KB` : null],
  ];
  return rows.filter(([, value]) => value);
}

function finding([, code, severity, cause, message, fingerprint], goFinding) {
  return h(
    "li",
    {},
    h("span", { class: `chip ${{ error: "bad", warning: "warn" }[severity] ?? "dull"}` }, severity),
    " ",
    link(code, () => goFinding(code)),
    cause ? " cause" : " induced",
    h("div", {}, message),
    h("code", { class: "soft" }, fingerprint),
  );
}

function values(title, view, rows, leads, go) {
  const known = rows.filter((row) => row >= 0 && view.values[row]);
  if (!known.length) return [];
  return [
    h("h4", {}, title),
    h(
      "ul",
      { class: "links" },
      ...known.slice(0, 24).map((row) => {
        const [name, dtype, shape, constant] = view.values[row];
        const from = leads(row);
        const about = [
          constant ? "constant" : null,
          dtype ?? "?",
          shape ? `[${shape.map((d) => d ?? "?").join(" × ")}]` : null,
        ]
          .filter(Boolean)
          .join(" ");
        return h(
          "li",
          {},
          from === undefined ? h("span", { class: "name" }, name) : link(name, () => go(view.key, from)),
          h("div", { class: "soft" }, about),
        );
      }),
    ),
  ];
}
