// node generate.mjs FOLDER "It was" ... goes on with prompts; without any, it reads a JSON list of them from its input.

import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { text as all } from "node:stream/consumers";
import * as ort from "onnxruntime-node";
import { LanguageModel } from "./language_model.mjs";

const MAX_NEW_TOKENS = 20;
const [folder, ...prompts] = process.argv.slice(2);
if (!folder) {
  console.error('usage: node generate.mjs FOLDER ["It was" ...]');
  process.exit(2);
}
try {
  const model = await LanguageModel.load(ort, (name) => readFile(join(folder, name)));
  for (const prompt of prompts) console.log(prompt + model.tokenizer.decode(await model.ids(prompt, MAX_NEW_TOKENS)));
  if (!prompts.length) {
    const [ids, texts] = [[], []];
    for (const prompt of JSON.parse(await all(process.stdin))) {
      ids.push(await model.ids(prompt, MAX_NEW_TOKENS));
      texts.push(model.tokenizer.decode(ids.at(-1)));
    }
    console.log(JSON.stringify({ ids, texts }));
  }
} catch (error) {
  console.error(`generate: ${error.message}`);
  process.exit(1);
}
