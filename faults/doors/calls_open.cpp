// open(2) and its relatives, where they can make a file or change one. The file is opened by us and
// handed to the program, so that nobody can come between the look and the opening.
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <vector>

#include "faults/doors/call_path.h"
#include "faults/doors/calls.h"
#include "faults/doors/door.h"

namespace plugpull {
namespace {

constexpr int kUnnamed = O_TMPFILE & ~O_DIRECTORY;  // the bit that is O_TMPFILE's own
constexpr mode_t kPermissions = 07777;

struct OpenRequest {
  int directory = AT_FDCWD;
  uint64_t path_address = 0;
  int flags = 0;
  mode_t mode = 0;
  uint64_t resolve = 0;
};

bool Creates(const OpenRequest& request) { return (request.flags & O_CREAT) != 0; }
bool Truncates(const OpenRequest& request) { return (request.flags & O_TRUNC) != 0; }

// Opens for the program. Its umask is applied to what is made, not ours.
int64_t OpenFor(const Door& door, const Rights& rights, const OpenRequest& request, int directory,
                const std::string& name, int more_flags) {
  const ActingAs acting(rights);
  const mode_t mode = request.mode & kPermissions & ~rights.umask;
  const int opened =
      ::openat(directory, name.c_str(), request.flags | more_flags | O_CLOEXEC | O_NOCTTY, mode);
  if (opened < 0) return -errno;
  const bool makes = (more_flags & O_EXCL) != 0 || (request.flags & kUnnamed) != 0;
  if (makes && (mode & door.own_umask) != 0) ::fchmod(opened, mode);
  return opened;
}

// Opens a file that only its existing descriptor leads to, such as one of /proc/self/fd.
Expected<Answer> OpenTarget(Door& door, CallStop& call, const Rights& rights,
                            const OpenRequest& request) {
  const int nofollow = (request.flags & O_NOFOLLOW) != 0 ? AT_SYMLINK_NOFOLLOW : 0;
  const Expected<CallTarget> target =
      FindTarget(door, call, rights, request.directory, request.path_address, nofollow);
  if (!target) return std::unexpected(target.error());
  if (target->os_errno != 0) return -target->os_errno;
  const bool is_recorded_file = target->inode != kNoInode && S_ISREG(target->status.st_mode);
  if (!is_recorded_file || !Truncates(request)) {
    if (target->inode == kNoInode) NoteOutside(door, target->status, target->file.number());
    return std::nullopt;
  }
  if (const auto approached = Approach(door); !approached) {
    return std::unexpected(approached.error());
  }
  if (const auto failure = AskPlan(door, call, target->inode)) return -failure->os_errno;
  const int64_t result = call.ExecuteOpen(
      [&]() -> int64_t {
        OpenRequest plain = request;
        plain.flags &= ~(O_CREAT | O_NOFOLLOW);
        return OpenFor(door, rights, plain, AT_FDCWD, target->Path(), 0);
      },
      (request.flags & O_CLOEXEC) != 0);
  if (result < 0) return result;
  door.recorder.Append({.kind = OpKind::kTruncate, .inode = target->inode});
  door.mapped.Resized(target->inode, 0);
  return result;
}

Expected<Answer> OpenUnnamed(Door& door, CallStop& call, const Rights& rights,
                             const OpenRequest& request) {
  const Expected<CallTarget> directory =
      FindTarget(door, call, rights, request.directory, request.path_address, 0);
  if (!directory) return std::unexpected(directory.error());
  if (directory->os_errno != 0) return -directory->os_errno;
  if (directory->inode == kNoInode) return std::nullopt;
  if (const auto approached = Approach(door); !approached) {
    return std::unexpected(approached.error());
  }
  if (const auto failure = AskPlan(door, call, directory->inode)) return -failure->os_errno;
  const int64_t result = call.ExecuteOpen(
      [&] { return OpenFor(door, rights, request, AT_FDCWD, directory->Path(), 0); },
      (request.flags & O_CLOEXEC) != 0);
  if (result < 0) return result;
  struct stat status = {};
  if (::fstat(call.opened(), &status) != 0) return FailErrno("cannot look at a new file");
  const InodeId inode = door.tree.Add(status, call.opened());
  door.recorder.Append({.kind = OpKind::kCreateUnnamed, .inode = inode});
  return result;
}

// Opens what is at `place`, or makes it there. Requires: the place is in the recorded directory, or
// what is there is of it.
Expected<Answer> OpenAt(Door& door, CallStop& call, const Rights& rights,
                        const OpenRequest& request, const Place& place, InodeId existing) {
  if (const auto approached = Approach(door); !approached) {
    return std::unexpected(approached.error());
  }
  const bool makes = existing == kNoInode;
  if (const auto failure =
          AskPlan(door, call, makes ? PathOf(door, place) : door.tree.PathOf(existing))) {
    return -failure->os_errno;
  }
  // Links were followed already; exclusively, so that what is made is really new.
  const int more_flags = O_NOFOLLOW | (makes ? O_EXCL : 0);
  const int64_t result = call.ExecuteOpen(
      [&] { return OpenFor(door, rights, request, place.parent.number(), place.last, more_flags); },
      (request.flags & O_CLOEXEC) != 0);
  if (result < 0) return result;
  if (makes) {
    struct stat status = {};
    if (::fstat(call.opened(), &status) != 0) return FailErrno("cannot look at a new file");
    const InodeId inode = door.tree.Add(status, call.opened());
    door.tree.Link(place.directory, place.name, inode);
    door.recorder.Append({.kind = OpKind::kCreate,
                          .inode = inode,
                          .directory = place.directory,
                          .name = place.name});
  } else if (Truncates(request)) {
    door.recorder.Append({.kind = OpKind::kTruncate, .inode = existing});
    door.mapped.Resized(existing, 0);
  }
  return result;
}

Expected<Answer> OpenCreating(Door& door, CallStop& call, const Rights& rights,
                              const OpenRequest& request) {
  int os_errno = 0;
  Expected<Walk> walk = ReadWalk(call, request.directory, request.path_address, os_errno);
  if (!walk) return std::unexpected(walk.error());
  if (os_errno != 0) return -os_errno;
  walk->resolve = request.resolve;
  Expected<Place> place = FindPlace(door, call, rights, *walk);
  if (!place) return std::unexpected(place.error());
  const bool follows = (request.flags & (O_NOFOLLOW | O_EXCL)) == 0;
  if (follows && request.resolve == 0) {
    place = FollowLinks(door, call, rights, std::move(*place));
    if (!place) return std::unexpected(place.error());
  }
  if (place->os_errno != 0) return -place->os_errno;
  const std::optional<struct stat> status = place->Status();
  if (!status) {
    if (place->directory != kNoInode) return OpenAt(door, call, rights, request, *place, kNoInode);
    NoteOutside(door, place->parent.number(), place->name);
    return std::nullopt;
  }
  // Confined paths whose last component is a link are too rare to be walked by us: programs have to
  // do without openat2(2) anyway.
  if (S_ISLNK(status->st_mode) && follows && request.resolve != 0) return -ENOSYS;
  const Descriptor there(
      ::openat(place->parent.number(), place->name.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC));
  const InodeId inode = there.is_open() ? door.tree.Find(*status, there.number()) : kNoInode;
  if (S_ISLNK(status->st_mode) && follows) {
    // A link of /proc: it leads to an open file.
    return OpenTarget(door, call, rights, request);
  }
  if (!S_ISREG(status->st_mode) || inode == kNoInode) {
    if (inode == kNoInode && there.is_open()) NoteOutside(door, *status, there.number());
    if (place->directory == kNoInode || !S_ISREG(status->st_mode)) return std::nullopt;
  }
  return OpenAt(door, call, rights, request, *place, inode);
}

Expected<Answer> Open(Door& door, CallStop& call, const OpenRequest& request) {
  if ((request.flags & O_PATH) != 0) return std::nullopt;
  const Expected<Rights> rights = call.tracee().ReadRights();
  if (!rights) return std::unexpected(rights.error());
  if ((request.flags & O_TMPFILE) == O_TMPFILE) return OpenUnnamed(door, call, *rights, request);
  if (Creates(request)) return OpenCreating(door, call, *rights, request);
  // What is not there cannot be opened; the kernel says why.
  return OpenTarget(door, call, *rights, request);
}

}  // namespace

Expected<Answer> HandleOpen(Door& door, CallStop& call) {
  return Open(door, call,
              {.path_address = call.Argument(0),
               .flags = call.Number(1),
               .mode = static_cast<mode_t>(call.Argument(2))});
}

Expected<Answer> HandleOpenat(Door& door, CallStop& call) {
  return Open(door, call,
              {.directory = call.Number(0),
               .path_address = call.Argument(1),
               .flags = call.Number(2),
               .mode = static_cast<mode_t>(call.Argument(3))});
}

Expected<Answer> HandleOpenat2(Door& door, CallStop& call) {
  const auto how = call.tracee().Read<open_how>(call.Argument(2));
  if (!how) return std::unexpected(how.error());
  // A structure of another size or with strange flags: the kernel says what is wrong with it.
  constexpr uint64_t kKnownFlags = O_ACCMODE | O_CREAT | O_EXCL | O_NOCTTY | O_TRUNC | O_APPEND |
                                   O_NONBLOCK | O_SYNC | O_DIRECT | O_LARGEFILE | O_DIRECTORY |
                                   O_NOFOLLOW | O_NOATIME | O_CLOEXEC | O_PATH | O_TMPFILE;
  const bool changes = *how && ((*how)->flags & (O_ACCMODE | O_CREAT | O_TRUNC | kUnnamed)) != 0;
  if (!changes) return std::nullopt;
  if (call.Argument(3) != sizeof(open_how) || ((*how)->flags & ~kKnownFlags) != 0) return -ENOSYS;
  return Open(door, call,
              {.directory = call.Number(0),
               .path_address = call.Argument(1),
               .flags = static_cast<int>((*how)->flags),
               .mode = static_cast<mode_t>((*how)->mode),
               .resolve = (*how)->resolve});
}

Expected<Answer> HandleCreat(Door& door, CallStop& call) {
  return Open(door, call,
              {.path_address = call.Argument(0),
               .flags = O_CREAT | O_WRONLY | O_TRUNC,
               .mode = static_cast<mode_t>(call.Argument(1))});
}

}  // namespace plugpull
