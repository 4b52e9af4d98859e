// For tests: a store that is put together page by page, byte by byte, so that each rule of the
// check can be broken alone. It knows the format only, nothing of the engine.
#pragma once

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "engine/revision_tree/checker.h"
#include "faults/base/bytes.h"
#include "faults/vfs/memory_vfs.h"

namespace plugpull::revision_tree {

class HandMadeStore {
 public:
  explicit HandMadeStore(uint32_t flags = kChecksumFlag | kTwoSlotsFlag) {
    header.page_size_bytes = 128;
    header.flags = flags;
    header.current = header.ongoing = 5;
    bytes.resize(FirstDataPage(header) * header.page_size_bytes);
  }

  // Adds a chain at the end of the file. Returns: its offset.
  int64_t AddChain(Bytes data) {
    const auto first = static_cast<int64_t>(bytes.size());
    const uint64_t count = ChainPages(data.size(), header.page_size_bytes);
    size_t taken = 0;
    for (uint64_t index = 0; index < count; ++index) {
      const size_t at = bytes.size();
      bytes.resize(at + header.page_size_bytes);
      const bool is_last = index + 1 == count;
      StoreInt64(&bytes[at], is_last ? kNoOffset : static_cast<int64_t>(bytes.size()));
      const uint32_t head = index == 0 ? kFirstBytes : kNextBytes;
      if (index == 0) StoreInt32(&bytes[at + kNextBytes], static_cast<int32_t>(data.size()));
      const Bytes part =
          data.subspan(taken, std::min<size_t>(header.page_size_bytes - head, data.size() - taken));
      std::ranges::copy(part, bytes.begin() + static_cast<ptrdiff_t>(at + head));
      taken += part.size();
    }
    return first;
  }

  // Returns: how a node refers to the chain that was added last.
  Child Last(int64_t first) const {
    return {.first = first, .last = static_cast<int64_t>(bytes.size()) - header.page_size_bytes};
  }

  Child AddLeaf(Revision revision, const std::vector<std::pair<std::string, std::string>>& pairs) {
    std::string elements;
    for (const auto& [key, value] : pairs) {
      elements += Number32(1) + Sized(value) + Sized(key);
    }
    return Last(AddChain(AsBytes(Page(revision, static_cast<int32_t>(pairs.size()), elements))));
  }

  Child AddNode(Revision revision, const std::vector<Child>& children,
                const std::vector<std::string>& keys) {
    std::string elements;
    for (size_t index = 0; index < children.size(); ++index) {
      elements += Number64(children[index].first) + Number64(children[index].last);
      if (index < keys.size()) elements += Sized(keys[index]);
    }
    return Last(AddChain(AsBytes(Page(revision, -static_cast<int32_t>(keys.size()), elements))));
  }

  // Adds free PageIOs, chained in this order in front of what is free.
  void AddFree(int count) {
    for (int index = 0; index < count; ++index) {
      const auto offset = static_cast<int64_t>(bytes.size());
      bytes.resize(bytes.size() + header.page_size_bytes, std::byte{0xEE});
      StoreInt64(At(offset), header.first_free);
      header.first_free = offset;
    }
  }

  std::byte* At(int64_t offset) { return &bytes[static_cast<size_t>(offset)]; }
  PageNumber NumberOf(int64_t offset) const {
    return static_cast<PageNumber>(offset) / header.page_size_bytes;
  }
  std::string Text(int64_t offset) const {
    return fmt::format("page {} (offset {})", NumberOf(offset), offset);
  }

  // Checks what has been put together. `view` says what else is known; pages, slots, header and
  // size are filled in here, unless slots are given.
  CheckReport Check(SpaceCount* count = nullptr) {
    if (header.page_count == 0) {
      header.page_count = static_cast<int64_t>(bytes.size() / header.page_size_bytes);
    }
    MemoryVfs vfs;
    const auto file = *vfs.Open(kStorePath, OpenOptions{.create = true});
    EXPECT_TRUE(file->Write(0, bytes).has_value());
    PageCache pages;
    const auto file_pages = bytes.size() / header.page_size_bytes;
    pages.Attach(*file, header, std::min<uint64_t>(file_pages, header.page_count));
    StoreView view{.pages = pages,
                   .file_size_bytes = bytes.size(),
                   .slots = slots,
                   .header = header,
                   .older = older,
                   .readers = readers,
                   .pending = pending,
                   .owes_scan = owes_scan};
    if (!slots[0].exists) view.slots[0] = {.exists = true, .header = header, .fault = ""};
    const Expected<CheckReport> report = CheckStore(view, count);
    EXPECT_TRUE(report.has_value()) << Describe(report.error());
    return report ? *report : CheckReport{};
  }

  Header header;
  std::vector<std::byte> bytes;
  std::array<HeaderSlot, 2> slots{};
  std::vector<KeptRevision> older;
  std::vector<KeptRevision> readers;
  std::vector<PageNumber> pending;
  bool owes_scan = false;

 private:
  static std::string Number32(int32_t value) {
    std::string text(4, '\0');
    StoreInt32(reinterpret_cast<std::byte*>(text.data()), value);
    return text;
  }
  static std::string Number64(int64_t value) {
    std::string text(8, '\0');
    StoreInt64(reinterpret_cast<std::byte*>(text.data()), value);
    return text;
  }
  static std::string Sized(const std::string& text) {
    return Number32(static_cast<int32_t>(text.size())) + text;
  }
  static std::string Page(Revision revision, int32_t count, const std::string& elements) {
    return Number64(revision) + Number32(count) + Number32(static_cast<int32_t>(elements.size())) +
           elements;
  }
};

}  // namespace plugpull::revision_tree
