// Plots over the schedule: cycles and traffic of layers, and the memory that live activations take.
import uPlot from "uplot";
import { h, number, percent } from "./dom.js";
import { onTheme } from "./theme.js";

const BYTES = {
  float64: 2,
  float32: 2,
  float16: 2,
  bfloat16: 2,
  int64: 8,
  uint64: 8,
  int32: 4,
  uint32: 4,
  int16: 2,
  uint16: 2,
};
const HEIGHT = 190;

export function layerPlots(place, layers) {
  const names = layers.map((row) => `#${row[0]} ${row[1]} ${row[8]}`);
  const cycles = layers.map((row) => row[5] || null),
    traffic = layers.map((row) => row[7] || null);
  const bars = { bars: true };
  if (cycles.some(Boolean)) plot(place, "NPU cycles by layer", names, cycles, "npu", number, bars);
  if (traffic.some(Boolean))
    plot(place, "KB read and written by layer", names, traffic, "host", (v) => `${number(v)} KB`, bars);
  errorPlot(place, names, layers);
}

// In digits: what matters is where the error jumps, and from where on it is no longer a rounding.
function errorPlot(place, names, layers) {
  const errors = layers.map((row) => (row[9] > 0 ? Math.min(row[9], 10) : null));
  if (!errors.some(Boolean)) return;
  const figure = plot(place, "Error of each layer's result", names, errors, "no-kernel", percent, { log: true });
  figure.append(
    h(
      "p",
      { class: "soft" },
      "‖stored − exact‖ / ‖exact‖, in ONNX Runtime beside a copy that stores as the build does. Errors add up on the way: where they jump, the layer is the cause.",
    ),
  );
}

export function memoryPlot(place, view) {
  const live = liveBytes(view);
  const most = Math.max(0, ...live);
  if (!most) return;
  const at = live.indexOf(most);
  const figure = plot(
    place,
    `Memory of live activations, by node: at most ${(most / 2 ** 20).toFixed(1)} MB at ${view.labels[at]}`,
    view.labels,
    live.map((v) => v / 2 ** 20),
    "unknown",
    (v) => `${v.toFixed(2)} MB`,
  );
  figure.append(
    h(
      "p",
      { class: "soft" },
      "Estimated from the shapes, in the order of the file, floats in 2 bytes; folded nodes and weights are left out. Compilers reuse and tile, so theirs is less.",
    ),
  );
}

// What has been computed and is still to be read, after each node; 0 where shapes are not known.
export function liveBytes(view) {
  const last = new Map();
  view.inputsOf.forEach((rows, node) => rows.forEach((row) => last.set(row, node)));
  view.graphOutputs.forEach((row) => last.set(row, view.labels.length));
  const size = (row) => {
    const [, dtype, shape, constant] = view.values[row] ?? [];
    if (constant || !shape || shape.some((d) => typeof d !== "number")) return 0;
    return shape.reduce((a, b) => a * b, BYTES[dtype] ?? 1);
  };
  let now = view.graphInputs.reduce((sum, row) => sum + size(row), 0);
  return view.labels.map((_, node) => {
    if (view.devices[node] === "f") return now;
    for (const row of view.outputsOf[node]) if (row >= 0 && last.has(row)) now += size(row);
    const peak = now;
    for (const row of new Set(view.inputsOf[node]))
      if (row >= 0 && last.get(row) === node) now = Math.max(0, now - size(row));
    return peak;
  });
}

const rounded = (v) => (v >= 1e6 ? `${v / 1e6} M` : v >= 1e3 ? `${v / 1e3} k` : v);
const decade = (v) => (v !== null && Math.abs(Math.log10(v) % 1) < 1e-6 ? percent(v) : "");
const decades = (_, low, high) => [10 ** Math.floor(Math.log10(low)), 10 ** Math.ceil(Math.log10(high) + 1e-9)];

/** `bars` or a line; `log`: tens are as far apart as hundreds, and points are told in percent. */
function plot(place, title, names, ys, tone, words, { bars = false, log = false } = {}) {
  const figure = h("figure", { class: "plot", role: "img", "aria-label": `${title}; the numbers are in the table` });
  place.append(figure);
  const told = h("figcaption", {}, h("b", {}, title), " ", h("span", { class: "soft" }));
  figure.append(told);
  let chart = null;
  const make = () => {
    const style = getComputedStyle(document.documentElement);
    const read = (name) => style.getPropertyValue(`--${name}`).trim();
    chart?.destroy();
    const axis = {
      stroke: read("soft"),
      grid: { stroke: read("line"), width: 1 },
      ticks: { stroke: read("line") },
      font: "11px system-ui",
    };
    chart = new uPlot(
      {
        width: Math.max(260, figure.clientWidth - 30),
        height: HEIGHT,
        legend: { show: false },
        padding: [8, 8, 0, 0],
        scales: {
          x: { time: false },
          y: log ? { distr: 3, range: decades } : { range: (_, low, high) => [0, high * 1.05 || 1] },
        },
        axes: [
          { ...axis, size: 30 },
          {
            ...axis,
            size: 62,
            values: (_, ticks) => ticks.map(log ? decade : rounded),
          },
        ],
        series: [
          {},
          {
            stroke: read(tone),
            fill: log ? undefined : `${read(tone)}${bars ? "" : "55"}`,
            width: bars ? 0 : 1.5,
            points: { show: log, size: 5, fill: read(tone) },
            spanGaps: log,
            paths: bars ? uPlot.paths.bars({ size: [0.9, 40] }) : undefined,
          },
        ],
        hooks: {
          setCursor: [
            (u) => {
              const i = u.cursor.idx;
              told.lastChild.textContent =
                i === null || i === undefined || ys[i] === null ? "" : `${names[i]}: ${words(ys[i])}`;
            },
          ],
        },
      },
      [ys.map((_, i) => i), ys],
      figure,
    );
  };
  let wide = 0;
  const fit = () => {
    if (figure.clientWidth && figure.clientWidth !== wide) {
      wide = figure.clientWidth;
      make();
    }
  };
  figure.fit = fit;
  new ResizeObserver(fit).observe(figure);
  onTheme(() => wide && make());
  return figure;
}
