// Calls that move bytes from one file to another without the program touching them. Where they copy
// they are done as a read and a write, so that the bytes are known.
#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <vector>

#include "faults/doors/calls.h"
#include "faults/doors/door.h"
#include "faults/doors/file_limit.h"

namespace plugpull {
namespace {

constexpr uint64_t kMostAtOnce = uint64_t{8} << 20;  // callers go on where a call stopped

// One end of a copy: an open file, and where in it.
struct End {
  FileOnCall on{};
  uint64_t pointer = 0;  // to an offset in the program's memory; 0: the file's position
  int64_t offset = 0;
};

// Reads the offset of an end. Returns: the errno of the call, or 0.
Expected<int> ReadOffset(CallStop& call, End& end) {
  if (end.pointer == 0) {
    end.offset = ::lseek(end.on.file.descriptor.number(), 0, SEEK_CUR);
    return end.offset < 0 ? ESPIPE : 0;
  }
  const auto value = call.tracee().Read<int64_t>(end.pointer);
  if (!value) return std::unexpected(value.error());
  if (!*value) return EFAULT;
  end.offset = **value;
  return end.offset < 0 ? EINVAL : 0;
}

// Moves an end forward by what was copied.
int64_t Advance(CallStop& call, const End& end, int64_t count) {
  const int64_t offset = end.offset + count;
  if (end.pointer == 0) {
    return ResultOf(::lseek(end.on.file.descriptor.number(), offset, SEEK_SET)) < 0 ? -EIO : 0;
  }
  const auto written = call.tracee().Write(end.pointer, std::as_bytes(std::span(&offset, 1)));
  return written && *written == sizeof offset ? 0 : -EFAULT;
}

// Returns: whether a copy would read what it writes; up to the end of the file, as in the kernel.
bool Overlaps(const End& from, const End& to, uint64_t size) {
  if (from.on.inode != to.on.inode) return false;
  const int64_t available = std::max<int64_t>(0, from.on.file.status.st_size - from.offset);
  const auto count = static_cast<int64_t>(std::min(size, static_cast<uint64_t>(available)));
  return std::abs(from.offset - to.offset) < count;
}

Expected<Answer> Copy(Door& door, CallStop& call, End& from, End& to, uint64_t size) {
  if (const auto approached = Approach(door); !approached) {
    return std::unexpected(approached.error());
  }
  for (End* end : {&from, &to}) {
    const Expected<int> read = ReadOffset(call, *end);
    if (!read) return std::unexpected(read.error());
    if (*read != 0) return -*read;
  }
  const auto offset = static_cast<uint64_t>(to.offset);
  if (call.number() == SYS_copy_file_range && Overlaps(from, to, size)) return -EINVAL;
  size = std::min(size, kMostAtOnce);
  if (const auto failure = AskPlan(door, call, to.on.inode, offset, size)) {
    if (failure->os_errno != 0) return -failure->os_errno;
    size = failure->done_bytes;
  }
  const std::span<std::byte> room = door.recorder.Reserve(size);
  const ssize_t available =
      ::pread(from.on.file.descriptor.number(), room.data(), size, from.offset);
  if (available <= 0) {
    const int64_t result = ResultOf(available);
    door.recorder.DropReserved();
    return result;
  }
  auto count = static_cast<size_t>(available);
  const int64_t result = call.Execute([&]() -> int64_t {
    if (door.has_size_limits) {
      const int64_t allowed = AllowedBytes(call.tracee(), offset, count);
      if (allowed < 0) return allowed;
      count = static_cast<size_t>(allowed);
    }
    const int64_t written =
        ResultOf(::pwrite(to.on.file.descriptor.number(), room.data(), count, to.offset));
    if (written <= 0) return written;
    for (const End* end : {&from, &to}) {
      if (const int64_t moved = Advance(call, *end, written); moved < 0) return moved;
    }
    return written;
  });
  if (result <= 0) {
    door.recorder.DropReserved();
    return result;
  }
  door.recorder.AppendReserved(
      {.kind = OpKind::kWrite, .inode = to.on.inode, .offset_bytes = offset},
      static_cast<size_t>(result));
  const Trace& trace = door.recorder.trace();
  door.mapped.Wrote(to.on.inode, offset, trace.Payload(trace.ops.back()));
  return result;
}

// Returns: both files of a call; nothing when one is not open.
Expected<std::optional<std::pair<FileOnCall, FileOnCall>>> FindBoth(Door& door, CallStop& call,
                                                                    int first, int second) {
  auto one = FindOpenFile(door, call, first);
  if (!one) return std::unexpected(one.error());
  auto other = FindOpenFile(door, call, second);
  if (!other) return std::unexpected(other.error());
  if (!*one || !*other) return std::nullopt;
  return std::pair(std::move(**one), std::move(**other));
}

int FlagsOf(const FileOnCall& on) { return ::fcntl(on.file.descriptor.number(), F_GETFL); }

// Calls that fill a pipe or file from another one without a copy that we could see: a program that
// is told so falls back to read and write.
Expected<Answer> RefuseInto(Door& door, CallStop& call, int number) {
  const auto found = FindOpenFile(door, call, number);
  if (!found) return std::unexpected(found.error());
  if (!*found) return -EBADF;
  const bool is_ours = (*found)->inode != kNoInode || door.output.IsPipe((*found)->file.status);
  if (is_ours) return -EINVAL;
  return std::nullopt;
}

// Records a clone as the writes of shared bytes that it is.
void RecordClone(Door& door, const FileOnCall& from, const FileOnCall& to, uint64_t offset,
                 uint64_t size) {
  for (uint64_t done = 0; done < size;) {
    const uint64_t chunk = std::min(size - done, kMostAtOnce);
    const std::span<std::byte> room = door.recorder.Reserve(chunk);
    // They are the same bytes on both sides; the target's are where we know them to be.
    const ssize_t count =
        ::pread(to.file.descriptor.number(), room.data(), chunk, static_cast<off_t>(offset + done));
    if (count <= 0) {
      door.recorder.DropReserved();
      RecordUnmodelled(door, to.inode, "a clone whose bytes cannot be read");
      return;
    }
    Op op{.kind = OpKind::kWrite, .inode = to.inode, .offset_bytes = offset + done};
    if (from.inode != kNoInode) {
      op.kind = OpKind::kClone;
      op.other_inode = from.inode;
    }
    door.recorder.AppendReserved(std::move(op), static_cast<size_t>(count));
    const Trace& trace = door.recorder.trace();
    door.mapped.Wrote(to.inode, offset + done, trace.Payload(trace.ops.back()));
    done += static_cast<uint64_t>(count);
  }
}

Expected<Answer> Clone(Door& door, CallStop& call, const FileOnCall& to) {
  file_clone_range range{
      .src_fd = call.Number(2), .src_offset = 0, .src_length = 0, .dest_offset = 0};
  if (call.Number(1) == static_cast<int>(FICLONERANGE)) {
    const auto given = call.tracee().Read<file_clone_range>(call.Argument(2));
    if (!given) return std::unexpected(given.error());
    if (!*given) return -EFAULT;
    range = **given;
  }
  const auto from = FindOpenFile(door, call, static_cast<int>(range.src_fd));
  if (!from) return std::unexpected(from.error());
  if (!*from) return -EBADF;
  if (const auto failure = AskPlan(door, call, to.inode)) return -failure->os_errno;
  range.src_fd = (*from)->file.descriptor.number();
  const int64_t result = call.Execute(
      [&] { return ResultOf(::ioctl(to.file.descriptor.number(), FICLONERANGE, &range)); });
  if (result < 0) return result;
  uint64_t size = range.src_length;
  if (size == 0) size = static_cast<uint64_t>((*from)->file.status.st_size) - range.src_offset;
  RecordClone(door, **from, to, range.dest_offset, size);
  return result;
}

}  // namespace

Expected<Answer> HandleSendfile(Door& door, CallStop& call) {
  auto both = FindBoth(door, call, call.Number(1), call.Number(0));
  if (!both) return std::unexpected(both.error());
  if (!*both) return -EBADF;
  End from{.on = std::move((*both)->first), .pointer = call.Argument(2)};
  End to{.on = std::move((*both)->second)};
  if (door.output.IsPipe(to.on.file.status)) return -EINVAL;
  if (to.on.inode == kNoInode) return std::nullopt;
  if (!call.performs()) return -EINVAL;
  if (!S_ISREG(from.on.file.status.st_mode) || (FlagsOf(to.on) & O_APPEND) != 0) return -EINVAL;
  return Copy(door, call, from, to, call.Argument(3));
}

Expected<Answer> HandleCopyFileRange(Door& door, CallStop& call) {
  auto both = FindBoth(door, call, call.Number(0), call.Number(2));
  if (!both) return std::unexpected(both.error());
  if (!*both) return -EBADF;
  End from{.on = std::move((*both)->first), .pointer = call.Argument(1)};
  End to{.on = std::move((*both)->second), .pointer = call.Argument(3)};
  if (to.on.inode == kNoInode) return std::nullopt;
  if (!call.performs()) return -EINVAL;
  if (call.Argument(5) != 0 || !S_ISREG(from.on.file.status.st_mode)) return -EINVAL;
  if ((FlagsOf(to.on) & O_APPEND) != 0) return -EBADF;
  if ((FlagsOf(to.on) & O_ACCMODE) == O_RDONLY) return -EBADF;
  return Copy(door, call, from, to, call.Argument(4));
}

Expected<Answer> HandleSplice(Door& door, CallStop& call) {
  return RefuseInto(door, call, call.Number(2));
}

Expected<Answer> HandleVmsplice(Door& door, CallStop& call) {
  return RefuseInto(door, call, call.Number(0));
}

Expected<Answer> HandleTee(Door& door, CallStop& call) {
  return RefuseInto(door, call, call.Number(1));
}

Expected<Answer> HandleIoctl(Door& door, CallStop& call) {
  const auto found = FindOpenFile(door, call, call.Number(0));
  if (!found) return std::unexpected(found.error());
  if (!*found) return -EBADF;
  if ((*found)->inode == kNoInode) return std::nullopt;
  if (const auto approached = Approach(door); !approached) {
    return std::unexpected(approached.error());
  }
  const auto request = static_cast<uint32_t>(call.Argument(1));
  const bool clones = request == FICLONE || request == FICLONERANGE;
  if (clones && !call.performs()) return -EOPNOTSUPP;
  if (clones) return Clone(door, call, **found);
  RecordUnmodelled(door, (*found)->inode, "ioctl that changes a file in a way of its own");
  return std::nullopt;
}

}  // namespace plugpull
