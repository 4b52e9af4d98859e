// The options of the `files` target: which update protocol, and which of its syncs it leaves out.
#pragma once

#include <cstdint>
#include <vector>

#include "engine/engine.h"

namespace plugpull::strategies {

enum class Protocol : uint8_t {
  kInPlace,
  kAppend,
  kReplace,
  kDoubleWrite,
  kWal,
  kPreallocated,
  kManifest,
};

// How what was written to a file is made durable.
enum class FileSync : uint8_t { kNone, kFull, kData, kSynchronousWrites, kRange };

struct FilesOptions {
  Protocol protocol = Protocol::kAppend;
  FileSync sync = FileSync::kFull;  // of the file that a commit lives in
  bool sync_before = true;          // the step that has to come before it: journal, data file
  bool sync_after = true;           // the step that frees what it was needed for: table, CURRENT
  bool sync_directory = true;
  bool checksums = true;
  bool rotate = true;
  uint32_t every = 8;  // commits between two rotations, checkpoints or compactions
  uint32_t group = 1;  // transactions that share a sync
  bool early_acknowledgement = false;
};

const std::vector<OptionSpec>& FilesOptionSpecs();

// Errors: kInvalidArgument: options that make no sense together, with the nearest word.
Expected<FilesOptions> ParseFilesOptions(const EngineOptions& options);

}  // namespace plugpull::strategies
