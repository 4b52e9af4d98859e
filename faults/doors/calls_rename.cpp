// rename(2) and its relatives: inside the recorded directory, into it, and out of it.
#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "faults/doors/call_path.h"
#include "faults/doors/calls.h"
#include "faults/doors/door.h"
#include "faults/doors/import.h"

namespace plugpull {
namespace {

struct RenameRequest {
  int from_directory = AT_FDCWD;
  uint64_t from_address = 0;
  int to_directory = AT_FDCWD;
  uint64_t to_address = 0;
  unsigned flags = 0;
};

// Both ends of a rename, and what the trace knows there.
struct Ends {
  Place from;
  Place to;
  InodeId moved = kNoInode;
  InodeId replaced = kNoInode;
};

int64_t Perform(const Ends& ends, const Rights& rights, unsigned flags) {
  const ActingAs acting(rights);
  return ResultOf(::syscall(SYS_renameat2, ends.from.parent.number(), ends.from.last.c_str(),
                            ends.to.parent.number(), ends.to.last.c_str(), flags));
}

void RecordExchange(Door& door, const Ends& ends) {
  door.recorder.Append({.kind = OpKind::kExchange,
                        .inode = ends.moved,
                        .directory = ends.from.directory,
                        .name = ends.from.name,
                        .other_directory = ends.to.directory,
                        .other_name = ends.to.name,
                        .other_inode = ends.replaced});
  door.tree.Unlink(ends.from.directory, ends.from.name);
  door.tree.Unlink(ends.to.directory, ends.to.name);
  door.tree.Link(ends.from.directory, ends.from.name, ends.replaced);
  door.tree.Link(ends.to.directory, ends.to.name, ends.moved);
}

void RecordMove(Door& door, const Ends& ends) {
  door.recorder.Append({.kind = OpKind::kRename,
                        .inode = ends.moved,
                        .directory = ends.from.directory,
                        .name = ends.from.name,
                        .other_directory = ends.to.directory,
                        .other_name = ends.to.name});
  door.tree.Unlink(ends.to.directory, ends.to.name);
  door.tree.Unlink(ends.from.directory, ends.from.name);
  door.tree.Link(ends.to.directory, ends.to.name, ends.moved);
}

// Records a rename that has succeeded.
Expected<void> Record(Door& door, const Ends& ends, unsigned flags) {
  const bool from_inside = ends.from.directory != kNoInode;
  const bool to_inside = ends.to.directory != kNoInode;
  const bool exchanges = (flags & RENAME_EXCHANGE) != 0;
  if (from_inside && to_inside) {
    // Two names of one file, or one name twice: nothing has happened.
    if (ends.moved == ends.replaced) return {};
    if (ends.moved == kNoInode) {  // a socket or the like: only what it replaces is known
      if (!exchanges) ExportFrom(door, ends.to.directory, ends.to.name);
      return {};
    }
    if (exchanges) {
      RecordExchange(door, ends);
    } else {
      RecordMove(door, ends);
    }
    if ((flags & RENAME_WHITEOUT) != 0) {
      RecordUnmodelled(door, ends.from.directory, "renameat2 with RENAME_WHITEOUT");
    }
    return {};
  }
  if (from_inside) ExportFrom(door, ends.from.directory, ends.from.name);
  if (from_inside && exchanges) return ImportAt(door, ends.from);
  if (!to_inside) return {};
  if (exchanges) {
    ExportFrom(door, ends.to.directory, ends.to.name);
    return ImportAt(door, ends.to);
  }
  return ImportAt(door, ends.to, ends.replaced);
}

Expected<Answer> Rename(Door& door, CallStop& call, const RenameRequest& request) {
  const Expected<Rights> rights = call.tracee().ReadRights();
  if (!rights) return std::unexpected(rights.error());
  Ends ends;
  Expected<Place> from =
      FindPlace(door, call, *rights, request.from_directory, request.from_address);
  if (!from) return std::unexpected(from.error());
  Expected<Place> to = FindPlace(door, call, *rights, request.to_directory, request.to_address);
  if (!to) return std::unexpected(to.error());
  if (from->os_errno != 0) return -from->os_errno;
  if (to->os_errno != 0) return -to->os_errno;
  ends.from = std::move(*from);
  ends.to = std::move(*to);
  if (ends.from.directory == kNoInode && ends.to.directory == kNoInode) return std::nullopt;
  if (const auto approached = Approach(door); !approached) {
    return std::unexpected(approached.error());
  }
  if (ends.from.directory != kNoInode) {
    ends.moved = door.tree.At(ends.from.directory, ends.from.name);
    door.tree.NoteBirth(ends.moved, ends.from.parent.number(), ends.from.name);
  }
  if (ends.to.directory != kNoInode) {
    ends.replaced = door.tree.At(ends.to.directory, ends.to.name);
    door.tree.NoteBirth(ends.replaced, ends.to.parent.number(), ends.to.name);
  }
  const Place& named = ends.from.directory != kNoInode ? ends.from : ends.to;
  if (const auto failure = AskPlan(door, call, PathOf(door, named))) return -failure->os_errno;
  const int64_t result = call.Execute([&] { return Perform(ends, *rights, request.flags); });
  if (result < 0) return result;
  if (const auto recorded = Record(door, ends, request.flags); !recorded) {
    return std::unexpected(recorded.error());
  }
  return result;
}

}  // namespace

Expected<Answer> HandleRename(Door& door, CallStop& call) {
  return Rename(door, call, {.from_address = call.Argument(0), .to_address = call.Argument(1)});
}

Expected<Answer> HandleRenameat(Door& door, CallStop& call) {
  return Rename(door, call,
                {.from_directory = call.Number(0),
                 .from_address = call.Argument(1),
                 .to_directory = call.Number(2),
                 .to_address = call.Argument(3)});
}

Expected<Answer> HandleRenameat2(Door& door, CallStop& call) {
  return Rename(door, call,
                {.from_directory = call.Number(0),
                 .from_address = call.Argument(1),
                 .to_directory = call.Number(2),
                 .to_address = call.Argument(3),
                 .flags = static_cast<unsigned>(call.Argument(4))});
}

}  // namespace plugpull
