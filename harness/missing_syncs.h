// Looks for the fewest added syncs that make violated crash states impossible under one model.
//
// It knows states that must not be reachable, and lines of code that could be added (what was lost,
// synced anywhere between its loss and the crash). It chooses the cheapest set that no known state
// survives; whoever asked explores the trace with that set, and adds the states that it still finds
// violated, until none is left.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "engine/engine.h"
#include "faults/trace/trace.h"
#include "harness/crash_state.h"
#include "harness/sync_proposals.h"
#include "reports/verdict.h"

namespace plugpull {

// A crash state that was seen to be violated.
struct BrokenState {
  size_t position = 0;
  Tear tear = Tear::kNone;
  const Model* model = nullptr;  // that it was found under, or one as weak
  std::vector<AtomId> lost;      // sorted
  bool in_recovery = false;      // what it takes is a further crash, in the recovery from this one
};

// What became of a state that was added.
enum class SyncHelp : uint8_t {
  kNew,      // some added sync makes it impossible
  kKnown,    // it was there before, or the model does not admit it
  kNothing,  // no sync can: nothing was lost that one could have covered before the crash
};

class MissingSyncSearch {
 public:
  // `before_acknowledgement`: a sync helps only before the commit that it is for returns.
  // Requires: everything outlives the search.
  MissingSyncSearch(const Trace& trace, const EngineType& type, const Model& model,
                    bool before_acknowledgement);

  // Adds a state of the trace.
  SyncHelp Add(const BrokenState& violated);

  // Returns: the cheapest set that makes all states impossible: the fewest syncs in this run and
  // lines of code, then those that come last in their transaction. Empty: no state was added.
  std::vector<SyncProposal> Choose();

  // Returns: true when none of the states that were added is possible with these syncs.
  bool IsEnough(const std::vector<SyncProposal>& proposals);

  // Returns: true when the model admits the state, and does no longer with these syncs.
  bool Prevents(const std::vector<SyncProposal>& proposals, const BrokenState& violated);

 private:
  // One or, where only both together help, two syncs.
  struct Candidate {
    std::vector<SyncProposal> proposals;
    size_t executions = 0;
    size_t depth = 0;                      // operations since the begin of the transaction
    std::map<size_t, bool> excludes = {};  // by state
  };

  struct Cost {
    size_t syncs_and_lines = 0;
    size_t lines = 0;
    size_t earliness = 0;
    auto operator<=>(const Cost&) const = default;
  };

  // Returns: the state with every choice that the model leaves; nothing: it does not admit it.
  std::optional<ChosenState> UnderModel(const BrokenState& violated);
  void AddCandidates(const ChosenState& state, std::vector<size_t>& of_state);
  void AddPlaces(const ChosenState& state, SyncedThing thing, const std::string& role,
                 std::vector<uint32_t> lost_ops, std::vector<size_t>& of_state);
  bool AddPair(size_t state, const std::vector<size_t>& of_state);
  bool Excludes(size_t candidate, size_t state);
  bool AreImpossible(const std::vector<SyncProposal>& proposals,
                     const std::vector<const ChosenState*>& states);
  // Returns: the cheapest candidates that make every state impossible.
  std::vector<size_t> Cheapest();
  Cost CostOf(const std::vector<size_t>& candidates) const;

  const Trace& trace_;
  const EngineType& type_;
  const Model& model_;
  bool before_acknowledgement_;
  SyncPlaces places_;
  StateInspector inspector_;
  std::vector<ChosenState> states_;  // complete
  std::vector<Candidate> candidates_;
};

}  // namespace plugpull
