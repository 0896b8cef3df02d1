// The rows of the n-grams of a text and their counts, by the rule in config.json: numbers of 64 bits that wrap around.

const wrap = (x) => BigInt.asUintN(64, x);

/** A Map from each row to how often it stands in a text. ids: of its words. rule: config.rows. tokens: by id. */
export function rowsOf(ids, rule, tokens) {
  const [chain, mix1, mix2] = [rule.chain, rule.mix_1, rule.mix_2].map(BigInt);
  const mask = BigInt(rule.buckets - 1);
  const mix = (x) => {
    x = wrap((x ^ (x >> 27n)) * mix1);
    x = wrap((x ^ (x >> 33n)) * mix2);
    return x ^ (x >> 27n);
  };
  const words = ids.map((id) => mix(BigInt(id) + 1n));
  const counts = new Map();
  const add = (row, times) => counts.set(row, (counts.get(row) ?? 0) + times);
  for (const id of ids) add(id, 1);
  for (let i = 0; i < ids.length; i++) {
    let h = words[i]; // 0 * chain + mix(id + 1)
    for (let n = 2; n <= Math.min(rule.order, i + 1); n++) {
      h = wrap(h * chain + words[i - n + 1]);
      add(rule.vocab_size + Number(mix(h) & mask), 1);
    }
  }
  if (rule.characters) {
    const different = [...counts].filter(([row]) => row < rule.vocab_size); // the pieces of a word are found once
    for (const [id, times] of different) {
      for (const hash of hashesOf(tokens[id], rule)) add(rule.vocab_size + (hash & (rule.buckets - 1)), times);
    }
  }
  return counts;
}

/** The different hashes of the pieces inside a word; special tokens and monsters have none. */
function hashesOf(token, rule) {
  const hashes = new Set();
  const { shortest, longest, longest_word } = rule.characters;
  const letters = [...token];
  if (letters.length > longest_word || (letters.length > 2 && letters[0] === "[" && letters.at(-1) === "]")) return hashes;
  const word = ["<", ...letters, ">"];
  for (let n = shortest; n <= longest; n++) {
    for (let i = 0; i + n <= word.length; i++) {
      hashes.add(fnv1a(new TextEncoder().encode(word.slice(i, i + n).join(""))));
    }
  }
  return hashes;
}

/** FNV-1a of 32 bits, with bytes taken as signed. */
function fnv1a(bytes) {
  let value = 2166136261;
  for (const byte of bytes) value = Math.imul(value ^ (byte < 128 ? byte : byte | 0xffffff00), 16777619);
  return value >>> 0;
}
