#include "faults/doors/import.h"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <linux/limits.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <memory>
#include <vector>

namespace plugpull {
namespace {

constexpr size_t kChunkBytes = size_t{1} << 20;

Expected<void> ImportBytes(Door& door, int parent, const std::string& name, InodeId inode) {
  const Descriptor file(::openat(parent, name.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  if (!file.is_open())
    return FailErrno(fmt::format("cannot read {}, which came from outside", name));
  const off_t size = ::lseek(file.number(), 0, SEEK_END);
  off_t at = 0;
  off_t written_end = 0;
  while ((at = ::lseek(file.number(), at, SEEK_DATA)) >= 0) {
    const off_t hole = ::lseek(file.number(), at, SEEK_HOLE);
    while (at < hole) {
      const auto chunk = std::min<size_t>(kChunkBytes, static_cast<size_t>(hole - at));
      const ssize_t count = ::pread(file.number(), door.recorder.Reserve(chunk).data(), chunk, at);
      if (count <= 0) {
        door.recorder.DropReserved();
        return FailErrno(fmt::format("cannot read {}, which came from outside", name));
      }
      door.recorder.AppendReserved(
          {.kind = OpKind::kWrite, .inode = inode, .offset_bytes = static_cast<uint64_t>(at)},
          static_cast<size_t>(count));
      at += count;
    }
    written_end = at;
  }
  if (written_end < size) {
    door.recorder.Append(
        {.kind = OpKind::kTruncate, .inode = inode, .size_bytes = static_cast<uint64_t>(size)});
  }
  return {};
}

std::vector<std::string> NamesIn(int directory) {
  std::vector<std::string> names;
  const int readable = ::openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (readable < 0) return names;
  const std::unique_ptr<DIR, int (*)(DIR*)> stream(::fdopendir(readable), ::closedir);
  if (stream == nullptr) return names;
  while (const dirent* entry = ::readdir(stream.get())) {
    const std::string name = entry->d_name;
    if (name != "." && name != "..") names.push_back(name);
  }
  std::ranges::sort(names);
  return names;
}

// Records what is at `name` in the directory open as `parent`, as if made at `as`.
// Returns: its inode; kNoInode for what is no file, directory or link.
Expected<InodeId> ImportTree(Door& door, int parent, const std::string& name, InodeId directory,
                             const std::string& as) {
  const Descriptor there(::openat(parent, name.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC));
  struct stat status = {};
  if (!there.is_open() || ::fstat(there.number(), &status) != 0) {
    return FailErrno(fmt::format("cannot look at {}, which came from outside", name));
  }
  // Pipes, sockets and devices hold no bytes that a crash could lose (directory_image.h); to open
  // a pipe would wait for its other end.
  if (!S_ISREG(status.st_mode) && !S_ISDIR(status.st_mode) && !S_ISLNK(status.st_mode)) {
    return kNoInode;
  }
  const InodeId inode = door.tree.Add(status, there.number());
  door.tree.Link(directory, as, inode);
  Op op{.kind = OpKind::kCreate, .inode = inode, .directory = directory, .name = as};
  if (S_ISLNK(status.st_mode)) {
    std::array<char, PATH_MAX> text{};
    const ssize_t length = ::readlinkat(there.number(), "", text.data(), text.size());
    op.kind = OpKind::kSymlink;
    door.recorder.Append(std::move(op),
                         std::as_bytes(std::span(text.data(), static_cast<size_t>(length))));
    return inode;
  }
  if (!S_ISDIR(status.st_mode)) {
    door.recorder.Append(std::move(op));
    const Expected<void> imported = ImportBytes(door, parent, name, inode);
    if (!imported) return std::unexpected(imported.error());
    return inode;
  }
  op.kind = OpKind::kMakeDirectory;
  door.recorder.Append(std::move(op));
  for (const std::string& below : NamesIn(there.number())) {
    const auto imported = ImportTree(door, there.number(), below, inode, below);
    if (!imported) return imported;
  }
  return inode;
}

}  // namespace

Expected<void> ImportAt(Door& door, const Place& place, InodeId replaced) {
  // A name that is taken is replaced at once, as the call did, not first emptied.
  const std::string as = replaced == kNoInode
                             ? place.name
                             : fmt::format(".imported-{}", door.recorder.trace().ops.size());
  const Expected<InodeId> inode =
      ImportTree(door, place.parent.number(), place.name, place.directory, as);
  if (!inode) return std::unexpected(inode.error());
  if (replaced == kNoInode) return {};
  if (*inode == kNoInode) {  // of what it replaces, the name is gone
    ExportFrom(door, place.directory, place.name);
    return {};
  }
  door.recorder.Append({.kind = OpKind::kRename,
                        .inode = *inode,
                        .directory = place.directory,
                        .name = as,
                        .other_directory = place.directory,
                        .other_name = place.name});
  door.tree.Unlink(place.directory, as);
  door.tree.Unlink(place.directory, place.name);
  door.tree.Link(place.directory, place.name, *inode);
  return {};
}

void ExportFrom(Door& door, InodeId directory, const std::string& name) {
  const InodeId inode = door.tree.At(directory, name);
  if (inode == kNoInode) return;
  const bool is_directory = door.tree.KindOf(inode) == WatchedTree::Kind::kDirectory;
  if (is_directory) {
    for (const std::string& below : door.tree.Names(inode)) ExportFrom(door, inode, below);
  }
  door.tree.Unlink(directory, name);
  door.recorder.Append({.kind = is_directory ? OpKind::kRemoveDirectory : OpKind::kUnlink,
                        .inode = inode,
                        .directory = directory,
                        .name = name});
}

}  // namespace plugpull
