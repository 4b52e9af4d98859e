// Which pages were tampered with. A reference that does not fit has two ends; a page that was
// tampered with is an end of all that do not fit around it, and the others are the end of one.
#pragma once

#include "engine/bbolt_file/examination.h"

namespace plugpull::bbolt_file {

struct Culprit {
  PageId page = 0;
  uint32_t score = 0;
  uint32_t rival_score = 0;           // of the page that comes next
  std::vector<LayoutFault> faults{};  // of its own bytes
  std::vector<PageId> stack{};
  uint32_t bad_children = 0;            // of its references that do not fit
  std::optional<PageId> meant_child{};  // the page that a damaged reference of it meant
  std::optional<uint32_t> meant_index{};
};

// Returns: the fewest pages that explain what is wrong with the active tree, the likeliest first.
// Errors: the system refused to read.
Expected<std::vector<Culprit>> FindCulprits(const Examination& examination);

}  // namespace plugpull::bbolt_file
