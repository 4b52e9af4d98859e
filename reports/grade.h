// What `plugpull grade` tells: for each promise and each level of the fault ladder whether the
// promise breaks there, and by which case. The first four levels are what a correct disk may do;
// each of them includes those before it. A fault beyond the disk's contract is a column of its own:
// it includes what a correct disk may do, and none of the other faults.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "reports/console.h"
#include "reports/result.h"

namespace plugpull {

inline constexpr std::array kPromises = {Promise::kOpens, Promise::kIntact, Promise::kAtomic,
                                         Promise::kPrefix, Promise::kDurable};

// What is known of one promise at one level.
enum class GradeState : uint8_t {
  kUnknown,
  kNoneFound,
  kBroken,       // here, and at no weaker level
  kBrokenBelow,  // at a weaker level that this one includes, so it was not searched again
};

struct GradeCell {
  GradeState state = GradeState::kUnknown;
  std::string mode = {};                     // none found: exhaustive | bounded | sampled
  std::vector<std::string> bounds = {};      // none found: what cut the search short
  std::string unknown = {};                  // why nothing can be said
  std::optional<Finding> finding = {};       // broken here: the weakest case
  std::optional<FaultLevel> broken_by = {};  // broken below: that level
};

struct GradeLevel {
  FaultLevel level = FaultLevel::kProcessKill;
  std::string fault = {};                              // as --faults takes it
  std::optional<FaultTally> tally = {};                // of a fault beyond the disk's contract
  std::array<GradeCell, kPromises.size()> cells = {};  // by Promise

  GradeCell& at(Promise promise) { return cells[static_cast<size_t>(promise)]; }
  const GradeCell& at(Promise promise) const { return cells[static_cast<size_t>(promise)]; }
  bool legal() const { return InfoOf(level).legal; }
};

struct Grade {
  // What all searches tell together: `promise` and `verdict` are those asked for on a correct disk;
  // `findings` are the weakest of each promise.
  Result result;
  std::vector<GradeLevel> levels = {};  // weakest first
};

std::string_view Name(GradeState state);

// Returns: the weakest level that is known to break the promise, or null.
const GradeLevel* WeakestBreaking(const Grade& grade, Promise promise);

// Returns: the strongest promise for which no legal level shows a violation, with none that is not
// known; nothing when there is none.
std::optional<Promise> KeptOnCorrectDisk(const Grade& grade);

// Returns: how far the levels of `promise` were searched that did not break it and that no weaker
// level broke: "exhaustive", or "bounded: ...", with what is sampled and what is not known.
std::string HowFar(const Grade& grade, Promise promise);

// Returns: one sentence: what is kept on a correct disk, and what breaks it.
std::string Sentence(const Grade& grade);

// Promises that break in the same way, or of which the same is known, strongest last.
struct GradeGroup {
  std::vector<Promise> promises;
  const GradeLevel* broken_by = nullptr;  // null: none found
  const Finding* finding = nullptr;       // of the strongest of them
  std::string how_far;
};

// Returns: every promise, in groups, weakest first. Requires: `grade` outlives the groups.
std::vector<GradeGroup> GroupsOf(const Grade& grade);

// The formats. Each returns the whole text, with a newline at its end.
std::string RenderGradeJson(const Grade& grade);
std::string RenderGradeMarkdown(const Grade& grade);
std::string RenderGradeConsole(const Grade& grade, const std::string& out_directory,
                               ConsoleStyle style);

// Returns: the last line: counts, coverage, verdict, where the report is.
std::string RenderGradeLastLine(const Grade& grade, const std::string& report_path,
                                ConsoleStyle style);

}  // namespace plugpull
