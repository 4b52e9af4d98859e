#include "faults/vfs/memory_vfs.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace plugpull {

class MemoryFile final : public VfsFile {
 public:
  MemoryFile(FileContent& content, FileLock& lock) : content_(content), lock_(lock) {}
  ~MemoryFile() override { lock_.Move(held_, LockLevel::kNone); }

  Expected<size_t> Read(uint64_t offset_bytes, std::span<std::byte> out) override {
    return content_.Read(offset_bytes, out);
  }

  Expected<void> Write(uint64_t offset_bytes, std::span<const std::byte> data) override {
    content_.Store(offset_bytes, data);
    if (!data.empty()) content_.RaiseSize(offset_bytes + data.size());
    return {};
  }

  Expected<void> Truncate(uint64_t size_bytes) override {
    content_.Truncate(size_bytes);
    return {};
  }

  Expected<void> Sync(SyncKind /*kind*/) override { return {}; }
  Expected<void> SyncRange(uint64_t /*offset_bytes*/, uint64_t /*size_bytes*/) override {
    return {};
  }
  Expected<void> Allocate(uint64_t offset_bytes, uint64_t size_bytes) override {
    if (size_bytes == 0) {
      return Fail(ErrorCode::kInvalidArgument, "no bytes cannot be allocated", EINVAL);
    }
    content_.RaiseSize(offset_bytes + size_bytes);
    return {};
  }
  Expected<uint64_t> Size() override { return content_.size_bytes(); }
  Expected<bool> Lock(LockLevel level) override { return lock_.Move(held_, level); }

 private:
  FileContent& content_;  // std::map never moves its values, and unlinked files stay in it
  FileLock& lock_;
  LockLevel held_ = LockLevel::kNone;
};

MemoryVfs::MemoryVfs(Image image) : image_(std::move(image)) {
  if (!image_.files.empty()) next_inode_ = image_.files.rbegin()->first + 1;
  // Blocks beyond the end that a crash left must not come back when a program grows the file: a
  // file system zeroes them. Nothing that this Vfs does leaves any.
  for (auto& [inode, content] : image_.files) content.Truncate(content.size_bytes());
  for (const auto& [inode, names] : image_.names.directories()) {
    next_inode_ = std::max(next_inode_, inode + 1);
  }
}

Expected<std::unique_ptr<VfsFile>> MemoryVfs::Open(std::string_view path, OpenOptions options) {
  const Expected<NameCell> cell = image_.names.Locate(path);
  if (!cell) return std::unexpected(cell.error());
  InodeId inode = image_.names.At(cell->directory, cell->name);
  if (inode == kNoInode) {
    if (!options.create) {
      return Fail(ErrorCode::kNotFound, fmt::format("no file '{}'", path), ENOENT);
    }
    inode = next_inode_++;
    image_.names.Set(cell->directory, cell->name, inode);
    image_.files[inode];
  } else if (options.create && options.exclusive) {
    return Fail(ErrorCode::kAlreadyExists, fmt::format("'{}' already exists", path), EEXIST);
  } else if (image_.names.IsDirectory(inode)) {
    return Fail(ErrorCode::kIo, fmt::format("'{}' is a directory", path), EISDIR);
  } else if (options.truncate) {
    image_.files[inode].Truncate(0);
  }
  return std::make_unique<MemoryFile>(image_.files[inode], locks_[inode]);
}

Expected<void> MemoryVfs::Unlink(std::string_view path) {
  const Expected<NameCell> cell = image_.names.Locate(path);
  if (!cell) return std::unexpected(cell.error());
  const InodeId inode = image_.names.At(cell->directory, cell->name);
  if (inode == kNoInode) {
    return Fail(ErrorCode::kNotFound, fmt::format("no file '{}'", path), ENOENT);
  }
  if (image_.names.IsDirectory(inode)) {
    return Fail(ErrorCode::kIo, fmt::format("'{}' is a directory", path), EISDIR);
  }
  image_.names.Set(cell->directory, cell->name, kNoInode);
  return {};
}

Expected<void> MemoryVfs::Rename(std::string_view from, std::string_view to) {
  const Expected<NameCell> source = image_.names.Locate(from);
  if (!source) return std::unexpected(source.error());
  const Expected<NameCell> target = image_.names.Locate(to);
  if (!target) return std::unexpected(target.error());
  const InodeId inode = image_.names.At(source->directory, source->name);
  if (inode == kNoInode) {
    return Fail(ErrorCode::kNotFound, fmt::format("no file '{}'", from), ENOENT);
  }
  const InodeId replaced = image_.names.At(target->directory, target->name);
  if (replaced == inode) return {};  // two names of one file: both stay
  const bool moves_directory = image_.names.IsDirectory(inode);
  if (moves_directory && IsInside(to, from)) {
    return Fail(ErrorCode::kInvalidArgument, fmt::format("'{}' is inside '{}'", to, from), EINVAL);
  }
  if (replaced != kNoInode) {
    const Expected<void> same_kind =
        CheckSameKind(moves_directory, image_.names.IsDirectory(replaced), to);
    if (!same_kind) return same_kind;
    if (!image_.names.Names(replaced).empty()) {
      return Fail(ErrorCode::kIo, fmt::format("directory '{}' is not empty", to), ENOTEMPTY);
    }
  }
  image_.names.Set(source->directory, source->name, kNoInode);
  image_.names.Set(target->directory, target->name, inode);
  return {};
}

Expected<void> MemoryVfs::Link(std::string_view existing, std::string_view added) {
  const Expected<NameCell> source = image_.names.Locate(existing);
  if (!source) return std::unexpected(source.error());
  const Expected<NameCell> cell = image_.names.Locate(added);
  if (!cell) return std::unexpected(cell.error());
  const InodeId inode = image_.names.At(source->directory, source->name);
  if (inode == kNoInode) {
    return Fail(ErrorCode::kNotFound, fmt::format("no file '{}'", existing), ENOENT);
  }
  if (image_.names.IsDirectory(inode)) {
    return Fail(ErrorCode::kIo, fmt::format("'{}' is a directory", existing), EPERM);
  }
  if (image_.names.At(cell->directory, cell->name) != kNoInode) {
    return Fail(ErrorCode::kAlreadyExists, fmt::format("'{}' already exists", added), EEXIST);
  }
  image_.names.Set(cell->directory, cell->name, inode);
  return {};
}

Expected<void> MemoryVfs::MakeDirectory(std::string_view path) {
  const Expected<NameCell> cell = image_.names.Locate(path);
  if (!cell) return std::unexpected(cell.error());
  if (image_.names.At(cell->directory, cell->name) != kNoInode) {
    return Fail(ErrorCode::kAlreadyExists, fmt::format("'{}' already exists", path), EEXIST);
  }
  const InodeId inode = next_inode_++;
  image_.names.AddDirectory(inode);
  image_.names.Set(cell->directory, cell->name, inode);
  return {};
}

Expected<void> MemoryVfs::RemoveDirectory(std::string_view path) {
  const Expected<InodeId> directory = ResolveDirectory(path);
  if (!directory) return std::unexpected(directory.error());
  if (!image_.names.Names(*directory).empty()) {
    return Fail(ErrorCode::kIo, fmt::format("directory '{}' is not empty", path), ENOTEMPTY);
  }
  const Expected<NameCell> cell = image_.names.Locate(path);
  if (!cell) return std::unexpected(cell.error());
  image_.names.Set(cell->directory, cell->name, kNoInode);
  return {};
}

Expected<void> MemoryVfs::SyncDirectory(std::string_view path) {
  const Expected<InodeId> directory = ResolveDirectory(path);
  if (!directory) return std::unexpected(directory.error());
  return {};
}

Expected<bool> MemoryVfs::Exists(std::string_view path) {
  return image_.names.Resolve(path).has_value();
}

Expected<std::vector<std::string>> MemoryVfs::List(std::string_view path) {
  const Expected<InodeId> directory = ResolveDirectory(path);
  if (!directory) return std::unexpected(directory.error());
  return image_.names.Names(*directory);
}

Expected<InodeId> MemoryVfs::ResolveDirectory(std::string_view path) const {
  const Expected<InodeId> inode = image_.names.Resolve(path);
  if (!inode) return inode;
  if (!image_.names.IsDirectory(*inode)) {
    return Fail(ErrorCode::kIo, fmt::format("'{}' is not a directory", path), ENOTDIR);
  }
  return inode;
}

}  // namespace plugpull
