#include "faults/persistence/materialise.h"

#include <algorithm>
#include <unordered_map>

namespace plugpull {
namespace {

class Materialiser {
 public:
  Materialiser(const Trace& trace, std::span<const AtomId> lost, Tear tear)
      : trace_(trace), lost_(lost), tear_(tear) {}

  void Apply(uint32_t op_index) {
    const Op& op = trace_.ops[op_index];
    if (op.result_errno != 0) return;
    switch (op.kind) {
      case OpKind::kCreate:
        if (Kept({op_index, AtomKind::kInode, 0})) image_.files[op.inode];
        Name({op_index, AtomKind::kName, 0}, op.directory, op.name, op.inode);
        break;
      case OpKind::kMakeDirectory:
        if (Kept({op_index, AtomKind::kInode, 0})) image_.names.AddDirectory(op.inode);
        Name({op_index, AtomKind::kName, 0}, op.directory, op.name, op.inode);
        break;
      case OpKind::kWrite:
        Write(op_index, op);
        break;
      case OpKind::kTruncate:
        if (Kept({op_index, AtomKind::kTruncate, 0})) {
          image_.files[op.inode].Truncate(op.size_bytes);
        }
        size_issued_[op.inode] = op.size_bytes;
        break;
      case OpKind::kRename:
        Name({op_index, AtomKind::kName, 0}, op.directory, op.name, kNoInode);
        Name({op_index, AtomKind::kName, 1}, op.other_directory, op.other_name, op.inode);
        break;
      case OpKind::kLink:
        Name({op_index, AtomKind::kName, 1}, op.other_directory, op.other_name, op.inode);
        break;
      case OpKind::kUnlink:
      case OpKind::kRemoveDirectory:
        Name({op_index, AtomKind::kName, 0}, op.directory, op.name, kNoInode);
        break;
      case OpKind::kSync:
      case OpKind::kDataSync:
      case OpKind::kSyncDirectory:
      case OpKind::kBegin:
      case OpKind::kAcknowledge:
        break;
    }
  }

  Image TakeImage() { return std::move(image_); }

 private:
  bool Kept(AtomId atom) const { return !std::ranges::binary_search(lost_, atom); }

  void Name(AtomId atom, InodeId directory, const std::string& name, InodeId target) {
    if (Kept(atom)) image_.names.Set(directory, name, target);
  }

  void Write(uint32_t op_index, const Op& op) {
    if (op.size_bytes == 0) return;
    FileContent& file = image_.files[op.inode];
    const uint64_t unit_bytes = UnitBytes(tear_);
    const DataPieces pieces = UnitsOf(op, tear_);
    for (uint32_t piece = 0; piece < pieces.count; ++piece) {
      const uint32_t atom_index = tear_ == Tear::kNone ? 0 : piece;
      if (!Kept({op_index, AtomKind::kData, atom_index})) continue;
      const uint64_t unit_start = (pieces.first_unit + piece) * unit_bytes;
      const uint64_t begin = std::max(op.offset_bytes, unit_start);
      const uint64_t end = std::min(op.offset_bytes + op.size_bytes, unit_start + unit_bytes);
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

  const Trace& trace_;
  std::span<const AtomId> lost_;
  Tear tear_;
  Image image_;
  std::unordered_map<InodeId, uint64_t> size_issued_;
};

}  // namespace

Image Materialise(const Trace& trace, size_t position, std::span<const AtomId> lost, Tear tear) {
  Materialiser materialiser(trace, lost, tear);
  for (uint32_t i = 0; i < position; ++i) materialiser.Apply(i);
  return materialiser.TakeImage();
}

}  // namespace plugpull
