// The two meta pages of a file: which is valid, which is active, and invariant I1.
#pragma once

#include "engine/bbolt_file/autopsy.h"
#include "engine/bbolt_file/page_file.h"

namespace plugpull::bbolt_file {

struct MetaPages {
  uint32_t page_size_bytes = 0;
  std::array<MetaFinding, 2> slots;
  std::array<std::vector<std::byte>, 2> bytes;  // page header and meta, as far as they are there
  std::string active_reason;
  std::vector<Violation> violations;

  bool IsValid(PageId slot) const { return slots[slot].fault.empty(); }

  // Returns: nothing when neither meta is valid.
  std::optional<PageId> active() const {
    if (slots[0].is_active) return 0;
    if (slots[1].is_active) return 1;
    return std::nullopt;
  }
};

// Finds the page size as bbolt does: from meta 0, else from where a valid meta 1 lies.
// Errors: kCorrupt: nothing in the file looks like bbolt's; the system refused to read.
Expected<MetaPages> ReadMetas(const PageFile& file);

}  // namespace plugpull::bbolt_file
