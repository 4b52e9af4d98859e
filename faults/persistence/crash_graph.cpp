#include "faults/persistence/crash_graph.h"

#include <algorithm>

#include "faults/base/bytes.h"
#include "faults/persistence/dependence.h"

namespace plugpull {

void CrashGraph::Build(const CrashCursor& cursor, Tear tear, BytesBelow* below) {
  BuildOrder(cursor, tear);
  for (size_t i = 0; i < file_count_; ++i) BuildVersions(files_[i], below);
}

void CrashGraph::BuildOrder(const CrashCursor& cursor, Tear tear) {
  cursor_ = &cursor;
  tear_ = EffectiveTear(cursor.model(), tear);
  edges_.Clear();
  arena_.Reset();
  atoms_.clear();
  atoms_by_id_.clear();
  reverted_.clear();
  file_count_ = 0;
  file_index_.clear();
  cell_count_ = 0;
  attributes_.clear();
  existence_.clear();
  groups_.clear();
  inode_chains_.clear();
  directory_chains_.clear();
  partial_.clear();
  filled_.clear();
  loose_.clear();
  op_ = UINT32_MAX;
  epoch_ = 0;
  epoch_variables_.clear();
  epoch_before_.clear();
  for (const Effect& effect : cursor.reverted()) AddReverted(effect);
  uint32_t sequence = 0;
  for (const Effect& effect : cursor.pending()) Add(effect, sequence++);
  BuildChains();
  constraints_.Seal();
}

void CrashGraph::Add(const Effect& effect, uint32_t sequence) {
  if (effect.op != op_) {
    op_ = effect.op;
    anchor_ = edges_.last_chained();
    pieces_.clear();
    new_name_ = kNoVariable;
  }
  if (model().barriers && effect.epoch != epoch_) {
    epoch_ = effect.epoch;
    if (!epoch_variables_.empty()) epoch_before_ = std::exchange(epoch_variables_, {});
  }
  switch (effect.kind) {
    case EffectKind::kInode:
      AddInode(effect);
      break;
    case EffectKind::kName:
      AddName(effect);
      break;
    case EffectKind::kData:
    case EffectKind::kClone:
      AddBytes(effect, sequence);
      break;
    case EffectKind::kZero:
      AddZero(effect, sequence);
      break;
    case EffectKind::kSize:
    case EffectKind::kTruncate:
      AddSize(effect, sequence);
      break;
    case EffectKind::kAttribute:
      AddAttribute(effect);
      break;
  }
}

// --- Looking ---

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

const OpenAttribute* CrashGraph::FindAttribute(InodeId inode, std::string_view key) const {
  for (const OpenAttribute& attribute : attributes_) {
    if (attribute.inode == inode && attribute.key == key) return &attribute;
  }
  return nullptr;
}

std::vector<AtomId> CrashGraph::Lost(const std::function<bool(VariableId)>& is_kept) const {
  std::vector<AtomId> lost = reverted_;
  for (const Atom& atom : atoms_) {
    if (is_kept(atom.variable) == atom.is_inverse) lost.push_back(atom.id);
  }
  std::ranges::sort(lost);
  const auto repeated = std::ranges::unique(lost);
  lost.erase(repeated.begin(), repeated.end());
  return lost;
}

VariableId CrashGraph::VariableOf(AtomId id) const {
  if (atoms_by_id_.size() != atoms_.size()) {
    atoms_by_id_ = atoms_;
    std::ranges::sort(atoms_by_id_, {}, &Atom::id);
  }
  const auto found = std::ranges::lower_bound(atoms_by_id_, id, {}, &Atom::id);
  return found == atoms_by_id_.end() || found->id != id ? kNoVariable : found->variable;
}

// --- Variables ---

VariableId CrashGraph::NewVariable(const Effect& effect, AtomId id) {
  const VariableId variable = edges_.NewVariable();
  atoms_.push_back({id, variable});
  const bool is_in_prefix = model().shape == Shape::kPrefix && !effect.failed;
  if (is_in_prefix || IsChained(model(), effect)) edges_.Chain(variable);
  if (model().barriers) {
    for (const VariableId before : epoch_before_) edges_.Edge(before, variable);
    // What a failed sync has dropped holds nothing up.
    if (!effect.failed) epoch_variables_.push_back(variable);
  }
  return variable;
}

VariableId CrashGraph::VariableFor(const Effect& effect, AtomId id) {
  if (!IsGrouped(effect)) return NewVariable(effect, id);
  const auto [group, is_new] = groups_.try_emplace(effect.group, kNoVariable);
  if (is_new) return group->second = NewVariable(effect, id);
  const bool is_known = std::ranges::any_of(
      atoms_, [&](const Atom& atom) { return atom.variable == group->second && atom.id == id; });
  if (!is_known) atoms_.push_back({id, group->second});
  if (IsChained(model(), effect)) {
    edges_.Chain(group->second);
    edges_.Edge(edges_.last_chained(), group->second);  // it has its place where its last part is
  }
  if (model().barriers) {
    for (const VariableId before : epoch_before_) edges_.Edge(before, group->second);
    epoch_variables_.push_back(group->second);
  }
  return group->second;
}

// E4: the changes of one inode keep their order.
void CrashGraph::FollowInode(InodeId inode, VariableId variable) {
  const auto [last, is_first] = inode_chains_.try_emplace(inode, variable);
  if (is_first) return;
  edges_.Edge(last->second, variable);
  last->second = variable;
}

// --- Names and attributes ---

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

void CrashGraph::AddInode(const Effect& effect) {
  existence_[effect.inode] = VariableFor(effect, {effect.op, AtomKind::kInode, 0});
}

void CrashGraph::AddName(const Effect& effect) {
  const VariableId variable = VariableFor(effect, {effect.op, AtomKind::kName, effect.part});
  if (effect.part == 2) atoms_.back().is_inverse = true;
  OpenCell& cell = CellFor(effect);
  if (!cell.entries.empty()) edges_.Edge(cell.entries.back().variable, variable);
  for (const InodeId needed : {effect.inode, effect.directory}) {
    const auto existence = existence_.find(needed);
    if (existence != existence_.end()) edges_.Edge(existence->second, variable);
  }
  if (model().rename == Rename::kDual && effect.part == 0) edges_.Edge(new_name_, variable);
  if (effect.part == 1) new_name_ = variable;
  for (const InodeId inode : effect.touched) {
    if (IsInInodeChain(model(), effect, inode)) FollowInode(inode, variable);
  }
  if (model().directory_chain) {
    const auto [last, is_first] = directory_chains_.try_emplace(effect.directory, variable);
    if (!is_first) {
      edges_.Edge(last->second, variable);
      last->second = variable;
    }
  }
  if (effect.replaces && model().replace_flush == Flush::kStrict)
    WaitForReplacement(effect, variable);
  cell.entries.push_back({variable, effect.inode});
}

// E10: the bytes and sizes of a file before it replaces another one.
void CrashGraph::WaitForReplacement(const Effect& effect, VariableId variable) {
  const auto file = file_index_.find(effect.inode);
  if (file == file_index_.end()) return;
  for (const LooseEntry& loose : loose_) {
    const bool waits = loose.file == file->second && loose.entry.is_data && !loose.entry.is_failed;
    if (waits) edges_.Edge(loose.entry.variable, variable);
  }
  for (const SizeEntry& size : files_[file->second].sizes) edges_.Edge(size.variable, variable);
}

OpenAttribute& CrashGraph::AttributeFor(InodeId inode, std::string key) {
  for (OpenAttribute& attribute : attributes_) {
    if (attribute.inode == inode && attribute.key == key) return attribute;
  }
  return attributes_.emplace_back(inode, std::move(key));
}

void CrashGraph::AddAttribute(const Effect& effect) {
  const Op& op = cursor_->trace().ops[effect.op];
  const VariableId variable = VariableFor(effect, {effect.op, AtomKind::kAttribute, 0});
  if (IsInInodeChain(model(), effect, effect.inode)) FollowInode(effect.inode, variable);
  const auto existence = existence_.find(effect.inode);
  if (existence != existence_.end()) edges_.Edge(existence->second, variable);
  std::optional<std::string_view> value;
  if (op.kind != OpKind::kRemoveXattr) value = AsText(cursor_->trace().Payload(op));
  AttributeFor(effect.inode, AttributeKey(op)).entries.push_back({variable, value});
}

}  // namespace plugpull
