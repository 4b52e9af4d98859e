#include "reports/model_labels.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <vector>

#include "faults/persistence/model.h"

namespace plugpull {
namespace {

// Models that no file system in use is as weak as.
constexpr std::array<std::string_view, 2> kOfNoFileSystem = {"posix-minimal", "somc"};

std::string DescribeObserved(const std::vector<std::string>& models) {
  std::vector<std::string> others;
  for (const Model& model : Models()) {
    if (std::ranges::find(models, model.name) == models.end()) others.push_back(model.name);
  }
  if (models.empty()) return "bites on none of the listed models";
  if (others.empty()) return "bites on every model";
  const bool is_portability = std::ranges::all_of(models, [](const std::string& model) {
    return std::ranges::find(kOfNoFileSystem, model) != kOfNoFileSystem.end();
  });
  if (is_portability) return fmt::format("portability: only {}", fmt::join(models, ", "));
  return fmt::format("bites on {}; not on {}", fmt::join(models, ", "), fmt::join(others, ", "));
}

}  // namespace

std::string DescribeModels(const Finding& finding) {
  std::string text = DescribeObserved(finding.models);
  if (!finding.contract_models.empty()) {
    text += fmt::format("; by contract also {}", fmt::join(finding.contract_models, ", "));
  }
  return text;
}

std::string DescribeVerdicts(const Result& result) {
  std::string text;
  for (const Verdict verdict : {Verdict::kHeld, Verdict::kUnknown, Verdict::kViolated}) {
    std::vector<std::string> models;
    for (const auto& [model, of_model] : result.models) {
      if (of_model == verdict) models.push_back(model);
    }
    if (models.empty()) continue;
    text +=
        fmt::format("{}{} on {}", text.empty() ? "" : "; ", Name(verdict), fmt::join(models, ", "));
  }
  return text;
}

}  // namespace plugpull
