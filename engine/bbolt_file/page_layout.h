// What the bytes of one page must be like whatever tree it belongs to: bbolt writes the keys and
// values of a page without gaps, in the order of the elements, right behind them, and zeros after
// them; so nearly every byte of structure is told twice.
#pragma once

#include <string>
#include <vector>

#include "engine/bbolt_file/page_run.h"

namespace plugpull::bbolt_file {

enum class LayoutFaultKind : uint8_t {
  kId,            // the header's id is not the position
  kFlags,         // not exactly one known flag
  kType,          // a meta or freelist page
  kOutside,       // an element's data is not inside the page
  kKeySize,       // of no bytes, or more than bbolt allows
  kPacking,       // an element's data does not follow that before it
  kElementFlags,  // unknown ones
  kOverflow,      // more or fewer pages than the contents take
  kTail,          // not zero after the last value
  kOrder,         // a key is not greater than that before it
};

struct LayoutFault {
  LayoutFaultKind kind = LayoutFaultKind::kId;
  uint32_t index = 0;  // of the element
  uint64_t at = 0;     // first byte concerned, from the start of the page
};

struct PageLayout {
  std::vector<LayoutFault> faults{};  // the first ones
  bool is_walkable = false;           // its elements can be used
  bool has_buckets = false;           // an element that is a bucket, or looks like one
  uint64_t used_bytes = 0;            // up to the end of the last value
  uint64_t payload_bytes = 0;         // keys and values
};

// Finds what is wrong with a tree page at `id`. With `first_only`, stops at the first fault.
// Errors: the system refused to read.
Expected<PageLayout> CheckLayout(const PageRun& run, PageId id, uint32_t page_size_bytes,
                                 bool first_only);

// The same for the page image of an inline bucket, which has id 0 and ends with its last value.
Expected<PageLayout> CheckInlineLayout(const PageRun& image);

// Returns: one line, in bbolt's words where it has some; `stack` as text.
std::string DescribeLayoutFault(const LayoutFault& fault, const PageRun& run, PageId id,
                                const std::string& stack);

// Returns: the invariant of it, "I3" or "I5".
std::string RuleOf(LayoutFaultKind kind);

// Returns: a key in hex; a long one is cut, as a report must stay readable.
std::string HexKey(Bytes key);

// Returns: whether a value is an inline bucket image to the byte, as far as its first bytes tell.
bool LooksLikeInlineBucket(Bytes value_front, uint64_t value_bytes, uint32_t page_size_bytes);

}  // namespace plugpull::bbolt_file
