// Models as text: what `--model` takes, what a model file says, what cases and results keep.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "faults/base/error.h"
#include "faults/persistence/model.h"

namespace plugpull {

// Reads "NAME", "NAME,profile=contract,drag=to-covered" or "FILE.toml,drag=to-covered": the name of
// a model or a file with the same parameters, then values that replace some of its own.
//
// Returns: the model, which lives as long as the program; models that are equal but for their
// description are one object. Thread-safe.
// Errors: kInvalidArgument with the nearest valid word, naming the key that is wrong: an unknown
// key or value, parameters that cannot go together, edges in a cycle. kNotFound, kIo for the file.
Expected<const Model*> ParseModel(std::string_view text);

// As ParseModel, but never opens a file: for what other processes and other people's cases say.
Expected<const Model*> ParseModelText(std::string_view text);

// Returns: a text that ParseModelText reads back as a model that is equal but for the description:
// the name and what differs from it.
std::string ModelText(const Model& model);

// One parameter, for listings and for setting it.
struct ModelParameter {
  std::string_view key;
  std::vector<std::string> values;  // the legal words
  std::string_view help;            // one line; with the id of its edge family
  std::string (*value)(const Model& model);
  void (*set)(Model& model, std::string_view word);  // Requires: one of `values`
};
const std::vector<ModelParameter>& ModelParameters();

}  // namespace plugpull
