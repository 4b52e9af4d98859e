// What makes redo sound on pages of different ages. A crash leaves some pages as the last
// checkpoint left them and some as they were when they were written since. Redo sets every record
// that changed since to its last bytes, wherever its locator element leads; for that, it must not
// take a page or a line that something else holds, and must give back afterwards what nothing
// holds.
//
// Falcon does neither (reconcile=off).
#pragma once

#include <vector>

#include "engine/serial_log/record_pages.h"

namespace plugpull::serial_log {

// Returns: one bit for each page that any section page, locator element or overflow chain leads to,
// whatever it is. Errors: I/O.
Expected<std::vector<bool>> MarkPages(PageCache& pages);

// After redo: removes lines that no element leads to, says afresh how much room data pages have,
// and makes the inventory what is referred to. Errors: I/O.
Expected<void> SweepPages(PageCache& pages);

}  // namespace plugpull::serial_log
