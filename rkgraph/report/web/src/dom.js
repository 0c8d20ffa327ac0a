// The few words of DOM that the page needs. Text is always set as text: what a model says never becomes markup.

export function h(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value === true) element.setAttribute(name, "");
    else if (value !== false && value !== null && value !== undefined) element.setAttribute(name, value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

export const all = (selector, root = document) => [...root.querySelectorAll(selector)];
export const number = (value) => (value === null || value === undefined ? "–" : value.toLocaleString("en"));
/** A share in two digits that matter: "0.021 %"; what is no finite number has overflowed. */
export const percent = (value) => (Number.isFinite(value) ? `${Number((100 * value).toPrecision(2))} %` : "overflow");
export const short = (text, most) => (text.length <= most ? text : text.slice(0, most - 1) + "…");

let sequence = 0;
export const freshId = (stem) => `${stem}-${++sequence}`;
