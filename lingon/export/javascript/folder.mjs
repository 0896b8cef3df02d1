// An exported folder. bytes(name): the content of a file of it, as a Uint8Array. `ort`: onnxruntime-node or -web.

/** What config.json says. Throws an Error for another task than this, another runtime or another format. */
export async function configOf(bytes, task) {
  const config = JSON.parse(new TextDecoder().decode(await bytes("config.json")));
  const { format, task: found, to } = config;
  if (found !== task || to !== "onnx" || format !== 1) {
    throw new Error(`config.json: ${found} for ${to}, format ${format}; this program reads ${task} for onnx, format 1`);
  }
  return config;
}

/** The graph of a file, ready to run. */
export async function graphOf(ort, bytes, name) {
  return ort.InferenceSession.create(await bytes(name));
}
