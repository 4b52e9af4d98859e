// Calls that give a file another size, or space on disk.
#include <fcntl.h>
#include <linux/falloc.h>
#include <unistd.h>

#include <csignal>

#include "faults/doors/call_path.h"
#include "faults/doors/calls.h"
#include "faults/doors/door.h"
#include "faults/doors/file_limit.h"

namespace plugpull {
namespace {

// Returns: 0, or what a process gets that may not make files so large.
int64_t CheckLimit(Door& door, CallStop& call, uint64_t old_size, uint64_t new_size) {
  if (!door.has_size_limits || new_size <= old_size) return 0;
  const int64_t allowed = AllowedBytes(call.tracee(), new_size - 1, 1);
  return allowed < 0 ? allowed : 0;
}

template <typename Perform>
Expected<Answer> Resize(Door& door, CallStop& call, const struct stat& status, InodeId inode,
                        const Perform& perform) {
  if (const auto approached = Approach(door); !approached) {
    return std::unexpected(approached.error());
  }
  if (const auto failure = AskPlan(door, call, inode)) return -failure->os_errno;
  const uint64_t size = call.Argument(1);
  const int64_t result = call.Execute([&]() -> int64_t {
    const int64_t limited = CheckLimit(door, call, static_cast<uint64_t>(status.st_size), size);
    return limited < 0 ? limited : ResultOf(perform(static_cast<off_t>(size)));
  });
  if (result < 0) return result;
  door.recorder.Append({.kind = OpKind::kTruncate, .inode = inode, .size_bytes = size});
  door.mapped.Resized(inode, size);
  return result;
}

// Returns: the flags of kAllocate for a mode of fallocate(2); nothing: no model knows it.
std::optional<uint32_t> AllocateFlags(int mode) {
  switch (mode) {
    case 0:
      return 0;
    case FALLOC_FL_KEEP_SIZE:
      return kKeepSize;
    case FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE:
      return kPunchHole | kKeepSize;
    case FALLOC_FL_ZERO_RANGE:
      return kZeroRange;
    case FALLOC_FL_ZERO_RANGE | FALLOC_FL_KEEP_SIZE:
      return kZeroRange | kKeepSize;
  }
  return std::nullopt;
}

}  // namespace

Expected<Answer> HandleTruncate(Door& door, CallStop& call) {
  const Expected<Rights> rights = call.tracee().ReadRights();
  if (!rights) return std::unexpected(rights.error());
  const Expected<CallTarget> target =
      FindTarget(door, call, *rights, AT_FDCWD, call.Argument(0), 0);
  if (!target) return std::unexpected(target.error());
  if (target->os_errno != 0) return -target->os_errno;
  if (target->inode == kNoInode) {
    NoteOutside(door, target->status, target->file.number());
    return std::nullopt;
  }
  return Resize(door, call, target->status, target->inode, [&](off_t size) {
    const ActingAs acting(*rights);
    return ::truncate(target->Path().c_str(), size);
  });
}

Expected<Answer> HandleFtruncate(Door& door, CallStop& call) {
  const auto found = FindOpenFile(door, call, call.Number(0));
  if (!found) return std::unexpected(found.error());
  if (!*found) return -EBADF;
  const auto& [file, inode] = **found;
  if (inode == kNoInode) return std::nullopt;
  return Resize(door, call, file.status, inode,
                [&](off_t size) { return ::ftruncate(file.descriptor.number(), size); });
}

Expected<Answer> HandleFallocate(Door& door, CallStop& call) {
  const auto found = FindOpenFile(door, call, call.Number(0));
  if (!found) return std::unexpected(found.error());
  if (!*found) return -EBADF;
  const auto& [file, inode] = **found;
  if (inode == kNoInode) return std::nullopt;
  if (const auto approached = Approach(door); !approached) {
    return std::unexpected(approached.error());
  }
  const int mode = call.Number(1);
  const auto offset = static_cast<off_t>(call.Argument(2));
  const auto size = static_cast<off_t>(call.Argument(3));
  if (const auto failure = AskPlan(door, call, inode)) return -failure->os_errno;
  const int64_t result = call.Execute([&]() -> int64_t {
    const bool grows = (mode & (FALLOC_FL_KEEP_SIZE | FALLOC_FL_COLLAPSE_RANGE)) == 0;
    if (grows && offset >= 0 && size > 0) {
      const int64_t limited = CheckLimit(door, call, static_cast<uint64_t>(file.status.st_size),
                                         static_cast<uint64_t>(offset + size));
      if (limited < 0) return limited;
    }
    return ResultOf(::fallocate(file.descriptor.number(), mode, offset, size));
  });
  if (result < 0) return result;
  const auto begin = static_cast<uint64_t>(offset);
  const auto length = static_cast<uint64_t>(size);
  const std::optional<uint32_t> flags = AllocateFlags(mode);
  if (!flags) {
    RecordUnmodelled(door, inode, "fallocate of a mode that moves or unshares bytes");
    return result;
  }
  door.recorder.Append({.kind = OpKind::kAllocate,
                        .inode = inode,
                        .offset_bytes = begin,
                        .size_bytes = length,
                        .flags = *flags});
  if ((*flags & (kPunchHole | kZeroRange)) != 0) door.mapped.Zeroed(inode, begin, length);
  return result;
}

}  // namespace plugpull
