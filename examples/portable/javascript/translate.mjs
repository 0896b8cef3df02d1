// node translate.mjs FOLDER "A sentence." ... translates sentences; without any, it reads a JSON list of texts from its
// input and writes a JSON list of translations.

import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { text as all } from "node:stream/consumers";
import * as ort from "onnxruntime-node";
import { Translator } from "./translator.mjs";

const [folder, ...sentences] = process.argv.slice(2);
if (!folder) {
  console.error('usage: node translate.mjs FOLDER ["A sentence." ...]');
  process.exit(2);
}
try {
  const translator = await Translator.load(ort, (name) => readFile(join(folder, name)));
  for (const sentence of sentences) console.log(await translator.translate(sentence));
  if (!sentences.length) {
    const found = [];
    for (const sentence of JSON.parse(await all(process.stdin))) found.push(await translator.translate(sentence));
    console.log(JSON.stringify(found));
  }
} catch (error) {
  console.error(`translate: ${error.message}`);
  process.exit(1);
}
