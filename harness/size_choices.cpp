#include "harness/size_choices.h"

#include <algorithm>
#include <span>

namespace plugpull {
namespace {

bool TruncatedBetween(const Trace& trace, InodeId inode, uint32_t first, uint32_t last) {
  const auto between = std::span(trace.ops).subspan(first, last - first);
  return std::ranges::any_of(between, [inode](const Op& op) {
    return op.kind == OpKind::kTruncate && op.inode == inode && op.result_errno == 0;
  });
}

}  // namespace

void DropImpliedSizes(const Trace& trace, std::vector<std::pair<AtomId, bool>>& chosen) {
  std::vector<AtomId> kept_sizes;
  for (const auto& [id, kept] : chosen) {
    if (kept && id.kind == AtomKind::kSize) kept_sizes.push_back(id);
  }
  if (kept_sizes.empty()) return;
  std::erase_if(chosen, [&](const auto& choice) {
    const auto& [id, kept] = choice;
    if (kept || id.kind != AtomKind::kSize) return false;
    const InodeId inode = trace.ops[id.op].inode;
    return std::ranges::any_of(kept_sizes, [&](const AtomId& later) {
      return later > id && trace.ops[later.op].inode == inode &&
             !TruncatedBetween(trace, inode, id.op, later.op);
    });
  });
}

bool SizeChoices::Add(InodeId inode, VariableId variable, bool kept) {
  if (variable == kNoVariable) return kept;
  Constraints& constraints = graph_.constraints();
  const OpenFile* file = graph_.FindFile(inode);
  std::vector<VariableId> steps = {variable};
  if (file != nullptr) {
    auto entry = std::ranges::find(file->sizes, variable, &SizeEntry::variable);
    for (; entry != file->sizes.end() && !entry->is_truncate; ++entry) {
      if (entry->variable != variable) steps.push_back(entry->variable);
    }
  }
  if (kept) {
    kept_.push_back(std::move(steps));
    return true;
  }
  return std::ranges::all_of(
      steps, [&](VariableId step) { return constraints.Decide(step, /*keep=*/false); });
}

bool SizeChoices::Solve() {
  // What keeps the end of a file keeps all before it: begin where there is least to choose from.
  std::ranges::stable_sort(kept_, {}, &std::vector<VariableId>::size);
  return SolveFrom(0);
}

bool SizeChoices::SolveFrom(size_t index) {
  if (index == kept_.size()) return true;
  Constraints& constraints = graph_.constraints();
  const auto is_kept = [&](VariableId step) { return constraints.fate(step) == Fate::kKept; };
  if (std::ranges::any_of(kept_[index], is_kept)) return SolveFrom(index + 1);
  for (const VariableId step : kept_[index]) {
    if (constraints.fate(step) != Fate::kOpen) continue;
    if (attempts_left_ == 0) return false;
    --attempts_left_;
    const size_t mark = constraints.Mark();
    if (constraints.Decide(step, /*keep=*/true) && SolveFrom(index + 1)) return true;
    constraints.Undo(mark);
  }
  return false;
}

}  // namespace plugpull
