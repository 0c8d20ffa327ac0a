// How items are coloured: by device, by what was found there, or by what they cost; always with a mark besides.
import { DEVICES, deviceOf, worst } from "../devices.js";

export function palette() {
  const style = getComputedStyle(document.documentElement);
  const read = (name) => style.getPropertyValue(`--${name}`).trim();
  const devices = Object.fromEntries(Object.entries(DEVICES).map(([letter, { name }]) => [letter, read(name)]));
  const names = [
    "page",
    "sheet",
    "ink",
    "soft",
    "line",
    "tint",
    "accent",
    "cause",
    "induced",
    "calm",
    "edge",
    "heat-0",
    "heat-1",
    "heat-2",
    "heat-3",
    "heat-4",
  ];
  return { devices, ...Object.fromEntries(names.map((name) => [name, read(name)])) };
}

/** mode: "device", "finding", or a kind of heat. Returns (item) → {fill, mark}. */
export function colouring(mode, graph, colours, findings, heat) {
  if (mode === "finding") {
    return (item) => {
      const found = findings(item);
      if (found.causes) return { fill: colours.cause, mark: "!" };
      if (found.induced) return { fill: colours.induced, mark: "↳" };
      return { fill: colours.calm, mark: "" };
    };
  }
  if (mode === "device") {
    return (item) => {
      const letter = graph.isBox(item) ? worst(graph.box(item).counts) : (graph.devices[item] ?? "u");
      return { fill: colours.devices[letter], mark: deviceOf(letter).mark };
    };
  }
  return (item) => {
    const share = heat(item);
    if (share === null) return { fill: colours.calm, mark: "" };
    const step = Math.min(4, Math.floor(share * 5));
    return { fill: colours[`heat-${step}`], mark: String(step + 1) };
  };
}
