// A page with its overflow, read as far as needed: a run can be gigabytes long, so of a long one
// only the front is held, and keys further back are fetched one by one.
#pragma once

#include <vector>

#include "engine/bbolt_file/page_file.h"
#include "engine/cow_tree/tree_page.h"

namespace plugpull::bbolt_file {

// The fields of one element of a tree page.
struct RunElement {
  uint32_t flags = 0;   // leaf only
  PageId child = 0;     // branch only
  uint64_t key_at = 0;  // from the start of the run
  uint32_t key_bytes = 0;
  uint32_t value_bytes = 0;  // leaf only

  uint64_t value_at() const { return key_at + key_bytes; }
  uint64_t end() const { return value_at() + value_bytes; }
};

class PageRun {
 public:
  static constexpr uint64_t kHeldBytesMax = 1 << 20;

  PageRun() = default;
  PageRun(const PageRun&) = delete;
  PageRun(PageRun&&) noexcept = default;
  PageRun& operator=(const PageRun&) = delete;
  PageRun& operator=(PageRun&&) noexcept = default;

  // A run that lies in memory whole. `bytes` must outlive it.
  explicit PageRun(Bytes bytes);

  // Reads a run of a file, which must outlive it; at most `held_bytes` of it and the elements.
  // Errors: the system refused to read.
  Expected<void> Load(const PageFile& file, PageId id, uint64_t run_bytes,
                      uint64_t held_bytes = kHeldBytesMax);

  const cow_tree::PageHeader& header() const { return header_; }
  uint32_t count() const { return header_.count; }
  bool is_leaf() const { return header_.flags == cow_tree::kLeafFlag; }
  uint64_t run_bytes() const { return run_bytes_; }

  // The part that is in memory; it starts with the header.
  Bytes held() const { return held_; }

  // Returns: whether all of the element array lies inside the run. What follows requires it.
  bool HasElements() const;

  uint64_t data_begin() const {
    return cow_tree::kPageHeaderBytes + uint64_t{cow_tree::kElementBytes} * header_.count;
  }

  // Requires: index < count().
  RunElement Element(uint32_t index) const;

  // Returns: the bytes [at, at + size) of the run, in memory or in `scratch`.
  // Requires: they lie inside the run. Errors: the system refused to read.
  Expected<Bytes> At(uint64_t at, uint64_t size, std::vector<std::byte>& scratch) const;

  Expected<Bytes> Key(uint32_t index, std::vector<std::byte>& scratch) const {
    const RunElement element = Element(index);
    return At(element.key_at, element.key_bytes, scratch);
  }

 private:
  cow_tree::PageHeader header_;
  uint64_t run_bytes_ = 0;
  Bytes held_;
  std::vector<std::byte> storage_;
  const PageFile* file_ = nullptr;
  uint64_t offset_bytes_ = 0;
};

}  // namespace plugpull::bbolt_file
