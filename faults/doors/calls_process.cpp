// Calls behind which a program could hide, and shared mappings, after which it stores without a
// call.
#include <fcntl.h>
#include <fmt/format.h>
#include <linux/seccomp.h>
#include <sys/stat.h>
#include <unistd.h>

#include "faults/doors/call_path.h"
#include "faults/doors/calls.h"
#include "faults/doors/door.h"

namespace plugpull {
namespace {

std::unexpected<Error> Blind(std::string_view what) {
  return Fail(ErrorCode::kUnsupported, fmt::format("the recording is blind: the program {}", what));
}

}  // namespace

Expected<Answer> HandleMmap(Door& door, CallStop& call) {
  const auto found = FindOpenFile(door, call, call.Number(4));
  if (!found) return std::unexpected(found.error());
  if (!*found) return -EBADF;
  const auto& [file, inode] = **found;
  const bool can_store = (call.tracee().Flags(call.Number(4), file) & O_ACCMODE) == O_RDWR;
  if (inode == kNoInode || !can_store) return std::nullopt;
  if (const auto approached = Approach(door); !approached) {
    return std::unexpected(approached.error());
  }
  const Expected<void> added = door.mapped.Add(inode, file.descriptor.number());
  if (!added) return std::unexpected(added.error());
  return std::nullopt;
}

Expected<Answer> HandlePrctl(Door& /*door*/, CallStop& call) {
  // Root sees everybody.
  if (call.Argument(1) != 0 || ::geteuid() == 0) return std::nullopt;
  return Blind(
      "made itself invisible with prctl(PR_SET_DUMPABLE, 0); record as root, or switch that off");
}

Expected<Answer> HandleSeccomp(Door& /*door*/, CallStop& call) {
  if (call.Argument(0) != SECCOMP_SET_MODE_FILTER) return std::nullopt;
  return Blind(
      "wants to supervise calls of its own (seccomp with a listener), of which the system allows "
      "one; switch its sandbox off");
}

Expected<Answer> HandleSizeLimit(Door& door, CallStop& /*call*/) {
  door.has_size_limits = true;
  return std::nullopt;
}

Expected<Answer> HandleOwnPlace(Door& /*door*/, CallStop& /*call*/) {
  return Blind(
      "moves to a root directory or mounts of its own, where paths mean other things; switch its "
      "sandbox off, or record inside");
}

Expected<Answer> HandleSwapon(Door& door, CallStop& call) {
  const Expected<Rights> rights = call.tracee().ReadRights();
  if (!rights) return std::unexpected(rights.error());
  const Expected<CallTarget> target =
      FindTarget(door, call, *rights, AT_FDCWD, call.Argument(0), 0);
  if (!target) return std::unexpected(target.error());
  if (target->inode != kNoInode) RecordUnmodelled(door, target->inode, "swapon");
  return std::nullopt;
}

}  // namespace plugpull
