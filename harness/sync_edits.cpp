#include "harness/sync_edits.h"

#include <algorithm>

#include "faults/base/assert.h"
#include "faults/trace/snapshot_mark.h"

namespace plugpull {

size_t EditedTrace::OriginalPosition(size_t position) const {
  const auto end = original.begin() + static_cast<ptrdiff_t>(position);
  const auto last = std::find_if(std::make_reverse_iterator(end), original.rend(),
                                 [](uint32_t op) { return op != kAdded; });
  return last == original.rend() ? 0 : size_t{*last} + 1;
}

size_t EditedTrace::PositionOf(size_t original_position) const {
  size_t position = 0;
  for (size_t i = 0; i < original.size(); ++i) {
    if (original[i] != kAdded && original[i] < original_position) position = i + 1;
  }
  return position;
}

uint32_t EditedTrace::IndexOf(uint32_t original_op) const {
  const auto found = std::ranges::find(original, original_op);
  Assert(found != original.end(), "only syncs are taken out, and nothing refers to them");
  return static_cast<uint32_t>(found - original.begin());
}

EditedTrace EditSyncs(const Trace& trace, const std::vector<uint32_t>& removed,
                      std::vector<AddedSync> added) {
  std::ranges::stable_sort(added, {}, &AddedSync::before);
  const size_t snapshot_end = SnapshotEnd(trace);
  Assert(added.empty() || added.front().before >= snapshot_end, "a snapshot is no run");
  Assert(added.empty() || added.back().before <= trace.ops.size(), "the trace ends before");
  Assert(removed.empty() || removed.front() >= snapshot_end, "a snapshot is no run");
  EditedTrace edited{.trace = {.facts = trace.facts,
                               .transactions = trace.transactions,
                               .ops = {},
                               .payload = trace.payload,
                               .sites = trace.sites},
                     .original = {}};
  auto next_removed = removed.begin();
  auto next_added = added.begin();
  for (size_t i = 0; i <= trace.ops.size(); ++i) {
    for (; next_added != added.end() && next_added->before == i; ++next_added) {
      edited.trace.ops.push_back(next_added->op);
      edited.original.push_back(EditedTrace::kAdded);
    }
    if (i == trace.ops.size()) break;
    if (next_removed != removed.end() && *next_removed == i) {
      ++next_removed;
      continue;
    }
    edited.trace.ops.push_back(trace.ops[i]);
    edited.original.push_back(static_cast<uint32_t>(i));
  }
  Assert(next_removed == removed.end(), "what is taken out is in the trace, and sorted");
  return edited;
}

}  // namespace plugpull
