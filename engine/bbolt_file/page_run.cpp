#include "engine/bbolt_file/page_run.h"

#include <algorithm>

#include "faults/base/assert.h"

namespace plugpull::bbolt_file {

using cow_tree::kElementBytes;
using cow_tree::kPageHeaderBytes;

PageRun::PageRun(Bytes bytes)
    : header_(cow_tree::LoadPageHeader(bytes.data())), run_bytes_(bytes.size()), held_(bytes) {}

Expected<void> PageRun::Load(const PageFile& file, PageId id, uint64_t run_bytes,
                             uint64_t held_bytes) {
  file_ = &file;
  offset_bytes_ = id * file.page_size_bytes();
  run_bytes_ = run_bytes;
  storage_.resize(std::min(run_bytes, std::max<uint64_t>(held_bytes, file.page_size_bytes())));
  if (Expected<void> read = file.Read(offset_bytes_, storage_); !read) return read;
  header_ = cow_tree::LoadPageHeader(storage_.data());
  const uint64_t wanted = std::min(run_bytes, data_begin());
  if (wanted > storage_.size()) {
    const size_t begin = storage_.size();
    storage_.resize(wanted);
    Expected<void> read = file.Read(offset_bytes_ + begin, std::span(storage_).subspan(begin));
    if (!read) return read;
  }
  held_ = storage_;
  return {};
}

bool PageRun::HasElements() const { return data_begin() <= run_bytes_; }

RunElement PageRun::Element(uint32_t index) const {
  const uint64_t begin = kPageHeaderBytes + uint64_t{kElementBytes} * index;
  Assert(begin + kElementBytes <= held_.size(), "the elements of a run are held");
  const std::byte* at = held_.data() + begin;
  if (!is_leaf()) {
    return RunElement{.child = cow_tree::Load<uint64_t>(at + 8),
                      .key_at = begin + cow_tree::Load<uint32_t>(at),
                      .key_bytes = cow_tree::Load<uint32_t>(at + 4)};
  }
  return RunElement{.flags = cow_tree::Load<uint32_t>(at),
                    .key_at = begin + cow_tree::Load<uint32_t>(at + 4),
                    .key_bytes = cow_tree::Load<uint32_t>(at + 8),
                    .value_bytes = cow_tree::Load<uint32_t>(at + 12)};
}

Expected<Bytes> PageRun::At(uint64_t at, uint64_t size, std::vector<std::byte>& scratch) const {
  Assert(at <= run_bytes_ && size <= run_bytes_ - at, "what is asked for lies inside the run");
  if (at + size <= held_.size()) return held_.subspan(at, size);
  Assert(file_ != nullptr, "a run in memory is held whole");
  scratch.resize(size);
  if (Expected<void> read = file_->Read(offset_bytes_ + at, scratch); !read) {
    return std::unexpected(read.error());
  }
  return Bytes(scratch);
}

}  // namespace plugpull::bbolt_file
