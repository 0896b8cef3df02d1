// embed FOLDER COMPILED "A sentence." "Another." ... prints the cosine of each with the first; without any, it reads a
// JSON list of texts from its input and writes their vectors.
#include <cmath>

#include "model.hpp"

static double dot(const std::vector<float>& a, const std::vector<float>& b) {
  double sum = 0;
  for (size_t i = 0; i < a.size(); i++) sum += double(a[i]) * b[i];
  return sum;
}

int main(int count, char** arguments) {
  if (count < 3 || count == 4) {
    std::cerr << "usage: embed FOLDER COMPILED [\"A sentence.\" \"Another.\" ...]\n";
    return 2;
  }
  try {
    c10::InferenceMode no_gradients;
    Model model(arguments[1], arguments[2], "embed");
    if (count == 3) {
      std::string given = content(std::cin);
      model.measure(JsonReader(given).whole());
      return 0;
    }
    auto first = model.output(arguments[3]);
    for (int i = 4; i < count; i++) {
      auto other = model.output(arguments[i]);
      double cosine = dot(first, other) / std::sqrt(dot(first, first) * dot(other, other));
      std::printf("%.4f  %s  |  %s\n", cosine, arguments[3], arguments[i]);
    }
  } catch (const std::exception& error) {
    std::cerr << "embed: " << error.what() << "\n";
    return 1;
  }
}
