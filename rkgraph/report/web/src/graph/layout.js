// Where things lie: each open box is laid out by itself (dagre), inner boxes first, and kept until something in it opens
// or closes. No box holds many things, so this stays quick for any graph.
import dagre from "@dagrejs/dagre";

const PAD = 14;
const HEAD = 26;
const measure = document.createElement("canvas").getContext("2d");
measure.font = "600 12px system-ui, sans-serif";

export class Layout {
  constructor(graph) {
    this.graph = graph;
    this.kept = new Map();
    this.update();
  }

  // Computes `placed`: item → {x, y, w, h} (corner, in the graph's own units), outermost first, and `routes`.
  update() {
    this.placed = new Map();
    this.routes = [];
    const root = this.#sizeOf(this.graph.root);
    this.width = root.w;
    this.height = root.h;
    this.#place(this.graph.root, 0, 0);
  }

  #sizeOf(item) {
    const { graph } = this;
    if (!graph.isBox(item))
      return { w: Math.max(72, Math.ceil(measure.measureText(graph.title(item)).width) + 38), h: 28 };
    const box = graph.box(item);
    if (!box.open)
      return { w: Math.min(320, Math.max(120, Math.ceil(measure.measureText(graph.title(item)).width) + 50)), h: 46 };
    return this.#inside(item);
  }

  #inside(item) {
    const box = this.graph.box(item);
    const children = box.children.filter((child) => !this.graph.hidden.has(child));
    const sizes = children.map((child) => this.#sizeOf(child));
    const key = children.map((child, index) => `${child}:${sizes[index].w}x${sizes[index].h}`).join();
    const known = this.kept.get(item);
    if (known?.key === key) return known;
    const made = { key, ...arrange(children, sizes, box.edges, item === this.graph.root ? 0 : HEAD) };
    this.kept.set(item, made);
    return made;
  }

  #place(item, x, y) {
    const { w, h } = this.#sizeOf(item);
    this.placed.set(item, { x, y, w, h });
    if (!this.graph.isBox(item) || !this.graph.box(item).open) return;
    const inner = this.kept.get(item);
    for (const [child, at] of inner.at) this.#place(child, x + at.x, y + at.y);
    for (const route of inner.routes) {
      this.routes.push({ from: route.from, to: route.to, points: route.points.map((p) => [x + p.x, y + p.y]) });
    }
  }
}

function arrange(children, sizes, edges, head) {
  const known = new Map(children.map((child, index) => [child, index]));
  const pairs = [...edges.keys()]
    .map((key) => [known.get(Math.floor(key / 2 ** 22)), known.get(key % 2 ** 22)])
    .filter(([a, b]) => a !== undefined && b !== undefined);
  // The layers of a model are mostly alike: what has the same sizes and edges lies the same way.
  const shape = `${head}|${sizes.map((size) => `${size.w}x${size.h}`).join()}|${pairs.join(";")}`;
  if (!shapes.has(shape)) shapes.set(shape, measured(sizes, pairs, head));
  const { at, routes, w, h } = shapes.get(shape);
  return {
    at: new Map(children.map((child, index) => [child, at[index]])),
    routes: routes.map((route) => ({ from: children[route.from], to: children[route.to], points: route.points })),
    w,
    h,
  };
}

const shapes = new Map();

function measured(sizes, pairs, head) {
  const found = pairs.length ? layered(sizes, pairs) : stacked(sizes);
  const left = Math.min(0, ...found.routes.flatMap((route) => route.points.map((p) => p.x)));
  for (const at of found.at) {
    at.x += PAD - left;
    at.y += PAD + head;
  }
  for (const route of found.routes)
    for (const p of route.points) {
      p.x += PAD - left;
      p.y += PAD + head;
    }
  return {
    at: found.at,
    routes: found.routes,
    w: Math.max(100, found.w - left + 2 * PAD),
    h: found.h + 2 * PAD + head,
  };
}

function layered(sizes, pairs) {
  const graph = new dagre.graphlib.Graph();
  graph.setGraph({
    rankdir: "TB",
    nodesep: 18,
    ranksep: 26,
    edgesep: 8,
    ranker: sizes.length > 60 ? "longest-path" : "network-simplex",
  });
  graph.setDefaultEdgeLabel(() => ({}));
  sizes.forEach((size, index) => graph.setNode(String(index), { width: size.w, height: size.h }));
  for (const [a, b] of pairs) graph.setEdge(String(a), String(b));
  dagre.layout(graph);
  const at = sizes.map((size, index) => {
    const { x, y } = graph.node(String(index));
    return { x: x - size.w / 2, y: y - size.h / 2 };
  });
  const routes = pairs.map(([from, to]) => ({
    from,
    to,
    points: graph.edge(String(from), String(to)).points.map((p) => ({ ...p })),
  }));
  return { at, routes, w: graph.graph().width, h: graph.graph().height };
}

// Things that nothing joins stand in rows.
function stacked(sizes) {
  const wide = Math.max(260, Math.sqrt(sizes.reduce((sum, size) => sum + size.w * size.h, 0)) * 1.6);
  const at = [];
  let x = 0,
    y = 0,
    high = 0,
    w = 0;
  sizes.forEach((size) => {
    if (x && x + size.w > wide) [x, y, high] = [0, y + high + 12, 0];
    at.push({ x, y });
    x += size.w + 12;
    high = Math.max(high, size.h);
    w = Math.max(w, x - 12);
  });
  return { at, routes: [], w, h: y + high };
}
