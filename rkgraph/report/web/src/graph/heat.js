// Heat: measured rounding errors where there are some, else what the compiler says that layers move.
import { number } from "../dom.js";

export function heat(data, views, layers, counterparts) {
  const itself = (from, to, node) => {
    const { nodes, near } = counterparts(from, to, node);
    return near ? [] : nodes;
  };
  const errors = new Map(data.errors.filter(([node]) => node >= 0).map(([node, , loss]) => [node, loss]));
  const last = layers < 0 ? views.length - 1 : layers - 1;
  if (errors.size) {
    const most = Math.max(...errors.values()),
      least = Math.min(...errors.values());
    const scale = (loss) =>
      (Math.log(loss + 1e-12) - Math.log(least + 1e-12)) / (Math.log(most + 1e-12) - Math.log(least + 1e-12) || 1);
    return {
      title: "8-bit error",
      step: (n) => (n === 1 ? "least harmed" : n === 5 ? `most (1 − cosine ${most.toPrecision(2)})` : ""),
      share: (view, node) => {
        const nodes = view === last ? [node] : itself(view, last, node);
        const known = nodes.map((n) => errors.get(n)).filter((loss) => loss !== undefined);
        return known.length ? Math.min(0.999, scale(Math.max(...known))) : null;
      },
    };
  }
  const traffic = data.layers.map((row) => row[7] ?? 0);
  const most = Math.max(0, ...traffic);
  if (layers < 0 || !most) return { title: "", share: () => null, step: () => "" };
  return {
    title: "KB moved",
    step: (n) => (n === 1 ? "little" : n === 5 ? `most (${number(Math.round(most))} KB)` : ""),
    share: (view, node) => {
      const rows = view === layers ? [node] : itself(view, layers, node);
      return rows.length ? Math.min(0.999, Math.sqrt(Math.max(...rows.map((row) => traffic[row])) / most)) : null;
    },
  };
}
