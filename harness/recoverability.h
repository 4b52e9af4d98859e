// What an operator would have to do about a damaged image, and what that would cost: not whether
// the engine failed, but how badly.
#pragma once

#include <atomic>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/repair.h"
#include "engine/target.h"
#include "faults/vfs/image.h"
#include "harness/recovery.h"
#include "harness/reference_model.h"

namespace plugpull {

struct Recoverability {
  // Of the repair that cures it ("cured by previous meta"), or kSilent, or kIncurable. Empty:
  // nobody can say, as the engine has no repairs.
  std::string name = {};
  uint32_t transactions_lost = 0;  // acknowledged ones that the cure costs
  uint64_t keys_lost = 0;          // of a repair that brings back a part: missing, or other values
  uint64_t keys = 0;               // of what was promised; 0: all of them are back
  std::vector<std::string_view> cures = {};  // the names of all repairs that cure it, each alone

  // Returns: "needs page surgery, loses 3 of 40 keys (7.5 %)".
  std::string Text() const;

  bool operator==(const Recoverability&) const = default;
};

// The store opens and its check finds nothing, but the contents are wrong, and no repair helps.
inline constexpr std::string_view kSilent = "silent wrong content";
inline constexpr std::string_view kIncurable = "not cured by any repair";

// What an image shows, as it is or once it was mended.
struct MendedState {
  // The store opens, is sound and can be used, and its contents are those after this transaction.
  std::optional<uint32_t> transaction = {};
  bool is_clean = false;   // it opens and is sound, whatever its contents
  uint64_t keys_lost = 0;  // of a clean one: promised keys that are missing or have other values
  uint64_t keys = 0;       // that were promised

  bool operator==(const MendedState&) const = default;
};

// Tries `repair` on a copy of the image; null: none. `phase` may be shared memory: an engine may
// end the process, and so may a repair. Requires: the target is not a program.
MendedState TryRepair(const Image& image, const Repair* repair, const Target& target,
                      const ReferenceModel& model, Window window,
                      const std::vector<Transaction>& use, std::atomic<Phase>& phase);

// Judges an image that is violated. `states[0]` is what it shows as it is, the others what it shows
// after each of the repairs; one that ended the process shows nothing. A repair cures it that leads
// to the contents after some transaction, newer than what the image shows by itself: going back to
// a previous state is a cure, too. The class is that of the cure which costs the fewest
// acknowledged transactions, of several the first. Where there is none, but the image is seen to be
// broken, the last repair, the harshest, may still bring back a part.
// Requires: one state more than repairs.
Recoverability ConcludeRecoverability(std::span<const Repair> repairs,
                                      std::span<const MendedState> states, Window window);

}  // namespace plugpull
