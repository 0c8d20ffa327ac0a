// A table that sorts, filters and grows: rows are made when they are asked for, so 5,000 of them cost nothing.
import { h } from "./dom.js";

const STEP = 100;

/**
 * columns: [{title, value(row), show?(row), numeric?, bar?(row) → 0..1, tone?(row)}]; `onRow` makes rows selectable.
 * Returns {element, filter(text), mark(row)}.
 */
export function dataTable({ label, columns, rows, text, onRow, empty = "Nothing matches." }) {
  let order = rows.map((_, index) => index);
  let sorted = null;
  let shown = STEP;
  let marked = null;
  const made = new Map();
  const count = h("span", { class: "soft", role: "status" });
  const field = h("input", { type: "search", placeholder: "Filter…", "aria-label": `Filter: ${label}` });
  const body = h("tbody");
  const heads = columns.map((column, number) => {
    const button = h("button", { type: "button", onclick: () => sortBy(number) }, column.title);
    return h("th", { scope: "col", class: column.numeric ? "num" : null, "aria-sort": "none" }, button);
  });
  const more = h("button", { type: "button", class: "more-rows", onclick: () => grow() });
  const table = h("table", {}, h("caption", { class: "unseen" }, label), h("thead", {}, h("tr", {}, ...heads)), body);
  const scroll = h("div", { class: "sheet scroll tall", role: "group", "aria-label": label, tabindex: "0" }, table);
  const element = h("div", { class: "data-table" }, h("div", { class: "table-tools" }, field, count), scroll, more);

  function render() {
    const words = field.value.toLowerCase().split(/\s+/).filter(Boolean);
    const found = words.length ? order.filter((row) => words.every((word) => text(rows[row]).includes(word))) : order;
    made.clear();
    body.replaceChildren(...found.slice(0, shown).map(line));
    if (!found.length) body.append(h("tr", {}, h("td", { colspan: columns.length, class: "soft" }, empty)));
    count.textContent = `${found.length.toLocaleString("en")} of ${rows.length.toLocaleString("en")}`;
    more.hidden = found.length <= shown;
    more.textContent = `Show more (${(found.length - shown).toLocaleString("en")} left)`;
  }

  function line(index) {
    const row = rows[index];
    const cells = columns.map((column, number) => {
      const inner = column.show ? column.show(row) : String(column.value(row) ?? "");
      const share = column.bar?.(row);
      const bar = !share ? null : meter(share, column.tone?.(row));
      const content =
        number === 0 && onRow
          ? h("button", { type: "button", class: "row-link", onclick: () => onRow(index) }, inner)
          : inner;
      return h("td", { class: column.numeric ? "num" : null }, content, bar);
    });
    const made_ = h("tr", { class: index === marked ? "marked" : null }, ...cells);
    made.set(index, made_);
    return made_;
  }

  function sortBy(number) {
    const falling = sorted === number ? !sorted_falling : Boolean(columns[number].numeric);
    [sorted, sorted_falling] = [number, falling];
    const value = columns[number].value;
    order = rows
      .map((_, index) => index)
      .sort((a, b) => compare(value(rows[a]), value(rows[b])) * (falling ? -1 : 1) || a - b);
    heads.forEach((head, index) =>
      head.setAttribute("aria-sort", index === number ? (falling ? "descending" : "ascending") : "none"),
    );
    render();
  }
  let sorted_falling = false;

  function grow() {
    shown += STEP;
    render();
  }

  field.addEventListener("input", () => {
    shown = STEP;
    render();
  });
  render();
  return {
    element,
    filter(words) {
      field.value = words;
      shown = STEP;
      render();
    },
    mark(index) {
      made.get(marked)?.classList.remove("marked");
      marked = index;
      made.get(marked)?.classList.add("marked");
    },
  };
}

function meter(share, tone) {
  const fill = h("i", { class: tone ? `on-${tone}` : null });
  fill.style.width = `${(100 * share).toFixed(1)}%`;
  return h("span", { class: "bar", "aria-hidden": "true" }, fill);
}

function compare(a, b) {
  if (typeof a === "number" || typeof b === "number") return (a ?? -Infinity) - (b ?? -Infinity);
  return String(a ?? "").localeCompare(String(b ?? ""), "en", { numeric: true });
}
