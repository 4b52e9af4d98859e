#include "harness/missing_syncs.h"

#include <algorithm>
#include <functional>
#include <optional>
#include <set>
#include <utility>

#include "harness/sync_edits.h"

namespace plugpull {
namespace {

// Places that are looked at for one thing that a state has lost: the last ones before the crash.
constexpr size_t kMostPlaces = 200;

// Pairs of syncs that are tried for a state that no single one makes impossible.
constexpr size_t kMostPairs = 400;

// Steps of the search for the cheapest set; what it has found by then is a set that is enough.
constexpr size_t kMostSteps = 20'000;

// How far into a transaction a place is: beyond this, one is as late as another.
constexpr size_t kLatestPlace = 1'000'000;

// What one sync could have saved of a lost atom.
struct Savable {
  SyncedThing thing = SyncedThing::kFile;
  InodeId inode = kNoInode;
};

std::optional<Savable> SavableOf(const Op& op, const AtomId& atom) {
  const bool is_name = atom.kind == AtomKind::kInode || atom.kind == AtomKind::kName;
  if (!is_name) return Savable{SyncedThing::kFile, op.inode};
  if (op.kind == OpKind::kCreateUnnamed) return Savable{SyncedThing::kFile, op.inode};
  if (op.kind == OpKind::kLink) return Savable{SyncedThing::kTargetDirectory, op.inode};
  const bool is_second = atom.kind == AtomKind::kName && atom.index != 0;
  const bool is_elsewhere = op.other_directory != kNoInode && op.other_directory != op.directory;
  if (is_second && is_elsewhere && op.kind == OpKind::kRename) {
    return Savable{SyncedThing::kTargetDirectory, op.inode};
  }
  if (op.directory == kNoInode) return std::nullopt;
  return Savable{SyncedThing::kDirectory, op.inode};
}

std::vector<AddedSync> AllAdded(const std::vector<SyncProposal>& proposals) {
  std::vector<AddedSync> added;
  for (const SyncProposal& proposal : proposals) {
    added.insert(added.end(), proposal.added.begin(), proposal.added.end());
  }
  return added;
}

}  // namespace

MissingSyncSearch::MissingSyncSearch(const Trace& trace, const EngineType& type, const Model& model,
                                     bool before_acknowledgement)
    : trace_(trace),
      type_(type),
      model_(model),
      before_acknowledgement_(before_acknowledgement),
      places_(trace, type),
      inspector_(trace, type) {}

std::optional<ChosenState> MissingSyncSearch::UnderModel(const BrokenState& violated) {
  ChosenState state{.position = violated.position, .tear = violated.tear, .chosen = {}};
  for (const AtomId& atom : violated.lost) state.chosen.emplace_back(atom, false);
  // What it kept of what was left to fate where it was found; then of what this model leaves.
  const CompleteState found = inspector_.Complete(state, *violated.model);
  for (const AtomId& atom : found.kept) state.chosen.emplace_back(atom, true);
  if (!inspector_.Admits(state, model_, state.tear)) return std::nullopt;
  state = inspector_.Weaken(state, model_, state.tear);
  const CompleteState complete = inspector_.Complete(state, model_);
  state.chosen.clear();
  for (const AtomId& atom : complete.lost) state.chosen.emplace_back(atom, false);
  for (const AtomId& atom : complete.kept) state.chosen.emplace_back(atom, true);
  return state;
}

bool MissingSyncSearch::Prevents(const std::vector<SyncProposal>& proposals,
                                 const BrokenState& violated) {
  const std::optional<ChosenState> state = UnderModel(violated);
  return state && AreImpossible(proposals, {&*state});
}

SyncHelp MissingSyncSearch::Add(const BrokenState& violated) {
  const std::optional<ChosenState> found = UnderModel(violated);
  if (!found) return SyncHelp::kKnown;
  const ChosenState& state = *found;
  const bool is_known = std::ranges::any_of(states_, [&](const ChosenState& known) {
    return known.position == state.position && known.tear == state.tear &&
           known.chosen == state.chosen;
  });
  if (is_known) return SyncHelp::kKnown;
  states_.push_back(state);
  std::vector<size_t> of_state;
  AddCandidates(state, of_state);
  const size_t index = states_.size() - 1;
  const auto helps = [&](size_t candidate) { return Excludes(candidate, index); };
  if (std::ranges::any_of(of_state, helps) || AddPair(index, of_state)) return SyncHelp::kNew;
  states_.pop_back();
  for (Candidate& candidate : candidates_) candidate.excludes.erase(index);
  return SyncHelp::kNothing;
}

void MissingSyncSearch::AddCandidates(const ChosenState& state, std::vector<size_t>& of_state) {
  std::map<std::pair<SyncedThing, std::string>, std::set<uint32_t>> savable;
  for (const auto& [atom, kept] : state.chosen) {
    if (kept) continue;
    const Op& op = trace_.ops[atom.op];
    const std::optional<Savable> found = SavableOf(op, atom);
    if (!found) continue;
    if (found->thing == SyncedThing::kFile && places_.roles().IsDirectory(found->inode)) continue;
    savable[{found->thing, places_.roles().Of(found->inode)}].insert(atom.op);
  }
  for (const auto& [what, ops] : savable) {
    AddPlaces(state, what.first, what.second, {ops.begin(), ops.end()}, of_state);
  }
}

void MissingSyncSearch::AddPlaces(const ChosenState& state, SyncedThing thing,
                                  const std::string& role, std::vector<uint32_t> lost_ops,
                                  std::vector<size_t>& of_state) {
  // A sync that comes right at the crash comes after it.
  std::set<size_t> before;
  for (const uint32_t lost : lost_ops) {
    for (size_t at = lost + size_t{1}; at < state.position; ++at) {
      before.insert(at);
      if (before_acknowledgement_ && trace_.ops[at].kind == OpKind::kAcknowledge) break;
    }
  }
  size_t tried = 0;
  for (auto at = before.rbegin(); at != before.rend() && tried < kMostPlaces; ++at, ++tried) {
    size_t begin = *at;
    while (begin > 0 && trace_.ops[begin - 1].kind != OpKind::kBegin) --begin;
    for (SyncProposal& proposal : places_.At(*at, thing, role)) {
      const auto same = std::ranges::find_if(candidates_, [&](const Candidate& known) {
        return known.proposals.size() == 1 && known.proposals.front().added == proposal.added;
      });
      of_state.push_back(static_cast<size_t>(same - candidates_.begin()));
      if (same != candidates_.end()) continue;
      const size_t executions = proposal.added.size();
      candidates_.push_back(
          {.proposals = {std::move(proposal)}, .executions = executions, .depth = *at - begin});
    }
  }
}

bool MissingSyncSearch::AddPair(size_t state, const std::vector<size_t>& of_state) {
  size_t tried = 0;
  for (size_t i = 0; i < of_state.size(); ++i) {
    for (size_t j = i + 1; j < of_state.size() && tried < kMostPairs; ++j) {
      const Candidate& one = candidates_[of_state[i]];
      const Candidate& other = candidates_[of_state[j]];
      const bool are_alike = one.proposals.front().thing == other.proposals.front().thing &&
                             one.proposals.front().role == other.proposals.front().role;
      if (are_alike) continue;
      ++tried;
      const std::vector<SyncProposal> both = {one.proposals.front(), other.proposals.front()};
      if (!AreImpossible(both, {&states_[state]})) continue;
      candidates_.push_back({.proposals = both,
                             .executions = one.executions + other.executions,
                             .depth = std::min(one.depth, other.depth)});
      return true;
    }
  }
  return false;
}

bool MissingSyncSearch::Excludes(size_t candidate, size_t state) {
  const auto known = candidates_[candidate].excludes.find(state);
  if (known != candidates_[candidate].excludes.end()) return known->second;
  const bool excludes = AreImpossible(candidates_[candidate].proposals, {&states_[state]});
  candidates_[candidate].excludes[state] = excludes;
  return excludes;
}

bool MissingSyncSearch::AreImpossible(const std::vector<SyncProposal>& proposals,
                                      const std::vector<const ChosenState*>& states) {
  const EditedTrace edited = EditSyncs(trace_, {}, AllAdded(proposals));
  StateInspector inspector(edited.trace, type_);
  return std::ranges::none_of(states, [&](const ChosenState* state) {
    ChosenState moved = *state;
    moved.position = edited.PositionOf(state->position);
    for (auto& [atom, kept] : moved.chosen) atom.op = edited.IndexOf(atom.op);
    return inspector.Admits(moved, model_, moved.tear);
  });
}

bool MissingSyncSearch::IsEnough(const std::vector<SyncProposal>& proposals) {
  std::vector<const ChosenState*> all;
  for (const ChosenState& state : states_) all.push_back(&state);
  return AreImpossible(proposals, all);
}

std::vector<size_t> MissingSyncSearch::Cheapest() {
  // Of candidates that make the same states impossible the cheapest stands for all.
  std::map<std::vector<bool>, size_t> cheapest;
  for (size_t candidate = 0; candidate < candidates_.size(); ++candidate) {
    std::vector<bool> covers(states_.size());
    for (size_t state = 0; state < states_.size(); ++state) {
      covers[state] = Excludes(candidate, state);
    }
    const auto [known, is_new] = cheapest.try_emplace(covers, candidate);
    if (!is_new && CostOf({candidate}) < CostOf({known->second})) known->second = candidate;
  }
  std::vector<size_t> best;
  std::vector<size_t> chosen;
  size_t steps = 0;
  const std::function<void()> search = [&] {
    if (!best.empty() && (++steps > kMostSteps || CostOf(chosen) >= CostOf(best))) return;
    const auto is_covered = [&](size_t state) {
      return std::ranges::any_of(chosen, [&](size_t each) { return Excludes(each, state); });
    };
    size_t state = 0;
    while (state < states_.size() && is_covered(state)) ++state;
    if (state == states_.size()) {
      best = chosen;
      return;
    }
    std::vector<size_t> next;
    for (const auto& [covers, candidate] : cheapest) {
      if (covers[state]) next.push_back(candidate);
    }
    std::ranges::sort(next, {}, [&](size_t candidate) { return CostOf({candidate}); });
    for (const size_t candidate : next) {
      chosen.push_back(candidate);
      search();
      chosen.pop_back();
    }
  };
  search();
  return best;
}

MissingSyncSearch::Cost MissingSyncSearch::CostOf(const std::vector<size_t>& candidates) const {
  // A line of code more is worth it where it saves a sync in every third transaction.
  const size_t line = std::max<size_t>(2, trace_.transactions.size() / 3);
  Cost cost;
  for (const size_t each : candidates) {
    const Candidate& candidate = candidates_[each];
    cost.syncs_and_lines += candidate.executions + line * candidate.proposals.size();
    cost.lines += candidate.proposals.size();
    cost.earliness += kLatestPlace - std::min(kLatestPlace, candidate.depth);
  }
  return cost;
}

std::vector<SyncProposal> MissingSyncSearch::Choose() {
  std::vector<SyncProposal> chosen;
  for (const size_t candidate : Cheapest()) {
    const std::vector<SyncProposal>& more = candidates_[candidate].proposals;
    chosen.insert(chosen.end(), more.begin(), more.end());
  }
  // What only two together make impossible may need less than the two where there are more.
  for (size_t i = 0; i < chosen.size() && chosen.size() > 1;) {
    std::vector<SyncProposal> fewer = chosen;
    fewer.erase(fewer.begin() + static_cast<ptrdiff_t>(i));
    if (IsEnough(fewer)) {
      chosen = std::move(fewer);
    } else {
      ++i;
    }
  }
  return chosen;
}

}  // namespace plugpull
