// Where an arrow key leads: down and up along the edges, sideways to the neighbour; into and out of boxes where there is
// no edge.

export function nextItem(graph, layout, lines, cursor, key) {
  const items = [...layout.placed.keys()].filter((item) => item !== graph.root);
  if (!items.length) return null;
  if (cursor === null || !layout.placed.has(cursor)) return items[0];
  if (key === "ArrowDown" || key === "ArrowUp") {
    const [mine, other] = key === "ArrowDown" ? ["from", "to"] : ["to", "from"];
    const along = lines.filter((line) => line[mine] === cursor).map((line) => line[other]);
    if (along.length) return along.sort((a, b) => graph.firstLeaf(a) - graph.firstLeaf(b))[0];
    if (key === "ArrowDown" && graph.isBox(cursor) && graph.box(cursor).open)
      return graph.box(cursor).children.find((c) => layout.placed.has(c)) ?? null;
    const up = graph.holder(cursor);
    if (key === "ArrowUp") return up === graph.root ? null : up;
  }
  const siblings = graph.box(graph.holder(cursor)).children.filter((item) => layout.placed.has(item));
  const step = key === "ArrowRight" || key === "ArrowDown" ? 1 : -1;
  return siblings[siblings.indexOf(cursor) + step] ?? null;
}
