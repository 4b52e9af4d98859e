// A small grade, made by hand, for the tests of its formats.
#pragma once

#include "reports/grade.h"
#include "reports/testing.h"

namespace plugpull {

inline GradeCell NoneFound(const std::string& mode, const std::vector<std::string>& bounds = {}) {
  return {.state = GradeState::kNoneFound, .mode = mode, .bounds = bounds};
}

inline GradeCell Broken(ViolationClass violation, FaultLevel level, const std::string& fault = "") {
  Finding finding = SmallFinding();
  finding.violation = violation;
  finding.fault_level = level;
  finding.fault = fault;
  finding.id = std::string(Name(violation)) + "-1f0c2a44";
  finding.case_path = "findings/" + finding.id + ".case";
  if (!fault.empty()) finding.models.clear();
  if (!fault.empty()) finding.contract_models.clear();
  return {.state = GradeState::kBroken, .finding = finding};
}

inline GradeCell BrokenBelow(FaultLevel level) {
  return {.state = GradeState::kBrokenBelow, .broken_by = level};
}

inline GradeLevel LevelOf(FaultLevel level, const GradeCell& cell) {
  GradeLevel result{.level = level, .fault = std::string(Name(level))};
  result.cells.fill(cell);
  return result;
}

// Keeps `prefix` on a correct disk, where a power cut breaks `durable`; a lying flush breaks all
// from `intact` on; a stale page was searched within bounds, bit rot sampled, and what a zeroed
// page does is not known.
inline Grade SmallGrade() {
  using enum FaultLevel;
  Grade grade;
  grade.result = SmallResult();
  grade.result.command = "grade";
  grade.result.coverage.bounds = {"recoveries"};
  grade.levels = {LevelOf(kProcessKill, NoneFound("exhaustive")),
                  LevelOf(kPowerCut, NoneFound("exhaustive")),
                  LevelOf(kTornWrite, NoneFound("exhaustive")),
                  LevelOf(kLyingFlush, Broken(ViolationClass::kStructure, kLyingFlush)),
                  LevelOf(kStalePage, NoneFound("bounded", {"recoveries"})),
                  LevelOf(kZeroedPage, {.unknown = "out of budget"}),
                  LevelOf(kBitRot, NoneFound("sampled"))};
  for (GradeLevel& level : grade.levels) {
    if (level.level > kPowerCut) level.at(Promise::kDurable) = BrokenBelow(kPowerCut);
  }
  grade.levels[1].at(Promise::kDurable) = Broken(ViolationClass::kLostCommit, kPowerCut);
  const GradeCell lying = Broken(ViolationClass::kStructure, kLyingFlush, "lying-flush(all)");
  for (const Promise promise : {Promise::kIntact, Promise::kAtomic, Promise::kPrefix}) {
    grade.levels[3].at(promise) = lying;
  }
  grade.levels[3].at(Promise::kOpens) = NoneFound("exhaustive");
  grade.result.findings = {*lying.finding, *grade.levels[1].at(Promise::kDurable).finding};
  return grade;
}

}  // namespace plugpull
