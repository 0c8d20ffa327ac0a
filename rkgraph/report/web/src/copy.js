// Buttons that copy a command or configuration, and say that they did.
import { all, h } from "./dom.js";

export function startCopying() {
  const said = h("div", { class: "unseen", role: "status", "aria-live": "polite" });
  document.body.append(said);
  for (const block of all(".paste")) {
    const code = block.querySelector("code");
    const button = h("button", { type: "button", class: "copy", "aria-label": `Copy: ${block.dataset.what}` }, "Copy");
    button.addEventListener("click", async () => {
      const done = await written(code.textContent);
      if (!done) getSelection().selectAllChildren(code); // then one key is left to press
      button.textContent = done ? "Copied" : "Press Ctrl+C";
      said.textContent = done ? "Copied to the clipboard" : "Selected; press Control C to copy";
      setTimeout(() => (button.textContent = "Copy"), 1600);
    });
    block.append(button);
  }
}

async function written(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return false; // browsers may keep the clipboard from pages of a file
  }
}
