// An exported folder as an object that labels texts; `ort` is onnxruntime-node or onnxruntime-web.

import { rowsOf } from "./rows.mjs";
import { Tokenizer } from "./tokenizer.mjs";

const sigmoid = (z) => 1 / (1 + Math.exp(-z));

export class Classifier {
  constructor(ort, session, config, tokenizer) {
    Object.assign(this, { ort, session, config, tokenizer });
  }

  /** bytes(name): the content of a file of the folder, as a Uint8Array. */
  static async load(ort, bytes) {
    const json = async (name) => JSON.parse(new TextDecoder().decode(await bytes(name)));
    const config = await json("config.json");
    if (config.format !== 2 || config.to !== "onnx") {
      throw new Error(`config.json: format ${config.format} for ${config.to}; this program reads format 2 for onnx`);
    }
    const tokenizer = new Tokenizer(await json("tokenizer.json"));
    const session = await ort.InferenceSession.create(await bytes(config.file));
    return new Classifier(ort, session, config, tokenizer);
  }

  /** What the model reads, a batch of one text: ids and which of them are there, or rows and how often they are. */
  inputs(text) {
    const ids = this.tokenizer.encode(text).slice(0, this.config.max_length ?? Infinity);
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

  /** Scores before the softmax, one for each label. */
  async logits(text) {
    return (await this.session.run(this.inputs(text))).logits.data;
  }

  /** Probabilities, numbers or ranks come from the scores as config.json says: see the README of the folder. */
  async predict(text) {
    const { problem_type, targets, labels } = this.config;
    const logits = Array.from(await this.logits(text), (z) => z / (targets.temperature ?? 1));
    if (problem_type === "regression") return { value: logits[0] * targets.std + targets.mean };
    if (problem_type === "multi-label") {
      const odds = logits.map(sigmoid);
      return { labels: labels.filter((_, i) => odds[i] >= targets.thresholds[i]), probabilities: odds };
    }
    if (problem_type === "ordinal") {
      let least = Infinity;
      const over = logits.map((z) => sigmoid((least = Math.min(least, z))));
      const best = over.filter((odd) => odd > 0.5).length;
      return { label: labels[best], probability: (over[best - 1] ?? 1) - (over[best] ?? 0) };
    }
    return this.likeliest(logits);
  }

  /** The likeliest label and its probability. */
  likeliest(logits) {
    const highest = Math.max(...logits);
    const odds = Array.from(logits, (z) => Math.exp(z - highest));
    const best = odds.indexOf(Math.max(...odds));
    const probability = odds[best] / odds.reduce((sum, x) => sum + x, 0);
    return { label: this.config.labels[best], probability };
  }

  /** Logits of many texts, and the milliseconds that each took: what tests and benchmarks ask for. */
  async measured(texts) {
    const [logits, milliseconds] = [[], []];
    for (const text of texts) {
      const begun = performance.now();
      logits.push(Array.from(await this.logits(text)));
      milliseconds.push(performance.now() - begun);
    }
    return { logits, milliseconds };
  }
}
