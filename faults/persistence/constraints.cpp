#include "faults/persistence/constraints.h"

#include <algorithm>

#include "faults/base/assert.h"

namespace plugpull {
namespace {

// Fills a compressed adjacency list: begin[v] .. begin[v + 1] are the neighbours of v.
template <typename Key, typename Value>
void Compress(const std::vector<std::pair<VariableId, VariableId>>& edges, size_t variables,
              Key key, Value value, std::vector<uint32_t>& begin,
              std::vector<VariableId>& neighbours) {
  begin.assign(variables + 1, 0);
  for (const auto& edge : edges) ++begin[key(edge) + 1];
  for (size_t i = 0; i < variables; ++i) begin[i + 1] += begin[i];
  neighbours.resize(edges.size());
  for (const auto& edge : edges) neighbours[begin[key(edge)]++] = value(edge);
  for (size_t i = variables; i > 0; --i) begin[i] = begin[i - 1];
  begin[0] = 0;
}

}  // namespace

void Constraints::Clear() {
  fates_.clear();
  trail_.clear();
  edges_.clear();
  parts_.clear();
  part_of_.clear();
}

VariableId Constraints::AddVariable() {
  fates_.push_back(Fate::kOpen);
  part_of_.push_back(-1);
  return static_cast<VariableId>(fates_.size() - 1);
}

void Constraints::AddEdge(VariableId early, VariableId late) {
  if (early != late) edges_.emplace_back(early, late);
}

void Constraints::AddPart(VariableId first, uint16_t count) {
  Assert(count >= 1 && count <= kLargestPart, "a part is the pieces of one page");
  if (count == 1) return;
  for (uint16_t i = 0; i < count; ++i) part_of_[first + i] = static_cast<int32_t>(parts_.size());
  parts_.push_back({first, count});
}

void Constraints::Seal() {
  const auto first = [](const auto& edge) { return edge.first; };
  const auto second = [](const auto& edge) { return edge.second; };
  Compress(edges_, fates_.size(), second, first, early_begin_, early_);
  Compress(edges_, fates_.size(), first, second, late_begin_, late_);
}

bool Constraints::Assign(VariableId variable, Fate fate) {
  if (fates_[variable] == Fate::kOpen) {
    fates_[variable] = fate;
    trail_.push_back(variable);
    return true;
  }
  return fates_[variable] == fate;
}

bool Constraints::Decide(VariableId variable, bool keep) {
  size_t next = trail_.size();
  if (!Assign(variable, keep ? Fate::kKept : Fate::kLost)) return false;
  for (; next < trail_.size(); ++next) {
    const VariableId decided = trail_[next];
    if (fates_[decided] == Fate::kKept) {
      for (const VariableId early : Early(decided)) {
        if (!Assign(early, Fate::kKept)) return false;
      }
    } else {
      for (const VariableId late : Late(decided)) {
        if (!Assign(late, Fate::kLost)) return false;
      }
    }
    if (part_of_[decided] >= 0 && !FollowPart(parts_[part_of_[decided]])) return false;
  }
  return true;
}

// A prefix of the pieces is kept, or a suffix. What is decided leaves a range of lengths possible
// for either; what all of them agree on is decided, too.
bool Constraints::FollowPart(const Part& part) {
  const Fate* fates = &fates_[part.first];
  const uint32_t count = part.count;
  uint32_t first_kept = count;
  uint32_t last_kept_end = 0;
  uint32_t first_lost = count;
  uint32_t last_lost_end = 0;
  for (uint32_t i = 0; i < count; ++i) {
    if (fates[i] == Fate::kKept) {
      first_kept = std::min(first_kept, i);
      last_kept_end = i + 1;
    } else if (fates[i] == Fate::kLost) {
      first_lost = std::min(first_lost, i);
      last_lost_end = i + 1;
    }
  }
  // A prefix ends between the last piece kept and the first one lost; a suffix begins between the
  // last piece lost and the first one kept.
  const bool can_be_prefix = last_kept_end <= first_lost;
  const bool can_be_suffix = last_lost_end <= first_kept;
  if (!can_be_prefix && !can_be_suffix) return false;
  for (uint32_t i = 0; i < count; ++i) {
    if (fates[i] != Fate::kOpen) continue;
    const bool forced_kept =
        (!can_be_prefix || i < last_kept_end) && (!can_be_suffix || i >= first_kept);
    const bool forced_lost =
        (!can_be_prefix || i >= first_lost) && (!can_be_suffix || i < last_lost_end);
    if (forced_kept) Assign(part.first + i, Fate::kKept);
    if (forced_lost) Assign(part.first + i, Fate::kLost);
  }
  return true;
}

void Constraints::Undo(size_t mark) {
  while (trail_.size() > mark) {
    fates_[trail_.back()] = Fate::kOpen;
    trail_.pop_back();
  }
}

void Constraints::KeepTheRest() {
  for (VariableId variable = 0; variable < fates_.size(); ++variable) {
    if (fates_[variable] != Fate::kOpen) continue;
    const size_t mark = Mark();
    if (Decide(variable, true)) continue;
    Undo(mark);
    Assert(Decide(variable, false), "an open variable can be kept or lost");
  }
}

void Constraints::LoseTheRest() {
  for (VariableId variable = 0; variable < fates_.size(); ++variable) {
    if (fates_[variable] != Fate::kOpen) continue;
    const size_t mark = Mark();
    if (!Decide(variable, false)) Undo(mark);
  }
  KeepTheRest();
}

}  // namespace plugpull
