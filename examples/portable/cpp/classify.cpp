// classify FOLDER COMPILED "A sentence." ... labels sentences; without any, it reads a JSON list of texts from its input.
#include <torch/csrc/inductor/aoti_package/model_package_loader.h>
#include <torch/torch.h>

#include <chrono>
#include <cmath>
#include <cstdio>
#include <fstream>
#include <iostream>
#include <iterator>
#include <memory>

#include "rows.hpp"
#include "tokenizer.hpp"

static std::string content(std::istream& in) { return {std::istreambuf_iterator<char>(in), {}}; }

static Json json(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) throw std::runtime_error(path + ": no such file");
  std::string text = content(file);
  try {
    return JsonReader(text).whole();
  } catch (const std::exception& error) {
    throw std::runtime_error(path + ": " + error.what());
  }
}

class Classifier {
 public:
  std::vector<std::string> labels;
  double temperature = 1;  // scores are divided by it

  Classifier(const std::string& folder, const std::string& compiled)
      : config(json(folder + "/config.json")), tokenizer(json(folder + "/tokenizer.json")), model(compiled) {
    if (config["format"].number != 2) throw std::runtime_error("config.json: this program reads format 2");
    if (config["problem_type"].text != "single-label" || config["text_pair"].number) throw std::runtime_error("config.json: this program says one label");
    temperature = config["targets"]["temperature"].number;
    if (!config["rows"].null()) rows = std::make_unique<Rows>(config["rows"]);
    for (auto& label : config["labels"].list) labels.push_back(label.text);
  }

  // Scores before the softmax, one for each label.
  std::vector<float> logits(const std::string& text) {
    std::vector<int64_t> ids = tokenizer.encode(text);
    if (!config["max_length"].null()) ids.resize(std::min(ids.size(), size_t(config["max_length"].number)));
    std::vector<float> counts(ids.size(), 1);
    if (rows) {
      auto found = rows->of(ids, tokenizer.tokens);
      ids.clear();
      counts.clear();
      for (auto [row, count] : found) {
        ids.push_back(row);
        counts.push_back(count);
      }
    }
    if (ids.empty()) {  // an empty text is one place where nothing is
      ids.push_back(0);
      counts.push_back(0);
    }
    auto sizes = {int64_t(1), int64_t(ids.size())};
    auto given = torch::from_blob(ids.data(), sizes, torch::kInt64);
    auto mask = torch::from_blob(counts.data(), sizes, torch::kFloat32);
    auto out = model.run({given, rows ? mask : mask.to(torch::kBool)})[0].contiguous();
    return {out.data_ptr<float>(), out.data_ptr<float>() + out.numel()};
  }

 private:
  Json config;
  Tokenizer tokenizer;
  torch::inductor::AOTIModelPackageLoader model;
  std::unique_ptr<Rows> rows;
};

static void say(Classifier& classifier, const std::string& sentence) {
  auto z = classifier.logits(sentence);
  size_t best = std::max_element(z.begin(), z.end()) - z.begin();
  double total = 0;
  for (float x : z) total += std::exp((x - z[best]) / classifier.temperature);
  std::printf("%s %.4f  %s\n", classifier.labels[best].c_str(), 1 / total, sentence.c_str());
}

// Logits of many texts, and the milliseconds that each took: what tests and benchmarks ask for.
static void measure(Classifier& classifier, const Json& texts) {
  std::string logits, milliseconds;
  for (auto& text : texts.list) {
    auto begun = std::chrono::steady_clock::now();
    auto z = classifier.logits(text.text);
    std::chrono::duration<double, std::milli> took = std::chrono::steady_clock::now() - begun;
    std::string row;
    for (float x : z) {
      char number[32];
      std::snprintf(number, sizeof number, "%.9g", x);
      row += (row.empty() ? "" : ",") + std::string(number);
    }
    logits += (logits.empty() ? "[" : ",[") + row + "]";
    milliseconds += (milliseconds.empty() ? "" : ",") + std::to_string(took.count());
  }
  std::cout << "{\"logits\":[" << logits << "],\"milliseconds\":[" << milliseconds << "]}\n";
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
      measure(classifier, JsonReader(given).whole());
    }
  } catch (const std::exception& error) {
    std::cerr << "classify: " << error.what() << "\n";
    return 1;
  }
}
