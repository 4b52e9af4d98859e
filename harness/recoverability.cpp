#include "harness/recoverability.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "faults/base/assert.h"
#include "faults/vfs/memory_vfs.h"

namespace plugpull {
namespace {

// Returns: whether a store was seen to open and to be sound before this was seen.
bool IsAboutContents(ViolationClass violation) {
  return violation == ViolationClass::kWrongValue || violation == ViolationClass::kPartialCommit ||
         violation == ViolationClass::kHole || violation == ViolationClass::kResurrected ||
         violation == ViolationClass::kLostCommit;
}

// Counts what is missing of the contents after some transaction in the window, the one that is
// nearest.
void CountLost(Vfs& vfs, const Target& target, const ReferenceModel& model, Window window,
               MendedState& state) {
  const std::unique_ptr<Engine> engine = target.Create(vfs);
  ContentVisitor visitor;
  if (!engine->Open() || !engine->Scan(visitor)) return;
  for (uint32_t number = window.acknowledged; number <= window.attempted; ++number) {
    const Content promised = model.After(number);
    uint64_t lost = 0;
    for (const auto& [key, value] : promised) {
      const auto found = visitor.content().find(key);
      if (found == visitor.content().end() || found->second != value) ++lost;
    }
    if (state.keys > 0 && state.keys_lost <= lost) continue;
    state.keys_lost = lost;
    state.keys = promised.size();
  }
}

}  // namespace

MendedState TryRepair(const Image& image, const Repair* repair, const Target& target,
                      const ReferenceModel& model, Window window,
                      const std::vector<Transaction>& use, std::atomic<Phase>& phase) {
  phase = Phase::kOpen;
  MemoryVfs vfs(image);
  if (repair != nullptr && !repair->mend(vfs)) return {};
  MemoryVfs untouched(vfs.image());
  MendedState state;
  Recovery recovery(target, model, Promise::kPrefix, use, phase);
  Judgement judgement = recovery.Judge(vfs, window);
  if (judgement.violation) {
    state.is_clean = IsAboutContents(judgement.violation->violation);
  } else if (judgement.known_state) {
    judgement = recovery.Use(vfs, std::move(judgement));
    state.is_clean = !judgement.violation;
    if (state.is_clean) state.transaction = judgement.recovered_transaction;
  }
  recovery.Drop();
  phase = Phase::kScan;
  if (state.is_clean) CountLost(untouched, target, model, window, state);
  return state;
}

Recoverability ConcludeRecoverability(std::span<const Repair> repairs,
                                      std::span<const MendedState> states, Window window) {
  if (repairs.empty()) return {};
  Assert(states.size() == repairs.size() + 1, "each repair was tried, and none");
  const MendedState& shown = states.front();
  Recoverability cured;
  for (size_t i = 0; i < repairs.size(); ++i) {
    const std::optional<uint32_t>& found = states[i + 1].transaction;
    // An empty store is a way back to nothing.
    if (!found || (*found == 0 && window.acknowledged > 0)) continue;
    if (shown.transaction && *found <= *shown.transaction) continue;
    const uint32_t lost = window.acknowledged - std::min(*found, window.acknowledged);
    if (cured.cures.empty() || lost < cured.transactions_lost) {
      cured.name = repairs[i].recoverability;
      cured.transactions_lost = lost;
    }
    cured.cures.push_back(repairs[i].name);
  }
  if (!cured.cures.empty()) return cured;
  if (shown.is_clean) return {.name = std::string(kSilent)};
  const MendedState& last = states.back();
  if (!last.is_clean || last.keys_lost == last.keys) return {.name = std::string(kIncurable)};
  return {.name = std::string(repairs.back().recoverability),
          .keys_lost = last.keys_lost,
          .keys = last.keys};
}

std::string Recoverability::Text() const {
  std::string text = name;
  if (transactions_lost > 0) {
    text += fmt::format(", without the last {}",
                        transactions_lost == 1
                            ? "acknowledged transaction"
                            : fmt::format("{} acknowledged transactions", transactions_lost));
  }
  if (keys > 0) {
    text += fmt::format(", loses {} of {} keys ({:.1f} %)", keys_lost, keys,
                        100.0 * static_cast<double>(keys_lost) / static_cast<double>(keys));
  }
  return text;
}

}  // namespace plugpull
