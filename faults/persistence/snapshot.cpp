#include "faults/persistence/snapshot.h"

#include <algorithm>
#include <array>
#include <set>
#include <span>
#include <string_view>
#include <utility>

#include "faults/base/assert.h"
#include "faults/base/bytes.h"
#include "faults/trace/call_site.h"
#include "faults/trace/op_fields.h"

namespace plugpull {
namespace {

constexpr std::string_view kXattrPrefix = "xattr:";

class SnapshotWriter {
 public:
  SnapshotWriter(Trace& trace, const Image& image) : trace_(trace), image_(image) {}

  void Write() {
    SetAttributes(kRootInode);
    AddNames(kRootInode);
    do {
      trace_.ops.push_back({.kind = OpKind::kSyncAll});
    } while (trace_.ops.size() + 1 < highest_inode_);
  }

 private:
  void AddNames(InodeId directory) {
    for (const std::string& name : image_.names.Names(directory)) {
      const InodeId inode = image_.names.At(directory, name);
      highest_inode_ = std::max(highest_inode_, inode);
      if (!made_.insert(inode).second) {
        trace_.ops.push_back({.kind = OpKind::kLink,
                              .inode = inode,
                              .other_directory = directory,
                              .other_name = name});
        continue;
      }
      Make(inode, directory, name);
      SetAttributes(inode);
      if (image_.names.IsDirectory(inode)) AddNames(inode);
    }
  }

  void Make(InodeId inode, InodeId directory, const std::string& name) {
    Op op{.kind = OpKind::kCreate, .inode = inode, .directory = directory, .name = name};
    const auto link = image_.links.find(inode);
    const auto file = image_.files.find(inode);
    if (image_.names.IsDirectory(inode)) {
      op.kind = OpKind::kMakeDirectory;
    } else if (link != image_.links.end()) {
      op.kind = OpKind::kSymlink;
      SetPayload(op, AsBytes(link->second));
    }
    const bool has_bytes = op.kind == OpKind::kCreate && file != image_.files.end();
    trace_.ops.push_back(std::move(op));
    if (has_bytes) WriteBytes(inode, file->second);
  }

  // Pages of zeros are left out: what is not written reads as zeros.
  void WriteBytes(InodeId inode, const FileContent& content) {
    const uint64_t size = content.size_bytes();
    uint64_t written_end = 0;
    std::array<std::byte, kPageBytes> page{};
    for (uint64_t begin = 0; begin < size; begin += kPageBytes) {
      const size_t length = std::min<uint64_t>(kPageBytes, size - begin);
      const std::span<std::byte> bytes = std::span(page).first(length);
      content.Read(begin, bytes);
      if (std::ranges::all_of(bytes, [](std::byte byte) { return byte == std::byte{0}; })) continue;
      Op op{.kind = OpKind::kWrite, .inode = inode, .offset_bytes = begin};
      SetPayload(op, bytes);
      trace_.ops.push_back(std::move(op));
      written_end = begin + length;
    }
    if (written_end == size) return;
    trace_.ops.push_back({.kind = OpKind::kTruncate, .inode = inode, .size_bytes = size});
  }

  void SetAttributes(InodeId inode) {
    const auto attributes = image_.attributes.find(inode);
    if (attributes == image_.attributes.end()) return;
    for (const auto& [key, value] : attributes->second) {
      const bool is_xattr = key.starts_with(kXattrPrefix);
      Op op{.kind = is_xattr ? OpKind::kSetXattr : OpKind::kSetAttribute,
            .inode = inode,
            .name = is_xattr ? key.substr(kXattrPrefix.size()) : key};
      SetPayload(op, AsBytes(value));
      trace_.ops.push_back(std::move(op));
    }
  }

  void SetPayload(Op& op, std::span<const std::byte> bytes) {
    op.payload_offset = trace_.payload.size();
    op.size_bytes = bytes.size();
    trace_.payload.insert(trace_.payload.end(), bytes.begin(), bytes.end());
  }

  Trace& trace_;
  const Image& image_;
  std::set<InodeId> made_;
  InodeId highest_inode_ = kRootInode;
};

}  // namespace

void AppendSnapshot(Trace& trace, const Image& image) {
  Assert(trace.ops.empty(), "a snapshot is the beginning of a trace");
  SnapshotWriter(trace, image).Write();
}

void AppendOperations(Trace& trace, const Trace& more, size_t begin) {
  for (size_t i = begin; i < more.ops.size(); ++i) {
    Op op = more.ops[i];
    if (FieldsOf(op.kind, op.result_errno).payload) {
      const std::span<const std::byte> payload = more.Payload(op);
      op.payload_offset = trace.payload.size();
      trace.payload.insert(trace.payload.end(), payload.begin(), payload.end());
    }
    if (op.site != 0) op.site = SiteOf(trace, more.sites[op.site - 1]);
    trace.ops.push_back(std::move(op));
  }
}

}  // namespace plugpull
