#include "engine/serial_log/page_space.h"

#include <fmt/format.h>

#include <algorithm>

namespace plugpull::serial_log {

std::unexpected<Error> FailWrongType(PageNumber page, PageType expected, PageType found) {
  return Fail(ErrorCode::kCorrupt, fmt::format("page {}: expected {}, got {}", page,
                                               PageTypeName(expected), PageTypeName(found)));
}

Expected<PageNumber> PageSpace::Allocate() {
  const Expected<MutableBytes> inventory = pages_.Edit(kInventoryPage);
  if (!inventory) return std::unexpected(inventory.error());
  PageNumber page = FindFreePage(*inventory);
  if (is_redo_) {
    const auto is_taken = [&](PageNumber each) {
      return static_cast<size_t>(each) < redo_in_use_.size() &&
             redo_in_use_[static_cast<size_t>(each)];
    };
    const PageNumber limit = PagesMax(inventory->size());
    while (page != kNoPage && page < limit && (IsInUse(*inventory, page) || is_taken(page))) ++page;
    if (page == limit) page = kNoPage;
  }
  if (page == kNoPage) return Fail(ErrorCode::kNoSpace, "the tablespace is full");
  SetInUse(*inventory, page, true);
  pages_.Replace(page);
  return page;
}

Expected<void> PageSpace::Free(PageNumber page) {
  if (is_redo_ && options_.reconcile) return {};
  if (page < kFirstFreePage || page >= PagesMax(pages_.page_size_bytes())) {
    return Fail(ErrorCode::kCorrupt, fmt::format("page {}: there is no such page to free", page));
  }
  const Expected<MutableBytes> inventory = pages_.Edit(kInventoryPage);
  if (!inventory) return std::unexpected(inventory.error());
  SetInUse(*inventory, page, false);
  pages_.MarkClean(page);  // nobody reads it: what it has need not be written
  log_.Append(LogRecord{.type = LogRecordType::kFreePage, .page = page});
  return {};
}

void PageSpace::BeginRedo(std::vector<bool> in_use) {
  is_redo_ = true;
  redo_in_use_ = std::move(in_use);
}

Expected<PageNumber> PageSpace::WriteChain(int32_t section, Bytes bytes) {
  const auto capacity = static_cast<size_t>(OverflowCapacity(pages_.page_size_bytes()));
  std::vector<PageNumber> chain;
  for (size_t at = 0; at < bytes.size(); at += capacity) {
    const Expected<PageNumber> page = Allocate();
    if (!page) return std::unexpected(page.error());
    chain.push_back(*page);
  }
  for (size_t index = 0; index < chain.size(); ++index) {
    const Bytes part =
        bytes.subspan(index * capacity, std::min(capacity, bytes.size() - index * capacity));
    const MutableBytes page = pages_.Replace(chain[index]);
    FormatPage(page, PageType::kOverflow, chain[index]);
    StoreOverflowHeader(page, {.next = index + 1 < chain.size() ? chain[index + 1] : kNoPage,
                               .length = static_cast<int32_t>(part.size()),
                               .section = section});
    std::ranges::copy(part, page.begin() + kOverflowBytesAt);
  }
  log_.Append(LogRecord{.type = LogRecordType::kOverflowPages,
                        .section = section,
                        .body = std::as_bytes(std::span(chain))});
  return chain.front();
}

Expected<void> PageSpace::FreeChain(PageNumber first, ReferenceFrom from) {
  PageNumber page = first;
  for (PageNumber count = 0; page != kNoPage && count < pages_.page_limit(); ++count) {
    const Expected<Bytes> bytes = pages_.Read(page);
    if (!bytes) {
      // Freed before it was ever written, and the data page is older than that. Leftover bytes
      // (fix=none) are no number that a page can have.
      const bool can_be_gone = bytes.error().code == ErrorCode::kCorrupt && page > kNoPage &&
                               page < PagesMax(pages_.page_size_bytes());
      if (can_be_gone && is_redo_ && options_.reconcile) return {};
      return std::unexpected(bytes.error());
    }
    const PageType type = LoadPageHeader(*bytes).type;
    if (type != PageType::kOverflow) {
      if (is_redo_ && options_.reconcile && from == ReferenceFrom::kLine) return {};
      return FailWrongType(page, PageType::kOverflow, type);
    }
    const PageNumber next = LoadOverflowHeader(*bytes).next;
    if (Expected<void> freed = Free(page); !freed) return freed;
    page = next;
  }
  return {};
}

Expected<void> PageSpace::ReadChain(const OverflowReference& reference,
                                    std::vector<std::byte>& out) {
  const size_t begin = out.size();
  PageNumber page = reference.page;
  while (page != kNoPage && out.size() - begin <= reference.record_bytes) {
    const Expected<Bytes> bytes = pages_.Read(page);
    if (!bytes) return std::unexpected(bytes.error());
    const PageType type = LoadPageHeader(*bytes).type;
    if (type != PageType::kOverflow) return FailWrongType(page, PageType::kOverflow, type);
    const OverflowHeader header = LoadOverflowHeader(*bytes);
    if (header.length <= 0 || header.length > OverflowCapacity(bytes->size())) {
      return Fail(ErrorCode::kCorrupt,
                  fmt::format("page {}: overflow of {} bytes", page, header.length));
    }
    const Bytes part = bytes->subspan(kOverflowBytesAt, static_cast<size_t>(header.length));
    out.insert(out.end(), part.begin(), part.end());
    page = header.next;
  }
  if (page == kNoPage && out.size() - begin == reference.record_bytes) return {};
  return Fail(ErrorCode::kCorrupt, fmt::format("page {}: overflow chain is not of {} bytes",
                                               reference.page, reference.record_bytes));
}

}  // namespace plugpull::serial_log
