#include "faults/doors/call_path.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/limits.h>
#include <linux/magic.h>
#include <linux/openat2.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <array>
#include <utility>

namespace plugpull {
namespace {

constexpr int kMostLinks = 40;  // as in the kernel

// Paths that mean something else to us than to the program: their beginnings, and what they are.
constexpr std::array<std::pair<std::string_view, std::string_view>, 6> kOwnPaths = {{
    {"/proc/self", "/proc/{}"},
    {"/proc/thread-self", "/proc/{}"},
    {"/dev/fd", "/proc/{}/fd"},
    {"/dev/stdin", "/proc/{}/fd/0"},
    {"/dev/stdout", "/proc/{}/fd/1"},
    {"/dev/stderr", "/proc/{}/fd/2"},
}};

std::string Rewritten(std::string path, pid_t thread) {
  for (const auto& [own, meaning] : kOwnPaths) {
    const bool is_own =
        path.starts_with(own) && (path.size() == own.size() || path[own.size()] == '/');
    if (is_own) return fmt::format(fmt::runtime(meaning), thread) + path.substr(own.size());
  }
  return path;
}

int OpenPath(int directory, const std::string& path, uint64_t flags, uint64_t resolve) {
  open_how how = {};
  how.flags = flags | O_PATH | O_CLOEXEC;
  how.resolve = resolve;
  return static_cast<int>(
      ResultOf(::syscall(SYS_openat2, directory, path.c_str(), &how, sizeof how)));
}

// Returns: where a walk begins; the errno of the call when its directory is not one.
Expected<int> OpenBase(CallStop& call, const Walk& walk, Descriptor& base) {
  if (walk.directory == AT_FDCWD || (walk.path.starts_with('/') && walk.resolve == 0)) {
    const std::string directory = walk.path.starts_with('/') ? "/" : call.tracee().WorkDirectory();
    const int opened = OpenPath(AT_FDCWD, directory, O_DIRECTORY, 0);
    if (opened < 0) return -opened;
    base = Descriptor(opened);
    return 0;
  }
  Expected<std::optional<ProgramFile>> file = call.tracee().File(walk.directory);
  if (!file) return std::unexpected(file.error());
  if (!*file) return EBADF;
  if (!S_ISDIR((*file)->status.st_mode)) return ENOTDIR;
  base = std::move((*file)->descriptor);
  return 0;
}

struct SplitPath {
  std::string parent;
  std::string last;  // with slashes at its end
  std::string name;
};

SplitPath Split(const std::string& path) {
  const size_t end = path.find_last_not_of('/');
  if (end == path.npos) return {.parent = "/", .last = ".", .name = "."};
  const size_t slash = path.rfind('/', end);
  const size_t begin = slash == path.npos ? 0 : slash + 1;
  return {.parent = begin == 0 ? "." : path.substr(0, begin),
          .last = path.substr(begin),
          .name = path.substr(begin, end + 1 - begin)};
}

// Returns: the place of the last component of a path below `base`.
Place PlaceBelow(Door& door, int base, const std::string& path, uint64_t resolve) {
  Place place;
  if (path.empty()) {
    place.os_errno = ENOENT;
    return place;
  }
  SplitPath split = Split(path);
  const int parent = OpenPath(base, split.parent, O_DIRECTORY, resolve);
  if (parent < 0) {
    place.os_errno = -parent;
    return place;
  }
  place.parent = Descriptor(parent);
  place.last = std::move(split.last);
  place.name = std::move(split.name);
  struct stat status = {};
  if (::fstat(parent, &status) == 0) place.directory = door.tree.Find(status, parent);
  return place;
}

bool IsInProc(int descriptor) {
  struct statfs status = {};
  return ::fstatfs(descriptor, &status) == 0 && status.f_type == PROC_SUPER_MAGIC;
}

}  // namespace

std::optional<struct stat> Place::Status() const {
  struct stat status = {};
  if (::fstatat(parent.number(), name.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0) {
    return std::nullopt;
  }
  return status;
}

std::string CallTarget::Path() const { return fmt::format("/proc/self/fd/{}", file.number()); }

Expected<Walk> ReadWalk(CallStop& call, int directory, uint64_t address, int& os_errno) {
  Expected<std::string> path = call.tracee().ReadPath(address, os_errno);
  if (!path) return std::unexpected(path.error());
  return Walk{.directory = directory, .path = Rewritten(std::move(*path), call.tracee().thread())};
}

Expected<Place> FindPlace(Door& door, CallStop& call, const Rights& rights, const Walk& walk) {
  Descriptor base;
  const Expected<int> based = OpenBase(call, walk, base);
  if (!based) return std::unexpected(based.error());
  if (*based != 0) return Place{.os_errno = *based};
  const ActingAs acting(rights);
  return PlaceBelow(door, base.number(), walk.path, walk.resolve);
}

Expected<Place> FindPlace(Door& door, CallStop& call, const Rights& rights, int directory,
                          uint64_t address) {
  int os_errno = 0;
  const Expected<Walk> walk = ReadWalk(call, directory, address, os_errno);
  if (!walk) return std::unexpected(walk.error());
  if (os_errno != 0) return Place{.os_errno = os_errno};
  return FindPlace(door, call, rights, *walk);
}

Expected<Place> FollowLinks(Door& door, CallStop& call, const Rights& rights, Place place) {
  for (int links = 0; place.os_errno == 0; ++links) {
    std::array<char, PATH_MAX> text{};
    const ssize_t length =
        ::readlinkat(place.parent.number(), place.name.c_str(), text.data(), text.size());
    if (length < 0) return place;  // no link: here it is
    // A link of /proc stands for a file itself, not for the text that it shows.
    if (IsInProc(place.parent.number())) return place;
    if (links == kMostLinks) return Place{.os_errno = ELOOP};
    const std::string path =
        Rewritten(std::string(text.data(), static_cast<size_t>(length)), call.tracee().thread());
    const ActingAs acting(rights);
    place = PlaceBelow(door, place.parent.number(), path, 0);
  }
  return place;
}

Expected<CallTarget> FindTarget(Door& door, CallStop& call, const Rights& rights, int directory,
                                uint64_t address, int flags) {
  int os_errno = 0;
  const Expected<Walk> walk = ReadWalk(call, directory, address, os_errno);
  if (!walk) return std::unexpected(walk.error());
  CallTarget target{.os_errno = os_errno};
  if (os_errno != 0) return target;
  if (walk->path.empty() && (flags & AT_EMPTY_PATH) != 0 && directory != AT_FDCWD) {
    Expected<std::optional<ProgramFile>> file = call.tracee().File(directory);
    if (!file) return std::unexpected(file.error());
    if (!*file) return CallTarget{.os_errno = EBADF};
    target.file = std::move((*file)->descriptor);
  } else {
    Descriptor base;
    const Expected<int> based = OpenBase(call, *walk, base);
    if (!based) return std::unexpected(based.error());
    if (*based != 0) return CallTarget{.os_errno = *based};
    const bool follows = (flags & AT_SYMLINK_NOFOLLOW) == 0;
    const ActingAs acting(rights);
    const int opened =
        OpenPath(base.number(), walk->path.empty() ? "." : walk->path, follows ? 0 : O_NOFOLLOW, 0);
    if (walk->path.empty() && (flags & AT_EMPTY_PATH) == 0) return CallTarget{.os_errno = ENOENT};
    if (opened < 0) return CallTarget{.os_errno = -opened};
    target.file = Descriptor(opened);
  }
  if (::fstat(target.file.number(), &target.status) != 0) return CallTarget{.os_errno = errno};
  target.inode = door.tree.Find(target.status, target.file.number());
  return target;
}

std::string PathOf(const Door& door, const Place& place) {
  const std::string directory = door.tree.PathOf(place.directory);
  return directory.empty() ? place.name : directory + "/" + place.name;
}

}  // namespace plugpull
