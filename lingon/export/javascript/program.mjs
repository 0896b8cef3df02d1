// What the programs for Node.js share: files of the folder they lie in, and a line of JSON for each image.

import { readFile } from "node:fs/promises";
import * as ort from "onnxruntime-node";

export { ort };

/** The content of a file of the folder that this program lies in. */
export const bytes = (name) => readFile(new URL(name, import.meta.url));

/**
 * Runs a program on the files that are named: so many of them, or any number. What is wrong is one line on stderr, and
 * the exit status is 1.
 */
export async function run(name, usage, count, answer) {
  const given = process.argv.slice(2);
  if (given.length !== (count ?? Math.max(1, given.length))) {
    console.error(`usage: node ${name}.mjs ${usage}`);
    process.exit(2);
  }
  try {
    await answer(given);
  } catch (error) {
    console.error(`${name}: ${error.message}`);
    process.exit(1);
  }
}
