// What the colours and marks mean.
import { h } from "../dom.js";
import { DEVICES } from "../devices.js";

export function legend(mode, views, stepWords) {
  const rows = ({ device: devices, finding: findings }[mode] ?? steps)(views, stepWords);
  return [...rows, h("span", {}, h("span", { class: "dot-cause" }), "has a finding")];
}

const devices = (views) =>
  Object.entries(DEVICES)
    .filter(([letter]) => views.some((view) => view.devices.includes(letter)))
    .map(([, device]) => chip(`d-${device.name}`, device.mark, device.words));

const findings = () => [
  chip("d-cause", "!", "cause"),
  chip("d-induced", "↳", "follows from another finding"),
  chip("d-calm", "", "nothing found"),
];

const steps = (views, words) => [1, 2, 3, 4, 5].map((step) => chip(`d-heat-${step - 1}`, String(step), words(step)));

const chip = (kind, mark, text) =>
  h("span", {}, h("span", { class: `key ${kind}`, "aria-hidden": "true" }, mark), text);
