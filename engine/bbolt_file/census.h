// One pass over the file from its start to its end, which keeps a few bytes of each page. What it
// finds out of pages by themselves need not be read again when trees are walked.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "engine/bbolt_file/page_file.h"

namespace plugpull::bbolt_file {

enum class PageState : uint8_t {
  kOther,      // does not claim to be a branch or leaf at this place
  kSound,      // a branch or leaf whose bytes are in order
  kFaulty,     // one whose bytes are not
  kUnchecked,  // one too long for the pass
};

struct PageFacts {
  PageId id = 0;              // as the header has it
  uint64_t content_hash = 0;  // of all but the id
  uint32_t overflow = 0;
  uint32_t payload_bytes = 0;  // of a sound leaf: keys and values
  uint16_t flags = 0;
  uint16_t count = 0;
  uint64_t first_key_hash = 0;  // of a sound leaf without buckets
  uint32_t last_key_at = 0;     // in the census' own memory; 0: not kept
  PageState state = PageState::kOther;
  bool has_buckets = false;
  bool is_zero = false;
};

class Census {
 public:
  // Errors: the system refused to read.
  static Expected<Census> Take(const PageFile& file);

  uint64_t page_count() const { return facts_.size(); }

  // Requires: id < page_count().
  const PageFacts& At(PageId id) const { return facts_[id]; }

  // Returns: whether the first key of a sound leaf without buckets is `lower` and the last one less
  // than `upper`, where these are; false also when that cannot be told without reading it.
  bool IsKnownToFit(PageId id, const std::optional<std::string>& lower,
                    const std::optional<std::string>& upper) const;

 private:
  void KeepKeys(Bytes run, PageFacts& facts);

  // Last keys, each behind a byte with its length. Position 0 is none.
  std::vector<std::byte> last_keys_{std::byte{0}};
  uint64_t last_keys_bytes_max_ = 0;
  std::vector<PageFacts> facts_;
};

// Returns: "branch", "leaf", "zeros", "unknown<9f>" and so on.
std::string KindOf(const PageFacts& facts);

}  // namespace plugpull::bbolt_file
