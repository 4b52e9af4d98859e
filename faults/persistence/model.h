// Persistence models as data: which sets of atoms a file system may leave after a power cut. A
// model is one row of parameters; the algebra that reads them is CrashCursor (what is already
// durable) and CrashGraph (which of the rest may survive together).
//
// A crash state keeps a set K of the atoms issued before the crash. K is legal when it contains
// everything that a successful sync covered, is closed under the model's edges and groups, and has
// the model's shape. "x before y" means: y survives only if x does.
//
// The rows are in model_table.cpp, the names of parameters and values in model_parameters.cpp.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "faults/persistence/tear.h"

namespace plugpull {

enum class Shape : uint8_t {
  kEverything,  // all that was issued survives
  kPrefix,      // what survives is a prefix of what was issued
  kClosedSet,   // any set that is closed under the edges and groups
  // As kClosedSet, and a sync adds what it covers to a log next to the chain of metadata, instead
  // of writing the chain up to there. Needs metadata_chain.
  kCommitAndLog,
};

enum class SizeOrder : uint8_t {
  kIssue,  // S and T of a file in issue order
  kMax,    // the sizes that writes raise are in no order; only T is ordered
};

enum class Groups : uint8_t {
  kNone,    // a rename is taken apart as Model::rename says; nothing else survives together
  kRename,  // both names of a rename within one directory survive together
  kAll,     // names together with the attributes of the inodes that they concern
};

enum class Rename : uint8_t {  // where it is not in a group
  kAtomic,                     // both names at once
  kDual,                       // the new name before the old one goes: both may be there
  kTargetMissing,              // in any order, and the new name may be found empty
};

enum class DataBeforeSize : uint8_t {
  kNo,
  kOwnChunk,    // a step of S after the bytes of its own page
  kNewRange,    // after all bytes of the write between the old size and the step
  kWholeInode,  // after all earlier bytes of the file
};

enum class Fill : uint8_t { kZero, kGarbage };  // kGarbage: zeros or what the block held before
enum class Flush : uint8_t { kOff, kStrict };
enum class Drag : uint8_t {
  kToCovered,  // up to the last metadata of what is covered
  kToCall,     // all metadata issued before the call, if any has to be written
};
enum class FailedSync : uint8_t {
  kKeep,    // what was not written stays readable and is never written
  kLate,    // the same, and the failure is reported by the next sync
  kRevert,  // the file reads again as it is on disk: all that the sync covered is lost
};

struct Model {
  std::string name;
  std::string description;
  Shape shape = Shape::kClosedSet;

  bool inode_before_use = true;  // E0: a file exists before its bytes and before names for it
  bool page_order = true;        // E1: writes to one page of one file, in issue order
  SizeOrder size_order = SizeOrder::kIssue;  // E2
  bool truncate_fence = false;               // E2t: T(n) before later bytes at or beyond n
  bool name_order = true;                    // E3: what one name stands for, in issue order
  bool inode_chain = false;                  // E4: T, P, A, X of one inode, in issue order
  bool directory_chain = false;              // E5: names of one directory, in issue order
  Groups groups = Groups::kRename;           // E6
  bool creation_group = false;               // E6: a new inode and its first name
  Rename rename = Rename::kAtomic;
  DataBeforeSize data_before_size = DataBeforeSize::kNo;  // E7
  bool zero_tail = false;         // E7z: E7 spares the first step inside a partly filled last block
  bool size_before_data = false;  // bytes beyond the old size after the S that shows them
  Fill fill = Fill::kZero;
  bool metadata_chain = false;        // E8: all metadata but sizes raised by writes, in issue order
  bool anchored_sizes = false;        // E9: metadata issued before a write call before its S
  Flush replace_flush = Flush::kOff;  // E10: W, S of a file before it replaces another by rename
  Flush truncate_flush = Flush::kOff;  // a truncate to 0 together with the rewrite after it
  bool journalled_data = false;        // E11: bytes and sizes are part of E8
  bool mapped_order = true;            // E11 holds for mapped pages too
  bool barriers = false;               // E13: what was issued before a sync before what comes after
  bool cow_extents = false;            // E14: bytes are anchored like sizes
  Tear tear = Tear::kSectorsAny;       // the finest pieces that a write may be torn into

  Drag drag = Drag::kToCovered;
  bool full_commits = false;     // kCommitAndLog: every fsync is a commit of all metadata
  bool flush_on_commit = false;  // kCommitAndLog: a commit includes the bytes written before it
  bool data_sync_covers_names = false;  // fdatasync treats names of the file as fsync does
  bool synchronous_metadata = false;    // metadata calls are durable when they return (wsync)
  bool sync_waits = true;               // sync and syncfs return when all is durable
  bool honest_flush = true;             // false: no sync makes anything durable
  FailedSync failed_sync = FailedSync::kKeep;

  // Bytes that the disk got wrong are found out when they are read, and the read fails.
  bool data_checksums = false;

  bool operator==(const Model&) const = default;
};

// Returns: the eight named models under their `observed` profile, weakest first.
const std::vector<Model>& Models();

// Returns: `ordered` and `process-kill`, which stand for weaker faults than a power cut.
const std::vector<Model>& FaultModels();

// Returns: one of Models() or FaultModels(), or null.
const Model* FindModel(std::string_view name);

// Returns: the model under its `contract` profile: only what man pages promise.
// Requires: `model` is one of Models().
const Model& ContractProfile(const Model& model);

// Returns: how writes are torn when `asked` is asked for: as the model can at most. A sector is cut
// only where the model tears between sectors: what is journalled or never overwritten is not.
constexpr Tear EffectiveTear(const Model& model, Tear asked) {
  const bool tears_sectors = UnitBytes(model.tear) <= kSectorBytes;
  if (IsSubSector(asked) && tears_sectors) return asked;
  return IsCoarser(model.tear, asked) ? model.tear : asked;
}

// A parameter that is uncertain on the real file system, or a heuristic of it, as the value that
// makes fewer states legal or more.
struct ModelVariant {
  bool heuristic = false;  // a state that it forbids is legal but usually hidden
  Model model;
};

// Returns: what a litmus table tries beside the model itself.
std::vector<ModelVariant> VariantsOf(const Model& model);

}  // namespace plugpull
