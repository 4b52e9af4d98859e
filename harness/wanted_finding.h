// Looks for one finding in a trace: that of a signature, as early and as small as it is there.
#pragma once

#include <optional>
#include <string>

#include "engine/engine.h"
#include "faults/base/error.h"
#include "faults/trace/trace.h"
#include "harness/findings.h"
#include "harness/minimise_list.h"
#include "harness/state_pattern.h"

namespace plugpull {

struct WantedFinding {
  std::string signature;
  ViolationClass violation = ViolationClass::kLostCommit;
  FaultLevel level = FaultLevel::kTornWrite;  // a stronger fault does not count
  ExploreSettings settings;                   // of the search: its model and tear
  std::string faults = {};        // a specification beyond the disk's contract; or empty
  bool is_minimal_state = false;  // the signature is that of a state that loses as little as it can
  // What the state is that is known of another recording: it is tried before anything is searched.
  std::optional<StatePattern> pattern = {};
  size_t most_lost = SIZE_MAX;  // a state that loses more atoms does not count
};

// Crash points before this one are not looked at.
struct WhereToLook {
  size_t first_position = 0;
};

// Returns: the finding at the first crash point that has it, its state as small as it gets; or
// nothing. The same for the same arguments, unless `limit` is stopped from outside.
// Errors: a child that cannot be started, those of PointSearch.
Expected<std::optional<FindingDraft>> FindWanted(const Trace& trace, const EngineType& type,
                                                 const WantedFinding& wanted, WhereToLook where,
                                                 const std::function<bool()>& goes_on);

// Returns: what to search a trace for to meet a fault of the kind that `instance` is, which
// happened at the end of `trace`. Requires: it is an instance.
std::string Generalised(const Trace& trace, const std::string& instance,
                        const ExploreSettings& settings);

}  // namespace plugpull
