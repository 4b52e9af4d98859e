// What one operation does to the disk, before tearing cuts it into atoms.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "faults/trace/trace.h"

namespace plugpull {

enum class EffectKind : uint8_t {
  kInode,      // a file, directory or link comes into existence (atom I)
  kName,       // a name cell is set or cleared (atoms D+ and D-)
  kData,       // bytes of a write or of a mapped page (atoms W and M)
  kSize,       // the size is raised, by a write (atom S) or by fallocate (part of atom P)
  kTruncate,   // the size is set by a call, and what lies beyond it is forgotten (atom T)
  kZero,       // a range reads as zeros: punched or zeroed (atom P)
  kClone,      // a range shares the bytes of another file (atom C)
  kAttribute,  // an attribute or extended attribute is set or removed (atoms A and X)
};

struct Effect {
  EffectKind kind = EffectKind::kInode;
  uint8_t part = 0;  // kName: see AtomId::index
  bool is_directory = false;
  bool floating = false;  // kSize: raised by a write, so that its place in the order of metadata is
                          // settled when that is written back
  bool failed = false;    // kData: a sync that failed has dropped it; no later sync covers it
  bool mapped = false;    // kData: a page of a shared mapping
  bool is_whole = false;  // kData: survives as one, whatever the tear
  bool is_partial = false;   // kData, kZero, kClone: only a part of the bytes of the operation
  bool replaces = false;     // kName: the new name of a rename, and it stood for something
  uint32_t op = 0;           // index in Trace::ops
  InodeId inode = kNoInode;  // kName: what the cell stands for afterwards, kNoInode when cleared
  InodeId directory = kNoInode;  // kName only
  std::string_view name{};       // kName, kAttribute: points into the trace
  uint64_t size_highest = 0;     // kData: the largest size that the program saw before
  uint64_t size_origin = 0;      // kSize: size_before of the whole operation
  uint64_t size_before = 0;      // kSize, kTruncate, kData: the size that the program saw before
  uint64_t size_after = 0;
  uint64_t begin_bytes = 0;  // kSize: where its write begins. kData, kZero, kClone: the bytes of
                             // the file that are meant; of a
  uint64_t end_bytes = 0;    // write, what is not yet durable
  uint32_t group = 0;        // effects of one nonzero group survive together
  uint32_t epoch = 0;        // how many syncs returned success before, where they are barriers
  // kName: the inodes whose attributes change with the name: the one named, the one replaced.
  std::array<InodeId, 2> touched{};
};

}  // namespace plugpull
