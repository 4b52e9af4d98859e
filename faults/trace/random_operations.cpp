#include "faults/trace/random_operations.h"

#include <utility>
#include <vector>

#include "faults/trace/trace_draft.h"

namespace plugpull {
namespace {

constexpr uint64_t kGrowing = 2;  // so many byte actions come first that grow a file

// Which actions a trace is made of, and how often each comes.
class Mix {
 public:
  explicit Mix(Random& random) {
    Add(random, NameActions(), 10);
    Add(random, ByteActions(), 10);
    Add(random, SyncActions(), 3);  // a sync again and again is no other than the first
    drawn_.push_back(&ByteActions()[random.Below(kGrowing)]);
  }

  // Performs an action of the mix. Returns: false when none of many draws can be done now.
  bool Perform(TraceDraft& draft) const {
    constexpr int kDraws = 30;
    for (int i = 0; i < kDraws; ++i) {
      if (drawn_[draft.random().Below(drawn_.size())]->perform(draft)) return true;
    }
    return false;
  }

 private:
  void Add(Random& random, std::span<const RandomAction> actions, uint64_t often) {
    constexpr uint64_t kOddity = 16;  // once is enough of what is so rare
    for (const RandomAction& action : actions) {
      const uint64_t frequency = random.OneIn(1, 4) ? often : 1 + random.Below(3);
      if (!random.OneIn(1, action.rarity)) continue;
      drawn_.insert(drawn_.end(), action.rarity >= kOddity ? 1 : frequency, &action);
    }
  }

  std::vector<const RandomAction*> drawn_;  // each as often as it is frequent
};

// Many traces begin with a file that is safe, for the rest to change.
void BeginSafely(TraceDraft& draft) {
  NameActions().front().perform(draft);
  ByteActions()[draft.random().Below(kGrowing)].perform(draft);
  draft.Put({.kind = OpKind::kSyncAll});
}

void Step(TraceDraft& draft, const Mix& mix) {
  const auto create = NameActions().front().perform;
  if (!draft.AnyFile() && draft.random().OneIn(3, 4) && create(draft)) return;
  if (mix.Perform(draft) || create(draft)) return;
  draft.Put({.kind = OpKind::kSyncAll});
}

}  // namespace

Trace RandomOperations(uint64_t seed, int op_count) {
  TraceDraft draft(seed, static_cast<size_t>(op_count));
  const Mix mix(draft.random());
  if (op_count >= 6 && draft.random().OneIn(2, 5)) BeginSafely(draft);
  while (draft.room() > 0) Step(draft, mix);
  return std::move(draft.trace());
}

}  // namespace plugpull
