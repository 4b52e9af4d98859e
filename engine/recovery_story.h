// What happened to a store, from the operations that a crash lost to what recovery did then: the
// facts from which an engine tells, in its own words, how it came to what it shows
// (EngineType::Retell).
//
// Files are named here as in the trace and on a Vfs. A teller says only what it finds in these
// facts: no word about a journal that was rolled back unless a journal was found and read.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/engine.h"
#include "faults/persistence/atom.h"
#include "faults/trace/trace.h"
#include "faults/vfs/image.h"
#include "faults/vfs/watching_vfs.h"

namespace plugpull {

// One call of the engine while it recovered, was checked and was read.
struct StoryCall {
  VfsCall call;
  bool is_opening = true;  // while it opened the store, which is recovery proper

  bool operator==(const StoryCall&) const = default;
};

// An operation that the crash lost, wholly or in part.
struct LostOperation {
  size_t number = 0;         // index in Trace::ops
  uint32_t transaction = 0;  // begun last before it; 0: none
  std::string path;          // of the file, as the program named it when it made the call
  bool is_whole = true;      // nothing of it is left
  // Of a write, the bytes of the file that are lost; empty where only its growth of the file is.
  std::vector<std::pair<uint64_t, uint64_t>> ranges = {};  // [first, second), ascending
};

struct RecoveryStory {
  const EngineOptions& options;
  const Trace& trace;   // ends at the crash
  const Image& issued;  // the files as the program had left them
  const Image& found;   // the files as recovery finds them
  std::span<const LostOperation> lost;
  std::span<const StoryCall> calls = {};         // empty: nobody saw them
  std::optional<uint32_t> shows = std::nullopt;  // the transaction whose contents it showed
};

// Returns: the file that a path names in an image; null: none does.
const FileContent* FindFile(const Image& image, std::string_view path);

// Returns: whether the engine did this to a file while it opened the store, and succeeded.
bool HasDone(const RecoveryStory& story, VfsCallKind kind, std::string_view path);

// Returns: the number of the transaction that was begun last before an operation; 0: none.
uint32_t TransactionAt(const Trace& trace, size_t operation);

// Returns: the operation, as people are told of it: "operation 12 of transaction 3".
std::string PlaceOf(const LostOperation& lost);

// Returns: the last operation before `end` that put bytes into a file or cut it, with the inode;
// nothing: there is none.
std::optional<size_t> LastChange(const Trace& trace, InodeId inode, size_t end);

}  // namespace plugpull
