#include "harness/operation_words.h"

#include <fmt/format.h>

#include <cstring>

namespace plugpull {
namespace {

constexpr size_t kMostRanges = 4;

std::string Where(const Op& op, const std::string& path) {
  return fmt::format("{} bytes at {} of {}", op.size_bytes, op.offset_bytes, path);
}

}  // namespace

std::string OperationWords::NameOf(InodeId inode) const {
  if (inode == kRootInode) return ".";
  std::string path = names_.PathOf(inode);
  return path.empty() ? fmt::format("file {}", inode) : path;
}

std::string OperationWords::PathIn(InodeId directory, const std::string& name) const {
  const std::string parent = NameOf(directory);
  return parent == "." ? name : parent + "/" + name;
}

OperationWords::OperationWords(const Trace& trace) : trace_(trace) {
  paths_.reserve(trace.ops.size());
  for (const Op& op : trace.ops) {
    const bool has_cell = op.directory != kNoInode;
    paths_.push_back(has_cell ? PathIn(op.directory, op.name) : NameOf(op.inode));
    const std::string other =
        op.other_directory == kNoInode ? "" : PathIn(op.other_directory, op.other_name);
    others_.push_back(other);
    names_.Apply(op);
  }
}

std::string OperationWords::NameBefore(InodeId inode, size_t operation) const {
  if (trace_.ops[operation].inode == inode) return paths_[operation];
  for (size_t i = operation; i-- > 0;) {
    if (trace_.ops[i].inode != inode) continue;
    return others_[i].empty() ? paths_[i] : others_[i];
  }
  return NameOf(inode);
}

std::string OperationWords::Of(size_t operation) const {
  const Op& op = trace_.ops[operation];
  const std::string& path = paths_[operation];
  const std::string& other = others_[operation];
  std::string words;
  switch (op.kind) {
    case OpKind::kCreate:
      words = "create " + path;
      break;
    case OpKind::kWrite:
      words = "write " + Where(op, path);
      if ((op.flags & kMapped) != 0) words += " (through a mapping)";
      break;
    case OpKind::kTruncate:
      words = fmt::format("set the size of {} to {}", path, op.size_bytes);
      break;
    case OpKind::kSync:
      words = fmt::format("sync {} (fsync)", path);
      break;
    case OpKind::kDataSync:
      words = fmt::format("sync {} (fdatasync)", path);
      break;
    case OpKind::kSyncDirectory:
      words = fmt::format("sync the directory {} (fsync)", path);
      break;
    case OpKind::kRename:
      words = fmt::format("rename {} to {}", path, other);
      break;
    case OpKind::kLink:
      words = fmt::format("link {} as {}", NameOf(op.inode), other);
      break;
    case OpKind::kUnlink:
      words = "unlink " + path;
      break;
    case OpKind::kMakeDirectory:
      words = "make the directory " + path;
      break;
    case OpKind::kRemoveDirectory:
      words = "remove the directory " + path;
      break;
    case OpKind::kBegin:
      return fmt::format("transaction {} begins", op.transaction);
    case OpKind::kAcknowledge:
      return fmt::format("transaction {} is acknowledged", op.transaction);
    case OpKind::kSymlink:
      words = "make the symbolic link " + path;
      break;
    case OpKind::kCreateUnnamed:
      words = "create a file without a name";
      break;
    case OpKind::kExchange:
      words = fmt::format("exchange {} and {}", path, other);
      break;
    case OpKind::kAllocate:
      words = "allocate " + Where(op, path);
      if ((op.flags & kPunchHole) != 0) words = "punch a hole of " + Where(op, path);
      if ((op.flags & kZeroRange) != 0) words = "zero " + Where(op, path);
      break;
    case OpKind::kClone:
      words = "clone into " + Where(op, path);
      break;
    case OpKind::kSetAttribute:
      words = fmt::format("set the {} of {}", op.name, path);
      break;
    case OpKind::kSetXattr:
      words = fmt::format("set the attribute {} of {}", op.name, path);
      break;
    case OpKind::kRemoveXattr:
      words = fmt::format("remove the attribute {} of {}", op.name, path);
      break;
    case OpKind::kSyncWrite:
      words = "return of the synchronous write of " + Where(op, path);
      break;
    case OpKind::kSyncRange:
      words = "start writing back " + Where(op, path);
      break;
    case OpKind::kSyncMapped:
      words = "sync the mapping of " + Where(op, path);
      break;
    case OpKind::kSyncAll:
      words = "sync everything";
      break;
    case OpKind::kUnmodelled:
      words = op.name;
      break;
  }
  if (op.result_errno != 0) words += fmt::format(" fails: {}", std::strerror(op.result_errno));
  if (IsFailedSync(op) && op.result_errno == 0) words += " (and has dropped its bytes)";
  return words;
}

std::string RangesText(const std::vector<std::pair<uint64_t, uint64_t>>& ranges) {
  std::string text = "bytes ";
  for (size_t i = 0; i < ranges.size(); ++i) {
    if (i == kMostRanges) {
      return text + fmt::format(" and {} more ranges", ranges.size() - i);
    }
    if (i > 0) text += i + 1 == ranges.size() ? " and " : ", ";
    text += fmt::format("{} to {}", ranges[i].first, ranges[i].second - 1);
  }
  return text;
}

}  // namespace plugpull
