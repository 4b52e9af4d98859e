// Calls that make and remove names.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "faults/base/bytes.h"
#include "faults/doors/call_path.h"
#include "faults/doors/calls.h"
#include "faults/doors/door.h"
#include "faults/doors/import.h"

namespace plugpull {
namespace {

// A name that a call is about.
struct NameRequest {
  int directory = AT_FDCWD;
  uint64_t path_address = 0;
};

// What such a call does: executes it, and records it when it has succeeded.
using AtPlace = std::function<Expected<Answer>(const Rights& rights, const Place& place)>;

// Finds the place of a name, and goes on with `act` if it is in the recorded directory.
Expected<Answer> WithPlace(Door& door, CallStop& call, const NameRequest& request,
                           const AtPlace& act) {
  const Expected<Rights> rights = call.tracee().ReadRights();
  if (!rights) return std::unexpected(rights.error());
  const Expected<Place> place =
      FindPlace(door, call, *rights, request.directory, request.path_address);
  if (!place) return std::unexpected(place.error());
  if (place->os_errno != 0) return -place->os_errno;
  if (place->directory == kNoInode) return std::nullopt;
  if (const auto approached = Approach(door); !approached) {
    return std::unexpected(approached.error());
  }
  if (const auto failure = AskPlan(door, call, PathOf(door, *place))) return -failure->os_errno;
  return act(*rights, *place);
}

// Gives what a call has just made at `place` its inode.
Expected<InodeId> AddNew(Door& door, const Place& place) {
  const Descriptor made(
      ::openat(place.parent.number(), place.name.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC));
  struct stat status = {};
  if (!made.is_open() || ::fstat(made.number(), &status) != 0) {
    return FailErrno("cannot look at what the program has just made");
  }
  const InodeId inode = door.tree.Add(status, made.number());
  door.tree.Link(place.directory, place.name, inode);
  return inode;
}

Expected<Answer> MakeDirectory(Door& door, CallStop& call, const NameRequest& request,
                               mode_t mode) {
  return WithPlace(
      door, call, request, [&](const Rights& rights, const Place& place) -> Expected<Answer> {
        const int64_t result = call.Execute([&] {
          const ActingAs acting(rights);
          const mode_t wanted = mode & 01777 & ~rights.umask;
          const int made = ::mkdirat(place.parent.number(), place.last.c_str(), wanted);
          if (made == 0 && (wanted & door.own_umask) != 0) {
            struct stat status = {};  // it may have got the set-group bit of its parent
            ::fstatat(place.parent.number(), place.name.c_str(), &status, AT_SYMLINK_NOFOLLOW);
            ::fchmodat(place.parent.number(), place.name.c_str(),
                       wanted | (status.st_mode & S_ISGID), 0);
          }
          return ResultOf(made);
        });
        if (result < 0) return result;
        const Expected<InodeId> inode = AddNew(door, place);
        if (!inode) return std::unexpected(inode.error());
        door.recorder.Append({.kind = OpKind::kMakeDirectory,
                              .inode = *inode,
                              .directory = place.directory,
                              .name = place.name});
        return result;
      });
}

Expected<Answer> MakeNode(Door& door, CallStop& call, const NameRequest& request, mode_t mode,
                          dev_t device) {
  return WithPlace(
      door, call, request, [&](const Rights& rights, const Place& place) -> Expected<Answer> {
        const int64_t result = call.Execute([&] {
          const ActingAs acting(rights);
          const mode_t wanted = mode & ~rights.umask;
          const int made = ::mknodat(place.parent.number(), place.last.c_str(), wanted, device);
          if (made == 0 && (wanted & door.own_umask) != 0) {
            ::fchmodat(place.parent.number(), place.name.c_str(), wanted & 07777, 0);
          }
          return ResultOf(made);
        });
        if (result < 0) return result;
        // Pipes, sockets and devices hold no bytes that a crash could lose (directory_image.h).
        if ((mode & S_IFMT) != S_IFREG && (mode & S_IFMT) != 0) return result;
        const Expected<InodeId> inode = AddNew(door, place);
        if (!inode) return std::unexpected(inode.error());
        door.recorder.Append({.kind = OpKind::kCreate,
                              .inode = *inode,
                              .directory = place.directory,
                              .name = place.name});
        return result;
      });
}

Expected<Answer> MakeLink(Door& door, CallStop& call, uint64_t text_address,
                          const NameRequest& request) {
  int os_errno = 0;
  const Expected<std::string> text = call.tracee().ReadPath(text_address, os_errno);
  if (!text) return std::unexpected(text.error());
  if (os_errno != 0) return -os_errno;
  return WithPlace(
      door, call, request, [&](const Rights& rights, const Place& place) -> Expected<Answer> {
        const int64_t result = call.Execute([&] {
          const ActingAs acting(rights);
          return ResultOf(::symlinkat(text->c_str(), place.parent.number(), place.last.c_str()));
        });
        if (result < 0) return result;
        const Expected<InodeId> inode = AddNew(door, place);
        if (!inode) return std::unexpected(inode.error());
        door.recorder.Append({.kind = OpKind::kSymlink,
                              .inode = *inode,
                              .directory = place.directory,
                              .name = place.name},
                             AsBytes(*text));
        return result;
      });
}

Expected<Answer> Remove(Door& door, CallStop& call, const NameRequest& request, int flags) {
  return WithPlace(
      door, call, request, [&](const Rights& rights, const Place& place) -> Expected<Answer> {
        const InodeId inode = door.tree.At(place.directory, place.name);
        if (inode != kNoInode) door.tree.NoteBirth(inode, place.parent.number(), place.name);
        const int64_t result = call.Execute([&] {
          const ActingAs acting(rights);
          return ResultOf(::unlinkat(place.parent.number(), place.last.c_str(), flags));
        });
        if (result < 0 || inode == kNoInode) return result;
        const bool is_directory = (flags & AT_REMOVEDIR) != 0;
        door.tree.Unlink(place.directory, place.name);
        door.recorder.Append({.kind = is_directory ? OpKind::kRemoveDirectory : OpKind::kUnlink,
                              .inode = inode,
                              .directory = place.directory,
                              .name = place.name});
        return result;
      });
}

Expected<Answer> AddName(Door& door, CallStop& call, const NameRequest& from, const NameRequest& to,
                         int flags) {
  const Expected<Rights> rights = call.tracee().ReadRights();
  if (!rights) return std::unexpected(rights.error());
  if ((flags & ~(AT_SYMLINK_FOLLOW | AT_EMPTY_PATH)) != 0) return -EINVAL;
  const int walk =
      ((flags & AT_SYMLINK_FOLLOW) != 0 ? 0 : AT_SYMLINK_NOFOLLOW) | (flags & AT_EMPTY_PATH);
  const Expected<CallTarget> source =
      FindTarget(door, call, *rights, from.directory, from.path_address, walk);
  if (!source) return std::unexpected(source.error());
  if (source->os_errno != 0) return -source->os_errno;
  return WithPlace(
      door, call, to, [&](const Rights& caller, const Place& place) -> Expected<Answer> {
        const int64_t result = call.Execute([&] {
          const ActingAs acting(caller);
          return ResultOf(::linkat(AT_FDCWD, source->Path().c_str(), place.parent.number(),
                                   place.last.c_str(), AT_SYMLINK_FOLLOW));
        });
        if (result < 0) return result;
        if (S_ISLNK(source->status.st_mode)) {
          RecordUnmodelled(door, source->inode, "link of a symbolic link");
        } else if (source->inode == kNoInode) {
          const Expected<void> imported = ImportAt(door, place);
          if (!imported) return std::unexpected(imported.error());
        } else {
          door.tree.Link(place.directory, place.name, source->inode);
          door.recorder.Append({.kind = OpKind::kLink,
                                .inode = source->inode,
                                .other_directory = place.directory,
                                .other_name = place.name});
        }
        return result;
      });
}

}  // namespace

Expected<Answer> HandleMkdir(Door& door, CallStop& call) {
  return MakeDirectory(door, call, {.path_address = call.Argument(0)},
                       static_cast<mode_t>(call.Argument(1)));
}

Expected<Answer> HandleMkdirat(Door& door, CallStop& call) {
  return MakeDirectory(door, call, {call.Number(0), call.Argument(1)},
                       static_cast<mode_t>(call.Argument(2)));
}

Expected<Answer> HandleMknod(Door& door, CallStop& call) {
  return MakeNode(door, call, {.path_address = call.Argument(0)},
                  static_cast<mode_t>(call.Argument(1)), call.Argument(2));
}

Expected<Answer> HandleMknodat(Door& door, CallStop& call) {
  return MakeNode(door, call, {call.Number(0), call.Argument(1)},
                  static_cast<mode_t>(call.Argument(2)), call.Argument(3));
}

Expected<Answer> HandleSymlink(Door& door, CallStop& call) {
  return MakeLink(door, call, call.Argument(0), {.path_address = call.Argument(1)});
}

Expected<Answer> HandleSymlinkat(Door& door, CallStop& call) {
  return MakeLink(door, call, call.Argument(0), {call.Number(1), call.Argument(2)});
}

Expected<Answer> HandleUnlink(Door& door, CallStop& call) {
  return Remove(door, call, {.path_address = call.Argument(0)}, 0);
}

Expected<Answer> HandleUnlinkat(Door& door, CallStop& call) {
  return Remove(door, call, {call.Number(0), call.Argument(1)}, call.Number(2));
}

Expected<Answer> HandleRmdir(Door& door, CallStop& call) {
  return Remove(door, call, {.path_address = call.Argument(0)}, AT_REMOVEDIR);
}

Expected<Answer> HandleLink(Door& door, CallStop& call) {
  return AddName(door, call, {.path_address = call.Argument(0)}, {.path_address = call.Argument(1)},
                 0);
}

Expected<Answer> HandleLinkat(Door& door, CallStop& call) {
  return AddName(door, call, {call.Number(0), call.Argument(1)}, {call.Number(2), call.Argument(3)},
                 call.Number(4));
}

}  // namespace plugpull
