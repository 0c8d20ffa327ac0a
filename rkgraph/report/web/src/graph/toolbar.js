// Search, colours, what is hidden, and the buttons of the graph.
import { freshId, h } from "../dom.js";

/** `panel`: {finder, state, panes, heats}; what the buttons do they do to all panes that are shown. */
export function toolbar({ finder, state, panes, heats }) {
  const shown = () => (state.get().side ? panes : [panes[state.get().view]]);
  const each = (act) => () => shown().forEach(act);
  return h(
    "div",
    { class: "toolbar", role: "group", "aria-label": "Graph tools" },
    finder.element,
    ...colours(state, heats),
    ...hiding(panes),
    h(
      "span",
      { class: "buttons" },
      button(
        "Expand all",
        "Expand all boxes",
        each((pane) => pane.setAll(true)),
      ),
      button(
        "Collapse all",
        "Collapse all boxes",
        each((pane) => pane.setAll(false)),
      ),
      button(
        "Fit",
        "Fit the whole graph",
        each((pane) => pane.fit()),
      ),
      button(
        "−",
        "Zoom out",
        each((pane) => pane.scale(1 / 1.4)),
      ),
      button(
        "+",
        "Zoom in",
        each((pane) => pane.scale(1.4)),
      ),
      panes.length > 1 ? beside(state) : null,
    ),
  );
}

const button = (text, label, onclick) =>
  h("button", { type: "button", "aria-label": label, title: label, onclick }, text);

function colours(state, heats) {
  const id = freshId("colour");
  const modes = [
    ["device", "Device"],
    ["finding", "Cause or induced"],
  ];
  modes.push(...heats.map(({ key, title }) => [key, title]));
  const options = modes.map(([value, text]) => h("option", { value }, text));
  const mode = h("select", { id, onchange: () => state.set({ mode: mode.value }) }, ...options);
  return [h("label", { for: id }, "Colour "), mode];
}

function hiding(panes) {
  const hide = () =>
    panes.forEach((pane) => {
      const { graph } = pane;
      pane.setHidden([...(constants.checked ? [] : graph.constants()), ...(folded.checked ? [] : graph.folded())]);
    });
  const box = (stem, checked) => h("input", { type: "checkbox", id: freshId(stem), checked, onchange: hide });
  const [constants, folded] = [box("constants", false), box("folded", true)];
  return [h("label", { class: "check" }, constants, " Constants"), h("label", { class: "check" }, folded, " Folded")];
}

function beside(state) {
  const onclick = () => state.set({ side: !state.get().side });
  const made = h("button", { type: "button", class: "beside", "aria-pressed": "false", onclick }, "Side by side");
  state.listen(({ side }) => made.setAttribute("aria-pressed", side));
  return made;
}
