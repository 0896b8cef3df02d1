// Text to ids, as a tokenizer.json of whole words says; see lingon/data/ascii_words.py for the rule and its reasons.
#pragma once
#include <algorithm>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <unordered_map>
#include <vector>

#include "json.hpp"

struct Range {
  char32_t first, last;
};
#include "unicode.inc"

template <size_t n>
bool in(const Range (&ranges)[n], char32_t c) {
  auto after = std::upper_bound(ranges, ranges + n, c, [](char32_t x, const Range& r) { return x < r.first; });
  return after != ranges && c <= (after - 1)->last;
}
inline bool mark(char32_t c) { return c >= 128 && in(MARKS, c); }
inline bool alphabetic(char32_t c) { return c < 128 ? (c | 32) >= 'a' && (c | 32) <= 'z' : in(LETTERS, c); }
inline bool number(char32_t c) { return c < 128 ? c >= '0' && c <= '9' : in(NUMBERS, c); }
inline bool spaceless(char32_t c) { return c >= 128 && in(SPACELESS, c); }
inline bool letter(char32_t c) { return (alphabetic(c) || number(c) || mark(c)) && !spaceless(c); }
inline bool blank(char32_t c) { return in(SPACES, c); }

inline std::u32string decoded(const std::string& text) {
  std::u32string out;
  for (size_t i = 0; i < text.size();) {
    unsigned char lead = text[i];
    int more = lead < 0x80 ? 0 : lead >> 5 == 6 ? 1 : lead >> 4 == 14 ? 2 : lead >> 3 == 30 ? 3 : -1;
    if (more < 0 || i + more >= text.size()) throw std::runtime_error("not UTF-8 at byte " + std::to_string(i));
    char32_t c = more ? lead & (0x3F >> more) : lead;
    for (int k = 1; k <= more; k++) {
      if ((text[i + k] & 0xC0) != 0x80) throw std::runtime_error("not UTF-8 at byte " + std::to_string(i));
      c = c << 6 | (text[i + k] & 0x3F);
    }
    if (c >= 0xD800 && c < 0xE000) throw std::runtime_error("half of a surrogate pair, which is no character");
    out += c;
    i += 1 + more;
  }
  return out;
}

// The canonical form, composed (Unicode Standard, section 3.11; Hangul by the formula of 3.12).
inline std::u32string composed(const std::u32string& text) {
  if (std::all_of(text.begin(), text.end(), [](char32_t c) { return c < 0x300; })) return text;
  std::u32string apart;
  for (char32_t c : text) {
    if (c >= 0xAC00 && c <= 0xD7A3) {
      char32_t s = c - 0xAC00;
      apart += {char32_t(0x1100 + s / 588), char32_t(0x1161 + s % 588 / 28)};
      if (s % 28) apart += char32_t(0x11A7 + s % 28);
    } else if (auto found = APART.find(c); found != APART.end()) {
      apart += found->second;
    } else {
      apart += c;
    }
  }
  auto order = [](char32_t c) {
    auto found = ORDER.find(c);
    return found == ORDER.end() ? 0 : found->second;
  };
  for (size_t i = 0; i < apart.size();) {  // marks in their order, those of one class as they stand
    size_t end = i;
    while (end < apart.size() && order(apart[end])) end++;
    std::stable_sort(apart.begin() + i, apart.begin() + end, [&](char32_t a, char32_t b) { return order(a) < order(b); });
    i = end + 1;
  }
  std::u32string out;
  size_t starter = std::u32string::npos;
  int last = -1;  // class of the character before, in `out`; -1 right after the starter
  for (char32_t c : apart) {
    int own = order(c);
    if (starter != std::u32string::npos && (last < own || last == -1)) {
      char32_t a = out[starter], pair = 0;
      if (a >= 0x1100 && a < 0x1113 && c >= 0x1161 && c < 0x1176) {
        pair = 0xAC00 + ((a - 0x1100) * 21 + c - 0x1161) * 28;
      } else if (a >= 0xAC00 && a <= 0xD7A3 && (a - 0xAC00) % 28 == 0 && c > 0x11A7 && c < 0x11C3) {
        pair = a + c - 0x11A7;
      } else if (auto found = TOGETHER.find(uint64_t(a) << 32 | c); found != TOGETHER.end()) {
        pair = found->second;
      }
      if (pair) {
        out[starter] = pair;
        continue;
      }
    }
    out += c;
    if (own == 0) {
      starter = out.size() - 1;
      last = -1;
    } else {
      last = own;
    }
  }
  return out;
}

// Where the word that starts at `at` ends; `at` itself where none does. The order of trial is that of the rule.
inline size_t word_end(const std::u32string& s, size_t at) {
  auto c = [&](size_t i) -> char32_t { return i < s.size() ? s[i] : U' '; };
  auto low = [&](size_t i) -> char32_t { return c(i) < 128 ? c(i) | 32 : c(i); };
  auto is_not = [&](size_t i) { return low(i) == 'n' && c(i + 1) == '\'' && low(i + 2) == 't' && !alphabetic(c(i + 3)); };
  if (number(c(at))) {  // a number with its points and commas
    size_t end = at, parts = 0;
    for (;; end++) {
      while (number(c(end))) end++;
      parts++;
      if ((c(end) != '.' && c(end) != ',') || !number(c(end + 1))) break;
    }
    if (parts > 1) return end;
  }
  if (letter(c(at))) {
    size_t end = at;
    while (letter(c(end))) end++;
    if (c(end) != '\'' || low(end + 1) != 't') return end;
    if (is_not(at)) return at + 3;
    size_t stop = at;
    while (letter(c(stop)) && !is_not(stop)) stop++;
    return stop;
  }
  if (c(at) == '\'') {
    char32_t a = low(at + 1), b = low(at + 2);
    if ((a == 's' || a == 0x17F) && !alphabetic(c(at + 2))) return at + 2;
    bool two = (a == 'r' && b == 'e') || (a == 'v' && b == 'e') || (a == 'l' && b == 'l');
    if (two && !alphabetic(c(at + 3))) return at + 3;
    if ((a == 'd' || a == 'm') && !alphabetic(c(at + 2))) return at + 2;
  }
  if (blank(c(at))) return at;
  size_t end = at + 1;
  if (spaceless(c(at))) {
    while (mark(c(end))) end++;
    return end;
  }
  for (;;) {  // any other sign; an emoji with all its parts
    if (mark(c(end)) || (c(end) >= 0x1F3FB && c(end) <= 0x1F3FF)) {
      end++;
    } else if (c(end) == 0x200D && end + 1 < s.size() && !blank(c(end + 1))) {
      end += 2;
    } else {
      return end;
    }
  }
}

class Tokenizer {
 public:
  std::vector<std::u32string> tokens;  // by id

  explicit Tokenizer(const Json& content) {
    auto& steps = content["normalizer"]["normalizers"].list;
    lowercase = !steps.empty() && steps[0]["type"].text == "Lowercase";
    if (content["model"]["type"].text != "WordLevel" || steps.size() != 2u + lowercase ||
        content["pre_tokenizer"]["type"].text != "Split")
      throw std::runtime_error("tokenizer.json: not a tokenizer of whole words, the only kind that this program knows");
    auto& vocab = content["model"]["vocab"].object;
    tokens.resize(vocab.size());
    for (auto& [token, id] : vocab) {
      std::u32string word = decoded(token);
      ids[word] = int64_t(id.number);
      tokens.at(size_t(id.number)) = word;
    }
    unknown = ids.at(decoded(content["model"]["unk_token"].text));
  }

  std::vector<int64_t> encode(const std::string& text) const {
    std::u32string s = composed(lowercase ? lowered(decoded(text)) : decoded(text));
    std::replace(s.begin(), s.end(), U'’', U'\'');
    std::vector<int64_t> out;
    for (size_t at = 0; at < s.size();) {
      size_t end = word_end(s, at);
      if (end > at) {
        auto found = ids.find(s.substr(at, end - at));
        out.push_back(found == ids.end() ? unknown : found->second);
      }
      at = std::max(end, at + 1);
    }
    return out;
  }

 private:
  bool lowercase;
  int64_t unknown;
  std::unordered_map<std::u32string, int64_t> ids;

  static std::u32string lowered(const std::u32string& text) {
    std::u32string out;
    for (char32_t c : text) {
      if (c < 128) {
        out += c >= 'A' && c <= 'Z' ? c | 32 : c;
      } else if (auto found = LOWER.find(c); found != LOWER.end()) {
        out += found->second;
      } else {
        out += c;
      }
    }
    return out;
  }
};
