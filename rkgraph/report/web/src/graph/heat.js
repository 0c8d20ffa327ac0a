// Heat: what was measured of each node or layer, as shares of the worst. A graph has as many kinds of it as were measured.
import { number } from "../dom.js";

/** Kinds of heat: [{key, title, share(view, node) → 0..1 or null, step(1..5) → words}]; none where nothing is known. */
export function heats(data, views, layers, counterparts) {
  const itself = (from, to, node) => {
    if (from === to) return [node];
    const { nodes, near } = counterparts(from, to, node);
    return near ? [] : nodes;
  };
  const known = (to, values) => (view, node) =>
    itself(view, to, node)
      .map((each) => values[each])
      .filter((value) => value !== undefined && value !== null);
  const last = layers < 0 ? views.length - 1 : layers - 1;
  return [layerErrors(data, layers, known), harms(data, last, known), traffic(data, layers, known)].filter(Boolean);
}

// Errors of storage, on a scale of digits: from a rounding of fp16 to all that there is.
function layerErrors(data, layers, known) {
  const errors = data.layers.map((row) => row[9]);
  if (layers < 0 || !errors.some((error) => typeof error === "number")) return null;
  const of = known(layers, errors);
  return {
    key: "error",
    title: "Error by layer",
    share: (view, node) => highest(of(view, node), errorShare),
    step: (n) => ["below 0.1 %", "0.1 to 0.5 %", "0.5 to 2.5 %", "2.5 to 12 %", "above 12 %"][n - 1],
  };
}

/** 0 at 0.02 % and below, 1 at 60 % and above; straight in the digits in between, five times as much a step. */
export const errorShare = (error) =>
  Math.min(0.999, Math.max(0, Math.log(error / 0.0002) / Math.log(5) / 5));

function harms(data, last, known) {
  const rows = data.errors.filter(([node]) => node >= 0);
  if (!rows.length) return null;
  const losses = rows.map(([, , loss]) => Math.log(loss + 1e-12));
  const most = Math.max(...losses),
    least = Math.min(...losses);
  const of = known(last, Object.fromEntries(rows.map(([node, , loss]) => [node, loss])));
  return {
    key: "harm",
    title: "Harm of 8 bits",
    share: (view, node) =>
      highest(of(view, node), (loss) => Math.min(0.999, (Math.log(loss + 1e-12) - least) / (most - least || 1))),
    step: (n) => (n === 1 ? "least harmed" : n === 5 ? `most (1 − cosine ${Math.exp(most).toPrecision(2)})` : ""),
  };
}

function traffic(data, layers, known) {
  const moved = data.layers.map((row) => row[7] ?? 0);
  const most = Math.max(0, ...moved);
  if (layers < 0 || !most) return null;
  const of = known(layers, moved);
  return {
    key: "heat",
    title: "KB moved",
    share: (view, node) => highest(of(view, node), (kb) => Math.min(0.999, Math.sqrt(kb / most))),
    step: (n) => (n === 1 ? "little" : n === 5 ? `most (${number(Math.round(most))} KB)` : ""),
  };
}

const highest = (values, share) => (values.length ? share(Math.max(...values)) : null);
