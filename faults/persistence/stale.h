// What a block held before a file got it. Real file systems that expose such blocks show whatever
// was there; this shows bytes that no engine could have meant, the same every time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "faults/base/random.h"

namespace plugpull {

// Returns: the stale byte at an offset of a file. Never 0, and no letter.
inline std::byte StaleByte(uint64_t offset_bytes) {
  const uint64_t word = Mix64(offset_bytes / 8 + 0x5354414c45ULL);
  return static_cast<std::byte>((word >> (offset_bytes % 8 * 8) & 0xff) | 0x80);
}

inline void FillWithStaleBytes(uint64_t offset_bytes, std::span<std::byte> out) {
  for (size_t i = 0; i < out.size(); ++i) out[i] = StaleByte(offset_bytes + i);
}

}  // namespace plugpull
