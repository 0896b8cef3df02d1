// node embed.mjs FOLDER "A sentence." "Another." ... prints the cosine of each with the first; without any, it reads a
// JSON list of texts from its input and writes their vectors.

import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { text as all } from "node:stream/consumers";
import * as ort from "onnxruntime-node";
import { cosine } from "./cosine.mjs";
import { Model } from "./model.mjs";

const [folder, ...sentences] = process.argv.slice(2);
if (!folder || sentences.length === 1) {
  console.error('usage: node embed.mjs FOLDER ["A sentence." "Another." ...]');
  process.exit(2);
}
try {
  const model = await Model.load(ort, (name) => readFile(join(folder, name)), "embed");
  if (!sentences.length) console.log(JSON.stringify(await model.measured(JSON.parse(await all(process.stdin)))));
  const vectors = [];
  for (const sentence of sentences) vectors.push(await model.output(sentence));
  for (let i = 1; i < vectors.length; i++) {
    console.log(`${cosine(vectors[0], vectors[i]).toFixed(4)}  ${sentences[0]}  |  ${sentences[i]}`);
  }
} catch (error) {
  console.error(`embed: ${error.message}`);
  process.exit(1);
}
