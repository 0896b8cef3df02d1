// Text to ids, as tokenizer.json says: whole words, in Node.js and in the browser alike.

const SPACELESS = String.raw`\p{Han}\p{Hiragana}\p{Katakana}`; // scripts that put no spaces between words
const RAW = String.raw;

// The rule as tokenizer.json holds it (see lingon/data/ascii_words.py, which explains each line).
const LETTER_THERE = RAW`[[\p{L}\p{M}\p{N}]&&[^${SPACELESS}]]`;
const SHORT_THERE = RAW`(?i:n't)(?!\p{L})`;
const WORD_THERE = [
  RAW`\p{N}+(?:[.,]\p{N}+)+`,
  RAW`${LETTER_THERE}++(?!'[tT])`,
  RAW`${SHORT_THERE}|(?i:'(?:s|re|ve|ll|d|m))(?!\p{L})`,
  RAW`(?:(?!${SHORT_THERE})${LETTER_THERE})+`,
  RAW`[${SPACELESS}]\p{M}*`,
  RAW`\S(?:[\p{M}\x{1F3FB}-\x{1F3FF}]|\x{200D}\S)*`,
].join("|");

// The same in JavaScript's own words. A run that is never given back ("++") is a look-ahead that is then taken.
const SCRIPTS = SPACELESS.replace(/\\p\{/g, RAW`\p{Script=`);
const LETTER = RAW`[[\p{L}\p{M}\p{N}]--[${SCRIPTS}]]`;
const SHORT = RAW`[nN]'[tT](?!\p{L})`;
const SIGN = RAW`[^\t-\r \x85\xA0\u1680\u2000-\u200A\u2028\u2029\u202F\u205F\u3000]`; // \s holds other signs here
const WORD = new RegExp(
  [
    RAW`\p{N}+(?:[.,]\p{N}+)+`,
    RAW`(?=(${LETTER}+))\1(?!'[tT])`,
    RAW`${SHORT}|'(?:[sSſ]|[rR][eE]|[vV][eE]|[lL][lL]|[dDmM])(?!\p{L})`,
    RAW`(?:(?!${SHORT})${LETTER})+`,
    RAW`[${SCRIPTS}]\p{M}*`,
    RAW`${SIGN}(?:[\p{M}\u{1F3FB}-\u{1F3FF}]|\u{200D}${SIGN})*`,
  ].join("|"),
  "gv",
);

export class Tokenizer {
  /** content: what tokenizer.json holds. Throws an Error for a tokenizer of another kind. */
  constructor(content) {
    const steps = content.normalizer?.normalizers ?? [];
    const kinds = steps.map((step) => step.type).join(" ");
    const known = content.model?.type === "WordLevel" && /^(Lowercase )?NFC Replace$/.test(kinds);
    if (!known || content.pre_tokenizer?.pattern?.Regex !== WORD_THERE) {
      throw new Error("tokenizer.json: not a tokenizer of whole words, the only kind that this program knows");
    }
    this.lowercase = kinds.startsWith("Lowercase");
    this.ids = new Map(Object.entries(content.model.vocab));
    this.unknown = this.ids.get(content.model.unk_token);
    this.tokens = [];
    for (const [token, id] of this.ids) this.tokens[id] = token;
  }

  /** Words of a text, in their normal form. */
  words(text) {
    if (!text.isWellFormed()) throw new Error("the text holds half of a surrogate pair, which is no character");
    const lower = this.lowercase ? lowered(text) : text;
    return lower.normalize("NFC").replaceAll("’", "'").match(WORD) ?? [];
  }

  /** Ids of a text, `most` of them; a word that is not known has the id of [unk]. */
  encode(text, most = Infinity) {
    return this.words(text).slice(0, most).map((word) => this.ids.get(word) ?? this.unknown);
  }
}

/** Each character by itself: a whole text would have another sigma at the end of a word. */
function lowered(text) {
  return text.replace(/[^\x00-\x7F]/gu, (c) => c.toLowerCase()).replace(/[A-Z]+/g, (run) => run.toLowerCase());
}
