// What each PageIO of a file is for: the bitmap of Mavibot's inspector, with one class for each
// PageIO instead of a bit, so that it can be told who claims a PageIO that somebody has already.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "engine/revision_tree/format.h"

namespace plugpull::revision_tree {

enum class PageClass : uint8_t {
  kNone,       // nothing owns it and nothing frees it
  kHeader,     // a header slot
  kReachable,  // from the newest revision, with the trees about trees
  kKept,       // from an older revision or a reader alone
  kCopied,     // listed in the copied pages alone
  kFree,       // in the free chain
  kPending,    // to be freed later, which the process knows
};

// Returns: "of the newest revision"; reads on after "page 7 is".
std::string_view Name(PageClass page_class);

class PageClasses {
 public:
  // Forgets everything; the PageIOs before `first_data_page` are the header's.
  void Reset(PageNumber first_data_page, PageNumber page_limit);

  PageNumber page_limit() const { return records_.size(); }
  PageClass ClassOf(PageNumber page) const { return records_[page].page_class; }

  // Returns: the first PageIO of the chain that it belongs to. Requires: it was claimed.
  PageNumber OwnerOf(PageNumber page) const { return records_[page].owner; }

  // Claims a chain, as a whole. One that was claimed before, by its first PageIO, stays what it is.
  // Returns: a PageIO that another chain or the header has already, if there is one.
  std::optional<PageNumber> Claim(std::span<const PageNumber> chain, PageClass page_class);

  // Returns: whether the walk had not been at this PageIO yet. Walks are numbered from 1.
  bool Visit(PageNumber page, uint32_t walk) {
    const bool is_new = records_[page].walk != walk;
    records_[page].walk = walk;
    return is_new;
  }
  bool WasVisited(PageNumber page) const { return records_[page].walk != 0; }

  // What a walk has to remember of a PageIO. 0: nothing.
  uint32_t NoteOf(PageNumber page) const { return records_[page].note; }
  void SetNote(PageNumber page, uint32_t note) { records_[page].note = note; }

  size_t capacity() const { return records_.capacity(); }

 private:
  struct Record {
    PageNumber owner = 0;
    uint32_t walk = 0;
    uint32_t note = 0;
    PageClass page_class = PageClass::kNone;
  };
  std::vector<Record> records_;  // by page number
};

}  // namespace plugpull::revision_tree
