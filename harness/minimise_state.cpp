#include "harness/minimise_state.h"

#include <algorithm>
#include <map>
#include <set>

#include "faults/base/assert.h"
#include "faults/inject/damage.h"
#include "faults/persistence/crash_cursor.h"
#include "faults/persistence/crash_graph.h"
#include "faults/trace/snapshot_mark.h"
#include "harness/error_run.h"

namespace plugpull {
namespace {

using Variables = std::vector<VariableId>;

// The crash states of one point, and which of them still show the violation.
class StateSearch {
 public:
  StateSearch(const Trace& trace, PointSearch& search, const ViolatedState& state,
              std::optional<size_t> lies_from, TestLimit& limit)
      : search_(search),
        state_(state),
        limit_(limit),
        tear_(EffectiveTear(*state.settings.model, state.settings.tear)),
        cursor_(trace, *state.settings.model, tear_) {
    if (lies_from) {
      cursor_.AdvanceTo(std::min(*lies_from, state.position));
      cursor_.LieFromNowOn();
    }
    cursor_.AdvanceTo(state.position);
    graph_.BuildOrder(cursor_, tear_);
    LoseOnly({});
    const Variables lost = LostVariables();
    always_lost_.insert(lost.begin(), lost.end());
  }

  // Returns: the variables that are lost where just `lost` is, the oldest first: what depends on a
  // loss is younger. Nothing: that is no state.
  std::optional<Variables> VariablesOf(const std::vector<AtomId>& lost) {
    std::set<VariableId> variables;
    for (const Atom& atom : graph_.atoms()) {
      const bool is_named = std::ranges::binary_search(lost, atom.id);
      if (is_named != atom.is_inverse) variables.insert(atom.variable);
    }
    Variables oldest(variables.begin(), variables.end());
    if (LoseOnly(oldest) != lost) return std::nullopt;
    return oldest;
  }

  // Returns: the variables of all that the operations did, the oldest first.
  Variables VariablesOfOperations(const std::vector<uint32_t>& operations) const {
    std::set<VariableId> variables;
    for (const Atom& atom : graph_.atoms()) {
      const bool is_meant = std::ranges::binary_search(operations, atom.id.op);
      if (is_meant && !atom.is_inverse) variables.insert(atom.variable);
    }
    return {variables.begin(), variables.end()};
  }

  // Returns: the variables put together by operation, in the order that they come in.
  std::vector<Variables> ByOperation(const Variables& variables) const {
    std::map<VariableId, uint32_t> operations;
    for (const Atom& atom : graph_.atoms()) operations.try_emplace(atom.variable, atom.id.op);
    std::vector<Variables> groups;
    std::map<uint32_t, size_t> group_of;
    for (const VariableId variable : variables) {
      const uint32_t operation = operations.at(variable);
      const auto [group, is_new] = group_of.try_emplace(operation, groups.size());
      if (is_new) groups.emplace_back();
      groups[group->second].push_back(variable);
    }
    return groups;
  }

  // Decides what loses `variables` and keeps all else that it can. Returns: what is lost.
  std::vector<AtomId> LoseOnly(const Variables& variables) {
    Constraints& constraints = graph_.constraints();
    constraints.Undo(0);
    for (const VariableId variable : variables) {
      if (constraints.fate(variable) != Fate::kOpen) continue;
      const size_t mark = constraints.Mark();
      if (!constraints.Decide(variable, false)) constraints.Undo(mark);
    }
    constraints.KeepTheRest();
    return Lost();
  }

  // Returns: whether the state that is decided shows the violation.
  Expected<bool> IsViolated() {
    const std::vector<AtomId> lost = Lost();
    const auto known = judged_.find(lost);
    if (known != judged_.end()) return Matches(known->second);
    const Expected<std::optional<Violation>> seen = search_.Replay({.position = state_.position,
                                                                    .window = state_.window,
                                                                    .lost = lost,
                                                                    .settings = state_.settings,
                                                                    .fault = state_.fault,
                                                                    .in_use = state_.in_use});
    if (!seen) return std::unexpected(seen.error());
    judged_[lost] = *seen;
    return Matches(*seen);
  }

  // Leaves out what it can of `groups`. Returns: whether each that is left was tried alone.
  Expected<bool> Reduce(std::vector<Variables>& groups) {
    const auto joined = [&groups](const std::vector<size_t>& kept) {
      Variables all;
      for (const size_t index : kept)
        all.insert(all.end(), groups[index].begin(), groups[index].end());
      return all;
    };
    const Expected<ReducedList> reduced =
        ReduceList(groups.size(), limit_, [&](const std::vector<size_t>& kept) {
          const Variables candidate = joined(kept);
          LoseOnly(candidate);
          return LosesNothingBut(candidate) ? IsViolated() : Expected<bool>(false);
        });
    if (!reduced) return std::unexpected(reduced.error());
    std::vector<Variables> left;
    for (const size_t index : reduced->kept) left.push_back(std::move(groups[index]));
    groups = std::move(left);
    return reduced->is_minimal;
  }

  // Returns: the variables that are lost now and need not be, the oldest first.
  Variables LostVariables() const {
    Variables lost;
    for (VariableId variable = 0; variable < graph_.constraints().size(); ++variable) {
      const bool is_lost = graph_.constraints().fate(variable) == Fate::kLost;
      if (is_lost && !always_lost_.contains(variable)) lost.push_back(variable);
    }
    return lost;
  }

  // Returns: the state that is decided. Requires: it was judged.
  ViolatedState Decided() const {
    ViolatedState state = state_;
    state.lost = Lost();
    state.violation = *judged_.at(state.lost);
    state.chosen.clear();
    for (const Atom& atom : graph_.atoms()) {
      state.chosen.emplace_back(atom.id, graph_.constraints().fate(atom.variable) == Fate::kKept);
    }
    return state;
  }

  // Returns: the variables of all pieces of the operations that lose some bytes but not all.
  std::set<VariableId> Torn() const {
    std::map<uint32_t, std::pair<std::set<VariableId>, size_t>> writes;  // variables, lost ones
    for (const Atom& atom : graph_.atoms()) {
      if (atom.id.kind != AtomKind::kData && atom.id.kind != AtomKind::kSize) continue;
      auto& [variables, lost] = writes[atom.id.op];
      variables.insert(atom.variable);
      lost += graph_.constraints().fate(atom.variable) == Fate::kLost ? 1 : 0;
    }
    std::set<VariableId> torn;
    for (const auto& [op, write] : writes) {
      const bool is_torn = write.second > 0 && write.second < write.first.size();
      if (is_torn) torn.insert(write.first.begin(), write.first.end());
    }
    return torn;
  }

 private:
  // What follows from a loss is not left out by leaving it out of a list.
  bool LosesNothingBut(const Variables& candidate) const {
    const std::set<VariableId> meant(candidate.begin(), candidate.end());
    return std::ranges::all_of(LostVariables(),
                               [&](VariableId variable) { return meant.contains(variable); });
  }

  bool Matches(const std::optional<Violation>& seen) const {
    return seen && seen->violation == state_.violation.violation;
  }

  std::vector<AtomId> Lost() const {
    return graph_.Lost(
        [this](VariableId variable) { return graph_.constraints().fate(variable) == Fate::kKept; });
  }

  PointSearch& search_;
  const ViolatedState& state_;
  TestLimit& limit_;
  Tear tear_;
  CrashCursor cursor_;
  CrashGraph graph_;
  std::set<VariableId> always_lost_;  // where everything is kept that can be
  std::map<std::vector<AtomId>, std::optional<Violation>> judged_;  // by what is lost
};

Expected<std::optional<size_t>> LiesFrom(const Trace& trace, const ViolatedState& state) {
  if (state.fault.empty()) return std::nullopt;
  const Expected<Damage> damage = DamageReader(trace).Read(state.fault, state.position);
  if (!damage) return std::unexpected(damage.error());
  return damage->lies_from;
}

}  // namespace

Window WindowAt(const Trace& trace, size_t position) {
  Window window{};
  for (size_t i = 0; i < position; ++i) {
    const Op& op = trace.ops[i];
    if (op.kind == OpKind::kBegin) window.attempted = op.transaction;
    if (op.kind == OpKind::kAcknowledge) window.acknowledged = op.transaction;
  }
  window.after_failure = AcknowledgedAfterFailure(trace, position);
  return window;
}

Expected<std::optional<ViolatedState>> MinimiseState(const Trace& trace, PointSearch& search,
                                                     const ViolatedState& state, TestLimit& limit) {
  const Expected<std::optional<size_t>> lies_from = LiesFrom(trace, state);
  if (!lies_from) return std::unexpected(lies_from.error());
  StateSearch states(trace, search, state, *lies_from, limit);
  const std::optional<Variables> lost = states.VariablesOf(state.lost);
  if (!lost) return std::nullopt;
  const Expected<bool> is_violated = states.IsViolated();
  if (!is_violated) return std::unexpected(is_violated.error());
  if (!*is_violated) return std::nullopt;
  const auto decide = [&states](const std::vector<Variables>& groups) {
    Variables all;
    for (const Variables& group : groups) all.insert(all.end(), group.begin(), group.end());
    states.LoseOnly(all);
  };
  std::vector<Variables> groups = states.ByOperation(*lost);
  Expected<bool> is_minimal = states.Reduce(groups);
  if (!is_minimal) return std::unexpected(is_minimal.error());
  decide(groups);
  // Until nothing changes: what is lost may be less than was left to be lost.
  size_t before = SIZE_MAX;
  for (Variables left = states.LostVariables(); left.size() < before;
       left = states.LostVariables()) {
    before = left.size();
    std::vector<Variables> pieces;
    for (const VariableId variable : left) pieces.push_back({variable});
    is_minimal = states.Reduce(pieces);
    if (!is_minimal) return std::unexpected(is_minimal.error());
    decide(pieces);
  }
  ViolatedState smaller = states.Decided();
  smaller.is_minimal = *is_minimal;
  return smaller;
}

Expected<std::optional<ViolatedState>> LoseOperations(const Trace& trace, PointSearch& search,
                                                      const ViolatedState& state,
                                                      const std::vector<uint32_t>& lost,
                                                      TestLimit& limit) {
  Assert(state.fault.empty(), "a fault is an instance of its own crash point");
  StateSearch states(trace, search, state, std::nullopt, limit);
  states.LoseOnly(states.VariablesOfOperations(lost));
  const Expected<bool> is_violated = states.IsViolated();
  if (!is_violated) return std::unexpected(is_violated.error());
  if (!*is_violated) return std::nullopt;
  return states.Decided();
}

Expected<std::optional<ViolatedState>> MakeWhole(const Trace& trace, PointSearch& search,
                                                 const ViolatedState& state, TestLimit& limit) {
  const Expected<std::optional<size_t>> lies_from = LiesFrom(trace, state);
  if (!lies_from) return std::unexpected(lies_from.error());
  StateSearch states(trace, search, state, *lies_from, limit);
  const std::optional<Variables> lost = states.VariablesOf(state.lost);
  if (!lost) return std::nullopt;
  const std::set<VariableId> torn = states.Torn();
  if (torn.empty()) return std::nullopt;
  Variables fewer = *lost;
  std::erase_if(fewer, [&](VariableId variable) { return torn.contains(variable); });
  Variables more = fewer;
  more.insert(more.end(), torn.begin(), torn.end());
  for (const Variables& candidate : {fewer, more}) {
    if (!limit.Spend()) return std::nullopt;
    states.LoseOnly(candidate);
    const Expected<bool> is_violated = states.IsViolated();
    if (!is_violated) return std::unexpected(is_violated.error());
    if (*is_violated && states.Torn().empty()) return states.Decided();
  }
  return std::nullopt;
}

Expected<std::optional<ViolatedState>> CrashBeforeLosses(const Trace& trace, PointSearch& search,
                                                         const ViolatedState& state,
                                                         TestLimit& limit) {
  Assert(state.fault.empty(), "a fault is an instance of its own crash point");
  std::set<size_t> positions;
  for (const AtomId& atom : state.lost)
    positions.insert(std::max<size_t>(atom.op, SnapshotEnd(trace)));
  for (const size_t position : positions) {
    if (position >= state.position) continue;
    ViolatedState earlier = state;
    earlier.position = position;
    earlier.window = WindowAt(trace, position);
    std::erase_if(earlier.lost, [position](const AtomId& atom) { return atom.op >= position; });
    StateSearch states(trace, search, earlier, std::nullopt, limit);
    if (!states.VariablesOf(earlier.lost)) continue;
    if (!limit.Spend()) return std::nullopt;
    const Expected<bool> is_violated = states.IsViolated();
    if (!is_violated) return std::unexpected(is_violated.error());
    if (*is_violated) return states.Decided();
  }
  return std::nullopt;
}

Expected<std::optional<ViolatedState>> MoveEarlier(const Trace& trace, PointSearch& search,
                                                   const ViolatedState& state, TestLimit& limit) {
  const size_t first = std::max(SnapshotEnd(trace),
                                state.lost.empty() ? size_t{0} : size_t{state.lost.back().op} + 1);
  for (size_t position = first; position < state.position; ++position) {
    ViolatedState earlier = state;
    earlier.position = position;
    earlier.window = WindowAt(trace, position);
    // A fault is an instance of its own crash point: elsewhere it may have no place.
    const Expected<std::optional<size_t>> lies_from = LiesFrom(trace, earlier);
    if (!lies_from) continue;
    StateSearch states(trace, search, earlier, *lies_from, limit);
    if (!states.VariablesOf(state.lost)) continue;
    if (!limit.Spend()) return std::nullopt;
    const Expected<bool> is_violated = states.IsViolated();
    if (!is_violated) return std::unexpected(is_violated.error());
    if (*is_violated) return states.Decided();
  }
  return std::nullopt;
}

}  // namespace plugpull
