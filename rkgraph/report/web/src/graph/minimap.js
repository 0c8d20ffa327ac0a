// The whole graph in a corner, with a frame around what is seen; a click goes there.
import { h } from "../dom.js";

const WIDTH = 150,
  HEIGHT = 190;

export function minimap(go) {
  const canvas = h("canvas", { width: WIDTH * 2, height: HEIGHT * 2, "aria-hidden": "true" });
  const element = h("div", { class: "minimap" }, canvas);
  const picture = document.createElement("canvas");
  [picture.width, picture.height] = [WIDTH * 2, HEIGHT * 2];
  let k = 1,
    dx = 0,
    dy = 0,
    accent = "";
  const jump = (event) => {
    if (!(event.buttons & 1)) return;
    const r = canvas.getBoundingClientRect();
    go((event.clientX - r.left - dx) / k, (event.clientY - r.top - dy) / k);
  };
  canvas.addEventListener("pointerdown", jump);
  canvas.addEventListener("pointermove", jump);
  return {
    element,
    picture({ graph, layout, colours, colour }) {
      accent = colours.accent;
      k = Math.min(WIDTH / layout.width, HEIGHT / layout.height);
      [dx, dy] = [(WIDTH - layout.width * k) / 2, (HEIGHT - layout.height * k) / 2];
      const context = picture.getContext("2d");
      context.setTransform(2, 0, 0, 2, 0, 0);
      context.clearRect(0, 0, WIDTH, HEIGHT);
      for (const [item, r] of layout.placed) {
        if (item === graph.root || (graph.isBox(item) && graph.box(item).open)) continue;
        context.fillStyle = colour(item).fill;
        context.fillRect(dx + r.x * k, dy + r.y * k, Math.max(1, r.w * k), Math.max(1, r.h * k));
      }
    },
    frame(transform, width, height) {
      const context = canvas.getContext("2d");
      context.setTransform(1, 0, 0, 1, 0, 0);
      context.clearRect(0, 0, canvas.width, canvas.height);
      context.drawImage(picture, 0, 0);
      context.setTransform(2, 0, 0, 2, 0, 0);
      context.strokeStyle = accent;
      context.lineWidth = 1.5;
      context.strokeRect(
        dx - (transform.x / transform.k) * k,
        dy - (transform.y / transform.k) * k,
        (width / transform.k) * k,
        (height / transform.k) * k,
      );
    },
  };
}
