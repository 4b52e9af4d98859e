// The crash states of one crash point, as a graph: what is undecided, cut into atoms by the tear,
// with the model's edges between them, and indexed the way a recovering engine asks: what does this
// name stand for, how long is this file, what do these bytes say?
//
// A view asks for values; each value depends on a few variables of the Constraints. Nothing here
// enumerates states.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "faults/base/arena.h"
#include "faults/persistence/atom.h"
#include "faults/persistence/constraints.h"
#include "faults/persistence/crash_cursor.h"
#include "faults/persistence/tear.h"

namespace plugpull {

// One write's bytes in one unit of a file.
struct UnitEntry {
  VariableId variable = kNoVariable;
  uint32_t sequence = 0;  // position in issue order among everything pending
  uint16_t begin = 0;     // the bytes [begin, end) of the unit that it writes
  uint16_t end = 0;
  const std::byte* written = nullptr;  // end - begin bytes
  const std::byte* version = nullptr;  // the unit with this entry and all earlier ones kept
};

// Everything that may or may not have reached one unit of a file, in issue order.
struct UnitChain {
  uint64_t unit = 0;
  const std::byte* base = nullptr;  // the unit with nothing kept
  std::span<UnitEntry> entries{};
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
  bool has_truncate = false;      // then UnitEntry::version is not set
  std::vector<SizeEntry> sizes;   // in issue order
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

struct Atom {
  AtomId id;
  VariableId variable;
};

class CrashGraph {
 public:
  // Builds the graph for the point that `cursor` stands at. The cursor must not move while the
  // graph is in use.
  void Build(const CrashCursor& cursor, Tear tear);

  Constraints& constraints() { return constraints_; }
  const Constraints& constraints() const { return constraints_; }
  const CrashCursor& cursor() const { return *cursor_; }
  Tear tear() const { return tear_; }
  uint64_t unit_bytes() const { return UnitBytes(tear_); }

  // Returns: the file if anything about it is undecided, else null.
  const OpenFile* FindFile(InodeId inode) const;

  // Returns: the cell if what it stands for is undecided, else null.
  const OpenCell* FindCell(InodeId directory, std::string_view name) const;

  std::span<const OpenFile> files() const { return std::span(files_).first(file_count_); }
  std::span<const OpenCell> cells() const { return std::span(cells_).first(cell_count_); }
  std::span<const Atom> atoms() const { return atoms_; }

 private:
  struct LooseEntry {
    uint32_t file;
    uint64_t unit;
    UnitEntry entry;
  };

  OpenFile& FileFor(InodeId inode);
  OpenCell& CellFor(const Effect& effect);
  VariableId NewVariable(AtomId id);
  void AddInode(const Effect& effect);
  void AddName(const Effect& effect);
  void AddData(const Effect& effect, uint32_t sequence);
  void AddSize(const Effect& effect, uint32_t sequence);
  void AddSizeEntry(OpenFile& file, SizeEntry entry);
  void AddExistenceEdge(const OpenFile& file, VariableId variable);
  void BuildChains();
  void BuildVersions(OpenFile& file);

  const CrashCursor* cursor_ = nullptr;
  Tear tear_ = Tear::kNone;
  Constraints constraints_;
  Arena arena_;
  std::vector<Atom> atoms_;
  std::vector<OpenFile> files_;  // the first file_count_ are in use; the rest keep their memory
  size_t file_count_ = 0;
  std::unordered_map<InodeId, uint32_t> file_index_;
  std::vector<OpenCell> cells_;
  size_t cell_count_ = 0;
  std::unordered_map<InodeId, VariableId> existence_;
  std::unordered_map<uint32_t, VariableId> groups_;
  std::vector<LooseEntry> loose_;
  std::vector<UnitEntry> entries_;
  std::vector<UnitChain> chains_;
  VariableId last_variable_ = kNoVariable;
};

}  // namespace plugpull
