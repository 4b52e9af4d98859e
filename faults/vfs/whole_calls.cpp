#include "faults/vfs/whole_calls.h"

#include "faults/inject/failure_point.h"

namespace plugpull {

Expected<size_t> ReadFully(VfsFile& file, uint64_t offset_bytes, std::span<std::byte> out) {
  if (!FailuresArmed()) return file.Read(offset_bytes, out);
  size_t done = 0;
  while (true) {
    const Expected<size_t> read =
        RetryInterrupted([&] { return file.Read(offset_bytes + done, out.subspan(done)); });
    if (!read) return read;
    done += *read;
    if (*read == 0 || done == out.size()) return done;
  }
}

Expected<void> WriteFully(VfsFile& file, uint64_t offset_bytes, std::span<const std::byte> data) {
  while (true) {
    Expected<void> written = RetryInterrupted([&] { return file.Write(offset_bytes, data); });
    if (written || written.error().done_bytes == 0) return written;
    offset_bytes += written.error().done_bytes;
    data = data.subspan(written.error().done_bytes);
  }
}

}  // namespace plugpull
