// Draws what is visible of a layout on a canvas.
import { short } from "../dom.js";
import { WORST_FIRST } from "../devices.js";

const FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, sans-serif";

/** scene: {graph, layout, colours, colour(item), chosen, near, cursor, matches|null, findings(item)} */
export function draw(context, scene, transform, width, height) {
  const { layout, graph, colours } = scene;
  const { k, x, y } = transform;
  context.save();
  context.clearRect(0, 0, width, height);
  context.translate(x, y);
  context.scale(k, k);
  const seen = { left: -x / k, top: -y / k, right: (width - x) / k, bottom: (height - y) / k };
  const inside = (r) => r.x < seen.right && r.x + r.w > seen.left && r.y < seen.bottom && r.y + r.h > seen.top;
  const detailed = k > 0.28;
  const items = [...layout.placed].filter(([item, r]) => item !== graph.root && inside(r));
  for (const [item, r] of items) if (graph.isBox(item) && graph.box(item).open) openBox(context, scene, item, r, k);
  drawEdges(context, scene, seen, k);
  for (const [item, r] of items) {
    if (graph.isBox(item)) {
      if (!graph.box(item).open) closedBox(context, scene, item, r, detailed);
    } else node(context, scene, item, r, detailed);
  }
  for (const [item, r] of items) outline(context, scene, item, r, k, colours);
  context.restore();
}

const dimmed = (scene, item) => scene.matches !== null && !scene.matches(item);

function openBox(context, { graph, colours }, item, r, k) {
  context.fillStyle = graph.box(item).depth % 2 ? colours.tint : colours.sheet;
  context.strokeStyle = colours.line;
  context.lineWidth = Math.min(2, 1 / k);
  rounded(context, r, 10);
  context.fill();
  context.stroke();
  if (k < 0.22) return;
  context.fillStyle = colours.soft;
  context.font = `500 12px ${FONT}`;
  context.textAlign = "left";
  context.textBaseline = "middle";
  context.fillText("−", r.x + 10, r.y + 15);
  context.fillText(short(graph.title(item), Math.max(6, Math.floor(r.w / 7) - 4)), r.x + 24, r.y + 15);
}

function closedBox(context, scene, item, r, detailed) {
  const { graph, colours } = scene;
  const box = graph.box(item);
  context.globalAlpha = dimmed(scene, item) ? 0.25 : 1;
  if (box.kind === "repeat") {
    for (const shift of [6, 3]) {
      context.fillStyle = colours.sheet;
      context.strokeStyle = colours.soft;
      rounded(context, { ...r, x: r.x + shift, y: r.y + shift }, 8);
      context.fill();
      context.stroke();
    }
  }
  context.fillStyle = colours.sheet;
  context.strokeStyle = colours.soft;
  context.lineWidth = 1.2;
  rounded(context, r, 8);
  context.fill();
  context.stroke();
  const parts = WORST_FIRST.split("").filter((letter) => box.counts[letter]);
  let x = r.x + 6;
  for (const letter of parts) {
    const w = ((r.w - 12) * box.counts[letter]) / box.leaves;
    context.fillStyle = scene.mode === "device" ? colours.devices[letter] : scene.colour(item).fill;
    context.fillRect(x, r.y + r.h - 10, w, 5);
    x += w;
  }
  if (detailed) {
    context.fillStyle = colours.ink;
    context.font = `600 12px ${FONT}`;
    context.textAlign = "left";
    context.textBaseline = "middle";
    context.fillText(`+ ${short(graph.title(item), Math.floor(r.w / 7) - 2)}`, r.x + 9, r.y + 14);
    context.fillStyle = colours.soft;
    context.font = `11px ${FONT}`;
    const away = parts
      .filter((letter) => "xuc".includes(letter))
      .map((letter) => `${box.counts[letter]} ${{ x: "✕", u: "?", c: "C" }[letter]}`);
    context.fillText([`${box.leaves} nodes`, ...away].join(" · "), r.x + 9, r.y + 28);
  }
  context.globalAlpha = 1;
}

function node(context, scene, item, r, detailed) {
  const { graph, colours } = scene;
  const { fill, mark } = scene.colour(item);
  context.globalAlpha = dimmed(scene, item) ? 0.25 : 1;
  context.fillStyle = colours.sheet;
  rounded(context, r, 6);
  context.fill();
  context.strokeStyle = fill;
  context.lineWidth = 1.5;
  context.stroke();
  context.fillStyle = fill;
  rounded(context, { x: r.x, y: r.y, w: detailed ? 22 : r.w, h: r.h }, 6);
  context.fill();
  if (detailed) {
    context.textBaseline = "middle";
    context.textAlign = "center";
    context.fillStyle = "#10151d";
    context.font = `700 12px ${FONT}`;
    context.fillText(mark, r.x + 11, r.y + r.h / 2 + 0.5);
    context.fillStyle = colours.ink;
    context.textAlign = "left";
    context.font = `600 12px ${FONT}`;
    context.fillText(graph.title(item), r.x + 29, r.y + r.h / 2 + 0.5);
  }
  const found = scene.findings(item);
  if (found.causes || found.induced) {
    context.beginPath();
    context.arc(r.x + r.w - 2, r.y + 2, 5, 0, 7);
    context.fillStyle = found.causes ? colours.cause : colours.sheet;
    context.strokeStyle = colours.cause;
    context.lineWidth = 1.5;
    context.fill();
    context.stroke();
  }
  context.globalAlpha = 1;
}

function drawEdges(context, scene, seen, k) {
  const { layout, graph, colours } = scene;
  context.lineWidth = Math.min(1.6, 1.1 / Math.max(k, 0.5));
  context.lineJoin = "round";
  if (!graph.view.hasEdges) return;
  const bold = [];
  const path = (route) => {
    const points = route.points;
    context.moveTo(...points[0]);
    for (let i = 1; i < points.length - 1; i++) {
      const [ax, ay] = points[i],
        [bx, by] = points[i + 1];
      const last = i === points.length - 2;
      context.quadraticCurveTo(ax, ay, last ? bx : (ax + bx) / 2, last ? by : (ay + by) / 2);
    }
    if (points.length === 2) context.lineTo(...points[1]);
  };
  context.strokeStyle = colours.edge;
  context.beginPath();
  for (const route of scene.lines) {
    if (route.bottom < seen.top || route.top > seen.bottom || route.right < seen.left || route.left > seen.right)
      continue;
    if (scene.chosen.has(route.from) || scene.chosen.has(route.to)) bold.push(route);
    else path(route);
  }
  context.globalAlpha = scene.matches === null ? 0.75 : 0.3;
  context.stroke();
  context.globalAlpha = 1;
  context.strokeStyle = colours.accent;
  context.lineWidth = 2.2;
  context.beginPath();
  bold.forEach(path);
  context.stroke();
  if (k <= 0.28) return;
  for (const { points } of bold) arrow(context, points.at(-2), points.at(-1), colours.accent);
  for (const { points, top, bottom } of scene.lines) {
    if (top < seen.bottom && bottom > seen.top) arrow(context, points.at(-2), points.at(-1), colours.edge);
  }
}

function arrow(context, [ax, ay], [bx, by], colour) {
  const angle = Math.atan2(by - ay, bx - ax);
  context.save();
  context.translate(bx, by);
  context.rotate(angle);
  context.beginPath();
  context.moveTo(0, 0);
  context.lineTo(-6, 3);
  context.lineTo(-6, -3);
  context.closePath();
  context.fillStyle = colour;
  context.fill();
  context.restore();
}

function outline(context, scene, item, r, k, colours) {
  const chosen = scene.chosen.has(item);
  if (!chosen && scene.cursor !== item) return;
  context.strokeStyle = colours.accent;
  context.lineWidth = Math.max(chosen ? 3 : 2, 2 / k);
  context.setLineDash(chosen && !scene.near ? [] : [6, 4]);
  rounded(context, { x: r.x - 4, y: r.y - 4, w: r.w + 8, h: r.h + 8 }, 9);
  context.stroke();
  context.setLineDash([]);
}

function rounded(context, { x, y, w, h }, radius) {
  context.beginPath();
  context.roundRect(x, y, w, h, Math.min(radius, w / 2, h / 2));
}

/** The lines of a layout: dagre's routes inside a box, and curves between what lies in different boxes. */
export function linesOf(graph, layout) {
  const direct = new Map(layout.routes.map((route) => [`${route.from},${route.to}`, route]));
  const found = new Map();
  for (const [from, to] of graph.edges) {
    if (graph.hidden.has(from) || graph.hidden.has(to)) continue;
    const a = graph.shownFor(from),
      b = graph.shownFor(to);
    const key = `${a},${b}`;
    if (a === b || found.has(key)) continue;
    const points = direct.get(key)?.points ?? curve(layout.placed.get(a), layout.placed.get(b));
    if (!points) continue;
    const xs = points.map((p) => p[0]),
      ys = points.map((p) => p[1]);
    found.set(key, {
      from: a,
      to: b,
      points,
      left: Math.min(...xs),
      right: Math.max(...xs),
      top: Math.min(...ys),
      bottom: Math.max(...ys),
    });
  }
  return [...found.values()];
}

function curve(a, b) {
  if (!a || !b) return null;
  const start = [a.x + a.w / 2, a.y + a.h],
    end = [b.x + b.w / 2, b.y];
  const bend = Math.min(60, Math.abs(end[1] - start[1]) / 3);
  return [start, [start[0], start[1] + bend], [end[0], end[1] - bend], end];
}
