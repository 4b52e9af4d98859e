#include "faults/persistence/constraints.h"

#include <algorithm>
#include <array>

#include "faults/base/assert.h"

namespace plugpull {
namespace {

// The prefixes and suffixes of `count` sectors as bit masks, each once.
struct ShapeTable {
  std::array<uint8_t, size_t{2} * Constraints::kLargestPart> shapes{};
  uint8_t size = 0;
};

constexpr std::array<ShapeTable, Constraints::kLargestPart + 1> MakeShapeTables() {
  std::array<ShapeTable, Constraints::kLargestPart + 1> tables{};
  for (uint32_t count = 1; count <= Constraints::kLargestPart; ++count) {
    ShapeTable& table = tables[count];
    const uint32_t full = (1U << count) - 1;
    for (uint32_t length = 0; length <= count; ++length) {
      table.shapes[table.size++] = static_cast<uint8_t>((1U << length) - 1);
    }
    for (uint32_t length = 1; length < count; ++length) {
      table.shapes[table.size++] = static_cast<uint8_t>(full & ~((1U << length) - 1));
    }
  }
  return tables;
}

constexpr auto kShapeTables = MakeShapeTables();

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

void Constraints::AddPart(VariableId first, uint8_t count) {
  Assert(count >= 1 && count <= kLargestPart, "a part is the sectors of one page");
  if (count == 1) return;
  for (uint8_t i = 0; i < count; ++i) part_of_[first + i] = static_cast<int32_t>(parts_.size());
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

bool Constraints::FollowPart(const Part& part) {
  uint32_t kept = 0;
  uint32_t lost = 0;
  for (uint8_t i = 0; i < part.count; ++i) {
    if (fates_[part.first + i] == Fate::kKept) kept |= 1U << i;
    if (fates_[part.first + i] == Fate::kLost) lost |= 1U << i;
  }
  const ShapeTable& table = kShapeTables[part.count];
  const uint32_t full = (1U << part.count) - 1;
  uint32_t in_all = full;
  uint32_t in_some = 0;
  bool possible = false;
  for (uint8_t i = 0; i < table.size; ++i) {
    const uint32_t shape = table.shapes[i];
    if ((shape & lost) != 0 || (shape & kept) != kept) continue;
    in_all &= shape;
    in_some |= shape;
    possible = true;
  }
  if (!possible) return false;
  for (uint8_t i = 0; i < part.count; ++i) {
    const bool forced_kept = (in_all >> i & 1U) != 0;
    const bool forced_lost = (in_some >> i & 1U) == 0;
    if (forced_kept && !Assign(part.first + i, Fate::kKept)) return false;
    if (forced_lost && !Assign(part.first + i, Fate::kLost)) return false;
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

}  // namespace plugpull
