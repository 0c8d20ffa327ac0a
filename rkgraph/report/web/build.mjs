// Builds what the page carries: ../templates/report.js and report.css, their licences, and report.lock.json, which
// records the digest of every source and of what was built. `npm ci && npm run build` gives the same bytes again.
import { createHash } from "node:crypto";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const here = fileURLToPath(new URL(".", import.meta.url));
const out = join(here, "..", "templates");
const digest = (file) => createHash("sha256").update(readFileSync(file)).digest("hex");

const options = {
  bundle: true,
  minify: true,
  legalComments: "none",
  charset: "ascii",
  target: ["chrome100", "firefox100", "safari15"],
  absWorkingDir: here,
};
await build({ ...options, entryPoints: ["src/main.js"], format: "iife", outfile: join(out, "report.js") });
// The dark colours stand in one file and serve twice: where dark was chosen, and where nothing was and the system is dark.
const darkTwice = {
  name: "dark-twice",
  setup: ({ onLoad }) =>
    onLoad({ filter: /[\\/]dark\.css$/ }, ({ path }) => {
      const css = readFileSync(path, "utf8");
      const chosen = css.replace(":root", ':root[data-theme="dark"]');
      const system = css.replace(":root", ':root:not([data-theme="light"])');
      return { loader: "css", contents: `${chosen}\n@media (prefers-color-scheme: dark) {\n${system}\n}` };
    }),
};
await build({
  ...options,
  entryPoints: ["css/main.css"],
  outfile: join(out, "report.css"),
  plugins: [darkTwice],
});

const lock = JSON.parse(readFileSync(join(here, "package-lock.json"), "utf8"));
const shipped = Object.entries(lock.packages).filter(([path, about]) => path && !about.dev && !about.optional);
const licence = ([path, about]) => {
  const folder = join(here, path);
  const file = readdirSync(folder).find((name) => /^licen[cs]e/i.test(name));
  const text = file ? readFileSync(join(folder, file), "utf8").trim() : `Licence: ${about.license}`;
  return `${path.replace(/^.*node_modules\//, "")} ${about.version} (${about.license})\n\n${text}\n`;
};
writeFileSync(join(out, "report.LICENSES.txt"), shipped.map(licence).join(`\n${"-".repeat(80)}\n\n`));

const files = ["build.mjs", "package.json", "package-lock.json"]
  .concat(
    ...["src", "css"].map((folder) =>
      readdirSync(join(here, folder), { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile())
        .map((entry) => relative(here, join(entry.parentPath, entry.name))),
    ),
  )
  .sort();
const record = {
  built: Object.fromEntries(["report.LICENSES.txt", "report.css", "report.js"].map((n) => [n, digest(join(out, n))])),
  sources: Object.fromEntries(files.map((name) => [name, digest(join(here, name))])),
};
writeFileSync(join(out, "report.lock.json"), JSON.stringify(record, null, 1) + "\n");
