// Who stands for whom in the views: from one view to any other, forwards and back.

export function matcher(views, matches) {
  const steps = matches.map(({ to, near }) => {
    const forwards = to.map((found) => (typeof found === "number" ? [found] : found));
    const weak = new Set(near);
    const back = new Map(),
      backWeak = new Map();
    forwards.forEach((found, node) =>
      found.forEach((other) => {
        const map = weak.has(node) ? backWeak : back;
        map.set(other, [...(map.get(other) ?? []), node]);
      }),
    );
    return { forwards, weak, back, backWeak };
  });

  function step(from, to, nodes) {
    if (to > from) {
      const { forwards, weak } = steps[from];
      const strong = nodes.filter((node) => !weak.has(node));
      const used = strong.length ? strong : nodes;
      return { nodes: unique(used.flatMap((node) => forwards[node] ?? [])), near: !strong.length };
    }
    const { back, backWeak } = steps[to];
    const strong = unique(nodes.flatMap((node) => back.get(node) ?? []));
    return strong.length
      ? { nodes: strong, near: false }
      : { nodes: unique(nodes.flatMap((node) => backWeak.get(node) ?? [])).slice(0, 1), near: true };
  }

  // {nodes, near} in view number `to` for a node of view number `from`.
  return function counterparts(from, to, node) {
    let nodes = [node],
      near = false,
      at = from;
    while (at !== to) {
      const next = at + Math.sign(to - at);
      const found = step(at, next, nodes);
      [nodes, near, at] = [found.nodes, near || found.near, next];
    }
    return { nodes, near: near && nodes.length > 0 };
  };
}

const unique = (items) => [...new Set(items)];
