// Calls that make durable what others did. They are recorded; the disk gets to see them only when
// the user wants that, for the trace is the same either way.
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>

#include "faults/doors/calls.h"
#include "faults/doors/door.h"
#include "faults/doors/memory_map.h"

namespace plugpull {
namespace {

using Moment = MappedFiles::Moment;

// Flags of a failed sync that has dropped nothing.
uint32_t DropFlags(int os_errno) { return os_errno == EINTR ? uint32_t{kNothingDropped} : 0U; }

// A sync of a file that fails by plan, or reports what an earlier one has kept quiet about.
// Returns: what the call returns; nothing: it succeeds.
std::optional<int64_t> FailedSync(Door& door, CallStop& call, OpKind kind, InodeId inode) {
  if (door.dropped_late.erase(inode) != 0) {
    door.recorder.Append(
        {.kind = kind, .result_errno = EIO, .inode = inode, .flags = kNothingDropped});
    return -EIO;
  }
  const auto failure = AskPlan(door, call, inode);
  if (!failure) return std::nullopt;
  if (failure->aftermath == Aftermath::kLate && failure->os_errno != EINTR) {
    door.recorder.Append({.kind = kind, .inode = inode, .flags = kDroppedLate});
    door.dropped_late.insert(inode);
    return 0;
  }
  door.recorder.Append({.kind = kind,
                        .result_errno = failure->os_errno,
                        .inode = inode,
                        .flags = DropFlags(failure->os_errno)});
  return -failure->os_errno;
}

template <typename Perform>
Expected<Answer> SyncFile(Door& door, CallStop& call, OpKind kind, const Perform& perform) {
  const auto found = FindOpenFile(door, call, call.Number(0));
  if (!found) return std::unexpected(found.error());
  if (!*found) return -EBADF;
  const auto& [file, inode] = **found;
  if (inode == kNoInode) return std::nullopt;
  if ((call.tracee().Flags(call.Number(0), file) & O_PATH) != 0) return -EBADF;
  if (const auto approached = Approach(door, Moment::kSync); !approached) {
    return std::unexpected(approached.error());
  }
  if (S_ISDIR(file.status.st_mode)) {
    const auto failure = AskPlan(door, call, inode);
    const int32_t os_errno = failure ? failure->os_errno : 0;
    door.recorder.Append(
        {.kind = OpKind::kSyncDirectory, .result_errno = os_errno, .inode = inode});
    if (os_errno != 0) return -os_errno;
  } else {
    if (const auto failed = FailedSync(door, call, kind, inode)) return *failed;
  }
  int64_t result = 0;
  if (door.real_sync) {
    result = call.Execute([&] { return ResultOf(perform(file.descriptor.number())); });
  }
  if (S_ISDIR(file.status.st_mode)) {
    door.recorder.trace().ops.back().result_errno = static_cast<int32_t>(-result);
    return result;
  }
  door.recorder.Append(
      {.kind = kind, .result_errno = static_cast<int32_t>(-result), .inode = inode});
  return result;
}

}  // namespace

Expected<Answer> HandleFsync(Door& door, CallStop& call) {
  return SyncFile(door, call, OpKind::kSync, [](int file) { return ::fsync(file); });
}

Expected<Answer> HandleFdatasync(Door& door, CallStop& call) {
  return SyncFile(door, call, OpKind::kDataSync, [](int file) { return ::fdatasync(file); });
}

Expected<Answer> HandleSyncFileRange(Door& door, CallStop& call) {
  const auto found = FindOpenFile(door, call, call.Number(0));
  if (!found) return std::unexpected(found.error());
  if (!*found) return -EBADF;
  const auto& [file, inode] = **found;
  if (inode == kNoInode || !S_ISREG(file.status.st_mode)) return std::nullopt;
  if (const auto approached = Approach(door, Moment::kSync); !approached) {
    return std::unexpected(approached.error());
  }
  const auto offset = static_cast<off_t>(call.Argument(1));
  const auto size = static_cast<off_t>(call.Argument(2));
  const auto flags = static_cast<unsigned>(call.Argument(3));
  constexpr unsigned kAllFlags =
      SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE | SYNC_FILE_RANGE_WAIT_AFTER;
  Op op{.kind = OpKind::kSyncRange,
        .inode = inode,
        .offset_bytes = static_cast<uint64_t>(offset),
        .size_bytes = static_cast<uint64_t>(size)};
  if (size == 0 && offset >= 0) {  // up to the end of the file
    op.size_bytes = static_cast<uint64_t>(std::max<off_t>(0, file.status.st_size - offset));
  }
  if (const auto failure = AskPlan(door, call, inode, op.offset_bytes, op.size_bytes)) {
    op.result_errno = failure->os_errno;
    door.recorder.Append(std::move(op));
    return -failure->os_errno;
  }
  // Without flags it does nothing, but says what is wrong with the rest.
  const unsigned wanted = door.real_sync ? flags : flags & ~kAllFlags;
  const int64_t result = call.Execute(
      [&] { return ResultOf(::sync_file_range(file.descriptor.number(), offset, size, wanted)); });
  // A mistake of the program's, not a failure of the disk.
  if (result < 0 && (!door.real_sync || result == -EINVAL)) return result;
  op.result_errno = static_cast<int32_t>(-result);
  door.recorder.Append(std::move(op));
  return result;
}

Expected<Answer> HandleMsync(Door& door, CallStop& call) {
  if (!door.mapped.any()) return std::nullopt;
  const auto ranges = SharedFilesAt(door, call.tracee(), call.Argument(0), call.Argument(1));
  if (!ranges) return std::unexpected(ranges.error());
  if (ranges->empty()) return std::nullopt;
  if (const auto approached = Approach(door, Moment::kSync); !approached) {
    return std::unexpected(approached.error());
  }
  // The program itself makes the call where there is something to sync, for the memory is its own;
  // else its arguments are all that can be wrong.
  const int flags = call.Number(2);
  const bool is_legal = (flags & ~(MS_ASYNC | MS_INVALIDATE | MS_SYNC)) == 0 &&
                        (flags & (MS_ASYNC | MS_SYNC)) != (MS_ASYNC | MS_SYNC) &&
                        call.Argument(0) % static_cast<uint64_t>(::sysconf(_SC_PAGESIZE)) == 0;
  if (!is_legal) return -EINVAL;
  const OpKind kind = (flags & MS_SYNC) != 0 ? OpKind::kSyncMapped : OpKind::kSyncRange;
  for (const MappedRange& range : *ranges) {
    Op op{.kind = kind,
          .inode = range.inode,
          .offset_bytes = range.offset_bytes,
          .size_bytes = range.size_bytes};
    const auto failure = AskPlan(door, call, range.inode, range.offset_bytes, range.size_bytes);
    if (failure) op.result_errno = failure->os_errno;
    door.recorder.Append(std::move(op));
    if (failure) return -failure->os_errno;
  }
  if (door.real_sync) return std::nullopt;
  return 0;
}

Expected<Answer> HandleSync(Door& door, CallStop& call) {
  if (const auto approached = Approach(door, Moment::kSync); !approached) {
    return std::unexpected(approached.error());
  }
  if (door.real_sync) {
    call.Execute([] {
      ::sync();
      return int64_t{0};
    });
  }
  door.recorder.Append({.kind = OpKind::kSyncAll});
  return 0;
}

Expected<Answer> HandleSyncfs(Door& door, CallStop& call) {
  const auto found = FindOpenFile(door, call, call.Number(0));
  if (!found) return std::unexpected(found.error());
  if (!*found) return -EBADF;
  const ProgramFile& file = (*found)->file;
  if (file.status.st_dev != door.device) return std::nullopt;
  if ((call.tracee().Flags(call.Number(0), file) & O_PATH) != 0) return -EBADF;
  if (const auto approached = Approach(door, Moment::kSync); !approached) {
    return std::unexpected(approached.error());
  }
  Op op{.kind = OpKind::kSyncAll};
  if (const auto failure = AskPlan(door, call, kRootInode)) {
    op.result_errno = failure->os_errno;
  } else if (door.real_sync) {
    const int64_t result =
        call.Execute([&] { return ResultOf(::syncfs(file.descriptor.number())); });
    op.result_errno = static_cast<int32_t>(-result);
  }
  const int64_t result = -int64_t{op.result_errno};
  door.recorder.Append(std::move(op));
  return result;
}

}  // namespace plugpull
