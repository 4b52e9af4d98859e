// Gathers violations into findings: one for each signature, with its smallest reproduction.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "harness/crash_state.h"
#include "harness/explore_settings.h"
#include "harness/point_explorer.h"
#include "reports/result.h"

namespace plugpull {

// A finding before it is written down: the reproduction is still a list of choices.
struct FindingDraft {
  std::string signature;
  std::vector<std::string> kinds;  // of what is lost, sorted
  Violation violation;
  ExploreSettings settings;  // those under which it was found
  ChosenState state;
  CompleteState complete;
  Window window;
  FaultLevel level = FaultLevel::kTornWrite;
  uint64_t count = 0;
};

class FindingCollector {
 public:
  // Requires: everything referred to outlives the collector.
  FindingCollector(const Trace& trace, const EngineType& type);

  // Drops every finding that another one of its class explains: one that loses fewer kinds of
  // things, under no stronger a fault. Its count goes to the other.
  void Fold();

  // Takes in the violations of a point. Call in the same order for the same run: ties between
  // reproductions of equal size go to the first.
  void Add(const PointResult& result, const ExploreSettings& settings);

  bool empty() const { return drafts_.empty(); }

  // By signature.
  const std::map<std::string, FindingDraft>& drafts() const { return drafts_; }

  // Returns: the findings, those that break the weakest promises first, without their case files.
  std::vector<Finding> Findings();

 private:
  StateInspector inspector_;
  std::map<std::string, FindingDraft> drafts_;
};

// Returns: a short name for a signature: its class and eight digits.
std::string FindingId(const FindingDraft& draft);

}  // namespace plugpull
