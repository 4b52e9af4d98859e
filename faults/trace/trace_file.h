// Traces as files. The format is a container (container.h) with five sections:
//
//   facts         count, then key and value as strings, keys increasing
//   transactions  count, then for each: count of changes, then for each: key, u8 1 and the value,
//                 or u8 0 for a deletion
//   ops           count, then for each: u8 kind, varint with a bit for each field that is not zero,
//                 those fields in the order of Op
//   payload       the bytes of all writes, links, clones and attributes
//   sites         count, then for each: count of frames, then the frames as strings
//
// Counts and numbers are varints (bytes.h). The same trace gives the same bytes.
//
// Version 1 ends with the kind kAcknowledge and the field transaction, version 2 with the field
// flags. Neither has sites. They are read as they always were.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "faults/base/error.h"
#include "faults/trace/container.h"
#include "faults/trace/trace.h"

namespace plugpull {

inline constexpr ContainerFormat kTraceFormat = {
    .magic = "PPTRACE\n", .version = 3, .what = "trace", .cure = "record it again"};

// Requires: the trace is valid (validate.h); otherwise it will not read back.
std::vector<std::byte> EncodeTrace(const Trace& trace);

// Returns: a valid trace. Errors: kTooNew, kCorrupt, also when it says that it holds more than
// `most_bytes` once it is unpacked; the text is a sentence about "this trace".
Expected<Trace> DecodeTrace(std::span<const std::byte> bytes,
                            uint64_t most_bytes = kMaxContainerBytes);

// Writes the trace to `path` in one step (atomic_file.h).
// Errors: kInvalidArgument when it would not read back, or what the file system says.
Expected<void> SaveTrace(const std::string& path, const Trace& trace);

// Errors: as DecodeTrace and ReadWholeFile; the text starts with the path.
Expected<Trace> LoadTrace(const std::string& path);

}  // namespace plugpull
