#include "faults/persistence/sync_coverage.h"

#include <algorithm>
#include <utility>

#include "faults/persistence/dependence.h"

namespace plugpull {
namespace {

constexpr uint64_t kEndOfFile = UINT64_MAX;

bool IsKeptData(const Effect& effect) { return effect.kind == EffectKind::kData && !effect.failed; }

// What a later effect of the same file can overwrite or cut off.
bool IsOverwritable(const Effect& effect) {
  return IsContent(effect) || effect.kind == EffectKind::kSize;
}

// Takes the bytes [begin, end) away from the effects of `inode`.
void Subtract(std::vector<Effect>& effects, InodeId inode, uint64_t begin, uint64_t end) {
  for (size_t i = 0; i < effects.size(); ++i) {
    Effect& effect = effects[i];
    if (effect.inode != inode || !IsContent(effect)) continue;
    if (effect.end_bytes <= begin || effect.begin_bytes >= end) continue;
    Effect rest = effect;
    effect.end_bytes = std::max(effect.begin_bytes, begin);
    rest.begin_bytes = std::min(rest.end_bytes, end);
    effect.is_partial = rest.is_partial = true;
    if (rest.begin_bytes < rest.end_bytes) {
      effects.insert(effects.begin() + static_cast<ptrdiff_t>(i) + 1, rest);
      ++i;
    }
  }
  std::erase_if(effects, [](const Effect& effect) {
    return IsContent(effect) && effect.begin_bytes == effect.end_bytes;
  });
}

// A page that was written, or partly zeroed or shared, is no new block any more.
void EndFills(std::vector<Effect>& effects, InodeId inode, uint64_t begin, uint64_t end) {
  for (size_t i = 0; i < effects.size(); ++i) {
    const auto is_meant = [&](const Effect& effect) {
      return effect.kind == EffectKind::kData && effect.inode == inode &&
             effect.begin_bytes < end && effect.end_bytes > begin;
    };
    if (!is_meant(effects[i])) continue;
    for (const uint64_t at : {end, begin}) {
      if (at <= effects[i].begin_bytes || at >= effects[i].end_bytes) continue;
      Effect rest = effects[i];
      effects[i].end_bytes = rest.begin_bytes = at;
      effects[i].is_partial = rest.is_partial = true;
      effects.insert(effects.begin() + static_cast<ptrdiff_t>(i) + 1, rest);
    }
    if (is_meant(effects[i])) effects[i].size_highest = UINT64_MAX - 2 * kTearPageBytes;
  }
}

// Takes away from what was issued before `effect` what it overwrites or cuts off.
void Overwrite(std::vector<Effect>& left, const Effect& effect) {
  if (effect.kind == EffectKind::kTruncate) {
    EndFills(left, effect.inode, PageFloor(effect.size_after), kEndOfFile);
    Subtract(left, effect.inode, effect.size_after, kEndOfFile);
    std::erase_if(left, [&](const Effect& earlier) {
      return earlier.kind == EffectKind::kSize && earlier.inode == effect.inode;
    });
    return;
  }
  EndFills(left, effect.inode, PageFloor(effect.begin_bytes), PageCeiling(effect.end_bytes));
  Subtract(left, effect.inode, effect.begin_bytes, effect.end_bytes);
}

}  // namespace

SyncCoverage::SyncCoverage(const Model& model, std::vector<Effect>& pending)
    : model_(model),
      pending_(pending),
      covered_(pending.size(), 0),
      data_is_dragged_(model.journalled_data || model.barriers ||
                       model.replace_flush == Flush::kStrict ||
                       model.truncate_flush == Flush::kStrict) {}

void SyncCoverage::Cover(const std::function<bool(const Effect&)>& covers) {
  for (size_t i = 0; i < pending_.size(); ++i) {
    if (covered_[i] == 0 && !pending_[i].failed && covers(pending_[i])) covered_[i] = 1;
  }
}

void SyncCoverage::CoverPages(InodeId inode, uint64_t begin_bytes, uint64_t end_bytes,
                              uint32_t end_op) {
  if (begin_bytes == end_bytes) return;
  const uint64_t begin = PageFloor(begin_bytes);
  const uint64_t end = PageCeiling(end_bytes);
  const auto last = std::ranges::find_if(
      pending_, [end_op](const Effect& effect) { return effect.op >= end_op; });
  CoverData(inode, begin, end, static_cast<size_t>(last - pending_.begin()));
  Cover([&](const Effect& effect) {
    if (effect.inode != inode || effect.op >= end_op) return false;
    // One that cuts into the range, or without which the file would end in it.
    if (effect.kind == EffectKind::kTruncate) {
      return effect.size_after < end || effect.size_before < end;
    }
    const bool range = effect.kind == EffectKind::kZero || effect.kind == EffectKind::kClone;
    return range && effect.begin_bytes < end && effect.end_bytes > begin;
  });
}

void SyncCoverage::CoverAll() { covered_.assign(pending_.size(), 1); }

void SyncCoverage::Uncover(const std::function<bool(const Effect&)>& selects) {
  for (size_t i = 0; i < pending_.size(); ++i) {
    if (covered_[i] != 0 && selects(pending_[i])) covered_[i] = 0;
  }
}

std::vector<Effect> SyncCoverage::Remove() {
  std::vector<Effect> removed;
  std::vector<Effect> left;
  for (size_t i = 0; i < pending_.size(); ++i) {
    (covered_[i] != 0 ? removed : left).push_back(pending_[i]);
  }
  pending_ = std::move(left);
  covered_.assign(pending_.size(), 0);
  return removed;
}

void SyncCoverage::Drop() {
  for (size_t i = 0; i < pending_.size(); ++i) {
    if (covered_[i] != 0 && pending_[i].kind == EffectKind::kData) pending_[i].failed = true;
    covered_[i] = 0;
  }
}

const Effect* SyncCoverage::last() const {
  const auto last = std::find(covered_.rbegin(), covered_.rend(), char{1});
  return last == covered_.rend() ? nullptr : &pending_[covered_.rend() - last - 1];
}

void SyncCoverage::CoverSizes(InodeId inode, uint64_t begin_bytes, uint64_t end_bytes) {
  if (begin_bytes == end_bytes) return;
  const uint64_t begin = PageFloor(begin_bytes);
  const uint64_t end = PageCeiling(end_bytes);
  const auto split = [this](size_t index, uint64_t at, bool is_end) {
    Effect& effect = pending_[index];
    if (!effect.floating || effect.is_whole) return;
    // The first step of a write beyond a gap ends in the first page that is written.
    const uint64_t first_page = PageFloor(std::max(effect.begin_bytes, effect.size_before));
    if (at <= effect.size_before) return;
    if (at <= first_page) at = first_page + (is_end ? kTearPageBytes : 0);
    if (at <= first_page || at >= effect.size_after) return;
    Effect rest = effect;
    effect.size_after = rest.size_before = at;
    pending_.insert(pending_.begin() + static_cast<ptrdiff_t>(index) + 1, rest);
    covered_.insert(covered_.begin() + static_cast<ptrdiff_t>(index) + 1, covered_[index]);
  };
  for (size_t i = 0; i < pending_.size(); ++i) {
    if (pending_[i].kind != EffectKind::kSize || pending_[i].inode != inode) continue;
    split(i, begin, /*is_end=*/false);
    split(i, end, /*is_end=*/true);
    const Effect& effect = pending_[i];
    if (effect.size_before < end && effect.size_after > begin) covered_[i] = 1;
  }
}

bool SyncCoverage::any() const { return std::ranges::find(covered_, char{1}) != covered_.end(); }

bool SyncCoverage::covers_metadata() const {
  for (size_t i = 0; i < pending_.size(); ++i) {
    if (covered_[i] != 0 && pending_[i].kind != EffectKind::kData) return true;
  }
  return false;
}

bool SyncCoverage::HasUncovered(InodeId inode, bool (*selects)(const Effect&)) const {
  for (size_t i = 0; i < pending_.size(); ++i) {
    if (covered_[i] == 0 && pending_[i].inode == inode && selects(pending_[i])) return true;
  }
  return false;
}

bool SyncCoverage::SplitAt(size_t index, uint64_t at_bytes) {
  Effect& effect = pending_[index];
  if (at_bytes <= effect.begin_bytes || at_bytes >= effect.end_bytes) return false;
  Effect rest = effect;
  effect.end_bytes = rest.begin_bytes = at_bytes;
  effect.is_partial = rest.is_partial = true;
  pending_.insert(pending_.begin() + static_cast<ptrdiff_t>(index) + 1, rest);
  covered_.insert(covered_.begin() + static_cast<ptrdiff_t>(index) + 1, covered_[index]);
  return true;
}

bool SyncCoverage::CoverData(InodeId inode, uint64_t begin_bytes, uint64_t end_bytes,
                             size_t count) {
  bool split = false;
  for (size_t i = 0; i < count; ++i) {
    const auto meant = [&] {
      const Effect& effect = pending_[i];
      return covered_[i] == 0 && effect.inode == inode && IsKeptData(effect) &&
             effect.begin_bytes < end_bytes && effect.end_bytes > begin_bytes;
    };
    if (!meant()) continue;
    if (pending_[i].is_whole) {
      covered_[i] = 1;
      continue;
    }
    if (SplitAt(i, begin_bytes)) {
      split = true;
      ++count;
      continue;  // the rest comes next
    }
    if (SplitAt(i, end_bytes)) {
      split = true;
      ++count;
    }
    covered_[i] = 1;
  }
  return split;
}

bool SyncCoverage::Drags(size_t late, size_t early) const {
  if (covered_[early] != 0 || pending_[early].failed) return false;
  if (pending_[early].kind == EffectKind::kData && !data_is_dragged_) return false;
  return DependsOn(model_, pending_[late], pending_[early], early < late);
}

// Covers all that the effect at `late` depends on directly. Returns: true when effects were split.
bool SyncCoverage::CloseOver(size_t late) {
  for (size_t early = 0; early < pending_.size(); ++early) {
    if (Drags(late, early)) covered_[early] = 1;
  }
  const Effect effect = pending_[late];
  if (effect.kind == EffectKind::kData) {
    return HasUncovered(effect.inode, IsKeptData) &&
           CoverData(effect.inode, PageFloor(effect.begin_bytes), PageCeiling(effect.end_bytes),
                     late);
  }
  const bool waits = effect.kind == EffectKind::kSize && effect.floating &&
                     model_.data_before_size != DataBeforeSize::kNo &&
                     model_.shape != Shape::kCommitAndLog;
  if (!waits || !HasUncovered(effect.inode, IsKeptData)) return false;
  // Only the first step inside the last block may do without its bytes.
  const bool is_tail = model_.zero_tail && PageFloor(effect.size_origin) != effect.size_origin &&
                       effect.size_after <= PageCeiling(effect.size_origin);
  if (model_.data_before_size == DataBeforeSize::kWholeInode) {
    return !is_tail && CoverData(effect.inode, 0, kEndOfFile, late);
  }
  const bool own_chunk = model_.data_before_size == DataBeforeSize::kOwnChunk;
  const uint64_t old_size = own_chunk ? effect.size_before : effect.size_origin;
  const uint64_t begin = std::max(old_size, effect.begin_bytes);
  return !is_tail && begin < effect.size_after &&
         CoverData(effect.inode, PageFloor(begin), PageCeiling(effect.size_after), late);
}

void SyncCoverage::Close() {
  if (model_.shape != Shape::kPrefix) {
    CloseOverEdges();
    return;
  }
  for (size_t count = 0; last() != nullptr;) {
    const auto end = static_cast<size_t>(last() - pending_.data()) + 1;
    if (end == count) return;
    count = end;
    for (size_t i = 0; i < count; ++i) {
      if (!pending_[i].failed) covered_[i] = 1;
    }
    CloseOverEdges();
    // Effects may have been split, and others after the last drawn in.
    count = last() == &pending_[count - 1] ? count : 0;
  }
}

void SyncCoverage::CloseOverEdges() {
  std::vector<char> closed;
  for (bool changed = true; changed;) {
    changed = false;
    closed.resize(pending_.size(), 0);
    for (size_t i = pending_.size(); i-- > 0;) {
      if (covered_[i] == 0 || closed[i] != 0) continue;
      changed = true;
      closed[i] = 1;
      if (!CloseOver(i)) continue;
      closed.assign(pending_.size(), 0);  // positions have moved
      break;
    }
  }
}

std::vector<Effect> SyncCoverage::Take() {
  std::vector<Effect> taken;
  std::vector<Effect> left;
  std::vector<InodeId> overlaid;  // files with something left that may be overwritten
  for (size_t i = 0; i < pending_.size(); ++i) {
    const Effect& effect = pending_[i];
    if (covered_[i] == 0) {
      left.push_back(effect);
      if (IsOverwritable(effect) && std::ranges::find(overlaid, effect.inode) == overlaid.end()) {
        overlaid.push_back(effect.inode);
      }
      continue;
    }
    taken.push_back(effect);
    const bool overwrites = IsContent(effect) || effect.kind == EffectKind::kTruncate;
    if (overwrites && std::ranges::find(overlaid, effect.inode) != overlaid.end()) {
      Overwrite(left, effect);
    }
  }
  pending_ = std::move(left);
  covered_.assign(pending_.size(), 0);
  return taken;
}

}  // namespace plugpull
