// Who calls a sync: the places in a program that make something durable, as far as a trace tells
// them apart.
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "engine/engine.h"
#include "faults/persistence/model.h"
#include "faults/trace/trace.h"

namespace plugpull {

// One place, with all that it did in a run. Where the trace knows call sites, the calls of one kind
// on files of one role that came from the same frames are one place; else those that were the same
// in the order of such calls since their transaction began.
struct SyncSite {
  OpKind kind = OpKind::kSync;
  std::string role;                 // of the files that it syncs; of a directory its path
  std::vector<std::string> frames;  // innermost first; empty: nobody knows
  std::string place;                // then, in words: "the 2nd of a transaction"
  std::vector<uint32_t> ops;        // where it ran, ascending
  uint32_t transactions = 0;        // in how many of them
};

// Names the files of a trace by what they are for.
class FileRoles {
 public:
  // Requires: `type` outlives it.
  FileRoles(const Trace& trace, const EngineType& type);

  // Returns: the role of a file, or the path of a directory, "." being the recorded one; of
  // kNoInode: nothing.
  const std::string& Of(InodeId inode) const;

  bool IsDirectory(InodeId inode) const { return directories_.contains(inode); }

 private:
  std::vector<std::string> roles_;  // by inode
  std::set<InodeId> directories_ = {kRootInode};
};

// Returns: the places of all syncs of the trace after its snapshot that did not fail, in the order
// in which they called first.
std::vector<SyncSite> SyncSitesOf(const Trace& trace, const EngineType& type);

// Returns: the frames of an operation, or none.
std::vector<std::string> FramesOf(const Trace& trace, const Op& op);

// Returns: of these operations, ascending, those that had nothing to make durable under the model.
std::vector<uint32_t> IdleSyncs(const Trace& trace, const Model& model,
                                const std::vector<uint32_t>& ops);

}  // namespace plugpull
