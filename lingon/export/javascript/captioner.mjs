// An exported captioner as a function from an image to a text, in Node.js and in a page alike.

import { configOf, graphOf } from "./folder.mjs";
import { inFrame, onWhite, resized, scaledSides } from "./pixels.mjs";

export class Captioner {
  constructor(ort, encoder, decoder, config, tokenizer) {
    Object.assign(this, { ort, encoder, decoder, config, tokenizer });
  }

  /**
   * bytes(name): the content of a file of the folder, as a Uint8Array. `ort`: onnxruntime-node or onnxruntime-web.
   * Tokenizer: the class of the package @huggingface/tokenizers.
   */
  static async load(ort, bytes, Tokenizer) {
    const config = await configOf(bytes, "caption");
    const tokenizer = JSON.parse(new TextDecoder().decode(await bytes(config.tokenizer)));
    const graphs = [await graphOf(ort, bytes, config.encoder), await graphOf(ort, bytes, config.decoder)];
    return new Captioner(ort, ...graphs, config, new Tokenizer(tokenizer, {}));
  }

  /** The caption of an image { width, height, data } of four bytes a pixel: the likeliest token at each step. */
  async caption(image) {
    const { no_text: silent, start_ids: start } = this.config;
    const said = (await this.ids(image)).slice(start.length).filter((id) => !silent.includes(id));
    return said.length ? this.tokenizer.decode(said).trim() : "";
  }

  /** The ids of a caption, between the start and, where the model came to one, the end. */
  async ids(image) {
    const { context_length: most, eos_ids: ends, forbidden_ids: never, start_ids: start, target } = this.config;
    let tensors = await this.encoder.run({ images: this.read(image) });
    const said = [...start];
    while (said.length < most && (said.length === start.length || !ends.includes(said.at(-1)))) {
      const ids = new this.ort.Tensor("int64", BigInt64Array.of(BigInt(said.at(-1))), [1, 1]);
      const { logits, ...after } = await this.decoder.run({ ids, ...tensors });
      for (const name of target) tensors = { ...tensors, [name]: after[`new_${name}`] };
      for (const id of never) logits.data[id] = -Infinity;
      said.push(logits.data.reduce((best, value, id) => (value > logits.data[best] ? id : best), 0));
    }
    return said;
  }

  /** An image as the model reads it: all of it in the middle of a square, numbers from 0 to 255. */
  read(image) {
    const { size, background } = this.config.image;
    const [wide, tall] = scaledSides(image, size / Math.max(image.width, image.height));
    const [left, top] = [wide, tall].map((side) => Math.floor((size - side) / 2));
    const { data } = inFrame(resized(onWhite(image), wide, tall), size, size, left, top, background[0]);
    return new this.ort.Tensor("float32", Float32Array.from(data), [1, size, size, 3]);
  }
}
