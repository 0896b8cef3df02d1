// Text to ids, as a tokenizer.json of whole words says; see lingon/data/ascii_words.py for the rule and its reasons.
#pragma once
#include "characters.hpp"
#include "json.hpp"

inline bool mark(char32_t c) { return c >= 128 && in(MARKS, c); }
inline bool alphabetic(char32_t c) { return c < 128 ? (c | 32) >= 'a' && (c | 32) <= 'z' : in(LETTERS, c); }
inline bool number(char32_t c) { return c < 128 ? c >= '0' && c <= '9' : in(NUMBERS, c); }
inline bool spaceless(char32_t c) { return c >= 128 && in(SPACELESS, c); }
inline bool letter(char32_t c) { return (alphabetic(c) || number(c) || mark(c)) && !spaceless(c); }
inline bool blank(char32_t c) { return in(SPACES, c); }

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
    bool whole = content["model"]["type"].text == "WordLevel" && content["pre_tokenizer"]["type"].text == "Split";
    std::vector<Json> steps;
    if (whole && content["normalizer"]["type"].text == "Sequence") steps = content["normalizer"]["normalizers"].list;
    lowercase = !steps.empty() && steps[0]["type"].text == "Lowercase";
    if (steps.size() != 2u + lowercase)
      throw std::runtime_error("tokenizer.json: not a tokenizer of whole words or of BERT, the kinds that this program knows");
    auto& vocab = content["model"]["vocab"].object;
    tokens.resize(vocab.size());
    for (auto& [token, id] : vocab) {
      std::u32string word = decoded(token);
      ids[word] = int64_t(id.number);
      tokens.at(size_t(id.number)) = word;
    }
    unknown = ids.at(decoded(content["model"]["unk_token"].text));
  }

  // Ids of a text, the first `most` of them.
  std::vector<int64_t> encode(const std::string& text, size_t most) const {
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
    out.resize(std::min(out.size(), most));
    return out;
  }

 private:
  bool lowercase;
  int64_t unknown;
  std::unordered_map<std::u32string, int64_t> ids;
};
