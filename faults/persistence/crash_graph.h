// The crash states of one crash point, as a graph: what is undecided, cut into atoms by the tear,
// with the model's edges between them, and indexed the way a recovering engine asks: what does this
// name stand for, how long is this file, what do these bytes say?
//
// A view asks for values; each value depends on a few variables of the Constraints. Nothing here
// enumerates states.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "faults/base/arena.h"
#include "faults/persistence/atom.h"
#include "faults/persistence/constraints.h"
#include "faults/persistence/crash_cursor.h"
#include "faults/persistence/edge_builder.h"
#include "faults/persistence/tear.h"

namespace plugpull {

// The bytes that one operation puts into one unit of a file.
struct UnitEntry {
  VariableId variable = kNoVariable;
  uint32_t sequence = 0;  // position in issue order among everything pending
  uint16_t begin = 0;     // the bytes [begin, end) of the unit that it writes
  uint16_t end = 0;
  bool is_data = true;     // of a write; else of a clone, whose place is among the metadata
  bool is_failed = false;  // of a write that a failed sync has dropped: later ones do not wait
  const std::byte* written = nullptr;  // end - begin bytes
  const std::byte* version = nullptr;  // the unit with this entry and all earlier ones kept
};

// Everything that may or may not have reached one unit of a file, in issue order.
struct UnitChain {
  uint64_t unit = 0;
  const std::byte* base = nullptr;  // the unit with nothing kept; null: nobody knows yet
  std::span<UnitEntry> entries{};
  // Lost: where no write of the unit is kept, it shows what its new block held before.
  VariableId fill = kNoVariable;
  uint32_t fill_sequence = 0;  // when the block was taken
};

// A range of a file that reads as zeros from some operation on: cut off, punched or zeroed.
struct Erasure {
  VariableId variable = kNoVariable;
  uint32_t sequence = 0;
  uint64_t begin_bytes = 0;
  uint64_t end_bytes = 0;
};

// One step of a file's size.
struct SizeEntry {
  VariableId variable = kNoVariable;
  uint32_t sequence = 0;
  bool is_truncate = false;  // else: raised by a write
  uint64_t step_bytes = 0;   // what this step says
  uint64_t size_bytes = 0;   // the size with this entry and all earlier ones kept
};

// A file with something undecided about it.
struct OpenFile {
  InodeId inode = kNoInode;
  VariableId existence = kNoVariable;  // kNoVariable: it surely exists
  const FileContent* base = nullptr;   // null: nothing of it is durable
  uint64_t base_size_bytes = 0;
  bool is_mixed = false;        // its units are not chains of writes: UnitEntry::version is not set
  bool sizes_are_chain = true;  // of `sizes`, the kept ones come first
  VariableId fill = kNoVariable;  // of all its new blocks
  std::vector<SizeEntry> sizes;   // in issue order
  std::vector<Erasure> erasures;  // in issue order
  std::span<UnitChain> chains{};  // by unit
};

// A name that may stand for different things.
struct OpenCell {
  struct Entry {
    VariableId variable;
    InodeId target;
  };
  InodeId directory = kNoInode;
  std::string_view name{};
  InodeId base = kNoInode;  // what it stands for with nothing kept
  std::vector<Entry> entries;
};

// An attribute that may have different values.
struct OpenAttribute {
  struct Entry {
    VariableId variable;
    std::optional<std::string_view> value;  // nothing: removed
  };
  InodeId inode = kNoInode;
  std::string key;               // as in Image::attributes
  std::vector<Entry> entries{};  // in issue order
};

struct Atom {
  AtomId id;
  VariableId variable;

  // The emptying of a name is an atom whose loss is the rule: it is named among what a state loses
  // where it has happened.
  bool is_inverse = false;
};

// What lies below the effects of a graph: bytes that do not depend on them.
class BytesBelow {
 public:
  BytesBelow() = default;
  BytesBelow(const BytesBelow&) = delete;
  BytesBelow& operator=(const BytesBelow&) = delete;
  virtual ~BytesBelow() = default;

  // Fills `out` with what the file holds when none of the graph's effects survives. Returns: false,
  // with `out` unspecified, when that is not decided yet.
  virtual bool ReadCertain(InodeId inode, uint64_t offset_bytes, std::span<std::byte> out) = 0;
};

class CrashGraph {
 public:
  CrashGraph() : edges_(constraints_) {}
  CrashGraph(const CrashGraph&) = delete;
  CrashGraph& operator=(const CrashGraph&) = delete;

  // Builds the graph for the point that `cursor` stands at, with writes torn as `tear` says, or as
  // the model can at most. The cursor must not move while the graph is in use.
  // `below`: of a crash in recovery, the disk that this graph is of; else null. Not kept.
  void Build(const CrashCursor& cursor, Tear tear, BytesBelow* below = nullptr);

  // The same for questions about atoms only: a view cannot read from such a graph.
  void BuildOrder(const CrashCursor& cursor, Tear tear);

  Constraints& constraints() { return constraints_; }
  const Constraints& constraints() const { return constraints_; }
  const CrashCursor& cursor() const { return *cursor_; }
  Tear tear() const { return tear_; }
  uint64_t unit_bytes() const { return UnitBytes(tear_); }

  // Returns: the file if anything about it is undecided, else null.
  const OpenFile* FindFile(InodeId inode) const;

  // Returns: the cell if what it stands for is undecided, else null.
  const OpenCell* FindCell(InodeId directory, std::string_view name) const;

  // Returns: the attribute if its value is undecided, else null.
  const OpenAttribute* FindAttribute(InodeId inode, std::string_view key) const;

  std::span<const OpenFile> files() const { return std::span(files_).first(file_count_); }
  std::span<const OpenCell> cells() const { return std::span(cells_).first(cell_count_); }
  std::span<const OpenAttribute> attributes() const { return attributes_; }
  std::span<const Atom> atoms() const { return atoms_; }

  // Returns: what a complete state loses, sorted. `is_kept` says the fate of a variable.
  std::vector<AtomId> Lost(const std::function<bool(VariableId)>& is_kept) const;

  // Returns: the variable that decides about an atom, or kNoVariable when nothing is undecided
  // about it.
  VariableId VariableOf(AtomId id) const;

 private:
  struct LooseEntry {
    uint32_t file;
    uint64_t unit;
    VariableId anchor;  // must be kept before it, or kNoVariable
    UnitEntry entry;
  };
  // Bytes of the operation at hand, for the sizes that wait for them.
  struct Piece {
    uint64_t begin_bytes;
    uint64_t end_bytes;
    VariableId variable;
    bool is_failed;
  };

  const Model& model() const { return cursor_->model(); }
  OpenFile& FileFor(InodeId inode);
  OpenCell& CellFor(const Effect& effect);
  OpenAttribute& AttributeFor(InodeId inode, std::string key);

  void AddReverted(const Effect& effect);
  bool IsStepOf(const Effect& effect, const Op& op, uint32_t step) const;
  void Add(const Effect& effect, uint32_t sequence);
  void AddInode(const Effect& effect);
  void AddName(const Effect& effect);
  void AddBytes(const Effect& effect, uint32_t sequence);
  void AddFills(const Effect& effect, uint32_t file, uint32_t sequence);
  void AddZero(const Effect& effect, uint32_t sequence);
  void AddSize(const Effect& effect, uint32_t sequence);
  void AddSizeEntry(OpenFile& file, const Effect& effect, SizeEntry entry);
  void AddAttribute(const Effect& effect);

  // Returns: the variable for an atom of `effect`: that of its group, else a new one, which gets
  // its place in the order of metadata.
  VariableId VariableFor(const Effect& effect, AtomId id);
  VariableId NewVariable(const Effect& effect, AtomId id);
  VariableId PieceVariable(const Effect& effect, AtomId id, const DataPieces& pieces);
  VariableId WholeVariable(const Effect& effect, AtomId id);
  bool TearsContiguously(const Effect& effect) const;
  void FollowInode(InodeId inode, VariableId variable);
  void FollowFences(const OpenFile& file, const Effect& effect, uint64_t begin, uint64_t end,
                    VariableId variable);
  void WaitForData(const OpenFile& file, const Effect& effect, const SizeEntry& entry,
                   uint32_t step);
  bool IsPieceAtHand(VariableId variable) const;
  void WaitForReplacement(const Effect& effect, VariableId variable);

  void BuildChains();
  void LinkEntries(size_t begin, size_t end);
  void BuildVersions(OpenFile& file, BytesBelow* below);

  const CrashCursor* cursor_ = nullptr;
  Tear tear_ = Tear::kNone;
  Constraints constraints_;
  EdgeBuilder edges_;
  Arena arena_;
  std::vector<Atom> atoms_;
  std::vector<AtomId> reverted_;           // lost in every state
  mutable std::vector<Atom> atoms_by_id_;  // made when first asked for
  std::vector<OpenFile> files_;  // the first file_count_ are in use; the rest keep their memory
  size_t file_count_ = 0;
  std::unordered_map<InodeId, uint32_t> file_index_;
  std::vector<OpenCell> cells_;
  size_t cell_count_ = 0;
  std::vector<OpenAttribute> attributes_;
  std::unordered_map<InodeId, VariableId> existence_;
  std::unordered_map<uint32_t, VariableId> groups_;
  std::unordered_map<InodeId, VariableId> inode_chains_;      // the last of each (E4)
  std::unordered_map<InodeId, VariableId> directory_chains_;  // the last of each (E5)
  std::map<AtomId, VariableId> partial_;  // of operations that are split over several effects
  std::set<std::pair<uint32_t, uint64_t>> filled_;  // (file, page) with a fill
  std::vector<LooseEntry> loose_;
  std::vector<UnitEntry> entries_;
  std::vector<UnitChain> chains_;
  uint32_t op_ = UINT32_MAX;           // the operation at hand
  VariableId anchor_ = kNoVariable;    // the last metadata before it
  std::vector<Piece> pieces_;          // its bytes
  VariableId new_name_ = kNoVariable;  // its new name, if it gives one
  uint32_t epoch_ = 0;
  std::vector<VariableId> epoch_variables_;
  std::vector<VariableId> epoch_before_;
};

}  // namespace plugpull
