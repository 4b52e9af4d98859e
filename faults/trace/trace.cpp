#include "faults/trace/trace.h"

#include <fmt/format.h>

#include <cstring>

#include "faults/trace/inode_names.h"

namespace plugpull {
namespace {

// Returns: the name of an inode in `names`, or its number when it has none there.
std::string NameOf(InodeId inode, const std::map<InodeId, std::string>& names) {
  const auto found = names.find(inode);
  if (found != names.end()) return found->second.empty() ? "." : found->second;
  return inode == kRootInode ? "." : fmt::format("#{}", inode);
}

std::string PathIn(InodeId directory, const std::string& name,
                   const std::map<InodeId, std::string>& names) {
  const std::string parent = NameOf(directory, names);
  return parent == "." ? name : fmt::format("{}/{}", parent, name);
}

std::string Arguments(const Op& op, const std::map<InodeId, std::string>& names) {
  switch (op.kind) {
    case OpKind::kCreate:
    case OpKind::kMakeDirectory:
    case OpKind::kUnlink:
    case OpKind::kRemoveDirectory:
    case OpKind::kSymlink:
      return PathIn(op.directory, op.name, names);
    case OpKind::kWrite:
    case OpKind::kAllocate:
    case OpKind::kClone:
    case OpKind::kSyncWrite:
    case OpKind::kSyncRange:
    case OpKind::kSyncMapped:
      return fmt::format("{} {}+{}", NameOf(op.inode, names), op.offset_bytes, op.size_bytes);
    case OpKind::kCreateUnnamed:
      return NameOf(op.inode, names);
    case OpKind::kSetAttribute:
    case OpKind::kSetXattr:
    case OpKind::kRemoveXattr:
      return fmt::format("{} {}", NameOf(op.inode, names), op.name);
    case OpKind::kSyncAll:
      return "";
    case OpKind::kUnmodelled:
      return op.name;
    case OpKind::kTruncate:
      return fmt::format("{} to {}", NameOf(op.inode, names), op.size_bytes);
    case OpKind::kSync:
    case OpKind::kDataSync:
    case OpKind::kSyncDirectory:
      return NameOf(op.inode, names);
    case OpKind::kRename:
    case OpKind::kExchange:
      return fmt::format("{} to {}", PathIn(op.directory, op.name, names),
                         PathIn(op.other_directory, op.other_name, names));
    case OpKind::kLink:
      return fmt::format("{} as {}", NameOf(op.inode, names),
                         PathIn(op.other_directory, op.other_name, names));
    case OpKind::kBegin:
    case OpKind::kAcknowledge:
      return fmt::format("{}", op.transaction);
  }
  return "";
}

}  // namespace

bool IsSync(OpKind kind) {
  switch (kind) {
    case OpKind::kSync:
    case OpKind::kDataSync:
    case OpKind::kSyncDirectory:
    case OpKind::kSyncWrite:
    case OpKind::kSyncMapped:
    case OpKind::kSyncAll:
      return true;
    case OpKind::kCreate:
    case OpKind::kWrite:
    case OpKind::kTruncate:
    case OpKind::kRename:
    case OpKind::kLink:
    case OpKind::kUnlink:
    case OpKind::kMakeDirectory:
    case OpKind::kRemoveDirectory:
    case OpKind::kBegin:
    case OpKind::kAcknowledge:
    case OpKind::kSymlink:
    case OpKind::kCreateUnnamed:
    case OpKind::kExchange:
    case OpKind::kAllocate:
    case OpKind::kClone:
    case OpKind::kSetAttribute:
    case OpKind::kSetXattr:
    case OpKind::kRemoveXattr:
    case OpKind::kSyncRange:
    case OpKind::kUnmodelled:
      return false;
  }
  return false;
}

bool IsFailedSync(const Op& op) {
  return IsSync(op.kind) && (op.result_errno != 0 || (op.flags & kDroppedLate) != 0);
}

const char* Name(OpKind kind) {
  switch (kind) {
    case OpKind::kCreate:
      return "create";
    case OpKind::kWrite:
      return "write";
    case OpKind::kTruncate:
      return "truncate";
    case OpKind::kSync:
      return "sync";
    case OpKind::kDataSync:
      return "data-sync";
    case OpKind::kSyncDirectory:
      return "sync-directory";
    case OpKind::kRename:
      return "rename";
    case OpKind::kLink:
      return "link";
    case OpKind::kUnlink:
      return "unlink";
    case OpKind::kMakeDirectory:
      return "make-directory";
    case OpKind::kRemoveDirectory:
      return "remove-directory";
    case OpKind::kBegin:
      return "begin";
    case OpKind::kAcknowledge:
      return "acknowledge";
    case OpKind::kSymlink:
      return "symlink";
    case OpKind::kCreateUnnamed:
      return "create-unnamed";
    case OpKind::kExchange:
      return "exchange";
    case OpKind::kAllocate:
      return "allocate";
    case OpKind::kClone:
      return "clone";
    case OpKind::kSetAttribute:
      return "set-attribute";
    case OpKind::kSetXattr:
      return "set-xattr";
    case OpKind::kRemoveXattr:
      return "remove-xattr";
    case OpKind::kSyncWrite:
      return "sync-write";
    case OpKind::kSyncRange:
      return "sync-range";
    case OpKind::kSyncMapped:
      return "sync-mapped";
    case OpKind::kSyncAll:
      return "sync-all";
    case OpKind::kUnmodelled:
      return "unmodelled";
  }
  return "unknown";
}

std::string Describe(const Op& op, const std::map<InodeId, std::string>& names) {
  std::string line = Name(op.kind);
  if (const std::string arguments = Arguments(op, names); !arguments.empty()) {
    line += ' ' + arguments;
  }
  if (op.result_errno != 0) {
    line += fmt::format(" failed: {}", std::strerror(op.result_errno));
  }
  if (IsSync(op.kind) && (op.flags & kDroppedLate) != 0) line += " (dropped, to be reported later)";
  if (IsSync(op.kind) && (op.flags & kTakenBack) != 0) line += " (the file reads as on disk)";
  if (IsSync(op.kind) && (op.flags & kBytesLost) != 0) line += " (the bytes are lost)";
  return line;
}

std::map<InodeId, std::string> LastNames(const Trace& trace) {
  InodeNames places;
  for (const Op& op : trace.ops) places.Apply(op);
  return places.Paths();
}

}  // namespace plugpull
