// encode TOKENIZER.json [MOST]: reads a JSON list of texts from its input, writes the ids of each. Needs no libtorch.
#include <fstream>
#include <iostream>
#include <iterator>

#include "tokenizers.hpp"

int main(int count, char** arguments) {
  try {
    std::ifstream file(count > 1 ? arguments[1] : "tokenizer.json", std::ios::binary);
    std::string source{std::istreambuf_iterator<char>(file), {}};
    std::string given{std::istreambuf_iterator<char>(std::cin), {}};
    AnyTokenizer tokenizer(JsonReader(source).whole());
    size_t most = count > 2 ? std::stoul(arguments[2]) : AnyTokenizer::ALL;
    std::string out;
    for (auto& text : JsonReader(given).whole().list) {
      std::string row;
      for (int64_t id : tokenizer.encode(text.text, most)) row += (row.empty() ? "" : ",") + std::to_string(id);
      out += (out.empty() ? "[" : ",[") + row + "]";
    }
    std::cout << "[" << out << "]\n";
  } catch (const std::exception& error) {
    std::cerr << "encode: " << error.what() << "\n";
    return 1;
  }
}
