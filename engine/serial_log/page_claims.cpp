#include "engine/serial_log/page_claims.h"

#include <algorithm>
#include <bit>

namespace plugpull::serial_log {
namespace {

// Whose rule it is that a page of this kind has one owner.
int OwnerRule(PageType type) {
  switch (type) {
    case PageType::kData:
      return 3;
    case PageType::kOverflow:
      return 4;
    case PageType::kNone:
    case PageType::kHeader:
    case PageType::kInventory:
    case PageType::kSection:
    case PageType::kLocator:
    case PageType::kIndex:
      break;
  }
  return 5;
}

}  // namespace

std::string Referrer::Text() const {
  std::string text = fmt::format("{} {}", PageTypeName(type), page);
  if (place >= 0) {
    text += fmt::format(" {} {}", type == PageType::kData ? "line" : "slot", place);
  }
  return text;
}

PageClaims::PageClaims(PageCache& pages, Bytes inventory, Problems& problems)
    : pages_(pages),
      inventory_(inventory),
      problems_(problems),
      words_((static_cast<size_t>(PagesMax(pages.page_size_bytes())) + 63) / 64) {
  words_[0] = (uint64_t{1} << kFirstFreePage) - 1;  // the fixed pages
}

std::optional<Bytes> PageClaims::Refuse() {
  is_complete_ = false;
  return std::nullopt;
}

Expected<std::optional<Bytes>> PageClaims::Claim(PageNumber page, PageType type,
                                                 const Referrer& who) {
  const PageNumber limit = std::min(pages_.page_limit(), PagesMax(pages_.page_size_bytes()));
  if (page < kFirstFreePage || page >= limit) {
    problems_.Add("F-I5: {} refers to page {}, which is outside the {} pages of the file",
                  who.Text(), page, limit);
    return Refuse();
  }
  if (IsClaimed(page)) {
    problems_.Add("F-I{}: {} refers to page {}, which has another owner", OwnerRule(type),
                  who.Text(), page);
    return Refuse();
  }
  words_[page / 64] |= uint64_t{1} << (page % 64);
  if (!inventory_.empty() && !IsInUse(inventory_, page)) {
    problems_.Add("F-I5: {} refers to page {}, which is marked free in the inventory", who.Text(),
                  page);
  }
  const Expected<Bytes> bytes = pages_.Read(page);
  if (!bytes) {
    if (bytes.error().code != ErrorCode::kCorrupt) return std::unexpected(bytes.error());
    problems_.Add("F-I5: {}: {}", who.Text(), bytes.error().context);
    return Refuse();
  }
  const PageHeader header = LoadPageHeader(*bytes);
  if (header.type != type) {
    problems_.Add("F-I{}: {} refers to page {}: expected {}, got {}", OwnerRule(type), who.Text(),
                  page, PageTypeName(type), PageTypeName(header.type));
    return Refuse();
  }
  if (header.number != page) {
    problems_.Add("F-I5: page {}: its header says that it is page {}", page, header.number);
  }
  return *bytes;
}

void PageClaims::CheckInventory(Problems& leaks) {
  if (inventory_.empty()) return;
  const PageNumber limit = pages_.page_limit();
  for (size_t word = 0; word < words_.size(); ++word) {
    const size_t at = kPageHeaderBytes + 8 * word;
    uint64_t in_use = 0;
    std::memcpy(&in_use, &inventory_[at], std::min<size_t>(8, inventory_.size() - at));
    if (word == 0 && (in_use & words_[0]) != words_[0]) {
      for (PageNumber page = 0; page < kFirstFreePage; ++page) {
        if (IsInUse(inventory_, page)) continue;
        problems_.Add("F-I5: page {}: a fixed page is marked free in the inventory", page);
      }
    }
    for (uint64_t left = in_use & ~words_[word]; left != 0; left &= left - 1) {
      const auto page = static_cast<PageNumber>(64 * word + std::countr_zero(left));
      if (page >= limit) {
        problems_.Add("F-I5: page {} is in use in the inventory, and the file has {} pages", page,
                      limit);
      } else if (is_complete_) {
        leaks.Add("F-I5: page {} is in use in the inventory, and nothing refers to it", page);
      }
    }
  }
}

}  // namespace plugpull::serial_log
