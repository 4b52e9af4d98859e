#include "faults/persistence/materialise.h"

#include <algorithm>
#include <set>
#include <unordered_map>
#include <vector>

#include "faults/persistence/stale.h"
#include "faults/trace/creation_modes.h"

namespace plugpull {
namespace {

std::string_view AsString(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

// A file while it is put together, with what decides whether a unit of it shows stale bytes.
struct Units {
  std::set<uint64_t> written{};  // some bytes were kept since the unit was last cut off or zeroed
  std::set<uint64_t> stale{};    // the block is new, its zeroing was lost, and so was all else
};

class Materialiser {
 public:
  Materialiser(const Trace& trace, std::span<const AtomId> lost, Tear tear)
      : trace_(trace),
        lost_(lost),
        tear_(tear),
        shows_stale_(std::ranges::count(lost, AtomKind::kFill, &AtomId::kind) != 0) {
    for (auto& [inode, mode] : CreationModesOf(trace)) image_.attributes[inode]["mode"] = mode;
  }

  void Apply(uint32_t op_index) {
    const Op& op = trace_.ops[op_index];
    if (op.result_errno != 0) return;
    switch (op.kind) {
      case OpKind::kCreate:
      case OpKind::kMakeDirectory:
      case OpKind::kSymlink:
        Inode(op_index, op);
        Name({op_index, AtomKind::kName, 0}, op.directory, op.name, op.inode);
        break;
      case OpKind::kCreateUnnamed:
        Inode(op_index, op);
        break;
      case OpKind::kWrite:
        Write(op_index, op, AtomKind::kData);
        break;
      case OpKind::kClone:
        Write(op_index, op, AtomKind::kClone);
        break;
      case OpKind::kTruncate:
        if (Kept({op_index, AtomKind::kTruncate, 0})) Truncate(op.inode, op.size_bytes);
        size_issued_[op.inode] = op.size_bytes;
        break;
      case OpKind::kAllocate:
        Allocate(op_index, op);
        break;
      case OpKind::kRename:
        Name({op_index, AtomKind::kName, 0}, op.directory, op.name, kNoInode);
        if (!Kept({op_index, AtomKind::kName, 2})) {
          image_.names.Set(op.other_directory, op.other_name, kNoInode);
        }
        Name({op_index, AtomKind::kName, 1}, op.other_directory, op.other_name, op.inode);
        break;
      case OpKind::kExchange:
        Name({op_index, AtomKind::kName, 0}, op.directory, op.name, op.other_inode);
        Name({op_index, AtomKind::kName, 1}, op.other_directory, op.other_name, op.inode);
        break;
      case OpKind::kLink:
        Name({op_index, AtomKind::kName, 1}, op.other_directory, op.other_name, op.inode);
        break;
      case OpKind::kUnlink:
      case OpKind::kRemoveDirectory:
        Name({op_index, AtomKind::kName, 0}, op.directory, op.name, kNoInode);
        break;
      case OpKind::kSetAttribute:
      case OpKind::kSetXattr:
      case OpKind::kRemoveXattr:
        Attribute(op_index, op);
        break;
      case OpKind::kSync:
      case OpKind::kDataSync:
      case OpKind::kSyncDirectory:
      case OpKind::kBegin:
      case OpKind::kAcknowledge:
      case OpKind::kSyncWrite:
      case OpKind::kSyncRange:
      case OpKind::kSyncMapped:
      case OpKind::kSyncAll:
      case OpKind::kUnmodelled:
        break;
    }
  }

  Image TakeImage() { return std::move(image_); }

 private:
  bool Kept(AtomId atom) const { return !std::ranges::binary_search(lost_, atom); }

  void Inode(uint32_t op_index, const Op& op) {
    if (!Kept({op_index, AtomKind::kInode, 0})) return;
    if (op.kind == OpKind::kMakeDirectory) {
      image_.names.AddDirectory(op.inode);
    } else if (op.kind == OpKind::kSymlink) {
      image_.links[op.inode] = AsString(trace_.Payload(op));
    } else {
      image_.files[op.inode];
    }
  }

  void Name(AtomId atom, InodeId directory, const std::string& name, InodeId target) {
    if (Kept(atom)) image_.names.Set(directory, name, target);
  }

  // Times change with nearly every call; no atom says so, and no image shows them.
  void Attribute(uint32_t op_index, const Op& op) {
    if (op.name == "times" && op.kind == OpKind::kSetAttribute) return;
    if (!Kept({op_index, AtomKind::kAttribute, 0})) return;
    auto& attributes = image_.attributes[op.inode];
    if (op.kind == OpKind::kRemoveXattr) {
      attributes.erase(AttributeKey(op));
    } else {
      attributes[AttributeKey(op)] = AsString(trace_.Payload(op));
    }
    if (attributes.empty()) image_.attributes.erase(op.inode);
  }

  void Truncate(InodeId inode, uint64_t size_bytes) {
    image_.files[inode].Truncate(size_bytes);
    if (!shows_stale_) return;
    const uint64_t first_gone = (size_bytes + UnitBytes(tear_) - 1) / UnitBytes(tear_);
    Units& units = units_[inode];
    units.written.erase(units.written.lower_bound(first_gone), units.written.end());
    units.stale.erase(units.stale.lower_bound(first_gone), units.stale.end());
  }

  void Zero(InodeId inode, uint64_t begin, uint64_t end) {
    image_.files[inode].Store(begin, std::vector<std::byte>(end - begin));
    if (!shows_stale_) return;
    Units& units = units_[inode];
    const uint64_t unit_bytes = UnitBytes(tear_);
    for (uint64_t unit = (begin + unit_bytes - 1) / unit_bytes; unit < end / unit_bytes; ++unit) {
      units.written.erase(unit);
      units.stale.erase(unit);
    }
  }

  void Allocate(uint32_t op_index, const Op& op) {
    uint64_t& size = size_issued_[op.inode];
    const uint64_t end = op.offset_bytes + op.size_bytes;
    if ((op.flags & (kPunchHole | kZeroRange)) != 0 && op.offset_bytes < size &&
        Kept({op_index, AtomKind::kZero, 0})) {
      Zero(op.inode, op.offset_bytes, std::min(end, size));
    }
    if ((op.flags & (kPunchHole | kKeepSize)) != 0 || end <= size) return;
    if (Kept({op_index, AtomKind::kSize, 0})) image_.files[op.inode].RaiseSize(end);
    size = end;
  }

  void Write(uint32_t op_index, const Op& op, AtomKind kind) {
    if (op.size_bytes == 0) return;
    if (shows_stale_ && kind == AtomKind::kData) LoseFills(op_index, op);
    FileContent& file = image_.files[op.inode];
    const uint64_t unit_bytes = UnitBytes(tear_);
    const DataPieces pieces = UnitsOf(op, tear_);
    const bool is_whole = tear_ == Tear::kNone || (op.flags & kUntorn) != 0;
    for (uint32_t piece = 0; piece < pieces.count; ++piece) {
      if (!Kept({op_index, kind, is_whole ? 0 : piece})) continue;
      const uint64_t unit_start = (pieces.first_unit + piece) * unit_bytes;
      const uint64_t begin = std::max(op.offset_bytes, unit_start);
      const uint64_t end = std::min(op.offset_bytes + op.size_bytes, unit_start + unit_bytes);
      MarkWritten(op.inode, pieces.first_unit + piece);
      file.Store(begin, trace_.Payload(op).subspan(begin - op.offset_bytes, end - begin));
    }
    uint64_t& size = size_issued_[op.inode];
    const uint64_t end = op.offset_bytes + op.size_bytes;
    if (end <= size) return;
    const uint32_t steps = SizeStepCount(op, size, tear_);
    for (uint32_t step = 0; step < steps; ++step) {
      if (!Kept({op_index, AtomKind::kSize, step})) continue;
      file.RaiseSize(SizeStepEnd(op, size, step, tear_));
    }
    size = end;
  }

  // Fills the blocks of the write whose zeroing was lost with stale bytes, where nothing else was
  // ever kept.
  void LoseFills(uint32_t op_index, const Op& op) {
    const uint64_t first = op.offset_bytes / kTearPageBytes;
    const uint64_t last = (op.offset_bytes + op.size_bytes - 1) / kTearPageBytes;
    const uint64_t unit_bytes = UnitBytes(tear_);
    for (uint64_t block = first; block <= last; ++block) {
      if (Kept({op_index, AtomKind::kFill, static_cast<uint32_t>(block - first)})) continue;
      Units& units = units_[op.inode];
      const uint64_t units_each = kTearPageBytes / unit_bytes;
      for (uint64_t unit = block * units_each; unit < (block + 1) * units_each; ++unit) {
        if (units.written.contains(unit)) continue;
        std::vector<std::byte> bytes(unit_bytes);
        for (size_t i = 0; i < unit_bytes; ++i) bytes[i] = StaleByte(unit * unit_bytes + i);
        image_.files[op.inode].Store(unit * unit_bytes, bytes);
        units.stale.insert(unit);
      }
    }
  }

  // Bytes reach the disk with the rest of their unit, which the page cache has as zeros.
  void MarkWritten(InodeId inode, uint64_t unit) {
    if (!shows_stale_) return;
    Units& units = units_[inode];
    units.written.insert(unit);
    if (units.stale.erase(unit) == 0) return;
    const std::vector<std::byte> zeros(UnitBytes(tear_));
    image_.files[inode].Store(unit * UnitBytes(tear_), zeros);
  }

  const Trace& trace_;
  std::span<const AtomId> lost_;
  Tear tear_;
  bool shows_stale_;
  Image image_;
  std::unordered_map<InodeId, uint64_t> size_issued_;
  std::unordered_map<InodeId, Units> units_;
};

}  // namespace

Image Materialise(const Trace& trace, size_t position, std::span<const AtomId> lost, Tear tear) {
  Materialiser materialiser(trace, lost, tear);
  for (uint32_t i = 0; i < position; ++i) materialiser.Apply(i);
  return materialiser.TakeImage();
}

}  // namespace plugpull
