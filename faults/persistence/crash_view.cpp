#include "faults/persistence/crash_view.h"

#include <fmt/format.h>

#include <algorithm>
#include <ranges>

#include "faults/base/bytes.h"

namespace plugpull {

namespace {

std::unexpected<Error> NoPower() { return Fail(ErrorCode::kIo, "the power has failed", EIO); }

}  // namespace

// A handle on a file of the view. The view outlives it.
class CrashViewFile final : public VfsFile {
 public:
  CrashViewFile(CrashView& view, CrashView::File& file, std::optional<SyncKind> synchronous_writes)
      : view_(view), file_(file), synchronous_writes_(synchronous_writes) {}
  ~CrashViewFile() override { file_.lock.Move(held_, LockLevel::kNone); }

  Expected<size_t> Read(uint64_t offset_bytes, std::span<std::byte> out) override {
    if (view_.is_dead()) return NoPower();
    return view_.Read(file_, offset_bytes, out);
  }
  Expected<void> Write(uint64_t offset_bytes, std::span<const std::byte> data) override {
    Expected<void> written = view_.Write(file_, offset_bytes, data);
    if (!written || !synchronous_writes_ || data.empty()) return written;
    const uint32_t flags = *synchronous_writes_ == SyncKind::kFull ? uint32_t{kFullSync} : 0;
    return view_.Issue({.kind = OpKind::kSyncWrite,
                        .inode = inode(),
                        .offset_bytes = offset_bytes,
                        .size_bytes = data.size(),
                        .flags = flags});
  }
  Expected<void> Truncate(uint64_t size_bytes) override {
    return view_.Truncate(file_, size_bytes);
  }
  Expected<void> Sync(SyncKind kind) override {
    return view_.Issue(
        {.kind = kind == SyncKind::kFull ? OpKind::kSync : OpKind::kDataSync, .inode = inode()});
  }
  Expected<void> SyncRange(uint64_t offset_bytes, uint64_t size_bytes) override {
    return view_.Issue({.kind = OpKind::kSyncRange,
                        .inode = inode(),
                        .offset_bytes = offset_bytes,
                        .size_bytes = size_bytes});
  }
  Expected<void> Allocate(uint64_t offset_bytes, uint64_t size_bytes) override {
    if (size_bytes == 0) return Fail(ErrorCode::kInvalidArgument, "allocation of nothing", EINVAL);
    return view_.Allocate(file_, offset_bytes, size_bytes);
  }
  Expected<uint64_t> Size() override {
    if (view_.is_dead()) return NoPower();
    return view_.SizeWithin(file_, 0, OverlayFile::kNothingForgotten);
  }
  Expected<bool> Lock(LockLevel level) override {
    if (view_.is_dead() && level > held_) return NoPower();
    return file_.lock.Move(held_, level);
  }

 private:
  InodeId inode() const { return file_.on_disk.inode; }

  CrashView& view_;
  CrashView::File& file_;
  std::optional<SyncKind> synchronous_writes_;
  LockLevel held_ = LockLevel::kNone;
};

void CrashView::Restart() {
  disk_.choices().Restart(disk_.constraints());
  Clear();
}

void CrashView::Clear() {
  for (size_t i = 0; i < file_count_; ++i) files_[i].overlay.Clear();
  file_count_ = 0;
  overrides_.clear();
  new_directories_.clear();
  next_inode_ = disk_.graph().cursor().next_inode();
  pool_.Reset();
  modified_ = false;
  log_ = nullptr;
  is_dead_ = false;
}

// --- The power ---

void CrashView::Watch(RecoveryLog& log) {
  log_ = &log;
  log.Clear(next_inode_);
  epochs_.emplace(disk_.graph().cursor().model(), /*news=*/false);
}

bool CrashView::PowerFails() {
  if (is_dead_ || log_ == nullptr || !epochs_->news()) return is_dead_;
  epochs_->TakePoint();
  return AskPower();
}

bool CrashView::AskPower() {
  const uint32_t question = PowerQuestion(disk_.generation(), log_->trace.ops.size());
  if (disk_.choices().ChooseFree(question)) return false;
  is_dead_ = true;
  if (on_death_) on_death_();
  return true;
}

// Asks before the operation is done, and before anything is found out for it.
Expected<void> CrashView::Announce(const Op& op) {
  if (is_dead_) return NoPower();
  if (log_ != nullptr && epochs_->IsPointBefore(op) && AskPower()) return NoPower();
  return {};
}

void CrashView::Append(Op op, std::span<const std::byte> payload) {
  if (log_ == nullptr) return;
  Trace& trace = log_->trace;
  if (!payload.empty()) {
    op.payload_offset = trace.payload.size();
    trace.payload.insert(trace.payload.end(), payload.begin(), payload.end());
  }
  trace.ops.push_back(std::move(op));
}

Expected<void> CrashView::Issue(const Op& op) {
  Expected<void> alive = Announce(op);
  if (alive) Append(op);
  return alive;
}

void CrashView::NoteName(InodeId directory, std::string_view name) {
  if (log_ == nullptr) return;
  log_->found.push_back({.kind = Found::Kind::kName,
                         .op = static_cast<uint32_t>(log_->trace.ops.size()),
                         .inode = Lookup(directory, name),
                         .directory = directory,
                         .name = std::string(name)});
}

// What a file's size was matters to what becomes of it only where that changes.
void CrashView::NoteSize(File& file, uint64_t size_bytes, bool is_exact) {
  if (log_ == nullptr) return;
  log_->found.push_back({.kind = is_exact ? Found::Kind::kSize : Found::Kind::kSizeAtLeast,
                         .op = static_cast<uint32_t>(log_->trace.ops.size()),
                         .inode = file.on_disk.inode,
                         .size_bytes = size_bytes});
}

// --- Names ---

InodeId CrashView::Lookup(InodeId directory, std::string_view name) {
  for (const CellOverride& cell : overrides_) {
    if (cell.directory == directory && cell.name == name) return cell.target;
  }
  return disk_.Lookup(directory, name);
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

bool CrashView::IsDirectory(InodeId inode) const {
  if (std::ranges::find(new_directories_, inode) != new_directories_.end()) return true;
  return disk_.IsDirectory(inode);
}

Expected<CrashView::Entry> CrashView::Find(std::string_view path) {
  if (is_dead_) return NoPower();
  if (path.empty()) return Entry{kRootInode, Entry::Kind::kDirectory};
  const Expected<Place> place = Locate(path);
  if (!place) return std::unexpected(place.error());
  const InodeId inode = Lookup(place->directory, place->name);
  if (inode == kNoInode) {
    return Fail(ErrorCode::kNotFound, fmt::format("no file '{}'", path), ENOENT);
  }
  if (IsDirectory(inode)) return Entry{inode, Entry::Kind::kDirectory};
  return Entry{inode, disk_.IsLink(inode) ? Entry::Kind::kLink : Entry::Kind::kFile};
}

Expected<std::string> CrashView::ReadLink(std::string_view path) {
  const Expected<Place> place = Locate(path);
  if (!place) return std::unexpected(place.error());
  const InodeId inode = Lookup(place->directory, place->name);
  if (inode == kNoInode) {
    return Fail(ErrorCode::kNotFound, fmt::format("no file '{}'", path), ENOENT);
  }
  if (!disk_.IsLink(inode)) {
    return Fail(ErrorCode::kInvalidArgument, fmt::format("'{}' is no link", path), EINVAL);
  }
  return disk_.LinkText(inode);
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
  if (const OpenAttribute* open = disk_.graph().FindAttribute(inode, key)) {
    for (const OpenAttribute::Entry& entry : std::views::reverse(open->entries)) {
      if (!disk_.Kept(entry.variable)) continue;
      if (!entry.value) return std::nullopt;
      return std::string(*entry.value);
    }
  }
  const auto& all = disk_.graph().cursor().durable().attributes;
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
    if (files_[i].on_disk.inode == inode) return files_[i];
  }
  if (file_count_ == files_.size()) files_.emplace_back();
  File& file = files_[file_count_++];
  file.on_disk = disk_.Find(inode);
  file.lock = FileLock();
  return file;
}

Expected<std::unique_ptr<VfsFile>> CrashView::Open(std::string_view path, OpenOptions options) {
  if (is_dead_) return NoPower();
  const Expected<Place> place = Locate(path);
  if (!place) return std::unexpected(place.error());
  InodeId inode = Lookup(place->directory, place->name);
  if (inode == kNoInode) {
    if (!options.create) {
      return Fail(ErrorCode::kNotFound, fmt::format("no file '{}'", path), ENOENT);
    }
    inode = next_inode_;
    const Expected<void> made = ChangeName(
        {.kind = OpKind::kCreate, .inode = inode, .directory = place->directory}, *place, inode);
    if (!made) return std::unexpected(made.error());
    ++next_inode_;
  } else if (options.create && options.exclusive) {
    return Fail(ErrorCode::kAlreadyExists, fmt::format("'{}' already exists", path), EEXIST);
  } else if (IsDirectory(inode)) {
    return Fail(ErrorCode::kIo, fmt::format("'{}' is a directory", path), EISDIR);
  } else if (disk_.IsLink(inode)) {
    return Fail(ErrorCode::kIo, fmt::format("'{}' is a symbolic link", path), ELOOP);
  } else if (options.truncate) {
    const Expected<void> cut = Truncate(FileOf(inode), 0);
    if (!cut) return std::unexpected(cut.error());
  }
  return std::make_unique<CrashViewFile>(*this, FileOf(inode), options.synchronous_writes);
}

// Makes a name stand for `target`. `op`: what does it, without the name.
Expected<void> CrashView::ChangeName(Op op, const Place& place, InodeId target) {
  op.name = std::string(place.name);
  if (Expected<void> alive = Announce(op); !alive) return alive;
  NoteName(place.directory, place.name);
  Append(std::move(op));
  SetCell(place.directory, place.name, target);
  return {};
}

Expected<void> CrashView::Unlink(std::string_view path) {
  if (is_dead_) return NoPower();
  const Expected<Place> place = Locate(path);
  if (!place) return std::unexpected(place.error());
  const InodeId inode = Lookup(place->directory, place->name);
  if (inode == kNoInode)
    return Fail(ErrorCode::kNotFound, fmt::format("no file '{}'", path), ENOENT);
  if (IsDirectory(inode)) {
    return Fail(ErrorCode::kIo, fmt::format("'{}' is a directory", path), EISDIR);
  }
  return ChangeName({.kind = OpKind::kUnlink, .inode = inode, .directory = place->directory},
                    *place, kNoInode);
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
  return std::ranges::any_of(disk_.PossibleTargets(directory, name), hinders);
}

Expected<void> CrashView::Rename(std::string_view from, std::string_view to) {
  if (is_dead_) return NoPower();
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
  Op op{.kind = OpKind::kRename,
        .inode = inode,
        .directory = source->directory,
        .name = std::string(source->name),
        .other_directory = target->directory,
        .other_name = std::string(target->name)};
  if (Expected<void> alive = Announce(op); !alive) return alive;
  NoteName(source->directory, source->name);
  NoteName(target->directory, target->name);
  Append(std::move(op));
  SetCell(source->directory, source->name, kNoInode);
  SetCell(target->directory, target->name, inode);
  return {};
}

Expected<void> CrashView::Link(std::string_view existing, std::string_view added) {
  if (is_dead_) return NoPower();
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
  Op op{.kind = OpKind::kLink,
        .inode = inode,
        .other_directory = target->directory,
        .other_name = std::string(target->name)};
  if (Expected<void> alive = Announce(op); !alive) return alive;
  NoteName(source->directory, source->name);
  NoteName(target->directory, target->name);
  Append(std::move(op));
  SetCell(target->directory, target->name, inode);
  return {};
}

Expected<void> CrashView::MakeDirectory(std::string_view path) {
  if (is_dead_) return NoPower();
  const Expected<Place> place = Locate(path);
  if (!place) return std::unexpected(place.error());
  if (Lookup(place->directory, place->name) != kNoInode) {
    return Fail(ErrorCode::kAlreadyExists, fmt::format("'{}' already exists", path), EEXIST);
  }
  const InodeId inode = next_inode_;
  Expected<void> made =
      ChangeName({.kind = OpKind::kMakeDirectory, .inode = inode, .directory = place->directory},
                 *place, inode);
  if (!made) return made;
  ++next_inode_;
  new_directories_.push_back(inode);
  return {};
}

Expected<void> CrashView::RemoveDirectory(std::string_view path) {
  if (is_dead_) return NoPower();
  const Expected<InodeId> directory = ResolveDirectory(path);
  if (!directory) return std::unexpected(directory.error());
  if (!NamesIn(*directory).empty()) {
    return Fail(ErrorCode::kIo, fmt::format("directory '{}' is not empty", path), ENOTEMPTY);
  }
  const Expected<Place> place = Locate(path);
  if (!place) return std::unexpected(place.error());
  return ChangeName(
      {.kind = OpKind::kRemoveDirectory, .inode = *directory, .directory = place->directory},
      *place, kNoInode);
}

Expected<void> CrashView::SyncDirectory(std::string_view path) {
  if (is_dead_) return NoPower();
  const Expected<InodeId> directory = ResolveDirectory(path);
  if (!directory) return std::unexpected(directory.error());
  return Issue({.kind = OpKind::kSyncDirectory, .inode = *directory});
}

Expected<bool> CrashView::Exists(std::string_view path) {
  if (is_dead_) return NoPower();
  if (path.empty()) return true;
  const Expected<Place> place = Locate(path);
  if (!place) return false;
  return Lookup(place->directory, place->name) != kNoInode;
}

Expected<std::vector<std::string>> CrashView::List(std::string_view path) {
  if (is_dead_) return NoPower();
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
  std::vector<std::string> names = disk_.PossibleNames(directory);
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
