// Which undecided things may survive together: boolean variables (true: kept), implications
// "late kept implies early kept", and parts, whose variables must form a prefix or a suffix.
//
// Deciding a variable decides at once all that follows from it. With implications alone that is
// complete: what is still open can always be dropped (or kept) together. Parts are checked against
// their list of legal shapes; constraints_test.cpp compares with brute force.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

namespace plugpull {

using VariableId = uint32_t;
inline constexpr VariableId kNoVariable = UINT32_MAX;

enum class Fate : uint8_t { kOpen, kKept, kLost };

class Constraints {
 public:
  // The variables [first, first + count) are the pieces of one write in one page, in file order.
  struct Part {
    VariableId first;
    uint16_t count;
  };
  static constexpr uint16_t kLargestPart = 512;  // pieces of 8 bytes

  // --- Building. Call Clear, then Add..., then Seal; nothing else before Seal. ---
  void Clear();
  VariableId AddVariable();
  // `late` survives only if `early` does. Adding an edge twice or to itself is harmless.
  void AddEdge(VariableId early, VariableId late);
  // Requires: 1 <= count <= kLargestPart; parts do not overlap.
  void AddPart(VariableId first, uint16_t count);
  void Seal();

  // --- Deciding ---
  size_t size() const { return fates_.size(); }
  Fate fate(VariableId variable) const { return fates_[variable]; }

  // Decides `variable` and all that follows. Returns: false when that contradicts what is decided
  // already; then the caller must Undo to a mark taken before.
  bool Decide(VariableId variable, bool keep);

  size_t Mark() const { return trail_.size(); }
  void Undo(size_t mark);

  // The decided variables in the order of their decision.
  std::span<const VariableId> trail() const { return trail_; }

  // Decides every open variable: kept where possible. What is left is one complete crash state, the
  // one that loses least.
  void KeepTheRest();
  // The same, each lost where the choices before it let it be.
  void LoseTheRest();

  // --- Looking ---
  std::span<const VariableId> Early(VariableId variable) const {
    return std::span(early_).subspan(early_begin_[variable],
                                     early_begin_[variable + 1] - early_begin_[variable]);
  }
  std::span<const VariableId> Late(VariableId variable) const {
    return std::span(late_).subspan(late_begin_[variable],
                                    late_begin_[variable + 1] - late_begin_[variable]);
  }
  const std::vector<Part>& parts() const { return parts_; }
  // Returns: the index in parts() of the part with more than one member, or -1.
  int32_t PartOf(VariableId variable) const { return part_of_[variable]; }

 private:
  bool Assign(VariableId variable, Fate fate);
  bool FollowPart(const Part& part);

  std::vector<Fate> fates_;
  std::vector<VariableId> trail_;
  std::vector<std::pair<VariableId, VariableId>> edges_;  // (early, late)
  std::vector<uint32_t> early_begin_;
  std::vector<VariableId> early_;
  std::vector<uint32_t> late_begin_;
  std::vector<VariableId> late_;
  std::vector<Part> parts_;
  std::vector<int32_t> part_of_;
};

}  // namespace plugpull
