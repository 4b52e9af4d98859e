// What a call did beyond what it returned. A Vfs that injects failures writes it; the recorder
// above takes it after each call, so that the trace holds what really happened.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

namespace plugpull {

struct CallReport {
  // Bytes that were dropped by a failed sync and will be written after all: a later call has made
  // their page dirty again. They come before what that call writes.
  struct Rewritten {
    uint64_t offset_bytes = 0;
    std::vector<std::byte> bytes;
  };

  uint32_t sync_flags = 0;             // OpFlag of a sync
  std::optional<uint64_t> size_bytes;  // of a file whose size a failed sync has changed
  std::vector<Rewritten> rewritten;
};

}  // namespace plugpull
