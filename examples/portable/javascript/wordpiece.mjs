// Text to ids, as the tokenizer.json of BERT says: words in their plain form, cut into the longest known pieces.

import { ACCENT, COMPOSED, CONTROL, IDEOGRAPH, PUNCTUATION, SPACE } from "./bert_characters.mjs";

export class WordPiece {
  /** content: what tokenizer.json holds. Throws an Error for what BERT's tokenizer does not have. */
  constructor(content) {
    const { normalizer: form, model } = content;
    const known = form?.type === "BertNormalizer" && form.clean_text && content.pre_tokenizer?.type === "BertPreTokenizer";
    if (model?.type !== "WordPiece" || !known) throw new Error("tokenizer.json: not a tokenizer of BERT");
    const typed = content.added_tokens?.find((token) => !token.special);
    if (typed) throw new Error(`tokenizer.json: the token '${typed.content}' was added to its words; this program knows none`);
    this.lowercase = form.lowercase;
    this.accents = !(form.strip_accents ?? form.lowercase);
    this.apart = form.handle_chinese_chars;
    this.ids = new Map(Object.entries(model.vocab));
    this.unknown = this.ids.get(model.unk_token);
    this.prefix = model.continuing_subword_prefix;
    this.longest = model.max_input_chars_per_word;
    [this.before, this.after] = around(content.post_processor);
    this.tokens = [];
    for (const [token, id] of this.ids) this.tokens[id] = token;
  }

  /** Words of a text, in their plain form. */
  words(text) {
    if (!text.isWellFormed()) throw new Error("the text holds half of a surrogate pair, which is no character");
    let plain = each(text, (c) => (CONTROL.test(c) ? "" : SPACE.test(c) ? " " : this.apart && IDEOGRAPH.test(c) ? ` ${c} ` : c));
    if (!this.accents) plain = each(decomposed(plain), (c) => (ACCENT.test(c) ? "" : c));
    if (this.lowercase) plain = each(plain, (c) => c.toLowerCase()); // a whole text would have another sigma at the end
    return each(plain, (c) => (PUNCTUATION.test(c) ? ` ${c} ` : c)).split(" ").filter(Boolean);
  }

  /** Ids of the pieces of a word: each time the longest that is known; of the unknown word where there is none. */
  pieces(word) {
    const characters = Array.from(word);
    if (characters.length > this.longest) return [this.unknown];
    const found = [];
    for (let start = 0; start < characters.length; ) {
      let end = characters.length, id;
      for (; end > start; end--) {
        id = this.ids.get((start ? this.prefix : "") + characters.slice(start, end).join(""));
        if (id !== undefined) break;
      }
      if (end === start) return [this.unknown];
      found.push(id);
      start = end;
    }
    return found;
  }

  /** Ids of a text with the special tokens around it, `most` of them; what is cut is of the text. */
  encode(text, most = Infinity) {
    const ids = this.words(text).flatMap((word) => this.pieces(word));
    return [...this.before, ...ids.slice(0, Math.max(0, most - this.before.length - this.after.length)), ...this.after];
  }
}

const each = (text, change) => Array.from(text, change).join("");

/** Letters and their accents as characters of their own; those that the library does not know stay as they are. */
function decomposed(text) {
  if (!/[^\x00-\x7f]/.test(text)) return text;
  const unknown = (c) => c.normalize("NFD") !== c && !COMPOSED.test(c);
  let [out, run] = ["", ""];
  for (const c of text) {
    if (!unknown(c)) {
      run += c;
      continue;
    }
    out += run.normalize("NFD") + c;
    run = "";
  }
  return out + run.normalize("NFD");
}

/** Ids before and after a text. */
function around(template) {
  if (!template) return [[], []];
  if (template.type === "BertProcessing") return [[template.cls[1]], [template.sep[1]]];
  if (template.type !== "TemplateProcessing") throw new Error(`tokenizer.json: a ${template.type}, expected BertProcessing`);
  const at = template.single.findIndex((part) => part.Sequence);
  const ids = (parts) => parts.flatMap((part) => template.special_tokens[part.SpecialToken.id].ids);
  return [ids(template.single.slice(0, at)), ids(template.single.slice(at + 1))];
}
