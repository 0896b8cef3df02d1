// node make_page.mjs FOLDER ... PAGE: puts everything the page needs into one folder, which any web server can show as
// it is. Of texts a page has one exported folder, of pictures a classifier, a detector, a captioner or several of them.

import { cp, mkdir, readFile, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const TOKENIZERS = ["tokenizers.mjs", "tokenizer.mjs", "wordpiece.mjs", "bert_characters.mjs"];
const OF_TEXTS = ["page.mjs", "model.mjs", "rows.mjs", ...TOKENIZERS];
const PAGES = { classify: ["classifier.mjs", ...OF_TEXTS], embed: ["cosine.mjs", ...OF_TEXTS] }; // modules by task
const PICTURES = ["classify-images", "detect", "caption"]; // tasks; their modules lie in the exported folder
const PACKAGES = new Set(["node_modules", "package.json", "package-lock.json"]); // of who tried a folder in Node.js

const here = dirname(fileURLToPath(import.meta.url));
const folders = process.argv.slice(2, -1);
const page = process.argv.at(-1);
if (process.argv.length < 4) {
  console.error("usage: node make_page.mjs FOLDER ... PAGE");
  process.exit(2);
}

async function taskOf(folder) {
  const { task } = JSON.parse(await readFile(join(folder, "config.json"), "utf8"));
  const known = [...Object.keys(PAGES), ...PICTURES];
  if (known.includes(task)) return task;
  throw new Error(`config.json: the task is ${task}; there are pages for ${known.join(", ")}`);
}

/** The html and the modules of a page, and under which name in it each folder lies. */
function contents(tasks) {
  if (tasks.length === 1 && PAGES[tasks[0]]) return [`${tasks[0]}.html`, PAGES[tasks[0]], ["model"]];
  if (tasks.every((task) => PICTURES.includes(task)) && new Set(tasks).size === tasks.length) {
    return ["pictures.html", ["page.mjs", "pictures.mjs"], tasks.map((task) => join("model", task))];
  }
  throw new Error(`a page of ${tasks.join(" and ")}; expected one of them, or different ones of ${PICTURES.join(", ")}`);
}

async function write(tasks) {
  const [html, modules, places] = contents(tasks);
  for (const name of modules) await cp(join(here, name), join(page, name));
  await cp(join(here, html), join(page, "index.html"));
  const runtime = join(here, "node_modules", "onnxruntime-web", "dist");
  for (const name of ["ort.wasm.min.mjs", "ort-wasm-simd-threaded.mjs", "ort-wasm-simd-threaded.wasm"]) {
    await cp(join(runtime, name), join(page, "ort", name));
  }
  const filter = (path) => !PACKAGES.has(basename(path));
  for (const [i, place] of places.entries()) await cp(folders[i], join(page, place), { recursive: true, filter });
  if (html !== "pictures.html") return;
  const tokenizers = join(here, "node_modules", "@huggingface", "tokenizers", "dist", "tokenizers.min.mjs");
  await cp(tokenizers, join(page, "ort", "tokenizers.min.mjs"));
  await writeFile(join(page, "tasks.json"), JSON.stringify(tasks));
}

try {
  const tasks = [];
  for (const folder of folders) tasks.push(await taskOf(folder));
  await mkdir(join(page, "ort"), { recursive: true });
  await write(tasks);
  console.log(`wrote ${page}; show it with any web server, such as: python -m http.server --directory ${page}`);
} catch (error) {
  console.error(`make_page: ${error.message}`);
  process.exit(1);
}
