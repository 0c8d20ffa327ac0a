// A view's graph: nodes and boxes as items (node i is item i, box b is item n + b), who holds whom, and edges.

const MOST_OPEN_AT_FIRST = 48;

export class Graph {
  constructor(view) {
    this.view = view;
    this.n = view.labels.length;
    this.boxes = [];
    this.parent = new Int32Array(this.n).fill(-1);
    this.boxParent = [];
    this.root = this.#box(view.tree, -1, 0);
    this.edges = view.hasEdges ? view.edges : [];
    if (!view.hasEdges) for (let i = 1; i < this.n; i++) this.edges.push([i - 1, i, -1]);
    this.#link();
    this.recolour(view.devices);
    this.hide(this.constants());
    this.#openAtFirst();
  }

  #box([name, kind, children], parent, depth) {
    const box = {
      name,
      kind,
      depth,
      children: [],
      open: parent < 0,
      leaves: 0,
      first: 0,
      edges: new Map(),
      counts: {},
    };
    const id = this.n + this.boxes.length;
    this.boxes.push(box);
    this.boxParent.push(parent);
    for (const child of children) {
      if (typeof child === "number") {
        this.parent[child] = id;
        box.children.push(child);
        box.leaves += 1;
      } else {
        const inner = this.#box(child, id, depth + 1);
        box.children.push(inner);
        box.leaves += this.box(inner).leaves;
      }
    }
    box.first = box.children.length ? this.firstLeaf(box.children[0]) : 0;
    return id;
  }

  isBox = (item) => item >= this.n;
  box = (item) => this.boxes[item - this.n];
  holder = (item) => (item < this.n ? this.parent[item] : this.boxParent[item - this.n]);
  firstLeaf = (item) => (item < this.n ? item : this.box(item).first);

  // Every edge belongs to the innermost box that holds both ends, as a pair of that box's children.
  #link() {
    this.readers = Array.from({ length: this.n }, () => []);
    this.sources = Array.from({ length: this.n }, () => []);
    for (const [from, to, value] of this.edges) {
      if (this.view.hasEdges) {
        this.readers[from].push([to, value]);
        this.sources[to].push([from, value]);
      }
      let a = from,
        b = to;
      while (this.holder(a) !== this.holder(b)) {
        if (this.#depth(a) >= this.#depth(b)) a = this.holder(a);
        else b = this.holder(b);
      }
      if (a === b) continue;
      const edges = this.box(this.holder(a)).edges;
      const key = a * 2 ** 22 + b;
      edges.set(key, (edges.get(key) ?? 0) + 1);
    }
  }

  #depth = (item) => (this.isBox(item) ? this.box(item).depth : this.box(this.holder(item)).depth + 1);

  recolour(devices) {
    this.devices = devices;
    for (const box of this.boxes) box.counts = {};
    for (let node = 0; node < this.n; node++) {
      const letter = devices[node] ?? "u";
      for (let item = this.parent[node]; item >= 0; item = this.holder(item)) {
        const counts = this.box(item).counts;
        counts[letter] = (counts[letter] ?? 0) + 1;
      }
    }
  }

  // Boxes open from the top, large ones first, as long as not too much is shown. Equal blocks stay closed, for one tells
  // of all; what holds most of the graph is opened in any case, for a picture of one box tells nothing.
  #openAtFirst() {
    let shown = this.#drawn(this.root);
    const waiting = [this.root];
    while (waiting.length) {
      const inner = this.box(waiting.shift()).children.filter((child) => this.isBox(child) && !this.hidden.has(child));
      for (const child of inner.sort((a, b) => this.box(b).leaves - this.box(a).leaves)) {
        const box = this.box(child);
        const most = box.leaves > this.n / 2;
        const more = this.#drawn(child) - 1;
        if (!most && (box.kind === "repeat" || shown + more > MOST_OPEN_AT_FIRST)) continue;
        box.open = true;
        shown += more;
        waiting.push(child);
      }
    }
  }

  #drawn = (item) => this.box(item).children.filter((child) => !this.hidden.has(child)).length;

  // The item that stands for a node now: itself, or the outermost closed box around it.
  shownFor(item) {
    let found = item;
    for (let up = this.holder(item); up >= 0; up = this.holder(up)) if (!this.box(up).open) found = up;
    return found;
  }

  reveal(item) {
    let changed = false;
    for (let up = this.holder(item); up >= 0; up = this.holder(up)) {
      changed ||= !this.box(up).open;
      this.box(up).open = true;
    }
    return changed;
  }

  // Constants, and what is computed of them alone before anything runs.
  constants() {
    const { operators, operator, devices } = this.view;
    const constant = (row, node) =>
      operators[row] === "Constant" || (devices[node] === "f" && !this.sources[node].length);
    return new Set(operator.flatMap((row, node) => (constant(row, node) ? [node] : [])));
  }

  folded = () => new Set([...this.devices].flatMap((letter, node) => (letter === "f" ? [node] : [])));

  // Nodes that are not drawn, and the boxes that hold nothing else.
  hide(nodes) {
    this.hidden = new Set(nodes);
    for (let b = this.boxes.length - 1; b > 0; b--) {
      if (this.boxes[b].children.every((child) => this.hidden.has(child))) this.hidden.add(this.n + b);
    }
  }

  setAll(open) {
    for (const box of this.boxes) box.open = open;
    this.box(this.root).open = true;
  }

  scopeOf(node) {
    const names = [];
    for (let up = this.parent[node]; up >= 0; up = this.holder(up))
      if (this.box(up).name) names.unshift(this.box(up).name);
    return names;
  }

  title(item) {
    if (!this.isBox(item)) return this.view.operators[this.view.operator[item]];
    return this.box(item).name || "graph";
  }
}
