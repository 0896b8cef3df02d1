// node classify.mjs FOLDER "A sentence." ... labels sentences; without any, it reads a JSON list of texts from its input.

import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { text as all } from "node:stream/consumers";
import * as ort from "onnxruntime-node";
import { Classifier } from "./classifier.mjs";

const [folder, ...sentences] = process.argv.slice(2);
if (!folder) {
  console.error('usage: node classify.mjs FOLDER ["A sentence." ...]');
  process.exit(2);
}
try {
  const classifier = await Classifier.load(ort, (name) => readFile(join(folder, name)));
  for (const sentence of sentences) {
    const { label, labels, value, probability } = await classifier.predict(sentence);
    const said = labels?.join("|") ?? value?.toFixed(4) ?? `${label} ${probability.toFixed(4)}`;
    console.log(`${said}  ${sentence}`);
  }
  if (!sentences.length) console.log(JSON.stringify(await classifier.measured(JSON.parse(await all(process.stdin)))));
} catch (error) {
  console.error(`classify: ${error.message}`);
  process.exit(1);
}
