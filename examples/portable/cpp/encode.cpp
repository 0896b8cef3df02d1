// encode TOKENIZER.json: reads a JSON list of texts from its input, writes the ids of each. Needs no libtorch.
#include <fstream>
#include <iostream>
#include <iterator>

#include "tokenizer.hpp"

int main(int count, char** arguments) {
  try {
    std::ifstream file(count > 1 ? arguments[1] : "tokenizer.json", std::ios::binary);
    std::string source{std::istreambuf_iterator<char>(file), {}};
    std::string given{std::istreambuf_iterator<char>(std::cin), {}};
    Tokenizer tokenizer(JsonReader(source).whole());
    std::string out;
    for (auto& text : JsonReader(given).whole().list) {
      std::string row;
      for (int64_t id : tokenizer.encode(text.text)) row += (row.empty() ? "" : ",") + std::to_string(id);
      out += (out.empty() ? "[" : ",[") + row + "]";
    }
    std::cout << "[" << out << "]\n";
  } catch (const std::exception& error) {
    std::cerr << "encode: " << error.what() << "\n";
    return 1;
  }
}
