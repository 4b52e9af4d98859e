// write(2) and its relatives: bytes from the program's memory to a file, or to its standard output.
#include <fcntl.h>
#include <linux/fs.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <climits>
#include <csignal>
#include <memory>
#include <optional>
#include <vector>

#include "faults/base/bytes.h"
#include "faults/doors/calls.h"
#include "faults/doors/door.h"
#include "faults/doors/file_limit.h"

namespace plugpull {
namespace {

constexpr uint64_t kMostBytes = 0x7ffff000;  // that one call writes (MAX_RW_COUNT)
constexpr size_t kAlignment = 4096;          // of memory for O_DIRECT, on every disk
constexpr int kAppend = 0x10;                // RWF_APPEND
constexpr int kNoAppend = 0x20;              // RWF_NOAPPEND
constexpr int kAtomic = 0x40;                // RWF_ATOMIC

struct Piece {
  uint64_t address = 0;
  uint64_t size_bytes = 0;
};

// One call that writes, whatever its name.
struct WriteRequest {
  std::vector<Piece> pieces{};
  uint64_t size_bytes = 0;
  std::optional<int64_t> offset{};  // else at the position of the open file
  int flags = 0;                    // RWF_...
};

// Copies what the call wants written, up to the first byte that cannot be read.
Expected<size_t> ReadPieces(CallStop& call, const WriteRequest& request, std::span<std::byte> out) {
  size_t done = 0;
  for (const Piece& piece : request.pieces) {
    const size_t size = std::min<uint64_t>(piece.size_bytes, out.size() - done);
    const Expected<size_t> count = call.tracee().Read(piece.address, out.subspan(done, size));
    if (!count) return count;
    done += *count;
    if (*count < size) break;
  }
  return done;
}

// Memory for O_DIRECT. The copy begins as far from the start of a page as the program's own memory
// does, so that a disk that refuses the one refuses the other.
class DirectBuffer {
 public:
  DirectBuffer(std::span<const std::byte> bytes, uint64_t address)
      : room_(bytes.size() + 2 * kAlignment) {
    const auto begin = reinterpret_cast<uint64_t>(room_.data());
    const uint64_t to_page = (kAlignment - begin % kAlignment) % kAlignment;
    at_ = room_.data() + to_page + address % kAlignment;
    std::ranges::copy(bytes, at_);
  }

  const std::byte* data() const { return at_; }

 private:
  std::vector<std::byte> room_;
  std::byte* at_ = nullptr;
};

int64_t PerformWrite(const WriteRequest& request, const ProgramFile& file, bool real_sync,
                     std::span<const std::byte> bytes) {
  const int descriptor = file.descriptor.number();
  if (request.flags != 0) {
    const iovec vector{const_cast<std::byte*>(bytes.data()), bytes.size()};
    // The sync is recorded; whether the disk sees one is another matter.
    const int flags = real_sync ? request.flags : request.flags & ~(RWF_DSYNC | RWF_SYNC);
    return ResultOf(::pwritev2(descriptor, &vector, 1, request.offset.value_or(-1), flags));
  }
  if (request.offset) {
    return ResultOf(::pwrite(descriptor, bytes.data(), bytes.size(), *request.offset));
  }
  return ResultOf(::write(descriptor, bytes.data(), bytes.size()));
}

bool Appends(const WriteRequest& request, int file_flags) {
  if ((request.flags & kNoAppend) != 0) return false;
  return (file_flags & O_APPEND) != 0 || (request.flags & kAppend) != 0;
}

uint64_t SizeOf(const ProgramFile& file) {
  struct stat status = {};
  return ::fstat(file.descriptor.number(), &status) == 0 ? static_cast<uint64_t>(status.st_size)
                                                         : 0;
}

// Returns: the flags that say which sync the write returned with, nothing when with none.
std::optional<uint32_t> SyncFlagsOf(const WriteRequest& request, int file_flags) {
  const bool full = (file_flags & O_SYNC) == O_SYNC || (request.flags & RWF_SYNC) != 0;
  if (full) return kFullSync;
  const bool data = (file_flags & O_DSYNC) != 0 || (request.flags & RWF_DSYNC) != 0;
  return data ? std::optional<uint32_t>(0) : std::nullopt;
}

Expected<Answer> WriteToFile(Door& door, CallStop& call, const WriteRequest& request,
                             const ProgramFile& file, InodeId inode) {
  const int number = call.Number(0);
  const int flags = call.tracee().Flags(number, file);
  const std::optional<uint32_t> sync = SyncFlagsOf(request, flags);
  const auto moment = sync ? MappedFiles::Moment::kSync : MappedFiles::Moment::kCall;
  if (const auto approached = Approach(door, moment); !approached) {
    return std::unexpected(approached.error());
  }
  const bool appends = Appends(request, flags);
  uint64_t wanted = request.size_bytes;
  const auto begin = [&]() -> uint64_t {
    if (appends) return SizeOf(file);
    return request.offset ? static_cast<uint64_t>(*request.offset)
                          : call.tracee().Position(number, file);
  };
  if (door.failures.any()) {
    const auto failure = AskPlan(door, call, inode, begin(), wanted);
    if (failure && failure->os_errno != 0) return -failure->os_errno;
    if (failure) wanted = failure->done_bytes;
  }
  const std::span<std::byte> room = door.recorder.Reserve(wanted);
  const Expected<size_t> readable = ReadPieces(call, request, room);
  if (!readable) {
    door.recorder.DropReserved();
    return std::unexpected(readable.error());
  }
  if (*readable == 0 && wanted != 0) {
    door.recorder.DropReserved();
    return -EFAULT;
  }
  std::span<const std::byte> bytes = room.first(*readable);
  const int64_t result = call.Execute([&]() -> int64_t {
    if (door.has_size_limits && !bytes.empty()) {
      const int64_t allowed = AllowedBytes(call.tracee(), begin(), bytes.size());
      if (allowed < 0) return allowed;
      bytes = bytes.first(static_cast<size_t>(allowed));
    }
    if ((flags & O_DIRECT) == 0) return PerformWrite(request, file, door.real_sync, bytes);
    const DirectBuffer direct(bytes, request.pieces.empty() ? 0 : request.pieces[0].address);
    return PerformWrite(request, file, door.real_sync, std::span(direct.data(), bytes.size()));
  });
  if (result <= 0) {
    door.recorder.DropReserved();
    return result;
  }
  const auto written = static_cast<uint64_t>(result);
  uint64_t offset = request.offset ? static_cast<uint64_t>(*request.offset) : 0;
  if (!request.offset) offset = call.tracee().Position(number, file) - written;
  if (request.offset && appends) offset = SizeOf(file) - written;
  uint32_t op_flags = (flags & O_DIRECT) != 0 ? uint32_t{kDirect} : 0U;
  if ((request.flags & kAtomic) != 0) op_flags |= kUntorn;
  door.recorder.AppendReserved(
      {.kind = OpKind::kWrite, .inode = inode, .offset_bytes = offset, .flags = op_flags}, written);
  if (door.mapped.any()) {
    const Trace& trace = door.recorder.trace();
    door.mapped.Wrote(inode, offset, trace.Payload(trace.ops.back()));
  }
  if (sync) {
    door.recorder.Append({.kind = OpKind::kSyncWrite,
                          .inode = inode,
                          .offset_bytes = offset,
                          .size_bytes = written,
                          .flags = *sync});
  }
  return result;
}

// What goes to the standard output ends here: the pipe stays empty.
Expected<Answer> WriteToOutput(Door& door, CallStop& call, const WriteRequest& request) {
  std::vector<std::byte> text(request.size_bytes);
  const Expected<size_t> readable = ReadPieces(call, request, text);
  if (!readable) return std::unexpected(readable.error());
  if (*readable == 0 && !text.empty()) return -EFAULT;
  const std::string_view taken = AsText(std::span(text).first(*readable));
  if (taken.contains('\n') && door.mapped.any()) {
    if (const auto looked = door.mapped.Look(MappedFiles::Moment::kLine); !looked) {
      return std::unexpected(looked.error());
    }
  }
  door.output.Append(taken);
  return static_cast<int64_t>(*readable);
}

Expected<Answer> Handle(Door& door, CallStop& call, const WriteRequest& request) {
  const auto found = FindOpenFile(door, call, call.Number(0));
  if (!found) return std::unexpected(found.error());
  if (!*found) return -EBADF;
  const auto& [file, inode] = **found;
  if (door.output.IsPipe(file.status)) {
    // Who may not write to it gets what the kernel says.
    const bool writes = (call.tracee().Flags(call.Number(0), file) & O_ACCMODE) != O_RDONLY;
    if (!writes || request.offset) return std::nullopt;
    return WriteToOutput(door, call, request);
  }
  if (inode == kNoInode) return std::nullopt;
  return WriteToFile(door, call, request, file, inode);
}

// Reads the vector of a call; the errno of the call where that is not possible.
Expected<int> ReadVector(CallStop& call, WriteRequest& request) {
  const uint64_t count = call.Argument(2);
  if (count > IOV_MAX) return EINVAL;
  std::vector<iovec> vectors(count);
  const auto bytes = std::as_writable_bytes(std::span(vectors));
  const Expected<size_t> read = call.tracee().Read(call.Argument(1), bytes);
  if (!read) return std::unexpected(read.error());
  if (*read < bytes.size()) return EFAULT;
  for (const iovec& vector : vectors) {
    if (vector.iov_len > static_cast<uint64_t>(SSIZE_MAX)) return EINVAL;
    const uint64_t size = std::min<uint64_t>(vector.iov_len, kMostBytes - request.size_bytes);
    request.pieces.push_back({reinterpret_cast<uint64_t>(vector.iov_base), size});
    request.size_bytes += size;
  }
  return 0;
}

Expected<Answer> HandleVector(Door& door, CallStop& call, WriteRequest request) {
  const Expected<int> read = ReadVector(call, request);
  if (!read) return std::unexpected(read.error());
  // Only the kernel knows which of several mistakes it names first.
  if (*read != 0) return std::nullopt;
  return Handle(door, call, request);
}

WriteRequest PlainRequest(const CallStop& call) {
  const uint64_t size = std::min(call.Argument(2), kMostBytes);
  return {.pieces = {{call.Argument(1), size}}, .size_bytes = size};
}

}  // namespace

Expected<Answer> HandleWrite(Door& door, CallStop& call) {
  return Handle(door, call, PlainRequest(call));
}

Expected<Answer> HandlePwrite(Door& door, CallStop& call) {
  WriteRequest request = PlainRequest(call);
  request.offset = static_cast<int64_t>(call.Argument(3));
  if (*request.offset < 0) return -EINVAL;
  return Handle(door, call, request);
}

Expected<Answer> HandleWritev(Door& door, CallStop& call) { return HandleVector(door, call, {}); }

Expected<Answer> HandlePwritev(Door& door, CallStop& call) {
  const auto offset = static_cast<int64_t>(call.Argument(3));
  if (offset < 0) return -EINVAL;
  return HandleVector(door, call, {.offset = offset});
}

Expected<Answer> HandlePwritev2(Door& door, CallStop& call) {
  const auto offset = static_cast<int64_t>(call.Argument(3));
  if (offset < -1) return -EINVAL;
  WriteRequest request{.flags = call.Number(5)};
  if (offset >= 0) request.offset = offset;
  return HandleVector(door, call, std::move(request));
}

}  // namespace plugpull
