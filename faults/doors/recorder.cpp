#include "faults/doors/recorder.h"

#include <utility>

#include "faults/base/assert.h"

namespace plugpull {

void Recorder::Append(Op op, std::span<const std::byte> bytes) {
  op.payload_offset = trace_.payload.size();
  op.size_bytes = bytes.size();
  trace_.payload.insert(trace_.payload.end(), bytes.begin(), bytes.end());
  Append(std::move(op));
}

std::span<std::byte> Recorder::Reserve(size_t size_bytes) {
  reserved_at_ = trace_.payload.size();
  trace_.payload.resize(reserved_at_ + size_bytes);
  return std::span(trace_.payload).subspan(reserved_at_);
}

void Recorder::AppendReserved(Op op, size_t size_bytes) {
  Assert(reserved_at_ + size_bytes <= trace_.payload.size(), "a payload fits the room for it");
  op.payload_offset = reserved_at_;
  op.size_bytes = size_bytes;
  trace_.payload.resize(reserved_at_ + size_bytes);
  Append(std::move(op));
}

void Recorder::DropReserved() { trace_.payload.resize(reserved_at_); }

}  // namespace plugpull
