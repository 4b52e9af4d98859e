#include "harness/state_shrinker.h"

#include <algorithm>

namespace plugpull {
namespace {

// A state is worth this many judgements for each of the steps of its shrinking.
constexpr uint32_t kMostTests = 80;

// Up to so many pieces are tried one by one.
constexpr size_t kMostPieces = 64;

}  // namespace

Expected<ShrunkState> StateShrinker::Shrink(const Violation& violation) {
  ShrunkState shrunk{.violation = violation, .lost = {}, .chosen = {}, .seen = {}};
  const auto still_violated = [&](const Items& items) -> Expected<bool> {
    LoseOnly(items);
    const Expected<std::optional<Violation>> found = test_();
    if (!found) return std::unexpected(found.error());
    if (!*found || (*found)->violation != violation.violation) return false;
    shrunk.violation = **found;
    return true;
  };
  tests_left_ = kMostTests;
  Expected<Items> lost = Minimise(ByOperation(Fate::kLost), still_violated);
  if (!lost) return std::unexpected(lost.error());
  Items pieces;
  for (const auto& item : *lost) {
    for (const VariableId variable : item) pieces.push_back({variable});
  }
  if (pieces.size() > 1 && pieces.size() <= kMostPieces) {
    tests_left_ = kMostTests;
    lost = Minimise(std::move(pieces), still_violated);
    if (!lost) return std::unexpected(lost.error());
  }
  LoseOnly(*lost);
  shrunk.lost = With(Fate::kLost);
  shrunk.seen.push_back(Decided());
  shrunk.lost_atoms = static_cast<uint64_t>(
      std::ranges::count(shrunk.seen.front(), false, &std::pair<AtomId, bool>::second));
  // Nothing that was lost at first may have been the reason.
  const Expected<std::optional<Violation>> found = test_();
  if (!found) return std::unexpected(found.error());
  if (*found) shrunk.violation = **found;

  const auto still_the_same = [&](const Items& items) -> Expected<bool> {
    if (!KeepOnly(shrunk.lost, items)) return false;
    const Expected<std::optional<Violation>> again = test_();
    if (!again) return std::unexpected(again.error());
    return *again == shrunk.violation;
  };
  tests_left_ = kMostTests;
  Expected<Items> kept = Minimise(ByOperation(Fate::kKept), still_the_same);
  if (!kept) return std::unexpected(kept.error());
  std::set<VariableId> matters;
  for (const auto& item : *kept) matters.insert(item.begin(), item.end());
  for (const auto& [atom, is_kept] : shrunk.seen.front()) {
    if (!is_kept || matters.contains(graph_.VariableOf(atom))) {
      shrunk.chosen.emplace_back(atom, is_kept);
    }
  }
  if (KeepOnly(shrunk.lost, *kept)) shrunk.seen.push_back(Decided());
  return shrunk;
}

Expected<StateShrinker::Items> StateShrinker::Minimise(
    Items items, const std::function<Expected<bool>(const Items&)>& holds) {
  size_t chunk = std::max<size_t>(1, items.size());
  while (true) {
    bool changed = false;
    // The newest first: what is lost of an operation takes along what depends on it.
    for (size_t end = items.size(); end > 0 && tests_left_ > 0;) {
      const size_t begin = end - std::min(end, chunk);
      Items fewer(items.begin(), items.begin() + static_cast<ptrdiff_t>(begin));
      fewer.insert(fewer.end(), items.begin() + static_cast<ptrdiff_t>(end), items.end());
      --tests_left_;
      const Expected<bool> held = holds(fewer);
      if (!held) return std::unexpected(held.error());
      if (*held) {
        items = std::move(fewer);
        changed = true;
      }
      end = begin;
    }
    if (tests_left_ == 0 || (chunk == 1 && !changed)) return items;
    chunk = std::max<size_t>(1, chunk / 2);
  }
}

void StateShrinker::LoseOnly(const Items& items) {
  Constraints& constraints = graph_.constraints();
  constraints.Undo(0);
  for (const auto& item : items) {
    for (const VariableId variable : item) {
      if (constraints.fate(variable) != Fate::kOpen) continue;
      const size_t mark = constraints.Mark();
      if (!constraints.Decide(variable, false)) constraints.Undo(mark);
    }
  }
  constraints.KeepTheRest();
}

bool StateShrinker::KeepOnly(const std::vector<VariableId>& lost, const Items& kept) {
  Constraints& constraints = graph_.constraints();
  constraints.Undo(0);
  for (const VariableId variable : lost) {
    if (!constraints.Decide(variable, false)) return false;
  }
  for (const auto& item : kept) {
    for (const VariableId variable : item) {
      if (!constraints.Decide(variable, true)) return false;
    }
  }
  constraints.LoseTheRest();
  return true;
}

StateShrinker::Items StateShrinker::ByOperation(Fate fate) const {
  Items items;
  for (const OpenOperation& operation : operations_) {
    std::vector<VariableId> item;
    for (const VariableId variable : operation.all) {
      if (graph_.constraints().fate(variable) == fate) item.push_back(variable);
    }
    if (!item.empty()) items.push_back(std::move(item));
  }
  return items;
}

std::vector<VariableId> StateShrinker::With(Fate fate) const {
  std::vector<VariableId> variables;
  for (VariableId variable = 0; variable < graph_.constraints().size(); ++variable) {
    if (graph_.constraints().fate(variable) == fate) variables.push_back(variable);
  }
  return variables;
}

std::vector<std::pair<AtomId, bool>> StateShrinker::Decided() const {
  std::vector<std::pair<AtomId, bool>> decided;
  for (const Atom& atom : graph_.atoms()) {
    decided.emplace_back(atom.id, graph_.constraints().fate(atom.variable) == Fate::kKept);
  }
  return decided;
}

}  // namespace plugpull
