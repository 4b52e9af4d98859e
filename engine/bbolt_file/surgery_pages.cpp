#include "engine/bbolt_file/surgery_pages.h"

#include <fmt/format.h>

#include <algorithm>

#include "faults/base/assert.h"
#include "faults/vfs/whole_calls.h"

namespace plugpull::bbolt_file {
namespace {

using cow_tree::IsPageSize;
using cow_tree::kMetaBytes;
using cow_tree::Load;

Expected<RawMeta> ReadMeta(VfsFile& file, uint64_t offset_bytes) {
  std::array<std::byte, kMetaBytes> bytes;
  const Expected<size_t> read = ReadFully(file, offset_bytes, bytes);
  if (!read) return std::unexpected(read.error());
  RawMeta raw;
  if (*read < bytes.size()) {
    raw.fault = "lies beyond the end of the file";
    return raw;
  }
  raw.header = cow_tree::LoadPageHeader(bytes.data());
  raw.is_there = Load<uint32_t>(&bytes[16]) == cow_tree::kFormatMagic;
  raw.meta = Meta{.page_size_bytes = Load<uint32_t>(&bytes[24]),
                  .root = cow_tree::LoadBucketHeader(&bytes[32]),
                  .freelist = Load<uint64_t>(&bytes[48]),
                  .high_water_mark = Load<uint64_t>(&bytes[56]),
                  .transaction_id = Load<uint64_t>(&bytes[64])};
  const auto valid = cow_tree::LoadMeta(bytes);
  if (!valid) {
    raw.fault = cow_tree::Describe(valid.error());
  } else if (!IsPageSize(valid->page_size_bytes)) {
    raw.fault = fmt::format("a page size of {} bytes", valid->page_size_bytes);
  }
  return raw;
}

}  // namespace

Expected<SurgeryPages> SurgeryPages::Open(VfsFile& file) {
  const Expected<uint64_t> size = file.Size();
  if (!size) return std::unexpected(size.error());
  if (*size == 0) return Fail(ErrorCode::kCorrupt, "no bbolt file: it is empty");
  SurgeryPages pages(file);
  const Expected<RawMeta> first = ReadMeta(file, 0);
  if (!first) return std::unexpected(first.error());
  pages.metas_[0] = *first;
  // A valid meta knows the page size best. One with its magic alone is better than none: the tools
  // that mend a meta must be able to read it.
  const auto take = [&](const RawMeta& meta, uint32_t place_bytes) {
    const uint32_t said_bytes = meta.meta.page_size_bytes;
    if (!IsPageSize(said_bytes) || (place_bytes != 0 && said_bytes != place_bytes)) return;
    pages.page_size_bytes_ = said_bytes;
  };
  if (first->is_valid()) take(*first, 0);
  for (const bool must_be_valid : {true, false}) {
    for (uint32_t place = cow_tree::kPageSizeMin;
         place <= cow_tree::kPageSizeMax && pages.page_size_bytes_ == 0; place *= 2) {
      const Expected<RawMeta> second = ReadMeta(file, place);
      if (!second) return std::unexpected(second.error());
      if (second->is_there && (second->is_valid() || !must_be_valid)) take(*second, place);
    }
    if (pages.page_size_bytes_ == 0 && first->is_there) take(*first, 0);
  }
  if (pages.page_size_bytes_ == 0) {
    return Fail(ErrorCode::kCorrupt,
                "no bbolt file: no meta page with its magic number at any page size");
  }
  const Expected<RawMeta> second = ReadMeta(file, pages.page_size_bytes_);
  if (!second) return std::unexpected(second.error());
  pages.metas_[1] = *second;
  for (RawMeta& meta : pages.metas_) {
    if (meta.is_valid() && meta.meta.page_size_bytes != pages.page_size_bytes_) {
      meta.fault = fmt::format("a page size of {} bytes, the other meta says {}",
                               meta.meta.page_size_bytes, pages.page_size_bytes_);
    }
  }
  pages.page_count_ = *size / pages.page_size_bytes_;
  return pages;
}

std::optional<PageId> SurgeryPages::ActiveSlot() const {
  const RawMeta& first = metas_[0];
  const RawMeta& second = metas_[1];
  if (!first.is_valid() && !second.is_valid()) return std::nullopt;
  if (!second.is_valid()) return 0;
  if (!first.is_valid()) return 1;
  return first.meta.transaction_id >= second.meta.transaction_id ? 0 : 1;
}

bool SurgeryPages::HasFreelist() const {
  const std::optional<PageId> slot = ActiveSlot();
  return slot && metas_[*slot].meta.freelist != cow_tree::kNoFreelist;
}

Expected<void> SurgeryPages::CheckPage(PageId id) const {
  if (id < page_count_) return {};
  if (page_count_ == 0) {
    return Fail(ErrorCode::kInvalidArgument,
                fmt::format("there is no page {}: the file is shorter than a page of {} bytes", id,
                            page_size_bytes_));
  }
  return Fail(ErrorCode::kInvalidArgument,
              fmt::format("there is no page {}: the file has pages 0 to {}", id, page_count_ - 1));
}

Expected<std::vector<std::byte>> SurgeryPages::ReadRun(PageId id) const {
  if (Expected<void> there = CheckPage(id); !there) return std::unexpected(there.error());
  std::vector<std::byte> run(page_size_bytes_);
  Expected<size_t> read = ReadFully(file_, id * page_size_bytes_, run);
  if (!read) return std::unexpected(read.error());
  const PageHeader header = cow_tree::LoadPageHeader(run.data());
  if (header.id != id) {
    return Fail(ErrorCode::kCorrupt,
                fmt::format("page {} identifies itself as page {}: its contents are of another "
                            "place; copy-page can put a sound page there, salvage leaves it out",
                            id, header.id));
  }
  if (header.overflow >= page_count_ - id) {
    return Fail(ErrorCode::kCorrupt,
                fmt::format("page {} claims {} pages of overflow, the file ends after {}", id,
                            header.overflow, page_count_ - id - 1));
  }
  run.resize((header.overflow + uint64_t{1}) * page_size_bytes_);
  read = ReadFully(file_, (id + 1) * page_size_bytes_, std::span(run).subspan(page_size_bytes_));
  if (!read) return std::unexpected(read.error());
  return run;
}

Expected<void> SurgeryPages::WriteRun(PageId id, std::span<const std::byte> run) const {
  Assert(run.size() % page_size_bytes_ == 0, "surgery writes whole pages");
  Assert(id + run.size() / page_size_bytes_ <= page_count_, "surgery writes what is there");
  return WriteFully(file_, id * page_size_bytes_, run);
}

}  // namespace plugpull::bbolt_file
