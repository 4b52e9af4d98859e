// Calls as a careful program makes them: it goes on after a short count, and asks again when a
// signal got in between. A linked engine calls these where the original has such a loop, so that
// what it absorbs there is absorbed here, and what it does not is seen.
//
// Without injected failures no call is short or interrupted, and none of this costs anything.
#pragma once

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <span>

#include "faults/vfs/vfs.h"

namespace plugpull {

// Returns: what `call` returned the first time that no signal interrupted it.
template <typename Call>
auto RetryInterrupted(Call call) {
  auto outcome = call();
  while (!outcome && outcome.error().os_errno == EINTR) outcome = call();
  return outcome;
}

// Returns: the bytes read, fewer than asked only at the end of the file.
Expected<size_t> ReadFully(VfsFile& file, uint64_t offset_bytes, std::span<std::byte> out);

// Writes until all is written or a call fails; then part of `data` may be in the file.
Expected<void> WriteFully(VfsFile& file, uint64_t offset_bytes, std::span<const std::byte> data);

}  // namespace plugpull
