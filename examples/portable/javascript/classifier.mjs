// An exported classifier as an object that labels texts; `ort` is onnxruntime-node or onnxruntime-web.

import { Model } from "./model.mjs";

const sigmoid = (z) => 1 / (1 + Math.exp(-z));

export class Classifier {
  constructor(model) {
    this.model = model;
    this.config = model.config;
  }

  /** bytes(name): the content of a file of the folder, as a Uint8Array. */
  static async load(ort, bytes) {
    const model = await Model.load(ort, bytes, "classify");
    if (model.config.text_pair) throw new Error("config.json: pairs of texts; this program takes single texts");
    return new Classifier(model);
  }

  /** Scores before the softmax, one for each label. */
  logits(text) {
    return this.model.output(text);
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

  /** Logits of many texts, and the milliseconds that each took. */
  measured(texts) {
    return this.model.measured(texts);
  }
}
