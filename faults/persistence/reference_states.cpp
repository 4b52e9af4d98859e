// The legal crash states of a point, straight from the definition in persistence models, 4.5: keep
// what the syncs covered, close it, and try every set. Shares no code with CrashCursor and
// CrashGraph, which arrive at the same states in a faster way.
#include <algorithm>
#include <functional>
#include <map>
#include <utility>

#include "faults/persistence/testing.h"

namespace plugpull {
namespace {

// An atom with all that the rules ask about it.
struct Item {
  AtomId id;
  InodeId inode = kNoInode;      // what it is about; kName: what the name stands for
  InodeId directory = kNoInode;  // kName only
  std::string name{};            // kName only
  uint64_t unit = 0;             // kData only
  uint32_t rename = 0;           // op + 1 for the names of a rename
};

class Reference {
 public:
  Reference(const Trace& trace, const Model& model, Tear tear)
      : trace_(trace), model_(model), tear_(tear) {}

  void Issue(uint32_t index) {
    const Op& op = trace_.ops[index];
    if (op.result_errno != 0) return;
    switch (op.kind) {
      case OpKind::kCreate:
      case OpKind::kMakeDirectory:
        Add({.id = {index, AtomKind::kInode, 0}, .inode = op.inode});
        SetName(index, 0, op.directory, op.name, op.inode, 0);
        break;
      case OpKind::kWrite:
        Write(index, op);
        break;
      case OpKind::kTruncate:
        Add({.id = {index, AtomKind::kTruncate, 0}, .inode = op.inode});
        sizes_[op.inode] = op.size_bytes;
        break;
      case OpKind::kSync:
      case OpKind::kDataSync:
        Sync([&op](const Item& item) {
          return item.id.kind != AtomKind::kName && item.inode == op.inode;
        });
        break;
      case OpKind::kSyncDirectory:
        Sync([&op](const Item& item) {
          if (item.id.kind == AtomKind::kName) return item.directory == op.inode;
          return item.id.kind == AtomKind::kInode && item.inode == op.inode;
        });
        break;
      case OpKind::kRename:
        SetName(index, 0, op.directory, op.name, kNoInode, index + 1);
        SetName(index, 1, op.other_directory, op.other_name, op.inode, index + 1);
        break;
      case OpKind::kLink:
        SetName(index, 1, op.other_directory, op.other_name, op.inode, 0);
        break;
      case OpKind::kUnlink:
      case OpKind::kRemoveDirectory:
        SetName(index, 0, op.directory, op.name, kNoInode, 0);
        break;
      case OpKind::kBegin:
      case OpKind::kAcknowledge:
        break;
    }
  }

  std::optional<std::vector<std::vector<AtomId>>> States(size_t limit) {
    if (model_.shape == Shape::kEverything) must_.assign(items_.size(), 1);
    Close();
    limit_ = limit;
    kept_.assign(items_.size(), 0);
    if (!Visit(0)) return std::nullopt;
    return std::move(states_);
  }

 private:
  void Add(Item item) {
    items_.push_back(std::move(item));
    must_.push_back(0);
  }

  void SetName(uint32_t index, uint32_t part, InodeId directory, const std::string& name,
               InodeId target, uint32_t rename) {
    Add({.id = {index, AtomKind::kName, part},
         .inode = target,
         .directory = directory,
         .name = name,
         .rename = rename});
  }

  void Write(uint32_t index, const Op& op) {
    if (op.size_bytes == 0) return;
    const uint64_t unit_bytes = tear_ == Tear::kSectorsAny || tear_ == Tear::kSectorsContiguous
                                    ? kSectorBytes
                                    : kTearPageBytes;
    const uint64_t end = op.offset_bytes + op.size_bytes;
    uint32_t piece = 0;
    for (uint64_t unit = op.offset_bytes / unit_bytes; unit * unit_bytes < end; ++unit) {
      Add({.id = {index, AtomKind::kData, tear_ == Tear::kNone ? 0 : piece++},
           .inode = op.inode,
           .unit = unit});
    }
    uint64_t& size = sizes_[op.inode];
    if (end <= size) return;
    uint32_t step = 0;
    const uint64_t grown_from = std::max(size, op.offset_bytes);
    for (uint64_t page = grown_from / kTearPageBytes; page * kTearPageBytes < end; ++page) {
      Add({.id = {index, AtomKind::kSize, step++}, .inode = op.inode});
      if (tear_ == Tear::kNone) break;
    }
    size = end;
  }

  void Sync(const std::function<bool(const Item&)>& covers) {
    for (size_t i = 0; i < items_.size(); ++i) {
      if (covers(items_[i])) must_[i] = 1;
    }
  }

  // Returns: true when keeping `late` asks for `early`, which was issued before it.
  bool Needs(const Item& late, const Item& early) const {
    if (model_.shape == Shape::kPrefix) return true;
    const bool late_is_name = late.id.kind == AtomKind::kName;
    switch (early.id.kind) {
      case AtomKind::kInode:
        return early.inode == late.inode || early.inode == late.directory;
      case AtomKind::kName:
        return late_is_name && early.directory == late.directory && early.name == late.name;
      case AtomKind::kData:
        return late.id.kind == AtomKind::kData && early.inode == late.inode &&
               early.unit == late.unit;
      case AtomKind::kSize:
      case AtomKind::kTruncate:
        return (late.id.kind == AtomKind::kSize || late.id.kind == AtomKind::kTruncate) &&
               early.inode == late.inode;
    }
    return false;
  }

  // One atom for all pieces of an untorn write; one fate for both names of a rename.
  static bool AreOne(const Item& left, const Item& right) {
    return left.id == right.id || (left.rename != 0 && left.rename == right.rename);
  }

  void Close() {
    for (bool changed = true; changed;) {
      changed = false;
      for (size_t late = 0; late < items_.size(); ++late) {
        if (must_[late] == 0) continue;
        for (size_t i = 0; i < items_.size(); ++i) {
          const bool needed =
              (i < late && Needs(items_[late], items_[i])) || AreOne(items_[late], items_[i]);
          if (!needed || must_[i] != 0) continue;
          must_[i] = 1;
          changed = true;
        }
      }
    }
  }

  bool IsLegalAt(size_t i) const {
    if (must_[i] > kept_[i]) return false;
    for (size_t early = 0; early < i; ++early) {
      if (kept_[i] > kept_[early] && Needs(items_[i], items_[early])) return false;
      if (kept_[i] != kept_[early] && AreOne(items_[i], items_[early])) return false;
    }
    return tear_ != Tear::kSectorsContiguous || model_.shape != Shape::kClosedSet ||
           IsTearLegalAt(i);
  }

  // In each page, what is kept of one write is a prefix or a suffix of its sectors.
  bool IsTearLegalAt(size_t i) const {
    const uint64_t units = kTearPageBytes / kSectorBytes;
    int changes = 0;
    for (size_t at = i; at > 0; --at) {
      const Item& here = items_[at];
      const Item& before = items_[at - 1];
      if (here.id.kind != AtomKind::kData || before.id.kind != AtomKind::kData) break;
      if (here.id.op != before.id.op || here.unit / units != before.unit / units) break;
      changes += kept_[at] != kept_[at - 1] ? 1 : 0;
    }
    return changes <= 1;
  }

  bool Visit(size_t i) {
    if (i == items_.size()) {
      std::vector<AtomId> lost;
      for (size_t at = 0; at < i; ++at) {
        if (kept_[at] == 0) lost.push_back(items_[at].id);
      }
      std::ranges::sort(lost);
      states_.push_back(std::move(lost));
      return states_.size() <= limit_;
    }
    for (const char kept : {char{1}, char{0}}) {
      kept_[i] = kept;
      if (IsLegalAt(i) && !Visit(i + 1)) return false;
    }
    return true;
  }

  const Trace& trace_;
  const Model& model_;
  Tear tear_;
  std::vector<Item> items_;
  std::vector<char> must_;
  std::map<InodeId, uint64_t> sizes_;
  size_t limit_ = 0;
  std::vector<char> kept_;
  std::vector<std::vector<AtomId>> states_;
};

}  // namespace

std::optional<std::vector<std::vector<AtomId>>> ReferenceStates(const Trace& trace, size_t position,
                                                                const Model& model, Tear tear,
                                                                size_t limit) {
  Reference reference(trace, model, tear);
  for (uint32_t i = 0; i < position; ++i) reference.Issue(i);
  return reference.States(limit);
}

}  // namespace plugpull
