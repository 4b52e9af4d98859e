#include "faults/doors/remove_tree.h"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <memory>
#include <string_view>
#include <vector>

namespace plugpull {
namespace {

std::unexpected<Error> FailRemove(const std::string& name, int os_errno = errno) {
  return FailErrno(
      fmt::format("cannot remove '{}', which a program left behind (remove it by hand)", name),
      os_errno);
}

using OpenDirectory = std::unique_ptr<DIR, int (*)(DIR*)>;

OpenDirectory Open(int parent, const std::string& name) {
  // Its owner may have made it unreadable. Where this fails, so does what follows.
  (void)fchmodat(parent, name.c_str(), 0700, 0);
  const int descriptor =
      openat(parent, name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  DIR* stream = descriptor < 0 ? nullptr : fdopendir(descriptor);
  if (stream == nullptr && descriptor >= 0) close(descriptor);
  return {stream, &closedir};
}

// Removes the files of a directory. Returns: the names of the directories in it.
Expected<std::vector<std::string>> RemoveFiles(DIR* directory) {
  std::vector<std::string> inner;
  rewinddir(directory);
  errno = 0;
  while (const dirent* entry = readdir(directory)) {
    const std::string_view name = entry->d_name;
    if (name == "." || name == "..") continue;
    if (unlinkat(dirfd(directory), entry->d_name, 0) == 0) continue;
    if (errno != EISDIR && errno != EPERM) return FailRemove(entry->d_name);
    inner.emplace_back(name);
    errno = 0;
  }
  if (errno != 0) return FailRemove("a directory");
  return inner;
}

// Removes a directory once its directories have been moved up into `top`. So trees are flat before
// they vanish: there is no recursion, and no path gets long.
Expected<void> Flatten(int top, const std::string& name, uint64_t& counter) {
  const OpenDirectory directory = Open(top, name);
  if (directory == nullptr) return FailRemove(name);
  const Expected<std::vector<std::string>> inner = RemoveFiles(directory.get());
  if (!inner) return std::unexpected(inner.error());
  for (const std::string& inner_name : *inner) {
    // What is moved between directories has to be writable.
    (void)fchmodat(dirfd(directory.get()), inner_name.c_str(), 0700, 0);
    int moved = -1;
    do {
      const std::string place = fmt::format("plugpull-removed-{}", counter++);
      moved = renameat2(dirfd(directory.get()), inner_name.c_str(), top, place.c_str(),
                        RENAME_NOREPLACE);
    } while (moved != 0 && errno == EEXIST);
    if (moved != 0) return FailRemove(inner_name);
  }
  if (unlinkat(top, name.c_str(), AT_REMOVEDIR) != 0) return FailRemove(name);
  return {};
}

}  // namespace

Expected<void> RemoveTree(int directory, const std::string& name) {
  struct stat status = {};
  if (fstatat(directory, name.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0) {
    return errno == ENOENT ? Expected<void>() : FailRemove(name);
  }
  if (!S_ISDIR(status.st_mode)) {
    return unlinkat(directory, name.c_str(), 0) == 0 ? Expected<void>() : FailRemove(name);
  }
  const OpenDirectory top = Open(directory, name);
  if (top == nullptr) return FailRemove(name);
  uint64_t counter = 0;
  while (true) {
    const Expected<std::vector<std::string>> inner = RemoveFiles(top.get());
    if (!inner) return std::unexpected(inner.error());
    if (inner->empty()) break;
    for (const std::string& inner_name : *inner) {
      if (auto done = Flatten(dirfd(top.get()), inner_name, counter); !done) return done;
    }
  }
  if (unlinkat(directory, name.c_str(), AT_REMOVEDIR) != 0) return FailRemove(name);
  return {};
}

}  // namespace plugpull
