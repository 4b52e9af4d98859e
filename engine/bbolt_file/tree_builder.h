// Writes a new file from keys in ascending order, without ever reading back: each page is written
// once, as soon as it is full, and a parent after its children.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "engine/cow_tree/tree_node.h"
#include "faults/base/error.h"
#include "faults/vfs/vfs.h"

namespace plugpull::bbolt_file {

// Hands out the pages of a new file, one after the other.
class PageWriter {
 public:
  // Pages before `first` are the caller's.
  PageWriter(VfsFile& file, uint32_t page_size_bytes, cow_tree::PageId first)
      : file_(file), page_size_bytes_(page_size_bytes), next_(first) {}

  uint32_t page_size_bytes() const { return page_size_bytes_; }
  cow_tree::PageId next() const { return next_; }

  // Returns: the page that holds the node.
  Expected<cow_tree::PageId> Write(const cow_tree::Node& node);

 private:
  VfsFile& file_;
  uint32_t page_size_bytes_;
  cow_tree::PageId next_;
  std::vector<std::byte> buffer_;
};

// One bucket's tree.
class TreeBuilder {
 public:
  explicit TreeBuilder(PageWriter& writer) : writer_(&writer) {}

  // Requires: the keys ascend.
  Expected<void> Add(cow_tree::Entry entry) { return AddAt(0, std::move(entry)); }

  // Returns: the root. No call may follow.
  Expected<cow_tree::PageId> Finish();

  // As Finish, for a bucket inside another: a small one is given no page. Returns: its value.
  Expected<std::string> FinishAsValue(uint64_t sequence);

 private:
  // The last two nodes of a level wait, so that none is left with a single child.
  struct Level {
    cow_tree::Node previous;
    cow_tree::Node current;
    uint64_t current_bytes = cow_tree::kPageHeaderBytes;
    bool has_pages = false;
  };

  Expected<void> AddAt(size_t level, cow_tree::Entry entry);
  Expected<void> WriteNode(size_t level, cow_tree::Node node);
  bool FitsInline() const;

  PageWriter* writer_;
  std::vector<std::unique_ptr<Level>> levels_;
};

}  // namespace plugpull::bbolt_file
