// What the pages share: the runtime, the files of the model that lie beside them, and the answer to a test.

import * as ort from "./ort/ort.wasm.min.mjs";

ort.env.wasm.numThreads = 1; // more would want special headers from the server
ort.env.wasm.wasmPaths = new URL("./ort/", location.href).href;
export { ort };

/** The content of a file of the exported folder. */
export async function bytes(name) {
  const answer = await fetch(`model/${name}`);
  if (!answer.ok) throw new Error(`model/${name}: ${answer.status} ${answer.statusText}`);
  return new Uint8Array(await answer.arrayBuffer());
}

/** A test lays texts beside the page, and listens for the numbers of the model. startUp: milliseconds. */
export async function answerTest(model, startUp) {
  if (location.hash !== "#test") return;
  const found = await model.measured(await (await fetch("texts.json")).json());
  await fetch("answer", { method: "POST", body: JSON.stringify({ ...found, start_up: startUp }) });
}
