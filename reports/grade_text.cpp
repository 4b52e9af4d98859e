#include "reports/grade_text.h"

#include <fmt/format.h>

#include "reports/model_labels.h"

namespace plugpull {

std::string CellText(const GradeCell& cell) {
  switch (cell.state) {
    case GradeState::kUnknown:
      return "?";
    case GradeState::kNoneFound:
      if (cell.mode == "exhaustive") return "held";
      return cell.mode == "sampled" ? "held*" : "held~";
    case GradeState::kBroken:
      return "BROKEN";
    case GradeState::kBrokenBelow:
      return "broken";
  }
  return "?";
}

std::string GradeLegend() {
  return "held: none found, by an exhaustive search; held~: bounded; held*: sampled; ?: not "
         "known.\n"
         "BROKEN: by this fault; broken: already by a weaker one that a correct disk may show.\n";
}

std::string LevelText(const GradeLevel& level) {
  return fmt::format("{} (level {}{})", level.fault, InfoOf(level.level).number,
                     level.legal() ? "" : ", beyond the disk's contract");
}

std::string PromisesText(const std::vector<Promise>& promises) {
  std::string text;
  for (const Promise promise : promises) {
    text += fmt::format("{}{}", text.empty() ? "" : ", ", Name(promise));
  }
  return text;
}

std::string BitesText(const Finding& finding) {
  const bool is_of_models = !finding.models.empty() || !finding.contract_models.empty();
  return is_of_models ? DescribeModels(finding) : "";
}

}  // namespace plugpull
