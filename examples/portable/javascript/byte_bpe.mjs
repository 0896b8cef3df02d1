// Text to ids and back, as tokenizer.json says of a tokenizer on bytes: GPT-2's kind, which `lingon train language-model` makes.

const SPACE = String.raw`\t-\r \x85\xA0\u1680\u2000-\u200A\u2028\u2029\u202F\u205F\u3000`; // \s holds other signs here
const WORD = new RegExp(
  String.raw`'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^${SPACE}\p{L}\p{N}]+|[${SPACE}]+(?![^${SPACE}])|[${SPACE}]+`,
  "gu",
);

/** The letter that stands for each byte: itself where it is printed, else one from U+0100 on. */
const LETTERS = Array.from({ length: 256 }, (_, byte) => {
  const plain = (b) => (b >= 0x21 && b <= 0x7e) || (b >= 0xa1 && b <= 0xac) || b >= 0xae;
  const before = Array.from({ length: byte }, (_, b) => b).filter((b) => !plain(b)).length;
  return String.fromCodePoint(plain(byte) ? byte : 0x100 + before);
});
const BYTES = new Map(LETTERS.map((letter, byte) => [letter, byte]));

export class ByteBPE {
  /** content: what tokenizer.json holds. Throws an Error for a tokenizer of another kind. */
  constructor(content) {
    const { model, pre_tokenizer: words, post_processor: after, normalizer: form } = content;
    const plain = words?.type === "ByteLevel" && words.use_regex && !words.add_prefix_space && !form && !model.ignore_merges;
    if (model?.type !== "BPE" || !plain || (after && after.type !== "ByteLevel")) {
      throw new Error("tokenizer.json: not a tokenizer on bytes as GPT-2 has it, the only kind that this program knows");
    }
    const typed = content.added_tokens?.find((token) => !token.special);
    if (typed) throw new Error(`tokenizer.json: the token '${typed.content}' was added to its words; this program knows none`);
    this.ids = new Map(Object.entries(model.vocab));
    this.tokens = [];
    for (const [token, id] of this.ids) this.tokens[id] = token;
    this.ranks = new Map(model.merges.map((pair, rank) => [Array.isArray(pair) ? pair.join(" ") : pair, rank]));
  }

  /** Ids of a text. */
  encode(text) {
    if (!text.isWellFormed()) throw new Error("the text holds half of a surrogate pair, which is no character");
    return (text.match(WORD) ?? []).flatMap((word) => this.pieces(word).map((piece) => this.ids.get(piece)));
  }

  /** The pieces of a word: pairs are joined, each time the one that was learned first. */
  pieces(word) {
    const parts = Array.from(new TextEncoder().encode(word), (byte) => LETTERS[byte]);
    for (;;) {
      let [best, at] = [Infinity, -1];
      for (let i = 0; i + 1 < parts.length; i++) {
        const rank = this.ranks.get(`${parts[i]} ${parts[i + 1]}`) ?? Infinity;
        if (rank < best) [best, at] = [rank, i];
      }
      if (at < 0) return parts;
      parts.splice(at, 2, parts[at] + parts[at + 1]);
    }
  }

  /** The text of ids; bytes that are no character become U+FFFD. */
  decode(ids) {
    const bytes = ids.flatMap((id) => Array.from(this.tokens[id], (letter) => BYTES.get(letter)));
    return new TextDecoder().decode(Uint8Array.from(bytes));
  }
}
