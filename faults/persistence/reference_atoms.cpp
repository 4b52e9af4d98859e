// Calls to atoms (persistence models, 4.2 and 4.3).
#include <algorithm>

#include "faults/persistence/reference.h"

namespace plugpull {
namespace {

uint64_t PageFloor(uint64_t bytes) { return bytes / kTearPageBytes * kTearPageBytes; }

uint64_t PageCeiling(uint64_t bytes) { return PageFloor(bytes + kTearPageBytes - 1); }

}  // namespace

bool MeetsPages(const ReferenceAtom& atom, uint64_t begin_bytes, uint64_t end_bytes) {
  return atom.begin_bytes < PageCeiling(end_bytes) && atom.end_bytes > PageFloor(begin_bytes);
}

void ReferenceCalls::Issue(uint32_t op_index) {
  const Op& op = trace_.ops[op_index];
  if (op.result_errno != 0) return;
  switch (op.kind) {
    case OpKind::kCreate:
    case OpKind::kMakeDirectory:
    case OpKind::kSymlink:
      Add({op_index, AtomKind::kInode, 0}, op.inode);
      // No attribute of a new inode changes (4.3); in a group its name goes with it all the same.
      AddName(op_index, 0, op.directory, op.name, op.inode, {});
      if (model_.creation_group) atoms_.back().touched = {op.inode};
      Touch(op_index, op.directory);
      break;
    case OpKind::kCreateUnnamed:
      Add({op_index, AtomKind::kInode, 0}, op.inode);
      break;
    case OpKind::kWrite:
      Write(op_index, op, AtomKind::kData);
      break;
    case OpKind::kClone:
      Write(op_index, op, AtomKind::kClone);
      break;
    case OpKind::kTruncate: {
      ReferenceAtom& atom = Add({op_index, AtomKind::kTruncate, 0}, op.inode);
      atom.end_bytes = op.size_bytes;
      atom.old_size = sizes_[op.inode];
      rewrites_[op.inode] = op.size_bytes == 0 ? ++last_rewrite_ : 0;
      atom.rewrite = rewrites_[op.inode];
      highest_[op.inode] = std::max(highest_[op.inode], sizes_[op.inode]);
      sizes_[op.inode] = op.size_bytes;
      Touch(op_index, op.inode);
      break;
    }
    case OpKind::kAllocate:
      Allocate(op_index, op);
      break;
    case OpKind::kRename:
      AddRename(op_index, op);
      break;
    case OpKind::kExchange:
      AddName(op_index, 0, op.directory, op.name, op.other_inode, {op.inode, op.other_inode});
      AddName(op_index, 1, op.other_directory, op.other_name, op.inode, {op.inode, op.other_inode});
      for (InodeId inode : {op.inode, op.other_inode, op.directory, op.other_directory}) {
        Touch(op_index, inode);
      }
      break;
    case OpKind::kLink:
      AddName(op_index, 1, op.other_directory, op.other_name, op.inode, {op.inode});
      Touch(op_index, op.inode);
      Touch(op_index, op.other_directory);
      break;
    case OpKind::kUnlink:
    case OpKind::kRemoveDirectory:
      AddName(op_index, 0, op.directory, op.name, kNoInode, {op.inode});
      Touch(op_index, op.inode);
      Touch(op_index, op.directory);
      break;
    case OpKind::kSetAttribute:
    case OpKind::kSetXattr:
    case OpKind::kRemoveXattr:
      if (op.kind != OpKind::kSetAttribute || op.name != "times") {
        Add({op_index, AtomKind::kAttribute, 0}, op.inode).touched = {op.inode};
      }
      Touch(op_index, op.inode);
      break;
    case OpKind::kSync:
    case OpKind::kDataSync:
    case OpKind::kSyncWrite:
    case OpKind::kSyncMapped:
      rewrites_[op.inode] = 0;
      break;
    case OpKind::kSyncAll:
      rewrites_.clear();
      break;
    case OpKind::kSyncDirectory:
    case OpKind::kSyncRange:
    case OpKind::kBegin:
    case OpKind::kAcknowledge:
    case OpKind::kUnmodelled:
      break;
  }
}

ReferenceAtom& ReferenceCalls::Add(AtomId id, InodeId inode) {
  ReferenceAtom& atom = atoms_.emplace_back();
  atom.id = id;
  atom.op_kind = trace_.ops[id.op].kind;
  atom.inode = inode;
  return atom;
}

// The times of an inode change. They are no part of what a crash may lose, but a sync writes them,
// and what a journal has in front of them.
void ReferenceCalls::Touch(uint32_t op_index, InodeId inode) {
  ReferenceAtom& atom = Add({op_index, AtomKind::kAttribute, 0}, inode);
  atom.touched = {inode};
  atom.is_visible = false;
}

void ReferenceCalls::AddName(uint32_t op_index, uint32_t part, InodeId directory,
                             const std::string& name, InodeId target,
                             const std::vector<InodeId>& touched) {
  const Op& op = trace_.ops[op_index];
  ReferenceAtom& atom = Add({op_index, AtomKind::kName, part}, target);
  atom.directory = directory;
  atom.name = name;
  atom.touched = touched;
  atom.is_one_directory = op.directory == op.other_directory;
  Cell(directory, name) = target;
}

void ReferenceCalls::AddRename(uint32_t op_index, const Op& op) {
  const InodeId replaced = Cell(op.other_directory, op.other_name);
  std::vector<InodeId> touched = {op.inode};
  if (replaced != kNoInode) touched.push_back(replaced);
  const auto add_old = [&] { AddName(op_index, 0, op.directory, op.name, kNoInode, {op.inode}); };
  const bool is_dual = model_.groups == Groups::kNone && model_.rename == Rename::kDual;
  const bool is_emptied = model_.groups == Groups::kNone && replaced != kNoInode &&
                          model_.rename == Rename::kTargetMissing;
  if (is_emptied) AddName(op_index, 2, op.other_directory, op.other_name, kNoInode, touched);
  if (!is_dual) add_old();
  AddName(op_index, 1, op.other_directory, op.other_name, op.inode, touched);
  atoms_.back().replaces = replaced != kNoInode;
  if (is_dual) add_old();
  touched.push_back(op.directory);
  touched.push_back(op.other_directory);
  for (const InodeId inode : touched) Touch(op_index, inode);
}

void ReferenceCalls::Write(uint32_t op_index, const Op& op, AtomKind kind) {
  if (op.size_bytes == 0) return;
  Touch(op_index, op.inode);
  const uint64_t old_size = sizes_[op.inode];
  const uint64_t end = op.offset_bytes + op.size_bytes;
  if (kind == AtomKind::kData) AddFills(op_index, op, old_size);
  const bool is_whole = tear_ == Tear::kNone || (op.flags & kUntorn) != 0;
  const bool has_sectors = tear_ == Tear::kSectorsContiguous || tear_ == Tear::kSectorsAny;
  uint64_t unit_bytes = has_sectors ? kSectorBytes : kTearPageBytes;
  if (tear_ == Tear::kBytes64) unit_bytes = 64;
  if (tear_ == Tear::kBytes8) unit_bytes = 8;
  uint32_t piece = 0;
  for (uint64_t begin = op.offset_bytes; begin < end; ++piece) {
    const uint64_t unit_end = (begin / unit_bytes + 1) * unit_bytes;
    ReferenceAtom& atom = Add({op_index, kind, piece}, op.inode);
    atom.begin_bytes = begin;
    atom.end_bytes = is_whole ? end : std::min(end, unit_end);
    atom.old_size = old_size;
    atom.is_mapped = (op.flags & kMapped) != 0;
    if (kind == AtomKind::kData) atom.rewrite = rewrites_[op.inode];
    begin = atom.end_bytes;
  }
  if (end <= old_size) return;
  AddSizes(op_index, op, old_size);
  sizes_[op.inode] = end;
}

// A block that the file never had before has to be zeroed around what is written of it. The first
// write to such a block does.
void ReferenceCalls::AddFills(uint32_t op_index, const Op& op, uint64_t old_size) {
  uint64_t& highest = highest_[op.inode];
  highest = std::max(highest, old_size);
  // In a prefix, no size comes before the bytes that it shows.
  if (model_.fill != Fill::kGarbage || model_.shape == Shape::kPrefix) return;
  const uint64_t first = PageFloor(op.offset_bytes);
  for (uint64_t block = first; block < op.offset_bytes + op.size_bytes; block += kTearPageBytes) {
    const bool is_pending = std::ranges::any_of(atoms_, [&](const ReferenceAtom& atom) {
      return atom.id.kind == AtomKind::kFill && atom.inode == op.inode &&
             atom.begin_bytes == block && !atom.must;
    });
    if (block < PageCeiling(highest) || is_pending) continue;
    const auto index = static_cast<uint32_t>((block - first) / kTearPageBytes);
    ReferenceAtom& atom = Add({op_index, AtomKind::kFill, index}, op.inode);
    atom.begin_bytes = block;
    atom.end_bytes = block + kTearPageBytes;
  }
}

// One step of the size for each page that is written beyond the old end, or one for all. A clone is
// metadata, and so are its sizes; those of a write float.
void ReferenceCalls::AddSizes(uint32_t op_index, const Op& op, uint64_t old_size) {
  const uint64_t end = op.offset_bytes + op.size_bytes;
  uint64_t reached = old_size;
  for (uint32_t step = 0; reached < end; ++step) {
    const uint64_t next = PageFloor(std::max(reached, op.offset_bytes)) + kTearPageBytes;
    ReferenceAtom& atom = Add({op_index, AtomKind::kSize, step}, op.inode);
    atom.begin_bytes = reached;
    atom.end_bytes = tear_ == Tear::kNone ? end : std::min(end, next);
    atom.old_size = old_size;
    atom.is_floating = op.kind == OpKind::kWrite;
    if (atom.is_floating) atom.rewrite = rewrites_[op.inode];
    reached = atom.end_bytes;
  }
}

void ReferenceCalls::Allocate(uint32_t op_index, const Op& op) {
  uint64_t& size = sizes_[op.inode];
  const uint64_t end = op.offset_bytes + op.size_bytes;
  if ((op.flags & (kPunchHole | kZeroRange)) != 0 && op.offset_bytes < size) {
    ReferenceAtom& zero = Add({op_index, AtomKind::kZero, 0}, op.inode);
    zero.begin_bytes = op.offset_bytes;
    zero.end_bytes = std::min(end, size);
  }
  if ((op.flags & (kPunchHole | kKeepSize)) == 0 && end > size) {
    ReferenceAtom& grown = Add({op_index, AtomKind::kSize, 0}, op.inode);
    grown.begin_bytes = size;
    grown.end_bytes = end;
    grown.old_size = size;
    size = end;
  }
  Touch(op_index, op.inode);
}

}  // namespace plugpull
