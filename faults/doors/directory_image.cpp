#include "faults/doors/directory_image.h"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <memory>
#include <vector>

#include "faults/base/descriptor.h"
#include "faults/doors/attribute_text.h"

namespace plugpull {
namespace {

std::unexpected<Error> FailRead(const std::string& path, int os_errno = errno) {
  return FailErrno(fmt::format("cannot read '{}' (check its permissions, and that nobody "
                               "changes it meanwhile)",
                               path),
                   os_errno);
}

Expected<std::vector<std::string>> SortedNames(const std::string& path) {
  const std::unique_ptr<DIR, int (*)(DIR*)> directory(opendir(path.c_str()), &closedir);
  if (directory == nullptr) return FailRead(path);
  std::vector<std::string> names;
  errno = 0;
  while (const dirent* entry = readdir(directory.get())) {
    const std::string_view name = entry->d_name;
    if (name != "." && name != "..") names.emplace_back(name);
  }
  if (errno != 0) return FailRead(path);
  std::ranges::sort(names);
  return names;
}

bool IsKept(mode_t mode) { return S_ISREG(mode) || S_ISDIR(mode) || S_ISLNK(mode); }

class Loader {
 public:
  Expected<LoadedDirectory> Load(const std::string& path) {
    struct stat status = {};
    if (stat(path.c_str(), &status) != 0) return FailRead(path);
    if (!S_ISDIR(status.st_mode)) return FailRead(path, ENOTDIR);
    default_owner_ = {geteuid(), getegid()};
    loaded_.inodes[{status.st_dev, status.st_ino}] = kRootInode;
    if (auto done = LoadAttributes(path, kRootInode, status); !done) {
      return std::unexpected(done.error());
    }
    default_owner_ = {status.st_uid, status.st_gid};
    // Not recursive: a tree may be deeper than a stack.
    pending_.push_back({path, kRootInode});
    while (!pending_.empty()) {
      const auto [directory, inode] = pending_.back();
      pending_.pop_back();
      if (auto done = LoadEntries(directory, inode); !done) return std::unexpected(done.error());
    }
    return std::move(loaded_);
  }

 private:
  Expected<void> LoadEntries(const std::string& directory, InodeId directory_inode) {
    const Expected<std::vector<std::string>> names = SortedNames(directory);
    if (!names) return std::unexpected(names.error());
    for (const std::string& name : *names) {
      const std::string path = directory + "/" + name;
      struct stat status = {};
      if (lstat(path.c_str(), &status) != 0) return FailRead(path);
      if (!IsKept(status.st_mode)) continue;
      const auto [known, is_new] =
          loaded_.inodes.try_emplace({status.st_dev, status.st_ino}, next_inode_);
      loaded_.image.names.Set(directory_inode, name, known->second);
      if (!is_new) continue;
      ++next_inode_;
      Expected<void> done = LoadInode(path, known->second, status);
      if (done) done = LoadAttributes(path, known->second, status);
      if (!done) return done;
    }
    return {};
  }

  Expected<void> LoadInode(const std::string& path, InodeId inode, const struct stat& status) {
    if (S_ISREG(status.st_mode)) return LoadBytes(path, loaded_.image.files[inode]);
    if (S_ISDIR(status.st_mode)) {
      loaded_.image.names.AddDirectory(inode);
      pending_.push_back({path, inode});
      return {};
    }
    std::array<char, 4097> text{};  // one more than any link can have
    const ssize_t length = readlink(path.c_str(), text.data(), text.size());
    if (length < 0) return FailRead(path);
    loaded_.image.links[inode] = std::string(text.data(), static_cast<size_t>(length));
    return {};
  }

  Expected<void> LoadBytes(const std::string& path, FileContent& content) {
    const Descriptor file(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
    struct stat status = {};
    if (!file.is_open() || fstat(file.number(), &status) != 0) return FailRead(path);
    const off_t size = status.st_size;
    content.RaiseSize(static_cast<uint64_t>(size));
    std::vector<std::byte> buffer(64 * kPageBytes);
    off_t begin = 0;
    while (begin < size) {
      begin = lseek(file.number(), begin, SEEK_DATA);
      if (begin < 0 && errno == ENXIO) break;  // a hole up to the end
      const off_t end = begin < 0 ? -1 : lseek(file.number(), begin, SEEK_HOLE);
      if (end < 0) return FailRead(path);
      while (begin < end) {
        // Reads end where pages end, so that each page is stored in one piece.
        const size_t room = buffer.size() - static_cast<size_t>(begin) % kPageBytes;
        const size_t want = std::min(room, static_cast<size_t>(end - begin));
        const ssize_t got = pread(file.number(), buffer.data(), want, begin);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return FailRead(path);
        if (got == 0) return FailRead(path, EBUSY);  // it has become shorter
        StoreNonZero(content, begin, std::span(buffer).first(static_cast<size_t>(got)));
        begin += got;
      }
    }
    return {};
  }

  // What is not stored reads as zeros; so pages of zeros need no memory.
  static void StoreNonZero(FileContent& content, off_t begin, std::span<const std::byte> bytes) {
    auto offset_bytes = static_cast<uint64_t>(begin);
    while (!bytes.empty()) {
      const size_t length = std::min(bytes.size(), kPageBytes - offset_bytes % kPageBytes);
      const std::span<const std::byte> piece = bytes.first(length);
      const bool is_zero = std::ranges::all_of(piece, [](std::byte b) { return b == std::byte{}; });
      if (!is_zero) content.Store(offset_bytes, piece);
      offset_bytes += length;
      bytes = bytes.subspan(length);
    }
  }

  Expected<void> LoadAttributes(const std::string& path, InodeId inode, const struct stat& status) {
    std::map<std::string, std::string, std::less<>> attributes;
    const mode_t mode = status.st_mode & 07777;
    // The mode of a link means nothing.
    if (!S_ISLNK(status.st_mode) && mode != CreationMode(S_ISDIR(status.st_mode))) {
      attributes["mode"] = ModeText(mode);
    }
    const Owner owner{status.st_uid, status.st_gid};
    if (owner != default_owner_) attributes["owner"] = OwnerText(owner.user, owner.group);
    if (!S_ISLNK(status.st_mode)) {
      if (auto done = LoadXattrs(path, attributes); !done) return done;
    }
    if (!attributes.empty()) loaded_.image.attributes[inode] = std::move(attributes);
    return {};
  }

  Expected<void> LoadXattrs(const std::string& path,
                            std::map<std::string, std::string, std::less<>>& attributes) {
    std::string keys(64 << 10, '\0');  // the most that Linux gives, of keys and of a value
    const ssize_t length = listxattr(path.c_str(), keys.data(), keys.size());
    if (length < 0) return errno == ENOTSUP ? Expected<void>() : FailRead(path);
    std::string_view rest(keys.data(), static_cast<size_t>(length));
    while (!rest.empty()) {
      const std::string key(rest.substr(0, rest.find('\0')));
      rest.remove_prefix(std::min(key.size() + 1, rest.size()));
      if (!key.starts_with("user.")) continue;
      std::string value(64 << 10, '\0');
      const ssize_t got = getxattr(path.c_str(), key.c_str(), value.data(), value.size());
      if (got < 0) return FailRead(path);
      value.resize(static_cast<size_t>(got));
      attributes["xattr:" + key] = std::move(value);
    }
    return {};
  }

  struct Pending {
    std::string path;
    InodeId inode;
  };

  LoadedDirectory loaded_;
  std::vector<Pending> pending_;
  InodeId next_inode_ = kRootInode + 1;
  Owner default_owner_;
};

}  // namespace

Expected<LoadedDirectory> LoadDirectory(const std::string& path) { return Loader().Load(path); }

}  // namespace plugpull
