// The tokenizer of an exported folder, by what its tokenizer.json says.

import { Tokenizer } from "./tokenizer.mjs";
import { WordPiece } from "./wordpiece.mjs";

/** content: what tokenizer.json holds. Throws an Error for a tokenizer of neither whole words nor BERT. */
export function tokenizerOf(content) {
  return content.normalizer?.type === "BertNormalizer" ? new WordPiece(content) : new Tokenizer(content);
}
