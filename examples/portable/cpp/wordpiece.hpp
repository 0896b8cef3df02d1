// Text to ids, as the tokenizer.json of BERT says: words in their plain form, cut into the longest known pieces.
#pragma once
#include "characters.hpp"
#include "json.hpp"

class WordPiece {
 public:
  // content: what tokenizer.json holds. Throws for what BERT's tokenizer does not have.
  explicit WordPiece(const Json& content) {
    const Json &form = content["normalizer"], &model = content["model"], &cut = content["pre_tokenizer"];
    if (model["type"].text != "WordPiece" || !form["clean_text"].number || cut.null() || cut["type"].text != "BertPreTokenizer")
      throw std::runtime_error("tokenizer.json: not a tokenizer of BERT");
    for (auto& token : content["added_tokens"].list)
      if (!token["special"].number)
        throw std::runtime_error("tokenizer.json: the token '" + token["content"].text + "' was added to its words; this program knows none");
    lowercase = form["lowercase"].number;
    plain = form["strip_accents"].null() ? lowercase : form["strip_accents"].number;
    ideographs = form["handle_chinese_chars"].number;
    for (auto& [token, id] : model["vocab"].object) ids[decoded(token)] = int64_t(id.number);
    unknown = ids.at(decoded(model["unk_token"].text));
    prefix = decoded(model["continuing_subword_prefix"].text);
    longest = size_t(model["max_input_chars_per_word"].number);
    around(content["post_processor"]);
  }

  // Ids of a text with the special tokens around it, `most` of them; what is cut is of the text.
  std::vector<int64_t> encode(const std::string& text, size_t most) const {
    std::vector<int64_t> out = before;
    for (auto& word : words(text)) append(out, word);
    size_t room = most > after.size() ? most - after.size() : 0;
    out.resize(std::min(out.size(), std::max(room, before.size())));
    out.insert(out.end(), after.begin(), after.end());
    return out;
  }

 private:
  bool lowercase, plain, ideographs;
  int64_t unknown;
  size_t longest;
  std::u32string prefix;
  std::unordered_map<std::u32string, int64_t> ids;
  std::vector<int64_t> before, after;

  // Words of a text, in their plain form.
  std::vector<std::u32string> words(const std::string& text) const {
    std::u32string clean;
    for (char32_t c : decoded(text)) {
      if (in(CONTROL, c)) continue;
      if (in(SPACE, c)) clean += U' ';
      else if (ideographs && in(IDEOGRAPH, c)) clean += {U' ', c, U' '};
      else clean += c;
    }
    if (plain) clean = without_accents(clean);
    if (lowercase) clean = lowered(clean);
    std::vector<std::u32string> found(1);
    for (char32_t c : clean) {
      bool sign = in(PUNCTUATION, c);
      if ((c == U' ' || sign) && !found.back().empty()) found.emplace_back();
      if (c == U' ') continue;
      found.back() += c;
      if (sign) found.emplace_back();
    }
    if (found.back().empty()) found.pop_back();
    return found;
  }

  // Letters and their accents become characters of their own, and accents go; a letter that the library does not know
  // stays as it is, and what stands on its two sides is ordered apart.
  static std::u32string without_accents(const std::u32string& text) {
    std::u32string out, run;
    auto end = [&] {
      for (char32_t c : apart(run))
        if (!in(ACCENT, c)) out += c;
      run.clear();
    };
    for (char32_t c : text) {
      bool known = in(COMPOSED, c) || !APART.count(c);
      if (known) {
        run += c;
      } else {
        end();
        out += c;
      }
    }
    end();
    return out;
  }

  // Adds the ids of a word's pieces: each time the longest that is known; of the unknown word where there is none.
  void append(std::vector<int64_t>& out, const std::u32string& word) const {
    size_t begun = out.size();
    for (size_t start = 0; start < word.size() && word.size() <= longest;) {
      size_t end = word.size();
      auto found = ids.end();
      for (; end > start; end--) {
        found = ids.find((start ? prefix : U"") + word.substr(start, end - start));
        if (found != ids.end()) break;
      }
      if (end == start) {
        out.resize(begun);
        break;
      }
      out.push_back(found->second);
      start = end;
    }
    if (out.size() == begun) out.push_back(unknown);
  }

  // Ids before and after a text.
  void around(const Json& form) {
    if (form.null()) return;
    if (form["type"].text == "BertProcessing") {
      before = {int64_t(form["cls"].list[1].number)};
      after = {int64_t(form["sep"].list[1].number)};
      return;
    }
    if (form["type"].text != "TemplateProcessing")
      throw std::runtime_error("tokenizer.json: a " + form["type"].text + ", expected BertProcessing");
    auto* side = &before;
    for (auto& part : form["single"].list) {
      auto& [kind, value] = part.object.at(0);
      if (kind == "Sequence") side = &after;
      else
        for (auto& id : form["special_tokens"][value["id"].text]["ids"].list) side->push_back(int64_t(id.number));
    }
  }
};
