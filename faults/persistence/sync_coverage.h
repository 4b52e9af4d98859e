// What one sync makes durable: the effects that it covers by its contract, and what these depend on
// in the model (persistence models, 4.8).
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <vector>

#include "faults/persistence/effect.h"
#include "faults/persistence/model.h"

namespace plugpull {

class SyncCoverage {
 public:
  // `pending`: what may or may not survive, in issue order. Requires: both outlive the coverage.
  SyncCoverage(const Model& model, std::vector<Effect>& pending);

  // Covers what `covers` selects. Bytes that a failed sync has dropped are never covered.
  void Cover(const std::function<bool(const Effect&)>& covers);

  // Covers the bytes written to the pages of the range that were issued before `end_op`, and the
  // changes of the file that they lie on.
  void CoverPages(InodeId inode, uint64_t begin_bytes, uint64_t end_bytes, uint32_t end_op);

  // Covers the steps of the file's size within the pages of the range.
  void CoverSizes(InodeId inode, uint64_t begin_bytes, uint64_t end_bytes);

  // Covers everything, also what a failed sync has dropped: for crashes that lose nothing.
  void CoverAll();

  // Adds what is covered depends on; where a prefix survives, that is all that came before.
  void Close();

  // Takes back what was covered so far and `selects` says.
  void Uncover(const std::function<bool(const Effect&)>& selects);

  // Marks the bytes that are covered as dropped by a failed sync, and covers nothing any more.
  void Drop();

  // Returns: the last effect that is covered, or null.
  const Effect* last() const;

  bool any() const;

  // Returns: true when anything but bytes is covered.
  bool covers_metadata() const;

  // Takes what is covered out of `pending`. Returns: it, in issue order. What was issued before and
  // is not covered loses the bytes that are overwritten or cut off by it.
  std::vector<Effect> Take();

  // Takes what is covered out of `pending` and leaves the rest as it is. Returns: it.
  std::vector<Effect> Remove();

 private:
  void CloseOverEdges();
  bool Drags(size_t late, size_t early) const;
  bool CloseOver(size_t late);
  // Covers the bytes of a range of whole pages among the first `count` effects. Returns: true when
  // effects were split, which moves all that come later.
  bool CoverData(InodeId inode, uint64_t begin_bytes, uint64_t end_bytes, size_t count);
  bool SplitAt(size_t index, uint64_t at_bytes);
  bool HasUncovered(InodeId inode, bool (*selects)(const Effect&)) const;

  const Model& model_;
  std::vector<Effect>& pending_;
  std::vector<char> covered_;  // by position in pending_
  bool data_is_dragged_;       // whole effects of bytes can be what others depend on
};

}  // namespace plugpull
