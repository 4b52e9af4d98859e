// What each page of each file held after each operation of a trace. Only where and when a page
// changed is kept, with a digest; bytes are made again from the trace when they are asked for.
#pragma once

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "faults/trace/trace.h"
#include "faults/vfs/file_content.h"
#include "faults/vfs/name_tree.h"

namespace plugpull {

struct PageName {
  InodeId inode = kNoInode;
  uint64_t page = 0;

  auto operator<=>(const PageName&) const = default;
};

using PageContent = std::array<std::byte, kPageBytes>;

// An operation after which a page held something else than before.
struct PageChange {
  uint32_t op = 0;
  uint64_t digest = 0;  // of the page after it
};

class PageHistory {
 public:
  // Requires: `trace` outlives the history.
  explicit PageHistory(const Trace& trace);

  const Trace& trace() const { return trace_; }

  // Returns: the changes of a page by the operations [0, position), in issue order.
  std::span<const PageChange> ChangesBefore(PageName name, size_t position) const;

  // Returns: a digest of the page at a position; kZeroDigest where it holds only zeros.
  uint64_t DigestAt(PageName name, size_t position) const;
  static constexpr uint64_t kZeroDigest = 0;

  // Returns: what the page holds at a position: with the operations [0, position) done.
  PageContent ContentAt(PageName name, size_t position) const;

  // Returns: whether one of the operations [first, last) wrote to the page, whatever it held.
  bool WritesTo(PageName name, size_t first, size_t last) const;

  // Returns: the size of a file at a position, 0 where it does not exist.
  uint64_t SizeAt(InodeId inode, size_t position) const;

  // Returns: the position at which `age` acknowledged transactions fewer had been acknowledged than
  // at `position`: after that acknowledgement; before the first transaction if it is none. Nothing
  // when there were not as many.
  std::optional<size_t> Before(size_t position, uint64_t age) const;

 private:
  void NoteChanges(InodeId inode, const FileContent& file, uint64_t first_page, uint64_t end_page,
                   uint32_t op_index);

  const Trace& trace_;
  std::map<PageName, std::vector<PageChange>> changes_;
  std::map<InodeId, std::vector<std::pair<uint32_t, uint64_t>>> sizes_;  // (operation, size after)
  std::vector<size_t> acknowledged_;  // the position after each acknowledgement
  size_t first_begin_ = 0;
};

// The names of a trace's files, position by position. Walks forward; going back starts anew.
class PathWalk {
 public:
  // Requires: `trace` outlives the walk.
  explicit PathWalk(const Trace& trace) : trace_(trace) {}

  // Returns: the files that have a name at a position, by path.
  const std::map<std::string, InodeId>& FilesAt(size_t position);

 private:
  void Apply(const Op& op);
  void List(InodeId directory, const std::string& prefix);

  const Trace& trace_;
  NameTree names_;
  std::set<InodeId> links_;  // symbolic ones: they have names, but are no files
  size_t position_ = 0;
  bool is_listed_ = false;
  std::map<std::string, InodeId> files_;
};

}  // namespace plugpull
