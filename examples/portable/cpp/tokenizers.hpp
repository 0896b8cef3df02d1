// The tokenizer of an exported folder, by what its tokenizer.json says.
#pragma once
#include <cstddef>
#include <variant>

#include "tokenizer.hpp"
#include "wordpiece.hpp"

class AnyTokenizer {
 public:
  static constexpr size_t ALL = ~size_t(0);

  // content: what tokenizer.json holds. Throws for a tokenizer of neither whole words nor BERT.
  explicit AnyTokenizer(const Json& content) : own(made(content)) {}

  // Ids of a text, `most` of them.
  std::vector<int64_t> encode(const std::string& text, size_t most = ALL) const {
    return std::visit([&](auto& one) { return one.encode(text, most); }, own);
  }

  // Words by id, of a tokenizer of whole words; of another there are none that rows are made of.
  const std::vector<std::u32string>& tokens() const { return std::get<Tokenizer>(own).tokens; }

 private:
  std::variant<Tokenizer, WordPiece> own;

  static std::variant<Tokenizer, WordPiece> made(const Json& content) {
    const Json& form = content["normalizer"];
    if (!form.null() && form["type"].text == "BertNormalizer") return WordPiece(content);
    return Tokenizer(content);
  }
};
