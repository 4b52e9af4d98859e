// The trace of a traced program while it is written.
#pragma once

#include <cstddef>
#include <span>

#include "faults/trace/trace.h"

namespace plugpull {

class Recorder {
 public:
  // Keeps room for this much payload, untouched and so for nothing, before it has to move any.
  static constexpr size_t kRoomBytes = size_t{1} << 28;

  Recorder() { trace_.payload.reserve(kRoomBytes); }

  const Trace& trace() const { return trace_; }
  Trace& trace() { return trace_; }

  void Append(Op op) { trace_.ops.push_back(std::move(op)); }

  // Appends an operation that has `bytes` as its payload; sets its size.
  void Append(Op op, std::span<const std::byte> bytes);

  // Makes room for a payload before it is known whether there will be an operation with it.
  // Returns: the room, valid until the next change of the trace.
  std::span<std::byte> Reserve(size_t size_bytes);

  // Appends an operation whose payload is the first `size_bytes` of the room that was reserved.
  // Requires: nothing was appended since Reserve.
  void AppendReserved(Op op, size_t size_bytes);

  // Gives the room back. Requires: as AppendReserved.
  void DropReserved();

 private:
  Trace trace_;
  size_t reserved_at_ = 0;
};

}  // namespace plugpull
