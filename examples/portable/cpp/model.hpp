// An exported folder, compiled, as a function from text to numbers.
#pragma once
#include <torch/csrc/inductor/aoti_package/model_package_loader.h>
#include <torch/torch.h>

#include <chrono>
#include <cstdio>
#include <fstream>
#include <iostream>
#include <iterator>
#include <memory>

#include "rows.hpp"
#include "tokenizers.hpp"

inline std::string content(std::istream& in) { return {std::istreambuf_iterator<char>(in), {}}; }

inline Json json(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) throw std::runtime_error(path + ": no such file");
  std::string text = content(file);
  try {
    return JsonReader(text).whole();
  } catch (const std::exception& error) {
    throw std::runtime_error(path + ": " + error.what());
  }
}

class Model {
 public:
  const Json config;

  // task: what the folder must have been exported from. compiled: what compile.py made of its model.pt2.
  Model(const std::string& folder, const std::string& compiled, const std::string& task)
      : config(json(folder + "/config.json")), tokenizer(json(folder + "/tokenizer.json")), model(compiled) {
    if (config["format"].number != 2) throw std::runtime_error("config.json: this program reads format 2");
    if (config["task"].text != task) throw std::runtime_error("config.json: the task is " + config["task"].text + "; this program is for " + task);
    if (!config["max_length"].null()) most = size_t(config["max_length"].number);
    if (!config["rows"].null()) rows = std::make_unique<Rows>(config["rows"]);
  }

  // What the model gives a text: a logit for each label, or its vector.
  std::vector<float> output(const std::string& text) {
    std::vector<int64_t> ids = tokenizer.encode(text, most);
    std::vector<float> counts(ids.size(), 1);
    if (rows) {
      auto found = rows->of(ids, tokenizer.tokens());
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

  // Writes the numbers of many texts, and the milliseconds that each took: what tests and benchmarks ask for.
  void measure(const Json& texts) {
    std::string outputs, milliseconds;
    for (auto& text : texts.list) {
      auto begun = std::chrono::steady_clock::now();
      auto found = output(text.text);
      std::chrono::duration<double, std::milli> took = std::chrono::steady_clock::now() - begun;
      std::string row;
      for (float x : found) {
        char number[32];
        std::snprintf(number, sizeof number, "%.9g", x);
        row += (row.empty() ? "" : ",") + std::string(number);
      }
      outputs += (outputs.empty() ? "[" : ",[") + row + "]";
      milliseconds += (milliseconds.empty() ? "" : ",") + std::to_string(took.count());
    }
    auto& name = config["outputs"].object.at(0).first;
    std::cout << "{\"" << name << "\":[" << outputs << "],\"milliseconds\":[" << milliseconds << "]}\n";
  }

 private:
  AnyTokenizer tokenizer;
  torch::inductor::AOTIModelPackageLoader model;
  std::unique_ptr<Rows> rows;
  size_t most = AnyTokenizer::ALL;
};
