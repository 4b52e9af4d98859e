// The plain way to the crash states of a point, for tests: every call as its atoms, every pair of
// atoms asked for every rule, every sync applied to the list as it stands. It follows the
// specification (persistence models, 4.1-4.9) and shares no code with CrashCursor and CrashGraph,
// which arrive at the same states in a faster way.
//
// Read in this order: reference_atoms.cpp (calls to atoms), reference_rules.cpp (what an atom needs
// of another), reference_cover.cpp (what syncs make sure), reference_states.cpp (all the rest).
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "faults/persistence/atom.h"
#include "faults/persistence/model.h"
#include "faults/persistence/tear.h"
#include "faults/trace/trace.h"

namespace plugpull {

// An atom with all that the rules ask about it. In the list of atoms it stands in issue order.
struct ReferenceAtom {
  AtomId id;
  OpKind op_kind = OpKind::kCreate;
  InodeId inode = kNoInode;      // what it is about; kName: what the cell stands for afterwards
  InodeId directory = kNoInode;  // kName only
  std::string name{};            // kName only
  // kName: the inodes whose attributes change with the name. kAttribute: the inode.
  std::vector<InodeId> touched{};
  uint64_t begin_bytes = 0;  // kData, kClone, kZero, kFill: its bytes. kSize: it raises the size
  uint64_t end_bytes = 0;    // from begin to end. kTruncate: end is the new size
  uint64_t old_size = 0;     // kData, kSize: the size that the program saw before the call
  bool is_floating = false;  // kSize: raised by a write
  bool is_mapped = false;    // kData
  bool replaces = false;     // kName: the new name of a rename, and it stood for something
  bool is_one_directory = false;  // kName: all names of the call are in one directory
  bool is_visible = true;  // false: a change of times, which only matters to what syncs cover
  uint32_t rewrite = 0;    // kTruncate, kData, kSize: truncates to 0 and what follows are counted

  uint64_t cut_bytes = UINT64_MAX;  // kData: a truncate that is sure has cut off what lies beyond

  bool must = false;     // a sync covered it
  bool dropped = false;  // a sync that failed dropped it: no later sync covers it
  bool revoked = false;  // a sync that failed took it back: no crash state has it
};

// Returns: true when the pages of the atom's bytes and the pages of [begin, end) meet.
bool MeetsPages(const ReferenceAtom& atom, uint64_t begin_bytes, uint64_t end_bytes);

// Turns calls into atoms.
class ReferenceCalls {
 public:
  // Requires: all three outlive this; `tear` is the model's EffectiveTear.
  ReferenceCalls(const Trace& trace, const Model& model, Tear tear,
                 std::vector<ReferenceAtom>& atoms)
      : trace_(trace), model_(model), tear_(tear), atoms_(atoms) {}

  // Appends the atoms of one operation, which comes after those issued before.
  void Issue(uint32_t op_index);

 private:
  ReferenceAtom& Add(AtomId id, InodeId inode);
  void Touch(uint32_t op_index, InodeId inode);
  void AddName(uint32_t op_index, uint32_t part, InodeId directory, const std::string& name,
               InodeId target, const std::vector<InodeId>& touched);
  void AddRename(uint32_t op_index, const Op& op);
  void Write(uint32_t op_index, const Op& op, AtomKind kind);
  void AddFills(uint32_t op_index, const Op& op, uint64_t old_size);
  void AddSizes(uint32_t op_index, const Op& op, uint64_t old_size);
  void Allocate(uint32_t op_index, const Op& op);
  InodeId& Cell(InodeId directory, const std::string& name) { return cells_[{directory, name}]; }

  const Trace& trace_;
  const Model& model_;
  Tear tear_;
  std::vector<ReferenceAtom>& atoms_;
  // As the program sees them.
  std::map<InodeId, uint64_t> sizes_;
  std::map<InodeId, uint64_t> highest_;  // that the size was before the last write or truncate
  std::map<std::pair<InodeId, std::string>, InodeId> cells_;
  std::map<InodeId, uint32_t> rewrites_;
  uint32_t last_rewrite_ = 0;
};

// What atoms need of one another in a model. "late needs early": late survives only if early does.
class ReferenceRules {
 public:
  // Requires: `tear` is the model's EffectiveTear.
  ReferenceRules(const Trace& trace, const Model& model, Tear tear)
      : trace_(trace), model_(model), tear_(tear) {}

  // Whatever the kept atoms are. `issued_after`: late comes after early in the list of atoms.
  bool Needs(const ReferenceAtom& late, const ReferenceAtom& early, bool issued_after) const;

  // Among what syncs cover: `early` is covered together with `late`.
  bool MustNeeds(const ReferenceAtom& late, const ReferenceAtom& early, bool issued_after) const;

  // Returns: true for the metadata whose issue order a journal keeps (E8).
  bool IsChained(const ReferenceAtom& atom) const;

  // Returns: true where the tear `512` leaves a prefix or suffix of each page.
  bool TearsContiguously() const;

 private:
  bool AreOne(const ReferenceAtom& left, const ReferenceAtom& right) const;
  bool IsSameCell(const ReferenceAtom& late, const ReferenceAtom& early) const;
  bool NamesNeed(const ReferenceAtom& late, const ReferenceAtom& early) const;
  bool SizesNeed(const ReferenceAtom& late, const ReferenceAtom& early) const;
  bool IsFenced(const ReferenceAtom& late, const ReferenceAtom& early) const;
  bool IsNextInInode(const ReferenceAtom& late, const ReferenceAtom& early) const;
  bool SizeNeedsData(const ReferenceAtom& size, const ReferenceAtom& data) const;
  bool DataNeedsSize(const ReferenceAtom& data, const ReferenceAtom& size) const;
  bool IsAnchored(const ReferenceAtom& atom) const;
  bool IsBehindBarrier(const ReferenceAtom& late, const ReferenceAtom& early) const;

  const Trace& trace_;
  const Model& model_;
  Tear tear_;
};

// Applies the syncs of the trace to the list of atoms.
class ReferenceCover {
 public:
  ReferenceCover(const Trace& trace, const Model& model, Tear tear,
                 std::vector<ReferenceAtom>& atoms)
      : trace_(trace), model_(model), rules_(trace, model, tear), atoms_(atoms) {}

  // Call for each operation, after its atoms are in the list.
  void Apply(uint32_t op_index);

 private:
  bool Covers(uint32_t op_index, const ReferenceAtom& atom) const;
  bool CoversRange(uint32_t op_index, const ReferenceAtom& atom) const;
  bool IsNameOf(const ReferenceAtom& atom, InodeId inode) const;
  bool IsAttributeOf(const ReferenceAtom& atom, InodeId inode) const;
  void Fail(uint32_t op_index);
  void Succeed(uint32_t op_index);

  // Covers what `selects` says, with what it needs. Returns: the atoms that were not covered yet.
  template <typename Selects>
  std::vector<size_t> Cover(Selects selects);

  const Trace& trace_;
  const Model& model_;
  ReferenceRules rules_;
  std::vector<ReferenceAtom>& atoms_;
};

}  // namespace plugpull
