// What any result says of a run. The exploration itself is in explore.cpp.
#include <algorithm>

#include "harness/explore.h"

namespace plugpull {

TraceFacts FactsOf(const Trace& trace) {
  TraceFacts facts;
  facts.operations = trace.ops.size();
  facts.bytes = trace.payload.size();
  facts.transactions = trace.transactions.size();
  for (const Op& op : trace.ops) {
    if (IsSync(op.kind)) ++facts.syncs;
    if (op.kind == OpKind::kAcknowledge) ++facts.acknowledgements;
  }
  return facts;
}

size_t BeginOf(const Trace& trace, uint32_t transaction) {
  const auto begins = [&](const Op& op) {
    return op.kind == OpKind::kBegin && op.transaction >= transaction;
  };
  return static_cast<size_t>(std::ranges::find_if(trace.ops, begins) - trace.ops.begin());
}

std::vector<std::string> FaultsOf(const ExploreSettings& settings) {
  if (settings.model->shape == Shape::kEverything) return {"process-kill"};
  if (settings.model->shape == Shape::kPrefix) {
    if (settings.tear == Tear::kNone) return {"process-kill", "power-cut-ordered"};
    return {"process-kill", "power-cut-ordered", "torn-write"};
  }
  if (settings.tear == Tear::kNone) return {"process-kill", "power-cut-ordered", "power-cut"};
  return {"process-kill", "power-cut-ordered", "power-cut", "torn-write"};
}

}  // namespace plugpull
