// Which pages are in use, and overflow chains: what records need beyond their line. Structural
// records of what changes go into the log's buffer.
//
// During redo pages are of different ages, so the inventory and what pages refer to may contradict
// each other. Then a page is free only if neither says that it is in use, and nothing is given
// back: what is in use is counted afresh afterwards (reconcile.h).
#pragma once

#include <vector>

#include "engine/serial_log/data_page.h"
#include "engine/serial_log/log_files.h"
#include "engine/serial_log/page_cache.h"

namespace plugpull::serial_log {

// Where the number of a chain's first page was found.
enum class ReferenceFrom : uint8_t {
  kLine,       // of a data page
  kLeftovers,  // where a line would be (bug #44744)
};

class PageSpace {
 public:
  PageSpace(PageCache& pages, LogFiles& log, const Options& options)
      : pages_(pages), log_(log), options_(options) {}

  // Returns: a page that nobody uses, of zeros; it is in use now. Errors: kNoSpace, reads.
  Expected<PageNumber> Allocate();

  // Gives a page back. Errors: reads.
  Expected<void> Free(PageNumber page);

  // From now on the pages of `in_use`, one bit each by number, are not free, and none becomes so.
  void BeginRedo(std::vector<bool> in_use);
  void EndRedo() { is_redo_ = false; }
  bool is_redo() const { return is_redo_; }

  // Writes `bytes` into a new chain. Returns: its first page.
  Expected<PageNumber> WriteChain(int32_t section, Bytes bytes);

  // Gives the pages of a chain back. Errors: a page that cannot be read, or is no overflow page; in
  // redo, a chain that a line refers to just ends there.
  Expected<void> FreeChain(PageNumber first, ReferenceFrom from);

  // Appends the bytes of a chain. Errors: a page that is no overflow page, a wrong length, a cycle.
  Expected<void> ReadChain(const OverflowReference& reference, std::vector<std::byte>& out);

 private:
  PageCache& pages_;
  LogFiles& log_;
  const Options& options_;
  bool is_redo_ = false;
  std::vector<bool> redo_in_use_;
};

// Returns: the error of a page that is not of the type which refers to it.
std::unexpected<Error> FailWrongType(PageNumber page, PageType expected, PageType found);

}  // namespace plugpull::serial_log
