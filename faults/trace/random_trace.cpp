#include "faults/trace/random_trace.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "faults/base/bytes.h"
#include "faults/base/random.h"
#include "faults/trace/call_site.h"

namespace plugpull {
namespace {

class Generator {
 public:
  explicit Generator(uint64_t seed) : random_(seed, "random-trace") {}

  Trace Run(int op_count) {
    trace_.facts = {{"seed", fmt::format("{}", random_.Next())},
                    {"target", "random"},
                    {"note", RandomBytes(20)}};
    while (static_cast<int>(trace_.ops.size()) < op_count) Step();
    NoteSites();
    return std::move(trace_);
  }

 private:
  using Place = std::pair<InodeId, std::string>;

  void Step() {
    switch (random_.Below(17)) {
      case 0:
        return Make(OpKind::kCreate);
      case 1:
        return Make(random_.OneIn(1, 2) ? OpKind::kMakeDirectory : OpKind::kSymlink);
      case 2:
        return Remove();
      case 3:
        return Rename();
      case 4:
        return Link();
      case 5:
        return Fail();
      case 6:
      case 7:
        return Transact();
      case 8:
        return CreateUnnamed();
      case 9:
        return Exchange();
      case 10:
        return SetAttribute();
      case 11:
        return Sync();
      case 12:
        return CallTheUnknown();
      default:
        return ChangeFile();
    }
  }

  // Most operations come from one of a few sites, some from nobody knows where.
  void NoteSites() {
    for (Op& op : trace_.ops) {
      const bool is_mark = op.kind == OpKind::kBegin || op.kind == OpKind::kAcknowledge;
      const uint64_t line = random_.Below(8);
      if (is_mark || line == 0) continue;
      op.site = SiteOf(trace_, {{fmt::format("Write (file.cpp:{})", line), "main"}});
    }
  }

  Op& Add(OpKind kind) {
    Op& op = trace_.ops.emplace_back();
    op.kind = kind;
    return op;
  }

  std::string RandomBytes(uint64_t limit) {
    std::string bytes(random_.Below(limit), '\0');
    for (char& c : bytes) c = static_cast<char>(random_.Next());
    return bytes;
  }

  // Returns: 1 to `limit` characters without NUL.
  std::string RandomText(uint64_t limit) {
    std::string text(1 + random_.Below(limit), '\0');
    for (char& c : text) c = static_cast<char>(1 + random_.Below(255));
    return text;
  }

  void PutPayload(Op& op, std::string_view bytes) {
    op.size_bytes = bytes.size();
    op.payload_offset = trace_.payload.size();
    const auto payload = AsBytes(bytes);
    trace_.payload.insert(trace_.payload.end(), payload.begin(), payload.end());
  }

  InodeId AnyFile() { return files_[random_.Below(files_.size())]; }

  InodeId AnyDirectory() { return directories_[random_.Below(directories_.size())]; }

  Place AnyFreePlace() { return {AnyDirectory(), fmt::format("n{}", next_name_++)}; }

  // Returns: an entry of the tree. Requires: it is not empty.
  std::pair<Place, InodeId> AnyEntry() {
    const auto entry = std::next(entries_.begin(), random_.Below(entries_.size()));
    return {entry->first, entry->second};
  }

  bool IsDirectory(InodeId inode) const { return std::ranges::count(directories_, inode) != 0; }

  bool IsEmpty(InodeId directory) const {
    return std::ranges::none_of(entries_,
                                [&](const auto& entry) { return entry.first.first == directory; });
  }

  void Make(OpKind kind) {
    const Place place = AnyFreePlace();
    Op& op = Add(kind);
    op.inode = ++last_inode_;
    std::tie(op.directory, op.name) = place;
    entries_[place] = op.inode;
    if (kind == OpKind::kCreate) files_.push_back(op.inode);
    if (kind == OpKind::kMakeDirectory) directories_.push_back(op.inode);
    if (kind == OpKind::kSymlink) PutPayload(op, RandomText(40));
  }

  void CreateUnnamed() {
    Op& op = Add(OpKind::kCreateUnnamed);
    op.inode = ++last_inode_;
    files_.push_back(op.inode);
    unnamed_.push_back(op.inode);
  }

  void Remove() {
    if (entries_.empty()) return;
    const auto [place, inode] = AnyEntry();
    if (IsDirectory(inode) && !IsEmpty(inode)) return;
    Op& op = Add(IsDirectory(inode) ? OpKind::kRemoveDirectory : OpKind::kUnlink);
    op.inode = inode;
    std::tie(op.directory, op.name) = place;
    entries_.erase(place);
    std::erase(directories_, inode);  // an unlinked file may still be open; a directory is gone
  }

  // Files and links replace each other or take a free name anywhere; directories move to the root,
  // which cannot make a loop.
  void Rename() {
    if (entries_.empty()) return;
    const auto [from, inode] = AnyEntry();
    Place to = AnyFreePlace();
    if (IsDirectory(inode)) {
      to.first = kRootInode;
    } else if (const auto [other, replaced] = AnyEntry();
               replaced != inode && !IsDirectory(replaced)) {
      to = other;
    }
    Op& op = Add(OpKind::kRename);
    op.inode = inode;
    std::tie(op.directory, op.name) = from;
    std::tie(op.other_directory, op.other_name) = to;
    entries_.erase(from);
    entries_[to] = inode;
  }

  // A second name for a file that has one, or the first for a file that was made without.
  void Link() {
    const bool first = !unnamed_.empty() && random_.OneIn(1, 2);
    if (!first && entries_.empty()) return;
    const InodeId inode = first ? unnamed_.back() : AnyEntry().second;
    if (std::ranges::count(files_, inode) == 0) return;
    const Place place = AnyFreePlace();
    Op& op = Add(OpKind::kLink);
    op.inode = inode;
    std::tie(op.other_directory, op.other_name) = place;
    entries_[place] = inode;
    if (first) unnamed_.pop_back();
  }

  // A directory trades places within the root only, which cannot make a loop either.
  void Exchange() {
    if (entries_.empty()) return;
    const auto [from, inode] = AnyEntry();
    const auto [to, other] = AnyEntry();
    const bool in_root = from.first == kRootInode && to.first == kRootInode;
    if (inode == other || (!in_root && (IsDirectory(inode) || IsDirectory(other)))) return;
    Op& op = Add(OpKind::kExchange);
    op.inode = inode;
    op.other_inode = other;
    std::tie(op.directory, op.name) = from;
    std::tie(op.other_directory, op.other_name) = to;
    entries_[from] = other;
    entries_[to] = inode;
  }

  void SetAttribute() {
    constexpr OpKind kKinds[] = {OpKind::kSetAttribute, OpKind::kSetXattr, OpKind::kRemoveXattr};
    Op& op = Add(kKinds[random_.Below(std::size(kKinds))]);
    op.inode = static_cast<InodeId>(1 + random_.Below(last_inode_));  // whatever it is
    op.name = op.kind == OpKind::kSetAttribute ? "mode" : RandomText(255);
    if (op.kind != OpKind::kRemoveXattr) PutPayload(op, RandomBytes(20));
  }

  void Sync() {
    if (random_.OneIn(1, 3)) {
      Add(OpKind::kSyncAll);
      return;
    }
    if (random_.OneIn(1, 3)) {
      Add(OpKind::kSyncDirectory).inode = AnyDirectory();
      return;
    }
    if (files_.empty()) return;
    constexpr OpKind kKinds[] = {OpKind::kSync, OpKind::kDataSync, OpKind::kSyncRange,
                                 OpKind::kSyncMapped};
    Op& op = Add(kKinds[random_.Below(std::size(kKinds))]);
    op.inode = AnyFile();
    if (random_.OneIn(1, 3)) op.result_errno = EIO;
    const bool whole = op.kind == OpKind::kSync || op.kind == OpKind::kDataSync;
    if (whole && (op.result_errno == 0 || random_.OneIn(1, 2))) return;
    op.offset_bytes = random_.Below(100'000);
    op.size_bytes = random_.Below(9'000);
  }

  void CallTheUnknown() {
    Op& op = Add(OpKind::kUnmodelled);
    op.inode = static_cast<InodeId>(random_.Below(last_inode_ + 1));  // kNoInode among them
    op.name = RandomText(30);
  }

  void Fail() {
    const Place place = AnyFreePlace();
    Op& op = Add(random_.OneIn(1, 2) ? OpKind::kCreate : OpKind::kMakeDirectory);
    op.result_errno = static_cast<int32_t>(1 + random_.Below(100));
    std::tie(op.directory, op.name) = place;
  }

  void Transact() {
    const auto count = static_cast<uint32_t>(trace_.transactions.size());
    if (random_.OneIn(1, 2) && acknowledged_ < count) {
      acknowledged_ = count;
      Add(OpKind::kAcknowledge).transaction = count;
      return;
    }
    Transaction& transaction = trace_.transactions.emplace_back();
    for (uint64_t left = random_.Below(4); left > 0; --left) {
      Change& change = transaction.changes.emplace_back();
      change.key = RandomBytes(12);
      if (random_.OneIn(2, 3)) change.value = RandomBytes(30);
    }
    Add(OpKind::kBegin).transaction = count + 1;
  }

  void ChangeFile() {
    if (files_.empty()) return;
    constexpr OpKind kKinds[] = {OpKind::kWrite,    OpKind::kWrite,    OpKind::kWrite,
                                 OpKind::kTruncate, OpKind::kAllocate, OpKind::kClone};
    Op& op = Add(kKinds[random_.Below(std::size(kKinds))]);
    op.inode = AnyFile();
    if (op.kind == OpKind::kTruncate) op.size_bytes = random_.Below(100'000);
    if (op.kind == OpKind::kTruncate) return;
    op.offset_bytes = random_.Below(100'000);
    if (op.kind == OpKind::kAllocate) {
      constexpr uint32_t kFlags[] = {0, kKeepSize, kPunchHole | kKeepSize, kZeroRange,
                                     kZeroRange | kKeepSize};
      op.size_bytes = 1 + random_.Below(100'000);
      op.flags = kFlags[random_.Below(std::size(kFlags))];
      return;
    }
    const bool clones = op.kind == OpKind::kClone;
    const auto filler = static_cast<char>(random_.Next());
    PutPayload(op, std::string(random_.Below(300) + (clones ? 1 : 0), filler));
    if (clones) {
      op.other_inode = AnyFile();
      return;
    }
    constexpr uint32_t kFlags[] = {0, 0, 0, kMapped, kDirect, kUntorn, kDirect | kUntorn};
    op.flags = kFlags[random_.Below(std::size(kFlags))];
    if (op.flags == 0 && random_.OneIn(1, 3)) SyncWrite(Op(op));
  }

  // The return of `write`, the last operation.
  void SyncWrite(const Op& write) {
    Op& op = Add(OpKind::kSyncWrite);
    op.inode = write.inode;
    op.offset_bytes = write.offset_bytes;
    op.size_bytes = write.size_bytes;
    if (random_.OneIn(1, 2)) op.flags = kFullSync;
  }

  Random random_;
  Trace trace_;
  InodeId last_inode_ = kRootInode;
  uint32_t acknowledged_ = 0;
  int next_name_ = 0;
  std::map<Place, InodeId> entries_;
  std::vector<InodeId> files_;    // named or not
  std::vector<InodeId> unnamed_;  // files that never had a name
  std::vector<InodeId> directories_ = {kRootInode};
};

}  // namespace

Trace RandomTrace(uint64_t seed, int op_count) { return Generator(seed).Run(op_count); }

}  // namespace plugpull
