// An exported image classifier as a function from an image to its label, in Node.js and in a page alike.

import { configOf, graphOf } from "./folder.mjs";
import { channelsFirst, fitted, grey, onWhite } from "./pixels.mjs";

export class ImageClassifier {
  constructor(ort, graph, config) {
    Object.assign(this, { ort, graph, config });
  }

  /** bytes(name): the content of a file of the folder, as a Uint8Array. `ort`: onnxruntime-node or onnxruntime-web. */
  static async load(ort, bytes) {
    const config = await configOf(bytes, "classify-images");
    return new ImageClassifier(ort, await graphOf(ort, bytes, config.file), config);
  }

  /** The likeliest label of an image { width, height, data } of four bytes a pixel, and its probability. */
  async classify(image) {
    const { logits } = await this.graph.run({ images: this.read(image) });
    const { labels, targets } = this.config;
    const most = Math.max(...logits.data);
    const odds = Array.from(logits.data, (logit) => Math.exp((logit - most) / targets.temperature));
    const probability = 1 / odds.reduce((sum, x) => sum + x, 0);
    return { label: labels[logits.data.indexOf(most)], probability: Number(probability.toFixed(4)) };
  }

  /** An image as the model reads it, a tensor [1, channels, height, width]. */
  read(image) {
    const { height, width, channels, fit } = this.config.image;
    const pixels = channels === 1 ? grey(onWhite(image)) : onWhite(image);
    return channelsFirst(this.ort, fitted(pixels, width, height, fit), channels);
  }
}
