#include "harness/crash_in_recovery.h"

#include <algorithm>

#include "faults/base/assert.h"
#include "faults/persistence/snapshot.h"

namespace plugpull {

bool CrashInRecovery::IsOn(std::span<const Choice> path) const {
  if (!is_open_ || path.size() < path_.size()) return false;
  return std::equal(path_.begin(), path_.end(), path.begin(),
                    [](const Choice& left, const Choice& right) {
                      return left.variable == right.variable && left.keep == right.keep;
                    });
}

void CrashInRecovery::Enter(const RecoveryLog& log, std::span<const Choice> taken,
                            const StateCount& states_before) {
  Assert(!is_open_, "the crash before was left");
  is_open_ = true;
  path_.assign(taken.begin(), taken.end());
  log_ = log;
  cursor_.emplace(log_, model_, tear_);
  cursor_->AdvanceTo(log_.trace.ops.size());
  view_.disk().LayOutDurable(*cursor_);
  graph_.Build(*cursor_, tear_, &view_.disk());
  counter_.emplace(graph_);
  total_ = states_before * counter_->total();
  covered_ = 0;
  exact_ = counter_->exact();
  recoveries_ = 0;
  view_.Clear();
}

void CrashInRecovery::Reenter() {
  graph_.constraints().Undo(0);
  view_.Clear();
}

void CrashInRecovery::Cover(const StateCount& states) {
  covered_ += states;
  ++recoveries_;
}

void CrashInRecovery::Leave(bool finished) {
  is_open_ = false;
  if (!finished || !exact_ || !counter_->exact()) return;
  Assert(covered_ == total_,
         "the crash states covered by a finished search of a recovery add up to the total");
}

RecoveryCut CrashInRecovery::CutOn(const Image& image, std::span<const Choice> path) const {
  RecoveryCut cut;
  AppendSnapshot(cut.trace, image);
  // A valid trace has no inode number above that of its operations + 1.
  while (cut.trace.ops.size() + 2 < log_.first_new_inode) {
    cut.trace.ops.push_back({.kind = OpKind::kSyncAll});
  }
  cut.begin = cut.trace.ops.size();
  AppendOperations(cut.trace, log_.trace, 0);
  const uint32_t generation = view_.disk().generation();
  for (const Choice& choice : path) {
    if (IsPowerQuestion(choice.variable) || GenerationOf(choice.variable) != generation) continue;
    const VariableId variable = VariableIn(choice.variable);
    const auto atom = std::ranges::find(graph_.atoms(), variable, &Atom::variable);
    AtomId id = atom->id;
    id.op += static_cast<uint32_t>(cut.begin);
    cut.chosen.emplace_back(id, choice.keep);
  }
  return cut;
}

}  // namespace plugpull
