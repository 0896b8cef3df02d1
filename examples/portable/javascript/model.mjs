// An exported folder as a function from text to numbers; `ort` is onnxruntime-node or onnxruntime-web.

import { rowsOf } from "./rows.mjs";
import { tokenizerOf } from "./tokenizers.mjs";

export class Model {
  constructor(ort, session, config, tokenizer) {
    Object.assign(this, { ort, session, config, tokenizer });
    [this.name] = Object.keys(config.outputs);
  }

  /** bytes(name): the content of a file of the folder, as a Uint8Array. task: what it must have been exported from. */
  static async load(ort, bytes, task) {
    const json = async (name) => JSON.parse(new TextDecoder().decode(await bytes(name)));
    const config = await json("config.json");
    if (config.format !== 2 || config.to !== "onnx") {
      throw new Error(`config.json: format ${config.format} for ${config.to}; this program reads format 2 for onnx`);
    }
    if (config.task !== task) throw new Error(`config.json: the task is ${config.task}; this program is for ${task}`);
    const tokenizer = tokenizerOf(await json("tokenizer.json"));
    const session = await ort.InferenceSession.create(await bytes(config.file));
    return new Model(ort, session, config, tokenizer);
  }

  /** What the model reads, a batch of one text: ids and which of them are there, or rows and how often they are. */
  inputs(text) {
    const ids = this.tokenizer.encode(text, this.config.max_length ?? Infinity);
    if (!this.config.rows) return this.tensors(ids, "bool", new Uint8Array(ids.length).fill(1));
    const counts = rowsOf(ids, this.config.rows, this.tokenizer.tokens);
    return this.tensors([...counts.keys()], "float32", new Float32Array(counts.values()));
  }

  /** An empty text is one place where nothing is. */
  tensors(ids, type, mask) {
    if (ids.length === 0) [ids, mask] = [[0], mask.constructor.of(0)];
    const [sizes, values] = [[1, ids.length], BigInt64Array.from(ids, BigInt)];
    return { ids: new this.ort.Tensor("int64", values, sizes), mask: new this.ort.Tensor(type, mask, sizes) };
  }

  /** The numbers that the model gives a text: a logit for each label, or its vector. */
  async output(text) {
    return (await this.session.run(this.inputs(text)))[this.name].data;
  }

  /** Numbers of many texts, and the milliseconds that each took: what tests and benchmarks ask for. */
  async measured(texts) {
    const [outputs, milliseconds] = [[], []];
    for (const text of texts) {
      const begun = performance.now();
      outputs.push(Array.from(await this.output(text)));
      milliseconds.push(performance.now() - begun);
    }
    return { [this.name]: outputs, milliseconds };
  }
}
