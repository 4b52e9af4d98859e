#include "faults/inject/page_history.h"

#include <xxhash.h>

#include <algorithm>
#include <cstring>

namespace plugpull {
namespace {

bool ChangesBytes(const Op& op) {
  return op.result_errno == 0 && (op.kind == OpKind::kWrite || op.kind == OpKind::kTruncate ||
                                  op.kind == OpKind::kClone || op.kind == OpKind::kAllocate);
}

// Does to a page what an operation does to its file. `size_before`: of the file.
void ApplyTo(PageContent& content, uint64_t page, const Trace& trace, const Op& op,
             uint64_t size_before) {
  const uint64_t start = page * kPageBytes;
  uint64_t begin = op.offset_bytes;
  uint64_t end = op.offset_bytes + op.size_bytes;
  const std::byte* source = nullptr;
  if (op.kind == OpKind::kTruncate) {
    begin = op.size_bytes;
    end = UINT64_MAX;
  } else if (op.kind == OpKind::kAllocate) {
    if ((op.flags & (kPunchHole | kZeroRange)) == 0) return;
    end = std::min(end, size_before);
  } else {
    source = trace.Payload(op).data();
  }
  const uint64_t from = std::max(begin, start);
  const uint64_t to = std::min(end, start + kPageBytes);
  if (from >= to) return;
  if (source == nullptr) {
    std::memset(content.data() + (from - start), 0, to - from);
  } else {
    std::memcpy(content.data() + (from - start), source + (from - begin), to - from);
  }
}

uint64_t DigestOf(const PageContent& content) {
  static constexpr PageContent kZeros{};
  if (content == kZeros) return PageHistory::kZeroDigest;
  return std::max<uint64_t>(1, XXH3_64bits(content.data(), content.size()));
}

}  // namespace

PageHistory::PageHistory(const Trace& trace) : trace_(trace) {
  std::map<InodeId, FileContent> files;
  bool has_begun = false;
  for (uint32_t i = 0; i < trace.ops.size(); ++i) {
    const Op& op = trace.ops[i];
    if (op.kind == OpKind::kBegin && !has_begun) {
      first_begin_ = i;
      has_begun = true;
    }
    if (op.kind == OpKind::kAcknowledge) acknowledged_.push_back(i + 1);
    if (!ChangesBytes(op)) continue;
    FileContent& file = files[op.inode];
    const uint64_t size_before = file.size_bytes();
    const uint64_t end = op.offset_bytes + op.size_bytes;
    uint64_t first_page = op.offset_bytes / kPageBytes;
    uint64_t end_page = (end + kPageBytes - 1) / kPageBytes;
    if (op.kind == OpKind::kTruncate) {
      first_page = op.size_bytes / kPageBytes;
      end_page = (size_before + kPageBytes - 1) / kPageBytes;
      file.Truncate(op.size_bytes);
    } else if (op.kind == OpKind::kAllocate) {
      const uint64_t zero_end = std::min(end, size_before);
      const bool zeroes = (op.flags & (kPunchHole | kZeroRange)) != 0 && op.offset_bytes < zero_end;
      end_page = zeroes ? (zero_end + kPageBytes - 1) / kPageBytes : first_page;
      if (zeroes) file.Store(op.offset_bytes, std::vector<std::byte>(zero_end - op.offset_bytes));
      if ((op.flags & (kPunchHole | kKeepSize)) == 0) file.RaiseSize(end);
    } else if (op.size_bytes > 0) {
      file.Store(op.offset_bytes, trace.Payload(op));
      file.RaiseSize(end);
    }
    if (op.size_bytes > 0 || op.kind == OpKind::kTruncate) {
      NoteChanges(op.inode, file, first_page, end_page, i);
    }
    if (file.size_bytes() != size_before) sizes_[op.inode].emplace_back(i, file.size_bytes());
  }
}

void PageHistory::NoteChanges(InodeId inode, const FileContent& file, uint64_t first_page,
                              uint64_t end_page, uint32_t op_index) {
  PageContent content;
  for (uint64_t page = first_page; page < end_page; ++page) {
    file.ReadStored(page * kPageBytes, content);
    const uint64_t digest = DigestOf(content);
    std::vector<PageChange>& changes = changes_[{inode, page}];
    const uint64_t before = changes.empty() ? kZeroDigest : changes.back().digest;
    if (digest != before) changes.push_back({op_index, digest});
  }
}

std::span<const PageChange> PageHistory::ChangesBefore(PageName name, size_t position) const {
  const auto found = changes_.find(name);
  if (found == changes_.end()) return {};
  const auto end = std::ranges::lower_bound(found->second, position, {}, &PageChange::op);
  return std::span(found->second).first(static_cast<size_t>(end - found->second.begin()));
}

uint64_t PageHistory::DigestAt(PageName name, size_t position) const {
  const std::span<const PageChange> changes = ChangesBefore(name, position);
  return changes.empty() ? kZeroDigest : changes.back().digest;
}

PageContent PageHistory::ContentAt(PageName name, size_t position) const {
  PageContent content{};
  for (const PageChange& change : ChangesBefore(name, position)) {
    ApplyTo(content, name.page, trace_, trace_.ops[change.op], SizeAt(name.inode, change.op));
  }
  return content;
}

bool PageHistory::WritesTo(PageName name, size_t first, size_t last) const {
  const uint64_t start = name.page * kPageBytes;
  return std::any_of(trace_.ops.begin() + static_cast<ptrdiff_t>(first),
                     trace_.ops.begin() + static_cast<ptrdiff_t>(last), [&](const Op& op) {
                       if (op.inode != name.inode || !ChangesBytes(op)) return false;
                       if (op.kind == OpKind::kTruncate) return op.size_bytes < start + kPageBytes;
                       return op.size_bytes > 0 && op.offset_bytes < start + kPageBytes &&
                              op.offset_bytes + op.size_bytes > start;
                     });
}

uint64_t PageHistory::SizeAt(InodeId inode, size_t position) const {
  const auto found = sizes_.find(inode);
  if (found == sizes_.end()) return 0;
  const auto end = std::ranges::lower_bound(found->second, position, {},
                                            [](const auto& change) { return change.first; });
  return end == found->second.begin() ? 0 : std::prev(end)->second;
}

std::optional<size_t> PageHistory::Before(size_t position, uint64_t age) const {
  const auto acknowledged = static_cast<uint64_t>(
      std::ranges::upper_bound(acknowledged_, position) - acknowledged_.begin());
  if (age > acknowledged) return {};
  return age == acknowledged ? first_begin_ : acknowledged_[acknowledged - age - 1];
}

const std::map<std::string, InodeId>& PathWalk::FilesAt(size_t position) {
  if (position < position_) {
    names_ = NameTree();
    links_.clear();
    position_ = 0;
    is_listed_ = false;
  }
  for (; position_ < position; ++position_) Apply(trace_.ops[position_]);
  if (!is_listed_) {
    files_.clear();
    List(kRootInode, "");
    is_listed_ = true;
  }
  return files_;
}

void PathWalk::Apply(const Op& op) {
  if (op.result_errno != 0) return;
  switch (op.kind) {
    case OpKind::kMakeDirectory:
      names_.AddDirectory(op.inode);
      names_.Set(op.directory, op.name, op.inode);
      break;
    case OpKind::kCreate:
      names_.Set(op.directory, op.name, op.inode);
      break;
    case OpKind::kRename:
      names_.Set(op.directory, op.name, kNoInode);
      names_.Set(op.other_directory, op.other_name, op.inode);
      break;
    case OpKind::kExchange:
      names_.Set(op.directory, op.name, op.other_inode);
      names_.Set(op.other_directory, op.other_name, op.inode);
      break;
    case OpKind::kLink:
      names_.Set(op.other_directory, op.other_name, op.inode);
      break;
    case OpKind::kSymlink:
      links_.insert(op.inode);
      names_.Set(op.directory, op.name, op.inode);
      break;
    case OpKind::kUnlink:
    case OpKind::kRemoveDirectory:
      names_.Set(op.directory, op.name, kNoInode);
      break;
    case OpKind::kWrite:
    case OpKind::kTruncate:
    case OpKind::kSync:
    case OpKind::kDataSync:
    case OpKind::kSyncDirectory:
    case OpKind::kBegin:
    case OpKind::kAcknowledge:
    case OpKind::kCreateUnnamed:
    case OpKind::kAllocate:
    case OpKind::kClone:
    case OpKind::kSetAttribute:
    case OpKind::kSetXattr:
    case OpKind::kRemoveXattr:
    case OpKind::kSyncWrite:
    case OpKind::kSyncRange:
    case OpKind::kSyncMapped:
    case OpKind::kSyncAll:
    case OpKind::kUnmodelled:
      return;
  }
  is_listed_ = false;
}

void PathWalk::List(InodeId directory, const std::string& prefix) {
  const auto names = names_.directories().find(directory);
  if (names == names_.directories().end()) return;
  for (const auto& [name, inode] : names->second) {
    if (names_.IsDirectory(inode)) {
      List(inode, prefix + name + "/");
    } else if (!links_.contains(inode)) {
      files_[prefix + name] = inode;
    }
  }
}

}  // namespace plugpull
