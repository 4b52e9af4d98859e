// How far SQLite believes a write-ahead log: up to the last frame that commits, along the chain of
// checksums and salts (SQLite file format, section 4).
#pragma once

#include <cstdint>

#include "faults/vfs/file_content.h"

namespace plugpull {

struct WalFrames {
  bool has_header = false;  // and its checksum fits
  uint32_t valid = 0;       // frames whose salts and checksums fit
  uint32_t committed = 0;   // of them, those up to the last one that commits
  uint32_t commits = 0;     // frames that commit, among them
  uint64_t frame_bytes = 0;
};

WalFrames ReadWalFrames(const FileContent& file);

}  // namespace plugpull
