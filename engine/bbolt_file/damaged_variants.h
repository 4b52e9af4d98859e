// Damaged copies of a bbolt file, by seed: to show that an autopsy ends on each, and calls none
// sound in which a byte of structure that is reached was changed.
#pragma once

#include <string>
#include <vector>

#include "engine/cow_tree/format.h"
#include "faults/base/random.h"

namespace plugpull::bbolt_file {

using cow_tree::PageId;

// What is put where, and the size that the file is cut to.
struct DamagedVariant {
  struct Patch {
    uint64_t at = 0;
    std::vector<std::byte> bytes{};
  };
  std::vector<Patch> patches{};
  uint64_t size_bytes = 0;
  std::string what{};         // for people
  bool must_be_seen = false;  // a file that can be sound has other bytes there
};

class VariantMaker {
 public:
  // Requires: `file` is sound and small; `older` are files of the same store from before, which
  // stale pages come from, not none.
  VariantMaker(std::vector<std::byte> file, std::vector<std::vector<std::byte>> older);

  const std::vector<std::byte>& file() const { return file_; }

  DamagedVariant Make(uint64_t seed) const;

  // Returns: whether the byte belongs to structure that is reached and told twice: to change it
  // makes the file one that bbolt never writes. Not so the sequences of buckets, keys and values,
  // and the sizes of the last key and value of a leaf, which may as well be others.
  // Nor is what one of two sizes gains and the other loses.
  bool IsStructure(uint64_t at) const { return structure_[at]; }

 private:
  void Mark(uint64_t at, uint64_t size);
  void MarkMetas();
  void MarkTree(PageId root);
  void MarkLeaf(PageId id, uint64_t at, bool is_inline);
  void MarkFreelist(PageId id);

  bool IsSeen(const std::vector<std::byte>& damaged, uint64_t at) const;
  uint64_t DrawPlace(Random& random) const;
  void Put(DamagedVariant& variant, uint64_t at, std::vector<std::byte> bytes) const;
  void ChangeBits(Random& random, DamagedVariant& variant) const;
  void ChangeField(Random& random, DamagedVariant& variant) const;
  void ReplacePage(Random& random, DamagedVariant& variant) const;
  void ResealMetas(DamagedVariant& variant) const;

  std::vector<std::byte> file_;
  std::vector<std::vector<std::byte>> older_;
  uint32_t page_size_bytes_ = 0;
  bool is_freelist_stored_ = false;
  std::vector<bool> structure_;
  std::vector<uint64_t> sizes_at_;      // of each byte of two sizes: where they begin; else 0
  std::vector<uint64_t> structure_at_;  // where structure_ is true
};

}  // namespace plugpull::bbolt_file
