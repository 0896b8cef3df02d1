// The rows of the n-grams of a text and their counts, by the rule in config.json.
#pragma once
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "json.hpp"

class Rows {
 public:
  explicit Rows(const Json& rule)
      : order(size_t(rule["order"].number)),
        vocab_size(int64_t(rule["vocab_size"].number)),
        mask(uint64_t(rule["buckets"].number) - 1),
        chain(std::stoull(rule["chain"].text)),
        mix_1(std::stoull(rule["mix_1"].text)),
        mix_2(std::stoull(rule["mix_2"].text)) {
    const Json& characters = rule["characters"];
    if (characters.null()) return;
    shortest = size_t(characters["shortest"].number);
    longest = size_t(characters["longest"].number);
    longest_word = size_t(characters["longest_word"].number);
  }

  // How often each row stands in the text.
  std::map<int64_t, float> of(const std::vector<int64_t>& ids, const std::vector<std::u32string>& tokens) const {
    std::map<int64_t, float> words;
    for (int64_t id : ids) words[id]++;
    std::map<int64_t, float> rows = words;
    for (size_t i = 0; i < ids.size(); i++) {
      uint64_t h = 0;
      for (size_t k = 0; k < order && k <= i; k++) {
        h = h * chain + mix(uint64_t(ids[i - k]) + 1);
        if (k) rows[vocab_size + int64_t(mix(h) & mask)]++;
      }
    }
    if (longest)
      for (auto [id, times] : words)  // the pieces of a word are found once
        for (uint32_t hash : hashes_of(tokens[id])) rows[vocab_size + int64_t(hash & mask)] += times;
    return rows;
  }

 private:
  size_t order;
  int64_t vocab_size;
  uint64_t mask, chain, mix_1, mix_2;
  size_t shortest = 0, longest = 0, longest_word = 0;

  uint64_t mix(uint64_t x) const {
    x = (x ^ x >> 27) * mix_1;
    x = (x ^ x >> 33) * mix_2;
    return x ^ x >> 27;
  }
  // The different hashes of the pieces inside a word; special tokens and monsters have none.
  std::set<uint32_t> hashes_of(const std::u32string& token) const {
    std::set<uint32_t> hashes;
    if (token.size() > longest_word || (token.size() > 2 && token[0] == '[' && token.back() == ']')) return hashes;
    std::u32string word = U"<" + token + U">";
    for (size_t n = shortest; n <= longest; n++)
      for (size_t i = 0; i + n <= word.size(); i++) {
        uint32_t hash = 2166136261u;
        for (char32_t c : word.substr(i, n)) add_bytes(hash, c);
        hashes.insert(hash);
      }
    return hashes;
  }
  // FNV-1a over the bytes of UTF-8, taken as signed.
  static void add_bytes(uint32_t& hash, char32_t c) {
    auto add = [&](uint32_t byte) { hash = (hash ^ (byte < 128 ? byte : byte | 0xFFFFFF00u)) * 16777619u; };
    if (c < 0x80) return add(c);
    if (c >= 0x10000) {
      add(0xF0 | c >> 18);
      add(0x80 | (c >> 12 & 63));
    } else if (c >= 0x800) {
      add(0xE0 | c >> 12);
    }
    add(c < 0x800 ? 0xC0 | c >> 6 : 0x80 | (c >> 6 & 63));
    add(0x80 | (c & 63));
  }
};
