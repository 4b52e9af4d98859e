#include "faults/litmus/program.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>

#include "faults/base/bytes.h"
#include "faults/base/nearest.h"

namespace plugpull {
namespace {

std::unexpected<Error> Refuse(std::string what) {
  return Fail(ErrorCode::kInvalidArgument, std::move(what));
}

struct FlagWord {
  const char* word;
  uint32_t flag;
};

// Takes words while they are flags.
uint32_t TakeFlags(Words& words, std::initializer_list<FlagWord> known) {
  uint32_t flags = 0;
  for (bool found = true; found;) {
    found = false;
    for (const FlagWord& flag : known) {
      if (!words.TakeIf(flag.word)) continue;
      flags |= flag.flag;
      found = true;
    }
  }
  return flags;
}

}  // namespace

// Which words start an operation, with what each does.
struct ProgramBuilder::Table {
  struct Row {
    LitmusOperation operation;
    Expected<void> (*add)(ProgramBuilder& builder, Words& words);
  };

  template <auto kMember, auto... kArguments>
  static Expected<void> Call(ProgramBuilder& builder, Words& words) {
    return (builder.*kMember)(words, kArguments...);
  }
  static Expected<void> SyncEverything(ProgramBuilder& builder, Words&) {
    builder.SyncAll();
    return {};
  }

  static constexpr char kMode[] = "mode";
  static constexpr char kOwner[] = "owner";
  static constexpr char kTimes[] = "times";

  static const std::vector<Row>& Rows() {
    using B = ProgramBuilder;
    static const std::vector<Row> rows = {
        {{"create", "PATH"}, Call<&B::Create>},
        {{"tmpfile", "@ID"}, Call<&B::CreateUnnamed>},
        {{"mkdir", "PATH"}, Call<&B::MakeDirectory>},
        {{"symlink", "PATH \"TEXT\""}, Call<&B::Symlink>},
        {{"write", "PATH OFFSET LENGTH 'X' [direct] [untorn] [mapped] [dsync|sync]"},
         Call<&B::Write>},
        {{"append", "PATH LENGTH 'X' [direct] [untorn] [mapped] [dsync|sync]"}, Call<&B::Append>},
        {{"truncate", "PATH SIZE"}, Call<&B::Truncate>},
        {{"fallocate", "PATH OFFSET LENGTH [keep-size] [punch|zero]"}, Call<&B::Allocate>},
        {{"clone", "SOURCE TARGET"}, Call<&B::Clone>},
        {{"rename", "FROM TO"}, Call<&B::Rename>},
        {{"exchange", "PATH PATH"}, Call<&B::Exchange>},
        {{"link", "EXISTING ADDED"}, Call<&B::Link>},
        {{"unlink", "PATH"}, Call<&B::Unlink>},
        {{"rmdir", "PATH"}, Call<&B::RemoveDirectory>},
        {{"chmod", "PATH MODE"}, Call<&B::SetAttribute, kMode>},
        {{"chown", "PATH OWNER"}, Call<&B::SetAttribute, kOwner>},
        {{"utimes", "PATH TIMES"}, Call<&B::SetAttribute, kTimes>},
        {{"setxattr", "PATH KEY VALUE"}, Call<&B::SetXattr>},
        {{"removexattr", "PATH KEY"}, Call<&B::RemoveXattr>},
        {{"fsync", "PATH [fails [OFFSET LENGTH]]"}, Call<&B::Sync, OpKind::kSync>},
        {{"fdatasync", "PATH [fails [OFFSET LENGTH]]"}, Call<&B::Sync, OpKind::kDataSync>},
        {{"sync", ""}, SyncEverything},
        {{"msync", "PATH OFFSET LENGTH sync|async"}, Call<&B::SyncMapped>},
        {{"sync_file_range", "PATH OFFSET LENGTH"}, Call<&B::SyncRange>},
    };
    return rows;
  }

  static std::vector<LitmusOperation> Operations() {
    std::vector<LitmusOperation> operations;
    for (const Row& row : Rows()) operations.push_back(row.operation);
    return operations;
  }
};

const std::vector<LitmusOperation>& LitmusOperations() {
  static const std::vector<LitmusOperation> operations = ProgramBuilder::Table::Operations();
  return operations;
}

ProgramBuilder::ProgramBuilder() { nodes_[kRootInode].made_by = OpKind::kMakeDirectory; }

Expected<void> ProgramBuilder::Add(Words words) {
  const std::string name = words.Take("an operation").value_or("");
  std::vector<std::string> names;
  for (const Table::Row& row : Table::Rows()) {
    names.emplace_back(row.operation.name);
    if (row.operation.name != name) continue;
    Expected<void> added = row.add(*this, words);
    if (added) added = words.ExpectEnd();
    if (added) return {};
    return Refuse(fmt::format("{} ({} {})", added.error().context, name, row.operation.takes));
  }
  return Refuse(fmt::format("there is no operation '{}'{}", name, NearestHint(name, names)));
}

void ProgramBuilder::SyncAll() { Push({.kind = OpKind::kSyncAll}); }

void ProgramBuilder::Push(Op op, std::string_view payload) {
  if (!payload.empty()) {
    op.payload_offset = trace_.payload.size();
    op.size_bytes = payload.size();
    const std::span<const std::byte> bytes = AsBytes(payload);
    trace_.payload.insert(trace_.payload.end(), bytes.begin(), bytes.end());
  }
  trace_.ops.push_back(std::move(op));
}

// "." is the recorded directory itself, whose path is "".
Expected<std::string> ProgramBuilder::TakePath(Words& words) {
  Expected<std::string> path = words.Take("a path");
  if (!path) return path;
  if (path->starts_with('/')) return Refuse(fmt::format("'{}': paths have no '/' in front", *path));
  if (*path == ".") return "";
  paths_.insert(*path);
  return path;
}

Expected<InodeId> ProgramBuilder::TakeExisting(Words& words) {
  const Expected<std::string> path = TakePath(words);
  if (!path) return std::unexpected(path.error());
  if (const auto unnamed = unnamed_.find(*path); unnamed != unnamed_.end()) return unnamed->second;
  const Expected<InodeId> inode = names_.Resolve(*path);
  if (inode && *inode != kNoInode) return inode;
  std::vector<std::string> others;
  for (const std::string& other : paths_) {
    if (other != *path && names_.Resolve(other).value_or(kNoInode) != kNoInode) {
      others.push_back(other);
    }
  }
  return Refuse(fmt::format("there is no '{}' here{}", *path, NearestHint(*path, others)));
}

Expected<InodeId> ProgramBuilder::TakeFile(Words& words) {
  const std::string path(words.Peek());
  const Expected<InodeId> inode = TakeExisting(words);
  if (!inode) return inode;
  const OpKind made_by = nodes_.at(*inode).made_by;
  if (made_by == OpKind::kCreate || made_by == OpKind::kCreateUnnamed) return inode;
  return Refuse(fmt::format("'{}' is not a file", path));
}

Expected<NameCell> ProgramBuilder::TakeCell(Words& words, bool taken) {
  const Expected<std::string> path = TakePath(words);
  if (!path) return std::unexpected(path.error());
  if (path->starts_with('@')) return Refuse(fmt::format("'{}' has no name", *path));
  const Expected<NameCell> cell = names_.Locate(*path);
  if (!cell) return Refuse(fmt::format("there is no directory for '{}'", *path));
  const bool is_taken = names_.At(cell->directory, cell->name) != kNoInode;
  if (taken && !is_taken) return Refuse(fmt::format("there is no '{}' here", *path));
  if (!taken && is_taken) return Refuse(fmt::format("'{}' is there already", *path));
  return cell;
}

Expected<Op> ProgramBuilder::TakeNewNode(Words& words, OpKind kind) {
  const Expected<NameCell> cell = TakeCell(words, /*taken=*/false);
  if (!cell) return std::unexpected(cell.error());
  const InodeId inode = next_inode_++;
  nodes_[inode].made_by = kind;
  if (kind == OpKind::kMakeDirectory) names_.AddDirectory(inode);
  names_.Set(cell->directory, cell->name, inode);
  return Op{.kind = kind, .inode = inode, .directory = cell->directory, .name = cell->name};
}

Expected<void> ProgramBuilder::Create(Words& words) {
  Expected<Op> op = TakeNewNode(words, OpKind::kCreate);
  if (!op) return std::unexpected(op.error());
  Push(std::move(*op));
  return {};
}

Expected<void> ProgramBuilder::CreateUnnamed(Words& words) {
  const Expected<std::string> path = TakePath(words);
  if (!path) return std::unexpected(path.error());
  if (!path->starts_with('@') || unnamed_.contains(*path)) {
    return Refuse(fmt::format("'{}' is not a new name such as @t", *path));
  }
  const InodeId inode = next_inode_++;
  nodes_[inode].made_by = OpKind::kCreateUnnamed;
  unnamed_[*path] = inode;
  Push({.kind = OpKind::kCreateUnnamed, .inode = inode});
  return {};
}

Expected<void> ProgramBuilder::MakeDirectory(Words& words) {
  Expected<Op> op = TakeNewNode(words, OpKind::kMakeDirectory);
  if (!op) return std::unexpected(op.error());
  Push(std::move(*op));
  return {};
}

Expected<void> ProgramBuilder::Symlink(Words& words) {
  Expected<Op> op = TakeNewNode(words, OpKind::kSymlink);
  if (!op) return std::unexpected(op.error());
  const Expected<std::string> text = words.Take("the text of the link");
  if (!text) return std::unexpected(text.error());
  Push(std::move(*op), *text);
  return {};
}

Expected<void> ProgramBuilder::Write(Words& words) {
  const Expected<InodeId> inode = TakeFile(words);
  if (!inode) return std::unexpected(inode.error());
  const Expected<uint64_t> offset_bytes = words.TakeSize("the offset");
  if (!offset_bytes) return std::unexpected(offset_bytes.error());
  return WriteAt(*inode, *offset_bytes, words);
}

Expected<void> ProgramBuilder::Append(Words& words) {
  const Expected<InodeId> inode = TakeFile(words);
  if (!inode) return std::unexpected(inode.error());
  return WriteAt(*inode, nodes_[*inode].content.size(), words);
}

Expected<void> ProgramBuilder::WriteAt(InodeId inode, uint64_t offset_bytes, Words& words) {
  const Expected<uint64_t> length = words.TakeSize("the length");
  if (!length) return std::unexpected(length.error());
  const Expected<char> letter = words.TakeLetter("the letter to write");
  if (!letter) return std::unexpected(letter.error());
  if (*length == 0 || offset_bytes + *length > kMostLitmusBytes) {
    return Refuse(
        fmt::format("a write has 1 byte or more and ends at {} or before", kMostLitmusBytes));
  }
  const uint32_t flags =
      TakeFlags(words, {{"direct", kDirect}, {"untorn", kUntorn}, {"mapped", kMapped}});
  const bool syncs_data = words.TakeIf("dsync");
  const bool syncs_all = !syncs_data && words.TakeIf("sync");
  if (!letters_.contains(*letter)) letters_ += *letter;
  const std::string bytes(*length, *letter);
  StoreContent(inode, offset_bytes, bytes);
  Push({.kind = OpKind::kWrite, .inode = inode, .offset_bytes = offset_bytes, .flags = flags},
       bytes);
  if (syncs_data || syncs_all) {
    Push({.kind = OpKind::kSyncWrite,
          .inode = inode,
          .offset_bytes = offset_bytes,
          .size_bytes = *length,
          .flags = syncs_all ? uint32_t{kFullSync} : 0});
  }
  return {};
}

void ProgramBuilder::StoreContent(InodeId inode, uint64_t offset_bytes, std::string_view bytes) {
  std::string& content = nodes_[inode].content;
  if (content.size() < offset_bytes + bytes.size()) content.resize(offset_bytes + bytes.size());
  std::ranges::copy(bytes, content.begin() + static_cast<ptrdiff_t>(offset_bytes));
}

Expected<void> ProgramBuilder::Truncate(Words& words) {
  const Expected<InodeId> inode = TakeFile(words);
  if (!inode) return std::unexpected(inode.error());
  const Expected<uint64_t> size_bytes = words.TakeSize("the size");
  if (!size_bytes) return std::unexpected(size_bytes.error());
  if (*size_bytes > kMostLitmusBytes) {
    return Refuse(fmt::format("a file has at most {} bytes", kMostLitmusBytes));
  }
  nodes_[*inode].content.resize(*size_bytes);
  Push({.kind = OpKind::kTruncate, .inode = *inode, .size_bytes = *size_bytes});
  return {};
}

Expected<void> ProgramBuilder::Allocate(Words& words) {
  const Expected<InodeId> inode = TakeFile(words);
  if (!inode) return std::unexpected(inode.error());
  const Expected<uint64_t> offset_bytes = words.TakeSize("the offset");
  if (!offset_bytes) return std::unexpected(offset_bytes.error());
  const Expected<uint64_t> length = words.TakeSize("the length");
  if (!length) return std::unexpected(length.error());
  const uint64_t end = *offset_bytes + *length;
  if (*length == 0 || end > kMostLitmusBytes) {
    return Refuse(
        fmt::format("a range has 1 byte or more and ends at {} or before", kMostLitmusBytes));
  }
  // A hole leaves the size as it is: fallocate(2) takes no other.
  const uint32_t flags = TakeFlags(
      words, {{"keep-size", kKeepSize}, {"punch", kPunchHole | kKeepSize}, {"zero", kZeroRange}});
  if ((flags & kPunchHole) != 0 && (flags & kZeroRange) != 0) {
    return Refuse("a range is punched or zeroed, not both");
  }
  std::string& content = nodes_[*inode].content;
  if ((flags & kKeepSize) == 0 && content.size() < end) content.resize(end);
  if ((flags & (kPunchHole | kZeroRange)) != 0) {
    const uint64_t last = std::min<uint64_t>(end, content.size());
    if (*offset_bytes < last) {
      std::fill(content.begin() + static_cast<ptrdiff_t>(*offset_bytes),
                content.begin() + static_cast<ptrdiff_t>(last), '\0');
    }
  }
  Push({.kind = OpKind::kAllocate,
        .inode = *inode,
        .offset_bytes = *offset_bytes,
        .size_bytes = *length,
        .flags = flags});
  return {};
}

// Shares all of the source with the beginning of the target.
Expected<void> ProgramBuilder::Clone(Words& words) {
  const Expected<InodeId> source = TakeFile(words);
  if (!source) return std::unexpected(source.error());
  const Expected<InodeId> target = TakeFile(words);
  if (!target) return std::unexpected(target.error());
  const std::string bytes = nodes_[*source].content;
  if (bytes.empty()) return Refuse("the source is empty");
  StoreContent(*target, 0, bytes);
  Push({.kind = OpKind::kClone, .inode = *target, .other_inode = *source}, bytes);
  return {};
}

Expected<void> ProgramBuilder::Rename(Words& words) {
  const std::string old_path(words.Peek());
  const Expected<NameCell> from = TakeCell(words, /*taken=*/true);
  if (!from) return std::unexpected(from.error());
  const std::string path(words.Peek());
  const Expected<NameCell> to =
      TakeCell(words, /*taken=*/names_.Resolve(path).value_or(kNoInode) != kNoInode);
  if (!to) return std::unexpected(to.error());
  const InodeId moved = names_.At(from->directory, from->name);
  names_.Set(from->directory, from->name, kNoInode);
  names_.Set(to->directory, to->name, moved);
  moves_.push_back({old_path, path});
  Push({.kind = OpKind::kRename,
        .inode = moved,
        .directory = from->directory,
        .name = from->name,
        .other_directory = to->directory,
        .other_name = to->name});
  return {};
}

Expected<void> ProgramBuilder::Exchange(Words& words) {
  const std::string left_path(words.Peek());
  const Expected<NameCell> left = TakeCell(words, /*taken=*/true);
  if (!left) return std::unexpected(left.error());
  const std::string right_path(words.Peek());
  const Expected<NameCell> right = TakeCell(words, /*taken=*/true);
  if (!right) return std::unexpected(right.error());
  const InodeId inode = names_.At(left->directory, left->name);
  const InodeId other = names_.At(right->directory, right->name);
  names_.Set(left->directory, left->name, other);
  names_.Set(right->directory, right->name, inode);
  moves_.push_back({left_path, right_path});
  moves_.push_back({right_path, left_path});
  Push({.kind = OpKind::kExchange,
        .inode = inode,
        .directory = left->directory,
        .name = left->name,
        .other_directory = right->directory,
        .other_name = right->name,
        .other_inode = other});
  return {};
}

Expected<void> ProgramBuilder::Link(Words& words) {
  const Expected<InodeId> inode = TakeExisting(words);
  if (!inode) return std::unexpected(inode.error());
  const Expected<NameCell> added = TakeCell(words, /*taken=*/false);
  if (!added) return std::unexpected(added.error());
  names_.Set(added->directory, added->name, *inode);
  Push({.kind = OpKind::kLink,
        .inode = *inode,
        .other_directory = added->directory,
        .other_name = added->name});
  return {};
}

Expected<void> ProgramBuilder::Unlink(Words& words) { return Remove(words, OpKind::kUnlink); }

Expected<void> ProgramBuilder::RemoveDirectory(Words& words) {
  return Remove(words, OpKind::kRemoveDirectory);
}

Expected<void> ProgramBuilder::Remove(Words& words, OpKind kind) {
  const Expected<NameCell> cell = TakeCell(words, /*taken=*/true);
  if (!cell) return std::unexpected(cell.error());
  const InodeId inode = names_.At(cell->directory, cell->name);
  names_.Set(cell->directory, cell->name, kNoInode);
  Push({.kind = kind, .inode = inode, .directory = cell->directory, .name = cell->name});
  return {};
}

Expected<void> ProgramBuilder::SetAttribute(Words& words, const char* key) {
  const Expected<InodeId> inode = TakeExisting(words);
  if (!inode) return std::unexpected(inode.error());
  const Expected<std::string> value = words.Take("the value");
  if (!value) return std::unexpected(value.error());
  Push({.kind = OpKind::kSetAttribute, .inode = *inode, .name = key}, *value);
  return {};
}

Expected<void> ProgramBuilder::SetXattr(Words& words) {
  const Expected<InodeId> inode = TakeExisting(words);
  if (!inode) return std::unexpected(inode.error());
  const Expected<std::string> key = words.Take("the key");
  if (!key) return std::unexpected(key.error());
  const Expected<std::string> value = words.Take("the value");
  if (!value) return std::unexpected(value.error());
  Push({.kind = OpKind::kSetXattr, .inode = *inode, .name = *key}, *value);
  return {};
}

Expected<void> ProgramBuilder::RemoveXattr(Words& words) {
  const Expected<InodeId> inode = TakeExisting(words);
  if (!inode) return std::unexpected(inode.error());
  const Expected<std::string> key = words.Take("the key");
  if (!key) return std::unexpected(key.error());
  Push({.kind = OpKind::kRemoveXattr, .inode = *inode, .name = *key});
  return {};
}

// A sync of a directory is an operation of its own, for it covers names and not bytes.
Expected<void> ProgramBuilder::Sync(Words& words, OpKind kind) {
  const std::string path(words.Peek());
  const Expected<InodeId> inode = TakeExisting(words);
  if (!inode) return std::unexpected(inode.error());
  Op op{.kind = kind, .inode = *inode};
  const OpKind made_by = nodes_.at(*inode).made_by;
  if (made_by == OpKind::kMakeDirectory) op.kind = OpKind::kSyncDirectory;
  if (made_by == OpKind::kSymlink) {
    return Refuse(fmt::format("'{}' is a link, which cannot be opened to sync it", path));
  }
  if (!words.TakeIf("fails")) {
    Push(std::move(op));
    return {};
  }
  op.result_errno = EIO;
  if (!words.done() && made_by != OpKind::kMakeDirectory) {
    const Expected<uint64_t> offset_bytes = words.TakeSize("the offset");
    if (!offset_bytes) return std::unexpected(offset_bytes.error());
    const Expected<uint64_t> length = words.TakeSize("the length");
    if (!length) return std::unexpected(length.error());
    op.offset_bytes = *offset_bytes;
    op.size_bytes = *length;
  }
  Push(std::move(op));
  return {};
}

Expected<void> ProgramBuilder::SyncMapped(Words& words) {
  const size_t before = trace_.ops.size();
  if (Expected<void> range = SyncRange(words); !range) return range;
  if (words.TakeIf("async")) return {};
  if (!words.TakeIf("sync")) return Refuse("msync is sync or async");
  trace_.ops[before].kind = OpKind::kSyncMapped;
  return {};
}

Expected<void> ProgramBuilder::SyncRange(Words& words) {
  const Expected<InodeId> inode = TakeFile(words);
  if (!inode) return std::unexpected(inode.error());
  const Expected<uint64_t> offset_bytes = words.TakeSize("the offset");
  if (!offset_bytes) return std::unexpected(offset_bytes.error());
  const Expected<uint64_t> length = words.TakeSize("the length");
  if (!length) return std::unexpected(length.error());
  Push({.kind = OpKind::kSyncRange,
        .inode = *inode,
        .offset_bytes = *offset_bytes,
        .size_bytes = *length});
  return {};
}

}  // namespace plugpull
