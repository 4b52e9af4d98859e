// Which fields of an Op mean something, by kind, and what they may hold whatever came before.
#pragma once

#include <cstddef>
#include <cstdint>

#include "faults/trace/trace.h"

namespace plugpull {

// What is wrong with an operation, as the end of a sentence; nullptr: nothing.
using Complaint = const char*;

// What Op::name holds.
enum class NameUse : uint8_t {
  kNone,
  kPlace,  // with Op::directory, a name in it
  kKey,    // of an attribute
  kText,   // for people
};

// The fields of an Op that a kind may use.
struct OpFields {
  bool inode = false;
  NameUse name = NameUse::kNone;
  bool other_place = false;  // other_directory, other_name
  bool offset = false;
  bool size = false;
  bool payload = false;  // payload_offset
  bool transaction = false;
  bool other_inode = false;
  uint32_t flags = 0;  // those that it may have
};

// Returns: the fields of an operation of `kind` that ended with `result_errno`.
OpFields FieldsOf(OpKind kind, int32_t result_errno);

// Returns: what is wrong with `op`, taken by itself, in a trace of `payload_bytes`.
Complaint CheckFields(const Op& op, size_t payload_bytes);

}  // namespace plugpull
