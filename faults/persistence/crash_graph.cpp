#include "faults/persistence/crash_graph.h"

#include <algorithm>
#include <cstring>

#include "faults/base/assert.h"

namespace plugpull {

void CrashGraph::Build(const CrashCursor& cursor, Tear tear) {
  cursor_ = &cursor;
  tear_ = tear;
  constraints_.Clear();
  arena_.Reset();
  atoms_.clear();
  file_count_ = 0;
  file_index_.clear();
  cell_count_ = 0;
  existence_.clear();
  groups_.clear();
  loose_.clear();
  last_variable_ = kNoVariable;
  uint32_t sequence = 0;
  for (const Effect& effect : cursor.pending()) {
    switch (effect.kind) {
      case EffectKind::kInode:
        AddInode(effect);
        break;
      case EffectKind::kName:
        AddName(effect);
        break;
      case EffectKind::kData:
        AddData(effect, sequence);
        break;
      case EffectKind::kSize:
      case EffectKind::kTruncate:
        AddSize(effect, sequence);
        break;
    }
    ++sequence;
  }
  BuildChains();
  constraints_.Seal();
}

const OpenFile* CrashGraph::FindFile(InodeId inode) const {
  const auto found = file_index_.find(inode);
  return found == file_index_.end() ? nullptr : &files_[found->second];
}

const OpenCell* CrashGraph::FindCell(InodeId directory, std::string_view name) const {
  for (const OpenCell& cell : cells()) {
    if (cell.directory == directory && cell.name == name) return &cell;
  }
  return nullptr;
}

OpenFile& CrashGraph::FileFor(InodeId inode) {
  const auto [position, inserted] = file_index_.try_emplace(inode, file_count_);
  if (!inserted) return files_[position->second];
  if (file_count_ == files_.size()) files_.emplace_back();
  OpenFile& file = files_[file_count_++];
  file.inode = inode;
  file.has_truncate = false;
  file.sizes.clear();
  file.chains = {};
  const auto existence = existence_.find(inode);
  file.existence = existence == existence_.end() ? kNoVariable : existence->second;
  const auto base = cursor_->durable().files.find(inode);
  file.base = base == cursor_->durable().files.end() ? nullptr : &base->second;
  file.base_size_bytes = file.base == nullptr ? 0 : file.base->size_bytes();
  return file;
}

OpenCell& CrashGraph::CellFor(const Effect& effect) {
  for (size_t i = 0; i < cell_count_; ++i) {
    if (cells_[i].directory == effect.directory && cells_[i].name == effect.name) return cells_[i];
  }
  if (cell_count_ == cells_.size()) cells_.emplace_back();
  OpenCell& cell = cells_[cell_count_++];
  cell.directory = effect.directory;
  cell.name = effect.name;
  cell.base = cursor_->durable().names.At(effect.directory, effect.name);
  cell.entries.clear();
  return cell;
}

VariableId CrashGraph::NewVariable(AtomId id) {
  const VariableId variable = constraints_.AddVariable();
  atoms_.push_back({id, variable});
  if (cursor_->model().shape == Shape::kPrefix && last_variable_ != kNoVariable) {
    constraints_.AddEdge(last_variable_, variable);
  }
  last_variable_ = variable;
  return variable;
}

void CrashGraph::AddInode(const Effect& effect) {
  existence_[effect.inode] = NewVariable({effect.op, AtomKind::kInode, 0});
}

void CrashGraph::AddName(const Effect& effect) {
  const AtomId id{effect.op, AtomKind::kName, effect.part};
  VariableId variable = kNoVariable;
  const auto group = groups_.find(effect.group);
  if (effect.group != 0 && group != groups_.end()) {
    variable = group->second;
    atoms_.push_back({id, variable});
  } else {
    variable = NewVariable(id);
    if (effect.group != 0) groups_[effect.group] = variable;
  }
  OpenCell& cell = CellFor(effect);
  if (cursor_->model().name_cell_order && !cell.entries.empty()) {
    constraints_.AddEdge(cell.entries.back().variable, variable);
  }
  if (cursor_->model().inode_before_use) {
    for (const InodeId needed : {effect.inode, effect.directory}) {
      const auto existence = existence_.find(needed);
      if (existence != existence_.end()) constraints_.AddEdge(existence->second, variable);
    }
  }
  cell.entries.push_back({variable, effect.inode});
}

void CrashGraph::AddExistenceEdge(const OpenFile& file, VariableId variable) {
  if (cursor_->model().inode_before_use && file.existence != kNoVariable) {
    constraints_.AddEdge(file.existence, variable);
  }
}

void CrashGraph::AddData(const Effect& effect, uint32_t sequence) {
  const Op& op = cursor_->trace().ops[effect.op];
  OpenFile& file = FileFor(effect.inode);
  const uint32_t file_number = static_cast<uint32_t>(&file - files_.data());
  const std::byte* payload = cursor_->trace().Payload(op).data();
  const uint64_t unit_bytes = UnitBytes(tear_);
  const DataPieces pieces = UnitsOf(op, tear_);
  const bool contiguous =
      tear_ == Tear::kSectorsContiguous && cursor_->model().shape == Shape::kClosedSet;
  const uint64_t units_per_page = kTearPageBytes / unit_bytes;
  VariableId variable = kNoVariable;
  VariableId part_first = kNoVariable;
  for (uint32_t piece = 0; piece < pieces.count; ++piece) {
    const uint64_t unit = pieces.first_unit + piece;
    if (piece == 0 || tear_ != Tear::kNone) {
      variable = NewVariable({effect.op, AtomKind::kData, piece});
    }
    if (contiguous) {
      if (part_first == kNoVariable) part_first = variable;
      const bool page_ends = piece + 1 == pieces.count || (unit + 1) % units_per_page == 0;
      if (page_ends) {
        constraints_.AddPart(part_first, static_cast<uint8_t>(variable - part_first + 1));
        part_first = kNoVariable;
      }
    }
    const uint64_t unit_start = unit * unit_bytes;
    const uint64_t begin = std::max(op.offset_bytes, unit_start);
    const uint64_t end = std::min(op.offset_bytes + op.size_bytes, unit_start + unit_bytes);
    loose_.push_back({file_number, unit,
                      UnitEntry{.variable = variable,
                                .sequence = sequence,
                                .begin = static_cast<uint16_t>(begin - unit_start),
                                .end = static_cast<uint16_t>(end - unit_start),
                                .written = payload + (begin - op.offset_bytes)}});
  }
}

void CrashGraph::AddSize(const Effect& effect, uint32_t sequence) {
  OpenFile& file = FileFor(effect.inode);
  if (effect.kind == EffectKind::kTruncate) {
    file.has_truncate = true;
    AddSizeEntry(file, {.variable = NewVariable({effect.op, AtomKind::kTruncate, 0}),
                        .sequence = sequence,
                        .is_truncate = true,
                        .step_bytes = effect.size_after});
    return;
  }
  const Op& write = cursor_->trace().ops[effect.op];
  const uint32_t steps = SizeStepCount(write, effect.size_before, tear_);
  for (uint32_t step = 0; step < steps; ++step) {
    AddSizeEntry(file, {.variable = NewVariable({effect.op, AtomKind::kSize, step}),
                        .sequence = sequence,
                        .step_bytes = SizeStepEnd(write, effect.size_before, step, tear_)});
  }
}

void CrashGraph::AddSizeEntry(OpenFile& file, SizeEntry entry) {
  uint64_t before = file.base_size_bytes;
  if (file.sizes.empty()) {
    AddExistenceEdge(file, entry.variable);
  } else {
    Assert(cursor_->model().size_order, "views read sizes as a chain (E2)");
    constraints_.AddEdge(file.sizes.back().variable, entry.variable);
    before = file.sizes.back().size_bytes;
  }
  entry.size_bytes = entry.is_truncate ? entry.step_bytes : std::max(before, entry.step_bytes);
  file.sizes.push_back(entry);
}

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
    while (end < loose_.size() && loose_[end].file == loose_[begin].file &&
           loose_[end].unit == loose_[begin].unit) {
      entries_.push_back(loose_[end].entry);
      if (end > begin && cursor_->model().page_order) {
        constraints_.AddEdge(loose_[end - 1].entry.variable, loose_[end].entry.variable);
      } else {
        AddExistenceEdge(files_[loose_[end].file], loose_[end].entry.variable);
      }
      ++end;
    }
    UnitChain& chain = chains_.emplace_back();
    chain.unit = loose_[begin].unit;
    chain.entries = std::span(entries_).subspan(begin, end - begin);
    OpenFile& file = files_[loose_[begin].file];
    if (file.chains.empty()) {
      file.chains = {&chain, 1};
    } else {
      file.chains = {file.chains.data(), file.chains.size() + 1};
    }
    begin = end;
  }
  for (size_t i = 0; i < file_count_; ++i) BuildVersions(files_[i]);
}

// Lays out what a unit says after each of its writes, so that a read is one copy and "does this
// write matter here?" is one comparison. With truncates the order is not a chain: no versions.
void CrashGraph::BuildVersions(OpenFile& file) {
  const uint64_t unit_bytes = UnitBytes(tear_);
  for (UnitChain& chain : file.chains) {
    std::byte* base = arena_.Allocate(unit_bytes);
    if (file.base != nullptr) {
      file.base->ReadStored(chain.unit * unit_bytes, {base, unit_bytes});
    } else {
      std::memset(base, 0, unit_bytes);
    }
    chain.base = base;
    if (file.has_truncate) continue;
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
