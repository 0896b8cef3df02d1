// classify FOLDER COMPILED "A sentence." ... labels sentences; without any, it reads a JSON list of texts from its input.
#include <cmath>

#include "model.hpp"

class Classifier {
 public:
  Model model;
  std::vector<std::string> labels;
  double temperature = 1;  // scores are divided by it

  Classifier(const std::string& folder, const std::string& compiled) : model(folder, compiled, "classify") {
    const Json& config = model.config;
    if (config["problem_type"].text != "single-label" || config["text_pair"].number) throw std::runtime_error("config.json: this program says one label");
    temperature = config["targets"]["temperature"].number;
    for (auto& label : config["labels"].list) labels.push_back(label.text);
  }
};

static void say(Classifier& classifier, const std::string& sentence) {
  auto z = classifier.model.output(sentence);
  size_t best = std::max_element(z.begin(), z.end()) - z.begin();
  double total = 0;
  for (float x : z) total += std::exp((x - z[best]) / classifier.temperature);
  std::printf("%s %.4f  %s\n", classifier.labels[best].c_str(), 1 / total, sentence.c_str());
}

int main(int count, char** arguments) {
  if (count < 3) {
    std::cerr << "usage: classify FOLDER COMPILED [\"A sentence.\" ...]\n";
    return 2;
  }
  try {
    c10::InferenceMode no_gradients;
    Classifier classifier(arguments[1], arguments[2]);
    for (int i = 3; i < count; i++) say(classifier, arguments[i]);
    if (count == 3) {
      std::string given = content(std::cin);
      classifier.model.measure(JsonReader(given).whole());
    }
  } catch (const std::exception& error) {
    std::cerr << "classify: " << error.what() << "\n";
    return 1;
  }
}
