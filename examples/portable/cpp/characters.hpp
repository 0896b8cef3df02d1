// Characters: their classes, UTF-8, canonical forms and lower case, as the library that made the ids knows them.
#pragma once
#include <algorithm>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <unordered_map>
#include <vector>

struct Range {
  char32_t first, last;
};
#include "unicode.inc"

template <size_t n>
bool in(const Range (&ranges)[n], char32_t c) {
  auto after = std::upper_bound(ranges, ranges + n, c, [](char32_t x, const Range& r) { return x < r.first; });
  return after != ranges && c <= (after - 1)->last;
}

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

inline int order(char32_t c) {  // of marks after a letter; 0 of what is none
  auto found = ORDER.find(c);
  return found == ORDER.end() ? 0 : found->second;
}

// The canonical form, taken apart (Unicode Standard, section 3.11; Hangul by the formula of 3.12).
inline std::u32string apart(const std::u32string& text) {
  std::u32string out;
  for (char32_t c : text) {
    if (c >= 0xAC00 && c <= 0xD7A3) {
      char32_t s = c - 0xAC00;
      out += {char32_t(0x1100 + s / 588), char32_t(0x1161 + s % 588 / 28)};
      if (s % 28) out += char32_t(0x11A7 + s % 28);
    } else if (auto found = APART.find(c); found != APART.end()) {
      out += found->second;
    } else {
      out += c;
    }
  }
  for (size_t i = 0; i < out.size();) {  // marks in their order, those of one class as they stand
    size_t end = i;
    while (end < out.size() && order(out[end])) end++;
    std::stable_sort(out.begin() + i, out.begin() + end, [&](char32_t a, char32_t b) { return order(a) < order(b); });
    i = end + 1;
  }
  return out;
}

// The canonical form, composed.
inline std::u32string composed(const std::u32string& text) {
  if (std::all_of(text.begin(), text.end(), [](char32_t c) { return c < 0x300; })) return text;
  std::u32string out;
  size_t starter = std::u32string::npos;
  int last = -1;  // class of the character before, in `out`; -1 right after the starter
  for (char32_t c : apart(text)) {
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

// Each character by itself: a whole text would have another sigma at the end.
inline std::u32string lowered(const std::u32string& text) {
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
