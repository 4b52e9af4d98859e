// The plans of `--errors each`: every call of a run fails in turn, in each way that it can.
#pragma once

#include <vector>

#include "faults/inject/failure_injector.h"
#include "faults/inject/failure_plan.h"
#include "faults/persistence/model.h"

namespace plugpull {

// Returns: for each call, in order, once and from then on, each errno that it can return, and a
// short count; for a sync also each aftermath, with the program going on or restarting. An
// interruption happens once: such calls are repeated. So does a lack of memory.
std::vector<FailurePlan> PlansForEach(const std::vector<CallSeen>& calls);

// Returns: whether the file system of `model` does after a failed sync what the plan says. The
// weakest model stands for all file systems, and so do models of weaker faults.
bool Fits(const FailurePlan& plan, const Model& model);

}  // namespace plugpull
