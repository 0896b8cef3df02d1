// node make_page.mjs FOLDER PAGE: puts everything the page needs into one folder, which any web server can show as it is.

import { cp, mkdir, readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const [folder, page] = process.argv.slice(2);
if (!folder || !page) {
  console.error("usage: node make_page.mjs FOLDER PAGE");
  process.exit(2);
}
const PAGES = { classify: "classifier.mjs", embed: "cosine.mjs" }; // what a task's page needs besides
const { task } = JSON.parse(await readFile(join(folder, "config.json"), "utf8"));
if (!PAGES[task]) {
  console.error(`make_page: config.json: the task is ${task}; there are pages for ${Object.keys(PAGES).join(" and ")}`);
  process.exit(1);
}
const here = dirname(fileURLToPath(import.meta.url));
const runtime = join(here, "node_modules", "onnxruntime-web", "dist");
await mkdir(join(page, "ort"), { recursive: true });
const tokenizers = ["tokenizers.mjs", "tokenizer.mjs", "wordpiece.mjs", "bert_characters.mjs"];
for (const name of [PAGES[task], "page.mjs", "model.mjs", "rows.mjs", ...tokenizers]) {
  await cp(join(here, name), join(page, name));
}
await cp(join(here, `${task}.html`), join(page, "index.html"));
for (const name of ["ort.wasm.min.mjs", "ort-wasm-simd-threaded.mjs", "ort-wasm-simd-threaded.wasm"]) {
  await cp(join(runtime, name), join(page, "ort", name));
}
await cp(folder, join(page, "model"), { recursive: true });
console.log(`wrote ${page}; show it with any web server, such as: python -m http.server --directory ${page}`);
