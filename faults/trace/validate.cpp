#include "faults/trace/validate.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <string_view>

#include "faults/trace/op_fields.h"
#include "faults/trace/trace_tree.h"

namespace plugpull {
namespace {

constexpr size_t kMaxLinkBytes = 4095;  // PATH_MAX without its NUL
constexpr size_t kMaxFrameBytes = 4095;

// Syncs of one file that fail have dropped bytes of it, so later stages look that file up.
bool SyncsAFile(OpKind kind) {
  return kind == OpKind::kSync || kind == OpKind::kDataSync || kind == OpKind::kSyncMapped ||
         kind == OpKind::kSyncWrite;
}

class Validator {
 public:
  explicit Validator(const Trace& trace) : trace_(trace), tree_(trace.ops.size() + 1) {}

  Complaint Check(const Op& op) {
    if (op.site > trace_.sites.size()) return "its call site is not known";
    if (Complaint complaint = CheckFields(op, trace_.payload.size())) return complaint;
    if (op.result_errno != 0) return CheckFailed(op);
    if (FieldsOf(op.kind, 0).transaction) return CheckTransaction(op);
    if (op.kind == OpKind::kSymlink && !IsLinkText(op)) return "its text is not legal";
    return tree_.Apply(op);
  }

 private:
  Complaint CheckTransaction(const Op& op) {
    if (op.transaction == 0 || op.transaction > trace_.transactions.size()) {
      return "there is no transaction of that number";
    }
    if (op.kind == OpKind::kBegin) {
      if (op.transaction <= last_begun_) return "its transaction begins out of order";
      last_begun_ = op.transaction;
      open_.insert(op.transaction);
      return nullptr;
    }
    return open_.erase(op.transaction) == 1 ? nullptr : "its transaction is not under way";
  }

  bool IsLinkText(const Op& op) const {
    return op.size_bytes <= kMaxLinkBytes &&
           std::ranges::count(trace_.Payload(op), std::byte{0}) == 0;
  }

  Complaint CheckFailed(const Op& op) const {
    for (InodeId inode : {op.inode, op.directory, op.other_directory, op.other_inode}) {
      if (inode != kNoInode && !tree_.Knows(inode)) return "its inode is not known";
    }
    const bool has_file = op.inode == kNoInode || tree_.IsFile(op.inode);
    return SyncsAFile(op.kind) && !has_file ? "its inode is not a file" : nullptr;
  }

  const Trace& trace_;
  TraceTree tree_;
  uint32_t last_begun_ = 0;
  std::set<uint32_t> open_;  // begun and not acknowledged
};

bool IsFrame(std::string_view frame) {
  const auto is_printed = [](char letter) {
    return static_cast<unsigned char>(letter) >= 0x20 && letter != 0x7f;
  };
  return !frame.empty() && frame.size() <= kMaxFrameBytes && std::ranges::all_of(frame, is_printed);
}

bool IsSite(const CallSite& site) {
  return !site.frames.empty() && site.frames.size() <= kMaxFramesOfSite &&
         std::ranges::all_of(site.frames, IsFrame);
}

size_t ChangeCount(const Trace& trace) {
  size_t count = 0;
  for (const Transaction& transaction : trace.transactions) count += transaction.changes.size();
  return count;
}

}  // namespace

Expected<void> ValidateTrace(const Trace& trace) {
  if (trace.ops.size() > kMaxOps) {
    return Fail(ErrorCode::kCorrupt, fmt::format("{} operations are too many", trace.ops.size()));
  }
  if (trace.transactions.size() > kMaxChanges || ChangeCount(trace) > kMaxChanges) {
    return Fail(ErrorCode::kCorrupt, "its transactions are too many");
  }
  if (!std::ranges::all_of(trace.sites, IsSite)) {
    return Fail(ErrorCode::kCorrupt, "a call site is not a list of frames");
  }
  Validator validator(trace);
  for (size_t i = 0; i < trace.ops.size(); ++i) {
    const Op& op = trace.ops[i];
    if (Complaint complaint = validator.Check(op)) {
      return Fail(ErrorCode::kCorrupt,
                  fmt::format("operation {}, {}: {}", i, Name(op.kind), complaint));
    }
  }
  return {};
}

}  // namespace plugpull
