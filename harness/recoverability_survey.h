// What can be done about the violated images of a run: of each finding's reproduction, and, when
// asked, of every violation that the search reports.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "faults/inject/damage.h"
#include "harness/crash_state.h"
#include "harness/findings.h"
#include "harness/point_search.h"
#include "reports/result.h"

namespace plugpull {

class RecoverabilitySurvey {
 public:
  // Requires: everything referred to outlives the survey.
  RecoverabilitySurvey(const Trace& trace, const EngineType& type)
      : type_(type), damage_reader_(trace), inspector_(trace, type) {}

  // Counts the violations of a point, each as the state that loses least. Those in which the power
  // failed again in recovery are left out.
  Expected<void> Add(PointSearch& search, const PointResult& result,
                     const ExploreSettings& settings);

  // Returns: of the reproduction of a finding, in words; empty: nobody can say.
  Expected<std::string> Of(PointSearch& search, const FindingDraft& draft) const;

  // Adds what was counted to a result.
  void Report(Result& result) const;

 private:
  const EngineType& type_;
  DamageReader damage_reader_;
  StateInspector inspector_;
  std::map<std::string, RecoverabilityTally> tallies_;  // by name
  std::map<std::string_view, uint64_t> cures_;          // by the name of a repair
};

}  // namespace plugpull
