// An exported language model: the likeliest text after a prompt. `ort` is onnxruntime-node or onnxruntime-web.

import { ByteBPE } from "./byte_bpe.mjs";

export class LanguageModel {
  constructor(ort, session, config, tokenizer) {
    Object.assign(this, { ort, session, config, tokenizer });
  }

  /** bytes(name): the content of a file of the folder, as a Uint8Array. */
  static async load(ort, bytes) {
    const json = async (name) => JSON.parse(new TextDecoder().decode(await bytes(name)));
    const config = await json("config.json");
    if (config.format !== 2 || config.to !== "onnx" || !config.state) {
      throw new Error("config.json: not of a language model of format 2 for onnx, which this program reads");
    }
    const tokenizer = new ByteBPE(await json("tokenizer.json"));
    return new LanguageModel(ort, await ort.InferenceSession.create(await bytes(config.file)), config, tokenizer);
  }

  /** What the model remembers before the first token: zeros, of keys and values no column. */
  empty() {
    const sizes = { batch: 1, past: 0 };
    const made = ({ input, shape }) => {
      const dims = shape.map((size) => sizes[size] ?? size);
      return [input, new this.ort.Tensor("float32", new Float32Array(dims.reduce((a, b) => a * b)), dims)];
    };
    return Object.fromEntries(this.config.state.map(made));
  }

  /** The logits after the last of the ids, and what the model remembers then. */
  async step(ids, state) {
    const given = { ids: new this.ort.Tensor("int64", BigInt64Array.from(ids, BigInt), [1, ids.length]), ...state };
    const found = await this.session.run(given);
    const size = found.logits.dims[2];
    const after = this.config.state.map(({ input, output }) => [input, found[output]]);
    return [found.logits.data.slice(-size), Object.fromEntries(after)];
  }

  /** The ids that follow a prompt, each time the likeliest. */
  async ids(prompt, maxNewTokens) {
    const { eos_ids: ends, suppressed_ids: never, context_length: most, inputs } = this.config;
    const start = this.tokenizer.encode(prompt);
    let waiting = start.length ? start : ends.slice(0, 1);
    const room = most ? most - waiting.length : Infinity;
    const found = [];
    let [logits, state] = [null, this.empty()];
    while (found.length < Math.min(maxNewTokens, room)) {
      for (const part of inputs.ids.shape[1] === 1 ? waiting.map((id) => [id]) : [waiting]) {
        [logits, state] = await this.step(part, state);
      }
      for (const id of never) logits[id] = -Infinity;
      const best = logits.reduce((best, value, id) => (value > logits[best] ? id : best), 0);
      if (ends.includes(best)) break;
      found.push(best);
      waiting = [best];
    }
    return found;
  }
}
