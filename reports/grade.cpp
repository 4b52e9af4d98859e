#include "reports/grade.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>

namespace plugpull {
namespace {

constexpr std::array<std::string_view, 4> kStates = {"unknown", "none found", "broken",
                                                     "broken below"};

bool IsSame(const Finding* left, const Finding* right) {
  if (left == nullptr || right == nullptr) return left == right;
  return left->id == right->id && left->case_path == right->case_path;
}

// Returns: the faults beyond the disk's contract at which a promise is in this state.
std::vector<std::string> Beyond(const Grade& grade, Promise promise, GradeState state) {
  std::vector<std::string> faults;
  for (const GradeLevel& level : grade.levels) {
    if (!level.legal() && level.at(promise).state == state) faults.push_back(level.fault);
  }
  return faults;
}

bool IsExhaustiveOnCorrectDisk(const Grade& grade, Promise promise) {
  return std::ranges::all_of(grade.levels, [promise](const GradeLevel& level) {
    return !level.legal() || level.at(promise).mode == "exhaustive";
  });
}

std::string OnCorrectDisk(const Grade& grade, std::optional<Promise> kept) {
  if (kept == kLastPromise) {
    return fmt::format("keeps {} on a correct disk{}", Name(*kept),
                       IsExhaustiveOnCorrectDisk(grade, *kept) ? "" : ", as far as was searched");
  }
  const Promise next =
      kept ? static_cast<Promise>(static_cast<uint8_t>(*kept) + 1) : Promise::kOpens;
  const GradeLevel* breaking = WeakestBreaking(grade, next);
  const bool is_broken = breaking != nullptr && breaking->legal();
  const std::string why = is_broken ? fmt::format("{} is broken by {}", Name(next), breaking->fault)
                                    : fmt::format("{} is not known", Name(next));
  if (!kept && !is_broken) return "was not searched far enough to say what it keeps";
  if (!kept) return fmt::format("keeps no promise on a correct disk: {}", why);
  return fmt::format("keeps {} on a correct disk{}; {}", Name(*kept),
                     IsExhaustiveOnCorrectDisk(grade, *kept) ? "" : ", as far as was searched",
                     why);
}

}  // namespace

std::string_view Name(GradeState state) { return kStates[static_cast<size_t>(state)]; }

const GradeLevel* WeakestBreaking(const Grade& grade, Promise promise) {
  const auto level = std::ranges::find_if(grade.levels, [promise](const GradeLevel& each) {
    return each.at(promise).state == GradeState::kBroken;
  });
  return level == grade.levels.end() ? nullptr : &*level;
}

std::optional<Promise> KeptOnCorrectDisk(const Grade& grade) {
  std::optional<Promise> kept;
  for (const Promise promise : kPromises) {
    bool is_searched = false;
    for (const GradeLevel& level : grade.levels) {
      if (!level.legal()) continue;
      if (level.at(promise).state != GradeState::kNoneFound) return kept;
      is_searched = true;
    }
    if (!is_searched) return kept;
    kept = promise;
  }
  return kept;
}

std::string HowFar(const Grade& grade, Promise promise) {
  std::map<std::string, std::vector<std::string>> bounds;  // with the levels
  std::vector<std::string> sampled;
  std::vector<std::string> unknown;
  for (const GradeLevel& level : grade.levels) {
    const GradeCell& cell = level.at(promise);
    if (cell.state == GradeState::kUnknown) {
      unknown.push_back(fmt::format("{} ({})", level.fault, cell.unknown));
    }
    if (cell.state != GradeState::kNoneFound) continue;
    if (cell.mode == "sampled") {
      sampled.push_back(level.fault);
      if (level.tally) {
        sampled.back() +=
            fmt::format(" {} of {}", Grouped(level.tally->instances), Grouped(level.tally->of));
      }
      continue;
    }
    for (const std::string& bound : cell.bounds) {
      bounds[bound].push_back(level.fault);
    }
  }
  std::vector<std::string> parts;
  parts.reserve(parts.size() + bounds.size());
  for (const auto& [bound, levels] : bounds) {
    parts.push_back(fmt::format("{}{} at {}", parts.empty() ? "bounded: " : "", bound,
                                fmt::join(levels, ", ")));
  }
  if (!sampled.empty()) parts.push_back(fmt::format("sampled: {}", fmt::join(sampled, ", ")));
  if (!unknown.empty()) parts.push_back(fmt::format("not known: {}", fmt::join(unknown, ", ")));
  if (parts.empty()) return "exhaustive";
  return fmt::format("{}", fmt::join(parts, "; "));
}

std::string Sentence(const Grade& grade) {
  const std::optional<Promise> kept = KeptOnCorrectDisk(grade);
  std::string text = OnCorrectDisk(grade, kept);
  const bool went_beyond =
      std::ranges::any_of(grade.levels, [](const GradeLevel& level) { return !level.legal(); });
  if (!kept || !went_beyond) return text + ".";
  const std::vector<std::string> breaking = Beyond(grade, *kept, GradeState::kBroken);
  const std::vector<std::string> unknown = Beyond(grade, *kept, GradeState::kUnknown);
  text += ". Beyond the disk's contract ";
  text += breaking.empty()
              ? fmt::format("nothing was found to break {}", Name(*kept))
              : fmt::format("{} {} broken by {}", Name(*kept), "is", fmt::join(breaking, ", "));
  if (!unknown.empty()) text += fmt::format("; not known of {}", fmt::join(unknown, ", "));
  return text + ".";
}

std::vector<GradeGroup> GroupsOf(const Grade& grade) {
  std::vector<GradeGroup> groups;
  for (const Promise promise : kPromises) {
    const GradeLevel* level = WeakestBreaking(grade, promise);
    const Finding* finding =
        level != nullptr && level->at(promise).finding ? &*level->at(promise).finding : nullptr;
    GradeGroup group{{promise}, level, finding, HowFar(grade, promise)};
    const bool is_same = !groups.empty() && groups.back().broken_by == level &&
                         IsSame(groups.back().finding, finding) &&
                         groups.back().how_far == group.how_far;
    if (is_same) {
      groups.back().promises.push_back(promise);
    } else {
      groups.push_back(std::move(group));
    }
  }
  return groups;
}

}  // namespace plugpull
