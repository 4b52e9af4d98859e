// The results of the cycles of a run, put together into one.
#pragma once

#include <set>
#include <string>

#include "harness/crash_state.h"
#include "reports/result.h"

namespace plugpull {

// What it takes to reach a cycle: all crashes before it have to happen as they did.
class ChainLabels {
 public:
  // Nothing has happened yet: each model gets there.
  ChainLabels();

  // Adds one crash. Requires: `state` is a state of `model`.
  void Add(StateInspector& inspector, const ChosenState& state, const Model& model);

  // Takes from `finding` the models that do not get that far, and raises its level.
  void Apply(Finding& finding) const;

  bool Admits(const std::string& model) const { return models_.contains(model); }

 private:
  FaultLevel level_ = FaultLevel::kProcessKill;
  std::set<std::string> models_;
  std::set<std::string> with_contract_;  // models_ and those of which only the contract gets there
};

// Adds `finding` to `all`, or to the finding of the same signature that is there. Of a run under
// all models, those that admit it are violated.
void MergeFinding(Finding finding, Result& all);

// Adds what the exploration of one more cycle said. `entry` becomes its line in the coverage, with
// the counts of `next`.
void MergeCycle(const Result& next, CycleCoverage entry, const ChainLabels& labels, Result& all);

// Adds a reason why the run is not exhaustive, or why nothing can be said.
void AddBound(std::string bound, Result& all);
void AddUnknown(std::string unknown, Result& all);

// Says mode and verdict anew, and puts the findings in order. Call at the end.
void Conclude(Result& all);

}  // namespace plugpull
