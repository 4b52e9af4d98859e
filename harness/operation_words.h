// Operations of a trace in plain words, with files called as the program called them at the time.
#pragma once

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "faults/trace/inode_names.h"

namespace plugpull {

class OperationWords {
 public:
  // Requires: `trace` outlives this object.
  explicit OperationWords(const Trace& trace);

  // Returns: "write 4096 bytes at 8192 of store.db".
  std::string Of(size_t operation) const;

  // Returns: the file or directory that an operation is about, as it was called before it.
  const std::string& PathOf(size_t operation) const { return paths_[operation]; }

  // Returns: what a file or directory was called just before an operation.
  std::string NameBefore(InodeId inode, size_t operation) const;

  // Returns: what a directory or a file was called last; "the directory" of the run is ".".
  std::string NameOf(InodeId inode) const;

 private:
  std::string PathIn(InodeId directory, const std::string& name) const;

  const Trace& trace_;
  InodeNames names_;
  std::vector<std::string> paths_;   // by operation
  std::vector<std::string> others_;  // the second path, by operation
};

// Returns: "bytes 512 to 1023", "bytes 0 to 511 and 1024 to 2047".
std::string RangesText(const std::vector<std::pair<uint64_t, uint64_t>>& ranges);

}  // namespace plugpull
