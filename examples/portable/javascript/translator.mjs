// An exported translator as a function from text to text; `ort` is onnxruntime-node or onnxruntime-web.

import { Tokenizer } from "@huggingface/tokenizers";

export class Translator {
  constructor(ort, encoder, decoder, config, source, target) {
    Object.assign(this, { ort, encoder, decoder, config, source, target });
  }

  /** bytes(name): the content of a file of the folder, as a Uint8Array. */
  static async load(ort, bytes) {
    const json = async (name) => JSON.parse(new TextDecoder().decode(await bytes(name)));
    const config = await json("config.json");
    if (config.task !== "translate" || config.to !== "onnx" || config.format !== 1) {
      throw new Error(`config.json: ${config.task} for ${config.to}; this program reads translators for onnx, format 1`);
    }
    const session = async (name) => ort.InferenceSession.create(await bytes(config[name]));
    // Without names of special tokens: what a user types is text, even if it is spelt like [eos].
    const source = { ...(await json(config.source_tokenizer)), added_tokens: [] };
    const tokenizers = [new Tokenizer(source, {}), new Tokenizer(await json(config.target_tokenizer), {})];
    return new Translator(ort, await session("encoder"), await session("decoder"), config, ...tokenizers);
  }

  int64(values) {
    return new this.ort.Tensor("int64", BigInt64Array.from(values, BigInt), [1, values.length]);
  }

  /** Ids of a text, of a long one as many as the model reads, between those that its tokenizer puts around texts. */
  ids(text) {
    const { source_length: most, around_source: [before, after], eos_ids: ends } = this.config;
    const room = most - before.length - after.length;
    const ids = [...before, ...this.source.encode(text, { add_special_tokens: false }).ids.slice(0, room), ...after];
    return ids.length ? ids : ends;
  }

  /** The translation that is made of the likeliest token at each step. */
  async translate(text) {
    const { config } = this;
    if (!text.trim()) return "";
    const ids = this.ids(text);
    const mask = new this.ort.Tensor("bool", new Uint8Array(ids.length).fill(1), [1, ids.length]);
    let tensors = await this.encoder.run({ ids: this.int64(ids), mask });
    const [toRead, said] = [[...config.start_ids], []];
    const [times, more] = config.max_new_tokens;
    const most = Math.min(config.context_length - toRead.length, times * ids.length + more);
    while (toRead.length) {
      const found = await this.decoder.run({ ids: this.int64([toRead.shift()]), mask, ...tensors });
      for (const name of config.target) tensors = { ...tensors, [name]: found[`new_${name}`] };
      if (toRead.length) continue;
      const logits = found.logits.data;
      for (const id of config.forbidden_ids) logits[id] = -Infinity;
      said.push(logits.reduce((best, value, id) => (value > logits[best] ? id : best), 0));
      if (!config.eos_ids.includes(said.at(-1)) && said.length < most) toRead.push(said.at(-1));
    }
    const kept = said.filter((id) => !config.no_text.includes(id));
    return kept.length ? this.target.decode(kept).trim() : "";
  }
}
