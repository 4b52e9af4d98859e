// Stores to shared mappings, which make no call. Each mapped file is compared with a shadow, what
// it held when it was looked at last; what differs is recorded as writes of whole pages (kMapped).
//
// Stores between two looks have no order that anybody could know: their pages are recorded in order
// of their offsets, right before the call at which they were found.
//
// A look costs time that grows with the data of the mapped files. So they are looked at before
// every call only as long as they hold little (kOftenBytes together), else at the moments at which
// it matters what came before.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "faults/base/error.h"
#include "faults/doors/recorder.h"
#include "faults/trace/trace.h"

namespace plugpull {

class MappedFiles {
 public:
  static constexpr uint64_t kOftenBytes = uint64_t{1} << 20;

  // When somebody looks.
  enum class Moment : uint8_t {
    kCall,  // before a call on a recorded file, whatever it is
    kSync,  // before one that makes something durable, on whichever file
    kLine,  // before a line of output is an event
    kEnd,   // all processes have ended
  };

  // Requires: `recorder` outlives this.
  explicit MappedFiles(Recorder& recorder);
  ~MappedFiles();
  MappedFiles(const MappedFiles&) = delete;
  MappedFiles& operator=(const MappedFiles&) = delete;

  // Says that the program is about to map a file shared, so that it may store to it from now on.
  // Called at each such mapping before it is made; a file that is known already stays as it is.
  // What the file holds now is in the trace already. `descriptor` is ours for the time of the call,
  // open for reading and writing, and shares its position and locks with the program's: what is
  // kept must be a fresh open of /proc/self/fd/N, or locks would outlive the program's.
  // Errors: the file cannot be opened or mapped by us.
  Expected<void> Add(InodeId inode, int descriptor);

  // Returns: whether any file is mapped, or was.
  bool any() const { return any_; }

  // Appends the pages that have changed since the last look, if this is a moment to look.
  // Errors: a file cannot be read any more.
  Expected<void> Look(Moment moment);

  // What performed calls have just done to a file, which is in the trace already. Of files that are
  // not mapped: nothing happens.
  void Wrote(InodeId inode, uint64_t offset_bytes, std::span<const std::byte> bytes);
  void Resized(InodeId inode, uint64_t size_bytes);  // what was cut off reads as zeros later
  void Zeroed(InodeId inode, uint64_t offset_bytes, uint64_t size_bytes);  // the size stays

 private:
  struct State;

  bool any_ = false;
  std::unique_ptr<State> state_;
};

}  // namespace plugpull
