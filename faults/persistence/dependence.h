// The edge families of a model between effects: whether one survives only if another does. This is
// what coverage is closed under; the graph of a crash point draws the same edges between atoms.
#pragma once

#include <algorithm>

#include "faults/persistence/effect.h"
#include "faults/persistence/model.h"

namespace plugpull {

constexpr uint64_t PageFloor(uint64_t bytes) { return bytes / kTearPageBytes * kTearPageBytes; }
constexpr uint64_t PageCeiling(uint64_t bytes) {
  if (bytes > UINT64_MAX - kTearPageBytes) return UINT64_MAX;
  return PageFloor(bytes + kTearPageBytes - 1);
}

inline bool IsContent(const Effect& effect) {
  return effect.kind == EffectKind::kData || effect.kind == EffectKind::kZero ||
         effect.kind == EffectKind::kClone;
}

inline bool IsSize(const Effect& effect) {
  return effect.kind == EffectKind::kSize || effect.kind == EffectKind::kTruncate;
}

// Returns: true when the effect survives only together with others. What a failed sync has dropped
// is left out.
inline bool IsGrouped(const Effect& effect) { return effect.group != 0 && !effect.failed; }

// Returns: true when the effect concerns an attribute of `inode` by way of a name (4.3).
inline bool Touches(const Effect& effect, InodeId inode) {
  return std::ranges::find(effect.touched, inode) != effect.touched.end();
}

// Returns: true when the effect has a place in the order of metadata (E8, E11).
bool IsChained(const Model& model, const Effect& effect);

// Returns: true when the effect's place in the order of metadata is after all that was issued
// before its call, but not fixed (E9, E14).
bool IsAnchored(const Model& model, const Effect& effect);

// Returns: true when `effect` is one of the changes of `inode` that keep their order (E4).
bool IsInInodeChain(const Model& model, const Effect& effect, InodeId inode);

// Returns: true when `late` is durable only if `early` is. Bytes of one page are not looked at
// here, nor those that a size waits for: they may be durable in part.
// Requires: both are of one cursor; `issued_before`: early was issued before late.
bool DependsOn(const Model& model, const Effect& late, const Effect& early, bool issued_before);

}  // namespace plugpull
