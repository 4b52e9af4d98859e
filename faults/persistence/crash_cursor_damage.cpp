// Durable bytes that are not what was written. The rest of CrashCursor is in crash_cursor.cpp.
#include <algorithm>

#include "faults/persistence/crash_cursor.h"
#include "faults/persistence/dependence.h"

namespace plugpull {

// Returns: whether something that the patch covers is not yet durable.
bool CrashCursor::IsPending(const BytePatch& patch) const {
  const uint64_t end_bytes = patch.offset_bytes + patch.bytes.size();
  return std::ranges::any_of(pending_, [&](const Effect& effect) {
    if (effect.inode != patch.inode) return false;
    switch (effect.kind) {
      case EffectKind::kData:
      case EffectKind::kZero:
      case EffectKind::kClone:
        return effect.begin_bytes < end_bytes && effect.end_bytes > patch.offset_bytes;
      case EffectKind::kTruncate:
        return effect.size_after < end_bytes;
      case EffectKind::kInode:
        return true;
      case EffectKind::kName:
      case EffectKind::kSize:
      case EffectKind::kAttribute:
        return false;
    }
    return false;
  });
}

bool CrashCursor::Damage(std::span<const BytePatch> patches) {
  bool all_changed = true;
  for (const BytePatch& patch : patches) {
    const auto file = durable_.files.find(patch.inode);
    if (file == durable_.files.end() || IsPending(patch)) {
      all_changed = false;
      continue;
    }
    std::vector<std::byte> before(patch.bytes.size());
    file->second.ReadStored(patch.offset_bytes, before);
    if (before == patch.bytes) all_changed = false;
    undamaged_.emplace_back(patch.inode, file->second);
    file->second.Store(patch.offset_bytes, patch.bytes);
  }
  return all_changed;
}

void CrashCursor::Repair() {
  for (; !undamaged_.empty(); undamaged_.pop_back()) {
    durable_.files[undamaged_.back().first] = std::move(undamaged_.back().second);
  }
}

}  // namespace plugpull
