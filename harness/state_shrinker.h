// Makes a violation say no more than it needs: of what its crash state loses, all that could as
// well have been kept is kept, so that each operation that is still lost matters (1-minimal, as in
// delta debugging); and of what is kept, what must be kept for the violation to show is told from
// what does not matter.
#pragma once

#include <functional>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "faults/persistence/crash_graph.h"
#include "faults/persistence/state_family.h"
#include "harness/recovery.h"

namespace plugpull {

struct ShrunkState {
  Violation violation;
  std::vector<VariableId> lost;  // sorted
  // Choices that lead to the violation; whatever else is kept or lost does not matter.
  std::vector<std::pair<AtomId, bool>> chosen;
  // Complete states with that violation: the one that keeps most, the one that loses most.
  std::vector<std::vector<std::pair<AtomId, bool>>> seen;
  uint64_t lost_atoms = 0;
};

class StateShrinker {
 public:
  // Judges the state that is decided. Errors: it could not.
  using Test = std::function<Expected<std::optional<Violation>>()>;

  // Requires: everything referred to outlives the shrinker.
  StateShrinker(CrashGraph& graph, const std::vector<OpenOperation>& operations, Test test)
      : graph_(graph), operations_(operations), test_(std::move(test)) {}

  // Shrinks the state that is decided, which shows `violation`. Leaves another one decided.
  Expected<ShrunkState> Shrink(const Violation& violation);

 private:
  using Items = std::vector<std::vector<VariableId>>;  // kept or lost together

  // Returns: the items of which none can be left out, after as many tests as are affordable.
  Expected<Items> Minimise(Items items, const std::function<Expected<bool>(const Items&)>& holds);
  // Decides what loses `items` and keeps all else that it can.
  void LoseOnly(const Items& items);
  // Decides what loses `lost`, keeps `kept`, and loses all else. Returns: false where that is no
  // state.
  bool KeepOnly(const std::vector<VariableId>& lost, const Items& kept);
  Items ByOperation(Fate fate) const;
  std::vector<VariableId> With(Fate fate) const;
  std::vector<std::pair<AtomId, bool>> Decided() const;

  CrashGraph& graph_;
  const std::vector<OpenOperation>& operations_;
  Test test_;
  uint32_t tests_left_ = 0;
};

}  // namespace plugpull
