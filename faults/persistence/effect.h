// What one operation does to the disk, before tearing cuts it into atoms.
#pragma once

#include <cstdint>
#include <string_view>

#include "faults/trace/trace.h"

namespace plugpull {

enum class EffectKind : uint8_t {
  kInode,     // a file or directory comes into existence (atom I)
  kName,      // a name cell is set or cleared (atoms D+ and D-)
  kData,      // bytes of a write (atoms W)
  kSize,      // the size is raised by a write (atoms S)
  kTruncate,  // the size is set by a call, and what lies beyond it is forgotten (atom T)
};

struct Effect {
  EffectKind kind = EffectKind::kInode;
  uint8_t part = 0;  // tells the two names of one rename apart
  bool is_directory = false;
  uint32_t op = 0;           // index in Trace::ops
  InodeId inode = kNoInode;  // kName: what the cell stands for afterwards, kNoInode when cleared
  InodeId directory = kNoInode;  // kName only
  std::string_view name{};       // kName only; points into the trace
  uint64_t size_before = 0;      // kSize, kTruncate: the size that the program saw before
  uint64_t size_after = 0;
  uint32_t group = 0;  // effects of one nonzero group survive together
};

}  // namespace plugpull
