#include "faults/persistence/crash_view.h"

#include <fmt/format.h>

#include <algorithm>
#include <ranges>

#include "faults/base/bytes.h"

namespace plugpull {

// A handle on a file of the view. The view outlives it.
class CrashViewFile final : public VfsFile {
 public:
  CrashViewFile(CrashView& view, CrashView::File& file) : view_(view), file_(file) {}
  ~CrashViewFile() override { file_.lock.Move(held_, LockLevel::kNone); }

  Expected<size_t> Read(uint64_t offset_bytes, std::span<std::byte> out) override {
    return view_.Read(file_, offset_bytes, out);
  }
  Expected<void> Write(uint64_t offset_bytes, std::span<const std::byte> data) override {
    view_.Write(file_, offset_bytes, data);
    return {};
  }
  Expected<void> Truncate(uint64_t size_bytes) override {
    view_.Truncate(file_, size_bytes);
    return {};
  }
  Expected<void> Sync(SyncKind /*kind*/) override { return {}; }
  Expected<void> SyncRange(uint64_t /*offset_bytes*/, uint64_t /*size_bytes*/) override {
    return {};
  }
  Expected<void> Allocate(uint64_t offset_bytes, uint64_t size_bytes) override {
    if (size_bytes == 0) return Fail(ErrorCode::kInvalidArgument, "allocation of nothing", EINVAL);
    const uint64_t end_bytes = offset_bytes + size_bytes;
    if (view_.SizeWithin(file_, 0, end_bytes) < end_bytes) view_.Truncate(file_, end_bytes);
    return {};
  }
  Expected<uint64_t> Size() override {
    return view_.SizeWithin(file_, 0, OverlayFile::kNothingForgotten);
  }
  Expected<bool> Lock(LockLevel level) override { return file_.lock.Move(held_, level); }

 private:
  CrashView& view_;
  CrashView::File& file_;
  LockLevel held_ = LockLevel::kNone;
};

void CrashView::Restart() {
  choices_.Restart(graph_.constraints());
  for (size_t i = 0; i < file_count_; ++i) files_[i].overlay.Clear();
  file_count_ = 0;
  overrides_.clear();
  new_directories_.clear();
  next_inode_ = kFirstNewInode;
  pool_.Reset();
  modified_ = false;
}

bool CrashView::Kept(VariableId variable) {
  if (graph_.constraints().fate(variable) == Fate::kOpen) choices_.Choose(variable);
  return graph_.constraints().fate(variable) == Fate::kKept;
}

// --- Names ---

InodeId CrashView::ChosenTarget(const OpenCell& cell) {
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

InodeId CrashView::Lookup(InodeId directory, std::string_view name) {
  for (const CellOverride& cell : overrides_) {
    if (cell.directory == directory && cell.name == name) return cell.target;
  }
  if (const OpenCell* cell = graph_.FindCell(directory, name)) return ChosenTarget(*cell);
  return graph_.cursor().durable().names.At(directory, name);
}

void CrashView::SetCell(InodeId directory, std::string_view name, InodeId target) {
  modified_ = true;
  for (CellOverride& cell : overrides_) {
    if (cell.directory == directory && cell.name == name) {
      cell.target = target;
      return;
    }
  }
  overrides_.push_back({directory, std::string(name), target});
}

const Effect* CrashView::FindCreation(InodeId inode) const {
  for (const Effect& effect : graph_.cursor().pending()) {
    if (effect.kind == EffectKind::kInode && effect.inode == inode) return &effect;
  }
  return nullptr;
}

bool CrashView::IsDirectory(InodeId inode) const {
  if (std::ranges::find(new_directories_, inode) != new_directories_.end()) return true;
  if (graph_.cursor().durable().names.IsDirectory(inode)) return true;
  const Effect* creation = FindCreation(inode);
  return creation != nullptr && creation->is_directory;
}

bool CrashView::IsLink(InodeId inode) const {
  if (graph_.cursor().durable().links.contains(inode)) return true;
  const Effect* creation = FindCreation(inode);
  return creation != nullptr && graph_.cursor().trace().ops[creation->op].kind == OpKind::kSymlink;
}

// The text of a link comes into existence with it (persistence models, 4.2).
Expected<std::string> CrashView::ReadLink(std::string_view path) {
  const Expected<Place> place = Locate(path);
  if (!place) return std::unexpected(place.error());
  const InodeId inode = Lookup(place->directory, place->name);
  if (inode == kNoInode) {
    return Fail(ErrorCode::kNotFound, fmt::format("no file '{}'", path), ENOENT);
  }
  if (!IsLink(inode)) {
    return Fail(ErrorCode::kInvalidArgument, fmt::format("'{}' is no link", path), EINVAL);
  }
  const auto durable = graph_.cursor().durable().links.find(inode);
  if (durable != graph_.cursor().durable().links.end()) return durable->second;
  const Trace& trace = graph_.cursor().trace();
  return std::string(AsText(trace.Payload(trace.ops[FindCreation(inode)->op])));
}

Expected<std::optional<std::string>> CrashView::Attribute(std::string_view path,
                                                          std::string_view key) {
  InodeId inode = kRootInode;
  if (!path.empty()) {
    const Expected<Place> place = Locate(path);
    if (!place) return std::unexpected(place.error());
    inode = Lookup(place->directory, place->name);
    if (inode == kNoInode) {
      return Fail(ErrorCode::kNotFound, fmt::format("no file '{}'", path), ENOENT);
    }
  }
  if (const OpenAttribute* open = graph_.FindAttribute(inode, key)) {
    for (const OpenAttribute::Entry& entry : std::views::reverse(open->entries)) {
      if (!Kept(entry.variable)) continue;
      if (!entry.value) return std::nullopt;
      return std::string(*entry.value);
    }
  }
  const auto& all = graph_.cursor().durable().attributes;
  const auto of_inode = all.find(inode);
  if (of_inode == all.end()) return std::nullopt;
  const auto value = of_inode->second.find(key);
  if (value == of_inode->second.end()) return std::nullopt;
  return value->second;
}

Expected<CrashView::Place> CrashView::Locate(std::string_view path) {
  InodeId directory = kRootInode;
  while (true) {
    const size_t slash = path.find('/');
    const std::string_view component = path.substr(0, slash);
    if (component.empty()) {
      return Fail(ErrorCode::kInvalidArgument, fmt::format("empty path component in '{}'", path));
    }
    if (slash == std::string_view::npos) return Place{directory, component};
    directory = Lookup(directory, component);
    if (directory == kNoInode || !IsDirectory(directory)) {
      return Fail(ErrorCode::kNotFound, fmt::format("no directory '{}'", component), ENOENT);
    }
    path.remove_prefix(slash + 1);
  }
}

CrashView::File& CrashView::FileOf(InodeId inode) {
  for (size_t i = 0; i < file_count_; ++i) {
    if (files_[i].inode == inode) return files_[i];
  }
  if (file_count_ == files_.size()) files_.emplace_back();
  File& file = files_[file_count_++];
  file.inode = inode;
  file.lock = FileLock();
  file.open = graph_.FindFile(inode);
  const auto& durable = graph_.cursor().durable().files;
  const auto base = durable.find(inode);
  file.base = base == durable.end() ? nullptr : &base->second;
  return file;
}

Expected<std::unique_ptr<VfsFile>> CrashView::Open(std::string_view path, OpenOptions options) {
  const Expected<Place> place = Locate(path);
  if (!place) return std::unexpected(place.error());
  InodeId inode = Lookup(place->directory, place->name);
  if (inode == kNoInode) {
    if (!options.create) {
      return Fail(ErrorCode::kNotFound, fmt::format("no file '{}'", path), ENOENT);
    }
    inode = next_inode_++;
    SetCell(place->directory, place->name, inode);
  } else if (options.create && options.exclusive) {
    return Fail(ErrorCode::kAlreadyExists, fmt::format("'{}' already exists", path), EEXIST);
  } else if (IsDirectory(inode)) {
    return Fail(ErrorCode::kIo, fmt::format("'{}' is a directory", path), EISDIR);
  } else if (IsLink(inode)) {
    return Fail(ErrorCode::kIo, fmt::format("'{}' is a symbolic link", path), ELOOP);
  } else if (options.truncate) {
    Truncate(FileOf(inode), 0);
  }
  return std::make_unique<CrashViewFile>(*this, FileOf(inode));
}

Expected<void> CrashView::Unlink(std::string_view path) {
  const Expected<Place> place = Locate(path);
  if (!place) return std::unexpected(place.error());
  const InodeId inode = Lookup(place->directory, place->name);
  if (inode == kNoInode)
    return Fail(ErrorCode::kNotFound, fmt::format("no file '{}'", path), ENOENT);
  if (IsDirectory(inode)) {
    return Fail(ErrorCode::kIo, fmt::format("'{}' is a directory", path), EISDIR);
  }
  SetCell(place->directory, place->name, kNoInode);
  return {};
}

// What the new name stood for is asked only where it could make a difference: else it is
// overwritten unread.
bool CrashView::MayHinderRename(InodeId directory, std::string_view name, InodeId moved) {
  const auto hinders = [this, moved](InodeId target) {
    return target == moved || (target != kNoInode && (IsDirectory(moved) || IsDirectory(target)));
  };
  for (const CellOverride& cell : overrides_) {
    if (cell.directory == directory && cell.name == name) return hinders(cell.target);
  }
  const OpenCell* cell = graph_.FindCell(directory, name);
  if (cell == nullptr) return hinders(graph_.cursor().durable().names.At(directory, name));
  return hinders(cell->base) ||
         std::ranges::any_of(cell->entries, hinders, &OpenCell::Entry::target);
}

Expected<void> CrashView::Rename(std::string_view from, std::string_view to) {
  const Expected<Place> source = Locate(from);
  if (!source) return std::unexpected(source.error());
  const Expected<Place> target = Locate(to);
  if (!target) return std::unexpected(target.error());
  const InodeId inode = Lookup(source->directory, source->name);
  if (inode == kNoInode)
    return Fail(ErrorCode::kNotFound, fmt::format("no file '{}'", from), ENOENT);
  const bool moves_directory = IsDirectory(inode);
  if (moves_directory && IsInside(to, from)) {
    return Fail(ErrorCode::kInvalidArgument, fmt::format("'{}' is inside '{}'", to, from), EINVAL);
  }
  if (MayHinderRename(target->directory, target->name, inode)) {
    const InodeId replaced = Lookup(target->directory, target->name);
    if (replaced == inode) return {};  // two names of one file: both stay
    if (replaced != kNoInode) {
      const Expected<void> same_kind = CheckSameKind(moves_directory, IsDirectory(replaced), to);
      if (!same_kind) return same_kind;
      if (moves_directory && !NamesIn(replaced).empty()) {
        return Fail(ErrorCode::kIo, fmt::format("directory '{}' is not empty", to), ENOTEMPTY);
      }
    }
  }
  SetCell(source->directory, source->name, kNoInode);
  SetCell(target->directory, target->name, inode);
  return {};
}

Expected<void> CrashView::Link(std::string_view existing, std::string_view added) {
  const Expected<Place> source = Locate(existing);
  if (!source) return std::unexpected(source.error());
  const Expected<Place> target = Locate(added);
  if (!target) return std::unexpected(target.error());
  const InodeId inode = Lookup(source->directory, source->name);
  if (inode == kNoInode) {
    return Fail(ErrorCode::kNotFound, fmt::format("no file '{}'", existing), ENOENT);
  }
  if (IsDirectory(inode)) {
    return Fail(ErrorCode::kIo, fmt::format("'{}' is a directory", existing), EPERM);
  }
  if (Lookup(target->directory, target->name) != kNoInode) {
    return Fail(ErrorCode::kAlreadyExists, fmt::format("'{}' already exists", added), EEXIST);
  }
  SetCell(target->directory, target->name, inode);
  return {};
}

Expected<void> CrashView::MakeDirectory(std::string_view path) {
  const Expected<Place> place = Locate(path);
  if (!place) return std::unexpected(place.error());
  if (Lookup(place->directory, place->name) != kNoInode) {
    return Fail(ErrorCode::kAlreadyExists, fmt::format("'{}' already exists", path), EEXIST);
  }
  const InodeId inode = next_inode_++;
  new_directories_.push_back(inode);
  SetCell(place->directory, place->name, inode);
  return {};
}

Expected<void> CrashView::RemoveDirectory(std::string_view path) {
  const Expected<InodeId> directory = ResolveDirectory(path);
  if (!directory) return std::unexpected(directory.error());
  if (!NamesIn(*directory).empty()) {
    return Fail(ErrorCode::kIo, fmt::format("directory '{}' is not empty", path), ENOTEMPTY);
  }
  const Expected<Place> place = Locate(path);
  if (!place) return std::unexpected(place.error());
  SetCell(place->directory, place->name, kNoInode);
  return {};
}

Expected<void> CrashView::SyncDirectory(std::string_view path) {
  const Expected<InodeId> directory = ResolveDirectory(path);
  if (!directory) return std::unexpected(directory.error());
  return {};
}

Expected<bool> CrashView::Exists(std::string_view path) {
  if (path.empty()) return true;
  const Expected<Place> place = Locate(path);
  if (!place) return false;
  return Lookup(place->directory, place->name) != kNoInode;
}

Expected<std::vector<std::string>> CrashView::List(std::string_view path) {
  const Expected<InodeId> directory = ResolveDirectory(path);
  if (!directory) return std::unexpected(directory.error());
  return NamesIn(*directory);
}

Expected<InodeId> CrashView::ResolveDirectory(std::string_view path) {
  if (path.empty()) return kRootInode;
  const Expected<Place> place = Locate(path);
  if (!place) return std::unexpected(place.error());
  const InodeId inode = Lookup(place->directory, place->name);
  if (inode == kNoInode)
    return Fail(ErrorCode::kNotFound, fmt::format("no file '{}'", path), ENOENT);
  if (!IsDirectory(inode)) {
    return Fail(ErrorCode::kIo, fmt::format("'{}' is not a directory", path), ENOTDIR);
  }
  return inode;
}

std::vector<std::string> CrashView::NamesIn(InodeId directory) {
  std::vector<std::string> names = graph_.cursor().durable().names.Names(directory);
  for (const OpenCell& cell : graph_.cells()) {
    if (cell.directory == directory) names.emplace_back(cell.name);
  }
  for (const CellOverride& cell : overrides_) {
    if (cell.directory == directory) names.push_back(cell.name);
  }
  std::ranges::sort(names);
  names.erase(std::unique(names.begin(), names.end()), names.end());
  std::erase_if(names, [this, directory](const std::string& name) {
    return Lookup(directory, name) == kNoInode;
  });
  return names;
}

}  // namespace plugpull
