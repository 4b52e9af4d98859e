// The bytes and sizes of files in a CrashGraph. Names and attributes are in crash_graph.cpp.
#include <algorithm>
#include <cstring>

#include "faults/persistence/crash_graph.h"
#include "faults/persistence/dependence.h"

namespace plugpull {

OpenFile& CrashGraph::FileFor(InodeId inode) {
  const auto [position, inserted] = file_index_.try_emplace(inode, file_count_);
  if (!inserted) return files_[position->second];
  if (file_count_ == files_.size()) files_.emplace_back();
  OpenFile& file = files_[file_count_++];
  file.inode = inode;
  file.is_mixed = false;
  file.sizes_are_chain = model().size_order == SizeOrder::kIssue;
  file.sizes.clear();
  file.erasures.clear();
  file.fill = kNoVariable;
  file.chains = {};
  const auto existence = existence_.find(inode);
  file.existence = existence == existence_.end() ? kNoVariable : existence->second;
  const auto base = cursor_->durable().files.find(inode);
  file.base = base == cursor_->durable().files.end() ? nullptr : &base->second;
  file.base_size_bytes = file.base == nullptr ? 0 : file.base->size_bytes();
  return file;
}

// --- Bytes ---

bool CrashGraph::TearsContiguously(const Effect& effect) const {
  return IsContiguous(tear_) && effect.kind == EffectKind::kData &&
         model().shape != Shape::kPrefix && !IsGrouped(effect) && !IsChained(model(), effect);
}

// Returns: the variable of one piece of an operation that is split over several effects, of which
// parts may be durable. The sectors of a page are made at once, since they are torn together: of
// what is left, a prefix or a suffix survives, as it does of the whole.
VariableId CrashGraph::PieceVariable(const Effect& effect, AtomId id, const DataPieces& pieces) {
  const auto known = partial_.find(id);
  if (known != partial_.end()) return known->second;
  if (!TearsContiguously(effect)) return partial_[id] = NewVariable(effect, id);
  const uint64_t units_per_page = kTearPageBytes / UnitBytes(tear_);
  const uint64_t page = (pieces.first_unit + id.index) / units_per_page;
  uint64_t first_unit = (page + 1) * units_per_page;
  uint64_t last_unit = 0;
  for (const Effect& part : cursor_->pending()) {
    if (part.op != effect.op || part.kind != effect.kind) continue;
    const uint64_t begin = std::max(part.begin_bytes, page * kTearPageBytes);
    const uint64_t end = std::min(part.end_bytes, (page + 1) * kTearPageBytes);
    if (begin >= end) continue;
    first_unit = std::min(first_unit, begin / UnitBytes(tear_));
    last_unit = std::max(last_unit, (end - 1) / UnitBytes(tear_));
  }
  VariableId first = kNoVariable;
  uint16_t count = 0;
  for (uint64_t unit = first_unit; unit <= last_unit; ++unit) {
    const AtomId sibling{id.op, id.kind, static_cast<uint32_t>(unit - pieces.first_unit)};
    const VariableId variable = partial_[sibling] = NewVariable(effect, sibling);
    if (first == kNoVariable) first = variable;
    ++count;
  }
  constraints_.AddPart(first, count);
  return partial_[id];
}

// Truncates, punches and clones before later bytes on what they changed (E2t).
void CrashGraph::FollowFences(const OpenFile& file, const Effect& effect, uint64_t begin,
                              uint64_t end, VariableId variable) {
  if (!model().truncate_fence) return;
  const bool is_data = effect.kind == EffectKind::kData;
  for (const Erasure& erasure : file.erasures) {
    const bool is_truncate = erasure.end_bytes == UINT64_MAX;
    if (!is_data && !is_truncate) continue;
    if (erasure.begin_bytes < end && erasure.end_bytes > begin) {
      edges_.Edge(erasure.variable, variable);
    }
  }
  if (!is_data || !file.is_mixed) return;
  const uint32_t number = static_cast<uint32_t>(&file - files_.data());
  for (const LooseEntry& loose : loose_) {
    if (loose.file != number || loose.entry.is_data) continue;
    const uint64_t unit_start = loose.unit * UnitBytes(tear_);
    if (unit_start + loose.entry.begin < end && unit_start + loose.entry.end > begin) {
      edges_.Edge(loose.entry.variable, variable);
    }
  }
}

void CrashGraph::AddBytes(const Effect& effect, uint32_t sequence) {
  const Op& op = cursor_->trace().ops[effect.op];
  OpenFile& file = FileFor(effect.inode);
  const uint32_t number = static_cast<uint32_t>(&file - files_.data());
  const bool is_data = effect.kind == EffectKind::kData;
  if (!is_data || effect.failed) file.is_mixed = true;
  // In a prefix, no size comes before the bytes that it shows.
  const bool may_be_stale = model().fill == Fill::kGarbage && model().shape != Shape::kPrefix;
  if (is_data && may_be_stale) AddFills(effect, number, sequence);
  const std::byte* payload = cursor_->trace().Payload(op).data();
  const uint64_t unit_bytes = UnitBytes(tear_);
  const DataPieces pieces = UnitsOf(op, tear_);
  const AtomKind kind = is_data ? AtomKind::kData : AtomKind::kClone;
  const bool is_whole = tear_ == Tear::kNone || (op.flags & kUntorn) != 0;
  const bool contiguous = TearsContiguously(effect) && !is_whole && !effect.is_partial;
  const uint64_t units_per_page = kTearPageBytes / unit_bytes;
  VariableId anchor = IsAnchored(model(), effect) ? anchor_ : kNoVariable;
  // What was dropped is no part of the journal, but comes after what is.
  const bool is_ordered = model().journalled_data || model().shape == Shape::kPrefix;
  if (effect.failed && is_ordered) anchor = edges_.last_chained();
  const uint64_t first_unit = effect.begin_bytes / unit_bytes;
  const uint64_t last_unit = (effect.end_bytes - 1) / unit_bytes;
  VariableId variable = kNoVariable;
  VariableId part_first = kNoVariable;
  for (uint64_t unit = first_unit; unit <= last_unit; ++unit) {
    const AtomId id{effect.op, kind,
                    is_whole ? 0 : static_cast<uint32_t>(unit - pieces.first_unit)};
    if (effect.is_partial && !IsGrouped(effect)) {
      variable = is_whole && variable != kNoVariable ? variable
                 : is_whole                          ? WholeVariable(effect, id)
                                                     : PieceVariable(effect, id, pieces);
    } else if (unit == first_unit || !is_whole) {
      variable = VariableFor(effect, id);
    }
    if (contiguous) {
      if (part_first == kNoVariable) part_first = variable;
      if (unit == last_unit || (unit + 1) % units_per_page == 0) {
        constraints_.AddPart(part_first, static_cast<uint16_t>(variable - part_first + 1));
        part_first = kNoVariable;
      }
    }
    const uint64_t unit_start = unit * unit_bytes;
    const uint64_t begin = std::max(effect.begin_bytes, unit_start);
    const uint64_t end = std::min(effect.end_bytes, unit_start + unit_bytes);
    FollowFences(file, effect, begin, end, variable);
    if (!is_data) {
      if (IsInInodeChain(model(), effect, effect.inode)) FollowInode(effect.inode, variable);
      edges_.Edge(file.existence, variable);
    }
    pieces_.push_back({begin, end, variable, effect.failed});
    loose_.push_back({number, unit, anchor,
                      UnitEntry{.variable = variable,
                                .sequence = sequence,
                                .begin = static_cast<uint16_t>(begin - unit_start),
                                .end = static_cast<uint16_t>(end - unit_start),
                                .is_data = is_data,
                                .is_failed = effect.failed,
                                .written = payload + (begin - op.offset_bytes)}});
  }
}

VariableId CrashGraph::WholeVariable(const Effect& effect, AtomId id) {
  const auto [known, is_new] = partial_.try_emplace(id, kNoVariable);
  if (is_new) known->second = NewVariable(effect, id);
  return known->second;
}

// New blocks may show what they held before (fill rule): those of one file all alike, since what
// stale bytes say is a sample anyway. A block is new where it lies beyond every end that the file
// had before; what a truncate freed and a write takes again is not looked at.
void CrashGraph::AddFills(const Effect& effect, uint32_t file, uint32_t sequence) {
  const Op& op = cursor_->trace().ops[effect.op];
  const uint64_t first_page = op.offset_bytes / kTearPageBytes;
  const uint64_t first_new = PageCeiling(effect.size_highest) / kTearPageBytes;
  const uint64_t begin = std::max(effect.begin_bytes / kTearPageBytes, first_new);
  for (uint64_t page = begin; page * kTearPageBytes < effect.end_bytes; ++page) {
    if (!filled_.emplace(file, page).second) continue;
    VariableId& fill = files_[file].fill;
    if (fill == kNoVariable) fill = edges_.NewVariable();
    atoms_.push_back(
        {{effect.op, AtomKind::kFill, static_cast<uint32_t>(page - first_page)}, fill});
    const uint64_t units_per_page = kTearPageBytes / UnitBytes(tear_);
    for (uint64_t i = 0; i < units_per_page; ++i) {
      loose_.push_back({file, page * units_per_page + i, kNoVariable,
                        UnitEntry{.variable = fill, .sequence = sequence}});
    }
  }
}

void CrashGraph::AddZero(const Effect& effect, uint32_t sequence) {
  OpenFile& file = FileFor(effect.inode);
  file.is_mixed = true;
  VariableId variable = kNoVariable;
  const AtomId id{effect.op, AtomKind::kZero, 0};
  variable = effect.is_partial ? WholeVariable(effect, id) : VariableFor(effect, id);
  if (IsInInodeChain(model(), effect, effect.inode)) FollowInode(effect.inode, variable);
  edges_.Edge(file.existence, variable);
  file.erasures.push_back({variable, sequence, effect.begin_bytes, effect.end_bytes});
}

// Returns: true when a step of the size is undecided still: others may have been synced alone.
bool CrashGraph::IsStepOf(const Effect& effect, const Op& op, uint32_t step) const {
  const uint64_t end = SizeStepEnd(op, effect.size_origin, step, tear_);
  return end > effect.size_before && end <= effect.size_after;
}

// What a failed sync has taken back has no variable, but the image of a state is made without it.
void CrashGraph::AddReverted(const Effect& effect) {
  const Op& op = cursor_->trace().ops[effect.op];
  if (effect.kind == EffectKind::kData) {
    const DataPieces pieces = UnitsOf(op, tear_);
    const uint64_t first = effect.begin_bytes / UnitBytes(tear_);
    const uint64_t last = (effect.end_bytes - 1) / UnitBytes(tear_);
    for (uint64_t unit = first; unit <= last; ++unit) {
      const bool is_whole = tear_ == Tear::kNone || effect.is_whole;
      const auto index = is_whole ? 0 : static_cast<uint32_t>(unit - pieces.first_unit);
      reverted_.push_back({effect.op, AtomKind::kData, index});
    }
  } else if (effect.kind == EffectKind::kSize) {
    const bool has_steps = op.kind != OpKind::kAllocate;
    const uint32_t steps = has_steps ? SizeStepCount(op, effect.size_origin, tear_) : 1;
    for (uint32_t step = 0; step < steps; ++step) {
      if (has_steps && !IsStepOf(effect, op, step)) continue;
      reverted_.push_back({effect.op, AtomKind::kSize, step});
    }
  } else {
    const bool is_truncate = effect.kind == EffectKind::kTruncate;
    reverted_.push_back({effect.op, is_truncate ? AtomKind::kTruncate : AtomKind::kZero, 0});
  }
}

// --- Sizes ---

void CrashGraph::AddSize(const Effect& effect, uint32_t sequence) {
  OpenFile& file = FileFor(effect.inode);
  if (effect.kind == EffectKind::kTruncate) {
    const VariableId variable = VariableFor(effect, {effect.op, AtomKind::kTruncate, 0});
    if (IsInInodeChain(model(), effect, effect.inode)) FollowInode(effect.inode, variable);
    file.is_mixed = true;
    AddSizeEntry(file, effect,
                 {.variable = variable,
                  .sequence = sequence,
                  .is_truncate = true,
                  .step_bytes = effect.size_after});
    file.erasures.push_back({variable, sequence, effect.size_after, UINT64_MAX});
    return;
  }
  const Op& op = cursor_->trace().ops[effect.op];
  const bool is_allocation = op.kind == OpKind::kAllocate;
  const uint32_t steps = is_allocation ? 1 : SizeStepCount(op, effect.size_origin, tear_);
  for (uint32_t step = 0; step < steps; ++step) {
    if (!is_allocation && !IsStepOf(effect, op, step)) continue;
    SizeEntry entry{.variable = VariableFor(effect, {effect.op, AtomKind::kSize, step}),
                    .sequence = sequence,
                    .step_bytes = effect.size_after};
    if (!is_allocation) entry.step_bytes = SizeStepEnd(op, effect.size_origin, step, tear_);
    if (effect.floating) {
      WaitForData(file, effect, entry, step);
    } else if (IsInInodeChain(model(), effect, effect.inode)) {
      FollowInode(effect.inode, entry.variable);
    }
    AddSizeEntry(file, effect, entry);
  }
}

// E2, E9 and E0 of one step.
void CrashGraph::AddSizeEntry(OpenFile& file, const Effect& effect, SizeEntry entry) {
  uint64_t before = file.base_size_bytes;
  if (!file.sizes.empty()) before = file.sizes.back().size_bytes;
  if (model().size_order == SizeOrder::kIssue) {
    if (!file.sizes.empty()) edges_.Edge(file.sizes.back().variable, entry.variable);
  } else {
    const auto truncate =
        std::ranges::find_if(file.sizes.rbegin(), file.sizes.rend(),
                             [](const SizeEntry& size) { return size.is_truncate; });
    if (truncate != file.sizes.rend()) edges_.Edge(truncate->variable, entry.variable);
  }
  if (IsAnchored(model(), effect)) edges_.Edge(anchor_, entry.variable);
  if (file.sizes.empty() || model().size_order == SizeOrder::kMax) {
    edges_.Edge(file.existence, entry.variable);
  }
  entry.size_bytes = entry.is_truncate ? entry.step_bytes : std::max(before, entry.step_bytes);
  file.sizes.push_back(entry);
}

// E7: a size after the bytes that it shows.
void CrashGraph::WaitForData(const OpenFile& file, const Effect& effect, const SizeEntry& entry,
                             uint32_t step) {
  const Op& op = cursor_->trace().ops[effect.op];
  const uint64_t first_page = std::max(op.offset_bytes, effect.size_origin) / kTearPageBytes;
  const uint64_t step_begin =
      tear_ == Tear::kNone ? 0 : std::max((first_page + step) * kTearPageBytes, effect.size_origin);
  if (model().size_before_data) {
    for (const Piece& piece : pieces_) {
      const bool shown = piece.end_bytes > std::max(step_begin, effect.size_origin) &&
                         piece.begin_bytes < entry.step_bytes;
      if (shown) edges_.Edge(entry.variable, piece.variable);
    }
  }
  if (model().data_before_size == DataBeforeSize::kNo) return;
  const bool is_tail = step == 0 && effect.size_origin % kTearPageBytes != 0 &&
                       entry.step_bytes <= PageCeiling(effect.size_origin);
  if (model().zero_tail && is_tail) return;
  const bool whole_inode = model().data_before_size == DataBeforeSize::kWholeInode;
  uint64_t from = whole_inode ? 0 : effect.size_origin;
  if (model().data_before_size == DataBeforeSize::kOwnChunk) from = std::max(from, step_begin);
  for (const Piece& piece : pieces_) {
    const bool shown = piece.end_bytes > from && piece.begin_bytes < entry.step_bytes;
    if (shown && !piece.is_failed) edges_.Edge(piece.variable, entry.variable);
  }
  if (!whole_inode) return;
  const uint32_t number = static_cast<uint32_t>(&file - files_.data());
  for (const LooseEntry& loose : loose_) {
    const bool earlier = loose.file == number && loose.entry.is_data && !loose.entry.is_failed &&
                         loose.entry.written != nullptr && loose.entry.sequence < entry.sequence;
    if (earlier && !IsPieceAtHand(loose.entry.variable)) {
      edges_.Edge(loose.entry.variable, entry.variable);
    }
  }
}

bool CrashGraph::IsPieceAtHand(VariableId variable) const {
  return std::ranges::find(pieces_, variable, &Piece::variable) != pieces_.end();
}

// --- Units ---

void CrashGraph::BuildChains() {
  std::stable_sort(loose_.begin(), loose_.end(), [](const auto& left, const auto& right) {
    return left.file != right.file ? left.file < right.file : left.unit < right.unit;
  });
  entries_.clear();
  entries_.reserve(loose_.size());
  chains_.clear();
  chains_.reserve(loose_.size());
  for (size_t begin = 0; begin < loose_.size();) {
    size_t end = begin;
    UnitChain& chain = chains_.emplace_back();
    chain.unit = loose_[begin].unit;
    const size_t first_entry = entries_.size();
    while (end < loose_.size() && loose_[end].file == loose_[begin].file &&
           loose_[end].unit == loose_[begin].unit) {
      if (loose_[end].entry.written == nullptr) {
        chain.fill = loose_[end].entry.variable;
        chain.fill_sequence = loose_[end].entry.sequence;
      } else {
        entries_.push_back(loose_[end].entry);
      }
      ++end;
    }
    LinkEntries(begin, end);
    chain.entries = std::span(entries_).subspan(first_entry);
    OpenFile& file = files_[loose_[begin].file];
    if (file.chains.empty()) {
      file.chains = {&chain, 1};
    } else {
      file.chains = {file.chains.data(), file.chains.size() + 1};
    }
    begin = end;
  }
}

// E1, E14 and E0 of the writes of one unit.
void CrashGraph::LinkEntries(size_t begin, size_t end) {
  VariableId before = kNoVariable;
  for (size_t i = begin; i < end; ++i) {
    const UnitEntry& entry = loose_[i].entry;
    if (!entry.is_data || entry.written == nullptr) continue;
    edges_.Edge(before, entry.variable);
    edges_.Edge(loose_[i].anchor, entry.variable);
    if (before == kNoVariable) edges_.Edge(files_[loose_[i].file].existence, entry.variable);
    // What was dropped by a failed sync is not written with later bytes of its page.
    if (!entry.is_failed) before = entry.variable;
  }
}

// Lays out what a unit says after each of its writes, so that a read is one copy and "does this
// write matter here?" is one comparison. Where the order is not a chain there are no versions.
void CrashGraph::BuildVersions(OpenFile& file, BytesBelow* below) {
  const uint64_t unit_bytes = UnitBytes(tear_);
  for (UnitChain& chain : file.chains) {
    std::byte* base = arena_.Allocate(unit_bytes);
    chain.base = nullptr;
    if (below != nullptr) {
      if (!below->ReadCertain(file.inode, chain.unit * unit_bytes, {base, unit_bytes})) continue;
    } else if (file.base != nullptr) {
      file.base->ReadStored(chain.unit * unit_bytes, {base, unit_bytes});
    } else {
      std::memset(base, 0, unit_bytes);
    }
    chain.base = base;
    if (file.is_mixed) continue;
    const std::byte* before = base;
    for (UnitEntry& entry : chain.entries) {
      std::byte* version = arena_.Allocate(unit_bytes);
      std::memcpy(version, before, unit_bytes);
      std::memcpy(version + entry.begin, entry.written, entry.end - entry.begin);
      entry.version = version;
      before = version;
    }
  }
}

}  // namespace plugpull
