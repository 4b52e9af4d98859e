// Setting one parameter of a model by its name, and what keeps parameters from going together.
// What users of models need is in model_text.h.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "faults/base/error.h"
#include "faults/persistence/model.h"

namespace plugpull {

// Returns: `word` as it can be shown within one line: without control characters, and not too long.
std::string Shown(std::string_view word, size_t longest = 60);

// Errors: kInvalidArgument with the nearest valid word, for an unknown key or value.
Expected<void> SetParameter(Model& model, std::string_view key, std::string_view value);

// Parameters that cannot go together.
struct Misfit {
  std::string_view key;  // the parameter that is wrong
  std::string reason;
};

// Returns: the first reason why no file system can be like that, or nothing.
std::optional<Misfit> MisfitOf(const Model& model);

}  // namespace plugpull
