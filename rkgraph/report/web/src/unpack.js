// The embedded data as the views want it: names in place of rows, and edges from what nodes read and make.

export function unpack(story) {
  // JSON has no infinity: what overflows is written as a word.
  for (const row of story.layers) if (row[9] === "overflow") row[9] = Infinity;
  for (const view of story.views) {
    view.labels = view.labels.map((row) => story.names[row]);
    const maker = new Map(view.outputsOf.flatMap((rows, node) => rows.map((row) => [row, node])));
    maker.delete(-1);
    view.values = view.values.map((name, row) => [
      typeof name === "number" ? story.names[name] : view.labels[maker.get(row)] + name,
      ...view.types[view.typeOf[row]],
    ]);
    view.makers = maker;
    view.edges = view.edges ? pairs(view.edges) : edgesOf(view, maker);
  }
  return story;
}

const pairs = (flat) => Array.from({ length: flat.length / 2 }, (_, i) => [flat[2 * i], flat[2 * i + 1], -1]);

function edgesOf({ inputsOf }, maker) {
  return inputsOf.flatMap((rows, node) =>
    [...new Set(rows)].flatMap((row) => (maker.has(row) ? [[maker.get(row), node, row]] : [])),
  );
}
