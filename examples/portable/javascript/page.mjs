// What the pages share: the runtime, the files of the model that lie beside them, and the answer to a test.

import * as ort from "./ort/ort.wasm.min.mjs";

ort.env.wasm.numThreads = 1; // more would want special headers from the server
ort.env.wasm.wasmPaths = new URL("./ort/", location.href).href;
export { ort };

/** The content of a file beside the page. */
export async function file(path) {
  const answer = await fetch(path);
  if (!answer.ok) throw new Error(`${path}: ${answer.status} ${answer.statusText}`);
  return new Uint8Array(await answer.arrayBuffer());
}

/** The content of a file of the exported folder. */
export const bytes = (name) => file(`model/${name}`);

/**
 * A test lays texts, or the names of pictures, beside the page, and listens for what the model finds. startUp:
 * milliseconds. read: what gives the image of a name, for a model of pictures.
 */
export async function answerTest(model, startUp, read) {
  if (location.hash !== "#test") return;
  const found = await model.measured(await (await fetch("texts.json")).json(), read);
  await fetch("answer", { method: "POST", body: JSON.stringify({ ...found, start_up: startUp }) });
}
