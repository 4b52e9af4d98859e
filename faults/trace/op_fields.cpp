#include "faults/trace/op_fields.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "faults/trace/validate.h"

namespace plugpull {
namespace {

constexpr int32_t kMaxErrno = 4095;  // what the kernel can return
constexpr size_t kMaxNameBytes = 255;

// What fallocate(2) can be asked for, of what OpFlag can say.
constexpr std::array<uint32_t, 5> kAllocations = {0, kKeepSize, kPunchHole | kKeepSize, kZeroRange,
                                                  kZeroRange | kKeepSize};

bool IsText(std::string_view text) {
  return !text.empty() && text.size() <= kMaxNameBytes && text.find('\0') == text.npos;
}

bool IsPlaceName(std::string_view name) {
  return IsText(name) && name != "." && name != ".." && name.find('/') == name.npos;
}

Complaint CheckUnused(const Op& op, const OpFields& fields) {
  const bool clean =
      (fields.inode || op.inode == kNoInode) &&
      (fields.name == NameUse::kPlace || op.directory == kNoInode) &&
      (fields.name != NameUse::kNone || op.name.empty()) &&
      (fields.other_place || (op.other_directory == kNoInode && op.other_name.empty())) &&
      (fields.offset || op.offset_bytes == 0) && (fields.size || op.size_bytes == 0) &&
      (fields.payload || op.payload_offset == 0) && (fields.transaction || op.transaction == 0) &&
      (fields.other_inode || op.other_inode == kNoInode) && (op.flags & ~fields.flags) == 0 &&
      (!fields.transaction || op.site == 0);
  return clean ? nullptr : "a field is set that its kind does not use";
}

Complaint CheckNames(const Op& op, const OpFields& fields) {
  const bool may_be_empty = op.result_errno != 0;
  if (fields.name != NameUse::kNone && !(may_be_empty && op.name.empty())) {
    const bool legal = fields.name == NameUse::kPlace ? IsPlaceName(op.name) : IsText(op.name);
    if (!legal) return "its name is not legal";
  }
  if (fields.other_place && !(may_be_empty && op.other_name.empty()) &&
      !IsPlaceName(op.other_name)) {
    return "its other name is not legal";
  }
  return nullptr;
}

// Returns: whether one call can have all flags of a successful `op` at once.
bool AreFlagsLegal(const Op& op) {
  if (op.kind == OpKind::kAllocate) return std::ranges::count(kAllocations, op.flags) != 0;
  return (op.flags & kMapped) == 0 || op.flags == kMapped;
}

// Calls of these kinds fail when they are asked for nothing.
bool NeedsSize(OpKind kind) {
  return kind == OpKind::kAllocate || kind == OpKind::kClone || kind == OpKind::kSymlink;
}

}  // namespace

OpFields FieldsOf(OpKind kind, int32_t result_errno) {
  const bool failed = result_errno != 0;
  switch (kind) {
    case OpKind::kCreate:
    case OpKind::kMakeDirectory:
    case OpKind::kUnlink:
    case OpKind::kRemoveDirectory:
      return {.inode = true, .name = NameUse::kPlace};
    case OpKind::kWrite:
      return {.inode = true,
              .offset = true,
              .size = true,
              .payload = true,
              .flags = kMapped | kDirect | kUntorn};
    case OpKind::kTruncate:
      return {.inode = true, .size = true};
    case OpKind::kSync:
    case OpKind::kDataSync:
      return {.inode = true,
              .offset = failed,  // the range that was not written
              .size = failed,
              .flags = failed ? uint32_t{kNothingDropped | kBytesLost | kTakenBack}
                              : uint32_t{kDroppedLate}};
    case OpKind::kSyncDirectory:
    case OpKind::kCreateUnnamed:
      return {.inode = true};
    case OpKind::kRename:
      return {.inode = true, .name = NameUse::kPlace, .other_place = true};
    case OpKind::kExchange:
      return {.inode = true, .name = NameUse::kPlace, .other_place = true, .other_inode = true};
    case OpKind::kLink:
      return {.inode = true, .other_place = true};
    case OpKind::kBegin:
    case OpKind::kAcknowledge:
      return {.transaction = true};
    case OpKind::kSymlink:
      return {.inode = true, .name = NameUse::kPlace, .size = true, .payload = true};
    case OpKind::kAllocate:
      return {.inode = true,
              .offset = true,
              .size = true,
              .flags = kKeepSize | kPunchHole | kZeroRange};
    case OpKind::kClone:
      return {.inode = true, .offset = true, .size = true, .payload = true, .other_inode = true};
    case OpKind::kSetAttribute:
    case OpKind::kSetXattr:
      return {.inode = true, .name = NameUse::kKey, .size = true, .payload = true};
    case OpKind::kRemoveXattr:
      return {.inode = true, .name = NameUse::kKey};
    case OpKind::kSyncWrite:
      return {.inode = true, .offset = true, .size = true, .flags = kFullSync};
    case OpKind::kSyncRange:
    case OpKind::kSyncMapped:
      return {.inode = true, .offset = true, .size = true};
    case OpKind::kSyncAll:
      return {};
    case OpKind::kUnmodelled:
      return {.inode = true, .name = NameUse::kText};
  }
  return {};
}

Complaint CheckFields(const Op& op, size_t payload_bytes) {
  if (op.kind > kLastOpKind) return "its kind is unknown";
  if (op.result_errno < 0 || op.result_errno > kMaxErrno) return "its error number is unknown";
  const OpFields fields = FieldsOf(op.kind, op.result_errno);
  if (Complaint complaint = CheckUnused(op, fields)) return complaint;
  if (op.size_bytes > kMaxFileBytes || op.offset_bytes > kMaxFileBytes - op.size_bytes) {
    return "the file would be too large";
  }
  if (fields.payload &&
      (op.size_bytes > payload_bytes || op.payload_offset > payload_bytes - op.size_bytes)) {
    return "its payload is not there";
  }
  if (op.result_errno != 0 && (fields.transaction || op.kind == OpKind::kUnmodelled)) {
    return "its kind never fails";
  }
  if (Complaint complaint = CheckNames(op, fields)) return complaint;
  if (op.result_errno != 0) return nullptr;
  if (!AreFlagsLegal(op)) return "its flags exclude each other";
  if (op.size_bytes == 0 && NeedsSize(op.kind)) return "its size is zero";
  return nullptr;
}

}  // namespace plugpull
