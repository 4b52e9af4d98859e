#include "faults/trace/random_trace.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "faults/base/random.h"

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
    return std::move(trace_);
  }

 private:
  using Place = std::pair<InodeId, std::string>;

  void Step() {
    switch (random_.Below(12)) {
      case 0:
        return Make(OpKind::kCreate);
      case 1:
        return Make(OpKind::kMakeDirectory);
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
      default:
        return ChangeFile();
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
    (kind == OpKind::kCreate ? files_ : directories_).push_back(op.inode);
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

  // Files replace files or take a free name anywhere; directories move within the root only, which
  // cannot make a loop.
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

  void Link() {
    if (entries_.empty()) return;
    const InodeId inode = AnyEntry().second;
    if (IsDirectory(inode)) return;
    const Place place = AnyFreePlace();
    Op& op = Add(OpKind::kLink);
    op.inode = inode;
    std::tie(op.other_directory, op.other_name) = place;
    entries_[place] = inode;
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
    if (random_.OneIn(1, 8)) {
      Add(OpKind::kSyncDirectory).inode = AnyDirectory();
      return;
    }
    if (files_.empty()) return;
    constexpr OpKind kKinds[] = {OpKind::kWrite,    OpKind::kWrite, OpKind::kWrite,
                                 OpKind::kTruncate, OpKind::kSync,  OpKind::kDataSync};
    Op& op = Add(kKinds[random_.Below(std::size(kKinds))]);
    op.inode = files_[random_.Below(files_.size())];
    if (op.kind == OpKind::kTruncate) op.size_bytes = random_.Below(100'000);
    if (op.kind != OpKind::kWrite) return;
    op.offset_bytes = random_.Below(100'000);
    op.size_bytes = random_.Below(300);
    op.payload_offset = trace_.payload.size();
    const auto filler = static_cast<std::byte>(random_.Next());
    trace_.payload.insert(trace_.payload.end(), op.size_bytes, filler);
  }

  Random random_;
  Trace trace_;
  InodeId last_inode_ = kRootInode;
  uint32_t acknowledged_ = 0;
  int next_name_ = 0;
  std::map<Place, InodeId> entries_;
  std::vector<InodeId> files_;  // named or not
  std::vector<InodeId> directories_ = {kRootInode};
};

}  // namespace

Trace RandomTrace(uint64_t seed, int op_count) { return Generator(seed).Run(op_count); }

}  // namespace plugpull
