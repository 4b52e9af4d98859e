// A bbolt file as surgery sees it: numbered pages, and two metas that may or may not be valid. No
// tree is believed, and nothing is read that the file does not have.
#pragma once

#include <array>
#include <optional>
#include <vector>

#include "engine/cow_tree/format.h"
#include "faults/base/error.h"
#include "faults/vfs/vfs.h"

namespace plugpull::bbolt_file {

using cow_tree::Meta;
using cow_tree::PageHeader;
using cow_tree::PageId;

// A meta page as it lies there.
struct RawMeta {
  PageHeader header{};
  std::string fault;      // in bbolt's words; empty: valid
  Meta meta{};            // its fields, whether valid or not
  bool is_there = false;  // its bytes are in the file, and begin with the magic number

  bool is_valid() const { return is_there && fault.empty(); }
};

class SurgeryPages {
 public:
  // Finds page size and metas. Errors: I/O; kCorrupt: no bbolt file, with what it lacks.
  // `file` must outlive the object.
  static Expected<SurgeryPages> Open(VfsFile& file);

  VfsFile& file() const { return file_; }
  uint32_t page_size_bytes() const { return page_size_bytes_; }
  PageId page_count() const { return page_count_; }  // whole pages in the file
  const std::array<RawMeta, 2>& metas() const { return metas_; }

  // Returns: the slot of the valid meta with the higher txid; nothing: neither is valid.
  std::optional<PageId> ActiveSlot() const;

  // Whether an open would read a stored freelist.
  bool HasFreelist() const;

  // Returns: a page with its overflow. Errors: I/O; kInvalidArgument: no such page; kCorrupt: it is
  // for another place by its own account, or its overflow leads out of the file.
  Expected<std::vector<std::byte>> ReadRun(PageId id) const;

  // Requires: `run` is whole pages that lie in the file.
  Expected<void> WriteRun(PageId id, std::span<const std::byte> run) const;

  // Errors: kInvalidArgument: the file has no such page.
  Expected<void> CheckPage(PageId id) const;

 private:
  explicit SurgeryPages(VfsFile& file) : file_(file) {}

  VfsFile& file_;
  uint32_t page_size_bytes_ = 0;
  PageId page_count_ = 0;
  std::array<RawMeta, 2> metas_{};
};

}  // namespace plugpull::bbolt_file
