// A small reader of JSON, enough for config.json and tokenizer.json.
#pragma once
#include <cstdlib>
#include <map>
#include <stdexcept>
#include <string>
#include <vector>

struct Json {
  enum Kind { Null, Bool, Number, Text, List, Object } kind = Null;
  double number = 0;  // of a Bool too
  std::string text;
  std::vector<Json> list;
  std::vector<std::pair<std::string, Json>> object;  // in the order of the file

  const Json& operator[](const std::string& key) const {
    for (auto& [name, value] : object)
      if (name == key) return value;
    throw std::runtime_error("key '" + key + "' is missing");
  }
  bool null() const { return kind == Null; }
};

class JsonReader {
 public:
  explicit JsonReader(const std::string& source) : s(source) {}

  Json whole() {
    Json value = read(0);
    space();
    if (at != s.size()) fail("something after its end");
    return value;
  }

 private:
  const std::string& s;
  size_t at = 0;

  [[noreturn]] void fail(const std::string& why) const {
    throw std::runtime_error("not JSON at byte " + std::to_string(at) + ": " + why);
  }
  void space() {
    while (at < s.size() && std::string(" \t\r\n").find(s[at]) != std::string::npos) at++;
  }
  bool take(char c) {
    space();
    return at < s.size() && s[at] == c ? (at++, true) : false;
  }
  void want(char c) {
    if (!take(c)) fail(std::string("expected ") + c);
  }
  Json word(const char* spelt, Json::Kind kind, double number) {
    if (s.compare(at, std::string(spelt).size(), spelt) != 0) fail("an unknown word");
    at += std::string(spelt).size();
    Json value;
    value.kind = kind;
    value.number = number;
    return value;
  }

  Json read(int depth) {
    if (depth > 64) fail("nested too deeply");
    space();
    if (at >= s.size()) fail("it ends too early");
    Json value;
    if (s[at] == '"') {
      value.kind = Json::Text;
      value.text = string();
    } else if (take('{')) {
      value.kind = Json::Object;
      if (!take('}')) do {
          space();
          std::string key = string();
          want(':');
          value.object.emplace_back(key, read(depth + 1));
        } while (take(',') || (want('}'), false));
    } else if (take('[')) {
      value.kind = Json::List;
      if (!take(']')) do value.list.push_back(read(depth + 1));
        while (take(',') || (want(']'), false));
    } else if (s[at] == 't') {
      return word("true", Json::Bool, 1);
    } else if (s[at] == 'f') {
      return word("false", Json::Bool, 0);
    } else if (s[at] == 'n') {
      return word("null", Json::Null, 0);
    } else {
      const char* start = s.c_str() + at;
      char* end = nullptr;
      value.kind = Json::Number;
      value.number = std::strtod(start, &end);
      if (end == start) fail("expected a value");
      at += end - start;
    }
    return value;
  }

  std::string string() {
    if (at >= s.size() || s[at] != '"') fail("expected a text");
    std::string out;
    for (at++; at < s.size() && s[at] != '"'; at++) {
      if (s[at] != '\\') {
        out += s[at];
      } else if (++at < s.size() && s[at] == 'u') {
        char32_t c = hex();
        if (c >= 0xD800 && c < 0xDC00 && s.compare(at + 1, 2, "\\u") == 0) {
          at += 2;
          c = 0x10000 + ((c - 0xD800) << 10) + (hex() - 0xDC00);
        }
        utf8(out, c);
      } else {
        size_t place = std::string("\"\\/bfnrt").find(s[at]);
        if (place == std::string::npos) fail("an unknown escape");
        out += "\"\\/\b\f\n\r\t"[place];
      }
    }
    if (at++ >= s.size()) fail("a text without an end");
    return out;
  }
  char32_t hex() {  // four digits after the u at `at`; leaves `at` on the last
    char32_t c = std::strtoul(s.substr(at + 1, 4).c_str(), nullptr, 16);
    at += 4;
    return c;
  }
  static void utf8(std::string& out, char32_t c) {
    if (c < 0x80) {
      out += char(c);
    } else if (c < 0x800) {
      out += {char(0xC0 | c >> 6), char(0x80 | (c & 63))};
    } else if (c < 0x10000) {
      out += {char(0xE0 | c >> 12), char(0x80 | (c >> 6 & 63)), char(0x80 | (c & 63))};
    } else {
      out += {char(0xF0 | c >> 18), char(0x80 | (c >> 12 & 63)), char(0x80 | (c >> 6 & 63)), char(0x80 | (c & 63))};
    }
  }
};
