#include "faults/persistence/lazy_disk.h"

#include <algorithm>

#include "faults/base/bytes.h"
#include "faults/persistence/dependence.h"

namespace plugpull {

bool LazyDisk::Kept(VariableId variable) {
  Constraints& constraints = graph_.constraints();
  if (constraints.fate(variable) == Fate::kOpen) {
    if (!asks_) {
      uncertain_ = true;
      return false;
    }
    choices_.Choose(constraints, variable, generation_);
  }
  return constraints.fate(variable) == Fate::kKept;
}

// --- What recovery made durable ---

void LazyDisk::LayOutDurable(const CrashCursor& cursor) {
  for (auto& [inode, file] : durable_) file.Clear();
  durable_.clear();
  pool_.Reset();
  const Trace& trace = cursor.trace();
  for (const Effect& effect : cursor.stored()) {
    if (!IsContent(effect) && effect.kind != EffectKind::kTruncate) continue;
    OverlayFile& file = durable_[effect.inode];
    if (effect.kind == EffectKind::kTruncate) {
      file.Truncate(effect.size_after);
      continue;
    }
    const uint64_t length = effect.end_bytes - effect.begin_bytes;
    if (effect.kind == EffectKind::kZero) {
      file.Write(pool_, effect.begin_bytes, std::vector<std::byte>(length));
      continue;
    }
    const Op& op = trace.ops[effect.op];
    const uint64_t skipped = effect.begin_bytes - op.offset_bytes;
    file.Write(pool_, effect.begin_bytes, trace.Payload(op).subspan(skipped, length));
  }
}

LazyDisk::File LazyDisk::Find(InodeId inode) const {
  File file{.inode = inode, .open = graph_.FindFile(inode)};
  if (below_ != nullptr) {
    const auto durable = durable_.find(inode);
    if (durable != durable_.end()) file.durable = &durable->second;
    return file;
  }
  const auto& durable = graph_.cursor().durable().files;
  const auto base = durable.find(inode);
  file.base = base == durable.end() ? nullptr : &base->second;
  return file;
}

// --- Names ---

InodeId LazyDisk::ChosenTarget(const OpenCell& cell) {
  const Constraints& constraints = graph_.constraints();
  // The entries are a chain (E3): the kept ones come first. Ask about the newest entry that changes
  // what the name stands for, until only entries that do not are open.
  for (size_t i = cell.entries.size(); i-- > 0;) {
    const OpenCell::Entry& entry = cell.entries[i];
    const InodeId before = i == 0 ? cell.base : cell.entries[i - 1].target;
    if (constraints.fate(entry.variable) == Fate::kLost) continue;
    if (constraints.fate(entry.variable) == Fate::kKept) return entry.target;
    if (entry.target == before) continue;
    if (Kept(entry.variable)) return entry.target;
  }
  return cell.base;
}

InodeId LazyDisk::Lookup(InodeId directory, std::string_view name) {
  if (const OpenCell* cell = graph_.FindCell(directory, name)) return ChosenTarget(*cell);
  const CrashCursor& cursor = graph_.cursor();
  if (below_ != nullptr && !cursor.KnowsName(directory, name)) {
    return below_->Lookup(directory, name);
  }
  return cursor.durable().names.At(directory, name);
}

std::vector<std::string> LazyDisk::PossibleNames(InodeId directory) const {
  std::vector<std::string> names;
  if (below_ != nullptr) names = below_->PossibleNames(directory);
  for (std::string& name : graph_.cursor().durable().names.Names(directory)) {
    names.push_back(std::move(name));
  }
  for (const OpenCell& cell : graph_.cells()) {
    if (cell.directory == directory) names.emplace_back(cell.name);
  }
  return names;
}

std::vector<InodeId> LazyDisk::PossibleTargets(InodeId directory, std::string_view name) const {
  std::vector<InodeId> targets;
  const CrashCursor& cursor = graph_.cursor();
  if (const OpenCell* cell = graph_.FindCell(directory, name)) {
    targets.push_back(cell->base);
    for (const OpenCell::Entry& entry : cell->entries) targets.push_back(entry.target);
  } else if (below_ != nullptr && !cursor.KnowsName(directory, name)) {
    targets = below_->PossibleTargets(directory, name);
  } else {
    targets.push_back(cursor.durable().names.At(directory, name));
  }
  return targets;
}

const Effect* LazyDisk::FindCreation(InodeId inode) const {
  for (const Effect& effect : graph_.cursor().pending()) {
    if (effect.kind == EffectKind::kInode && effect.inode == inode) return &effect;
  }
  return nullptr;
}

bool LazyDisk::IsDirectory(InodeId inode) const {
  if (graph_.cursor().durable().names.IsDirectory(inode)) return true;
  const Effect* creation = FindCreation(inode);
  if (creation != nullptr) return creation->is_directory;
  return below_ != nullptr && below_->IsDirectory(inode);
}

bool LazyDisk::IsLink(InodeId inode) const {
  if (graph_.cursor().durable().links.contains(inode)) return true;
  const Effect* creation = FindCreation(inode);
  if (creation != nullptr) {
    return graph_.cursor().trace().ops[creation->op].kind == OpKind::kSymlink;
  }
  return below_ != nullptr && below_->IsLink(inode);
}

// The text of a link comes into existence with it (persistence models, 4.2).
std::string LazyDisk::LinkText(InodeId inode) const {
  const auto& links = graph_.cursor().durable().links;
  const auto durable = links.find(inode);
  if (durable != links.end()) return durable->second;
  const Trace& trace = graph_.cursor().trace();
  const Effect* creation = FindCreation(inode);
  if (creation == nullptr) return below_->LinkText(inode);
  return std::string(AsText(trace.Payload(trace.ops[creation->op])));
}

}  // namespace plugpull
