// What a row of the selftest says of the harness.
#include <fmt/format.h>

#include <algorithm>
#include <regex>

#include "harness/selftest/selftest.h"

namespace plugpull {
namespace {

bool IsOf(const PlantedBug& bug, const Finding& finding) {
  return std::ranges::find(bug.classes, finding.violation) != bug.classes.end();
}

// Returns: the finding that the row is about: of its classes, under the weakest fault.
const Finding* FindExpected(const PlantedBug& bug, const Result& result) {
  const Finding* best = nullptr;
  for (const Finding& finding : result.findings) {
    if (!IsOf(bug, finding)) continue;
    if (best == nullptr || finding.fault_level < best->fault_level) best = &finding;
  }
  return best;
}

const Finding* FindSymptom(const PlantedBug& bug, const Result& result) {
  const std::regex symptom{std::string(bug.symptom)};
  const auto found = std::ranges::find_if(result.findings, [&](const Finding& finding) {
    return std::regex_search(finding.message, symptom);
  });
  return found == result.findings.end() ? nullptr : &*found;
}

// Tells when the first violation was met, and after how many recoveries.
void AddSchedule(const Result& result, SelftestRow& row) {
  const auto running = std::ranges::find_if(result.findings, [](const Finding& finding) {
    return finding.signature.ends_with(": while running");
  });
  if (running != result.findings.end()) {
    row.first_schedule = fmt::format("no crash, transaction {}", running->transactions_attempted);
    row.recoveries = 0;
    return;
  }
  if (const std::optional<FirstViolation>& first = result.coverage.first) {
    row.first_schedule = fmt::format("crash after operation {}", first->crash_point);
    if (first->transactions_attempted > 0) {
      row.first_schedule += fmt::format(", transaction {}", first->transactions_attempted);
    }
    row.recoveries = first->recoveries;
    return;
  }
  const auto in_use = std::ranges::find_if(result.findings, &Finding::in_use);
  if (in_use == result.findings.end()) return;
  row.first_schedule = fmt::format("in use, cycle {}, after a crash after operation {}",
                                   in_use->cycle, in_use->crash_point);
  row.recoveries = result.coverage.recoveries;
}

void AddFindings(const PlantedBug& bug, const Result& result, SelftestRow& row) {
  AddSchedule(result, row);
  for (const Finding& finding : result.findings) {
    const std::string oracle(Name(finding.violation));
    if (std::ranges::count(row.oracles, oracle) == 0) row.oracles.push_back(oracle);
  }
  const Finding* finding = FindExpected(bug, result);
  if (finding == nullptr && !result.findings.empty()) finding = &result.findings.front();
  if (finding == nullptr) return;
  row.level = Name(finding->fault_level);
  const Finding* symptom = bug.symptom.empty() ? nullptr : FindSymptom(bug, result);
  row.message = symptom != nullptr ? symptom->message : finding->message;
}

// Returns: why the result is not what the row expects of a bug that is found; empty: it is.
std::string WhyNotKilled(const PlantedBug& bug, const Result& result) {
  for (const FaultTally& tally : result.faults_fired) {
    if (!tally.advice.empty()) return fmt::format("the fault never fired: {}", tally.fault);
  }
  if (result.findings.empty()) return fmt::format("nothing was found ({})", Name(result.verdict));
  const Finding* finding = FindExpected(bug, result);
  if (finding == nullptr) {
    return fmt::format("none of the classes it should show, but {}",
                       Name(result.findings.front().violation));
  }
  if (finding->fault_level != bug.level) {
    return fmt::format("found at level {}, not {}", Name(finding->fault_level), Name(bug.level));
  }
  if (!bug.symptom.empty() && FindSymptom(bug, result) == nullptr) {
    return fmt::format("no message says '{}', but: {}", bug.symptom, finding->message);
  }
  return "";
}

// Returns: why the result does not say that there is nothing to find; empty: it does.
std::string WhyNotHeld(const Result& result) {
  if (result.verdict == Verdict::kHeld) return "";
  if (!result.findings.empty()) {
    const Finding& finding = result.findings.front();
    return fmt::format("{} under {}: {}", Name(finding.violation), Name(finding.fault_level),
                       finding.message);
  }
  const std::vector<std::string>& unknown = result.coverage.unknown;
  return fmt::format("unknown: {}", unknown.empty() ? "no reason given" : unknown.front());
}

}  // namespace

SelftestRow JudgeRow(const PlantedBug& bug, const Expected<Result>& legal,
                     const std::optional<Expected<Result>>& beyond) {
  SelftestRow row;
  row.name = bug.name;
  row.bug = bug.bug;
  row.target = bug.target;
  row.run = bug.attack.Text();
  if (bug.beyond) row.run += fmt::format("; then {}", bug.beyond->Text());
  for (const Expected<Result>* result : {&legal, beyond ? &*beyond : nullptr}) {
    if (result == nullptr) continue;
    if (!*result) {
      row.note = Describe(result->error());
      return row;
    }
    row.total_recoveries += (*result)->coverage.recoveries;
    row.elapsed_s += (*result)->elapsed_s;
  }
  row.coverage = legal->coverage.mode;
  const Result& shown = beyond ? **beyond : *legal;
  AddFindings(bug, shown, row);
  if (bug.expectation == Expectation::kKilled) {
    row.note = WhyNotKilled(bug, *legal);
    row.outcome = row.note.empty() ? SelftestOutcome::kKilled : SelftestOutcome::kMissed;
    return row;
  }
  row.note = WhyNotHeld(*legal);
  if (!row.note.empty()) {
    if (beyond) AddFindings(bug, *legal, row);
    const bool is_accused = !legal->findings.empty();
    row.outcome = is_accused ? SelftestOutcome::kFalseAlarm : SelftestOutcome::kBroken;
    return row;
  }
  row.outcome = SelftestOutcome::kHeld;
  if (bug.expectation == Expectation::kHeld) return row;
  row.note = beyond ? WhyNotKilled(bug, **beyond) : "";
  row.outcome = row.note.empty() ? SelftestOutcome::kEquivalent : SelftestOutcome::kMissed;
  if (row.note.empty()) row.note = bug.why;
  return row;
}

}  // namespace plugpull
