#include "engine/serial_log/reconcile.h"

#include <algorithm>
#include <utility>

namespace plugpull::serial_log {
namespace {

// Visits what a tablespace refers to, once each, as far as it makes sense.
class PageMarker {
 public:
  explicit PageMarker(PageCache& pages)
      : pages_(pages), marked_(static_cast<size_t>(PagesMax(pages.page_size_bytes()))) {}

  Expected<void> Mark() {
    for (PageNumber page = 0; page < kFirstFreePage; ++page)
      marked_[static_cast<size_t>(page)] = true;
    const Expected<Bytes> root = pages_.Read(kSectionRoot);
    if (!root) return std::unexpected(root.error());
    for (int32_t slot = 0; slot < std::min<int32_t>(SectionSlots(root->size()), kSectionsMax);
         ++slot) {
      const PageNumber page = LoadSectionSlot(*root, slot);
      if (page == kNoPage) continue;
      if (Expected<void> marked = MarkSection(page); !marked) return marked;
    }
    return {};
  }

  std::vector<bool> Take() { return std::move(marked_); }
  // Writes the marks into an inventory page.
  void PutInto(MutableBytes inventory) const {
    std::ranges::fill(inventory.subspan(kPageHeaderBytes), std::byte{0});
    for (PageNumber page = 0; page <= highest_; ++page) {
      if (marked_[static_cast<size_t>(page)]) SetInUse(inventory, page, true);
    }
  }
  const std::vector<PageNumber>& locators() const { return locators_; }

 private:
  // Marks a page. Returns: its bytes if it was not marked, is there, and is of that type; else
  // empty.
  Expected<Bytes> Visit(PageNumber page, PageType type) {
    if (page <= kNoPage || page >= PagesMax(pages_.page_size_bytes())) return Bytes();
    if (marked_[static_cast<size_t>(page)]) return Bytes();
    marked_[static_cast<size_t>(page)] = true;
    highest_ = std::max(highest_, page);
    if (page >= pages_.page_limit()) return Bytes();
    const Expected<Bytes> bytes = pages_.Read(page);
    if (!bytes && bytes.error().code == ErrorCode::kCorrupt) return Bytes();
    if (!bytes || LoadPageHeader(*bytes).type == type) return bytes;
    return Bytes();
  }

  Expected<void> MarkSection(PageNumber page) {
    const Expected<Bytes> bytes = Visit(page, PageType::kSection);
    if (!bytes) return std::unexpected(bytes.error());
    if (bytes->empty()) return {};
    for (int32_t slot = 0; slot < SectionSlots(bytes->size()); ++slot) {
      const PageNumber locator = LoadSectionSlot(*bytes, slot);
      if (locator == kNoPage) continue;
      if (Expected<void> marked = MarkLocator(locator); !marked) return marked;
    }
    return {};
  }

  Expected<void> MarkLocator(PageNumber page) {
    const Expected<Bytes> bytes = Visit(page, PageType::kLocator);
    if (!bytes) return std::unexpected(bytes.error());
    if (bytes->empty()) return {};
    locators_.push_back(page);
    for (int32_t slot = 0; slot < UsedSlots(*bytes); ++slot) {
      const PageNumber data = LoadElement(*bytes, slot).page;
      if (data == kNoPage) continue;
      if (Expected<void> marked = MarkData(data); !marked) return marked;
    }
    return {};
  }

  Expected<void> MarkData(PageNumber page) {
    const Expected<Bytes> bytes = Visit(page, PageType::kData);
    if (!bytes) return std::unexpected(bytes.error());
    if (bytes->empty()) return {};
    for (int32_t line = 0; line < LinesMax(bytes->size()); ++line) {
      if (line >= LoadMaxLine(*bytes)) break;
      const DataLine value = LoadLine(*bytes, line);
      const std::optional<Bytes> stored = LineBytes(*bytes, value);
      if (!stored || !value.is_overflow()) continue;
      if (Expected<void> marked = MarkChain(LoadOverflowReference(*stored).page); !marked) {
        return marked;
      }
    }
    return {};
  }

  Expected<void> MarkChain(PageNumber page) {
    while (page != kNoPage) {
      const Expected<Bytes> bytes = Visit(page, PageType::kOverflow);
      if (!bytes) return std::unexpected(bytes.error());
      if (bytes->empty()) return {};
      page = LoadOverflowHeader(*bytes).next;
    }
    return {};
  }

  PageCache& pages_;
  std::vector<bool> marked_;
  std::vector<PageNumber> locators_;
  PageNumber highest_ = kIndexRoot;  // of those marked
};

using Claim = std::pair<PageNumber, int32_t>;  // a line that an element leads to

// Removes the lines of a data page that are not claimed. `claims` are those of the page, ascending.
void DropLines(MutableBytes data, std::span<const Claim> claims) {
  const int32_t lines = std::clamp<int32_t>(LoadMaxLine(data), 0, LinesMax(data.size()));
  for (int32_t line = 0; line < lines; ++line) {
    const auto claimed = std::ranges::lower_bound(claims, line, {}, &Claim::second);
    if (claimed == claims.end() || claimed->second != line) StoreLine(data, line, DataLine{});
  }
  TrimLines(data);
}

Expected<void> SweepLocator(PageCache& pages, PageNumber number) {
  const Expected<Bytes> locator = pages.Read(number);
  if (!locator) return std::unexpected(locator.error());
  std::vector<std::byte> after(locator->begin(), locator->end());
  const int32_t slots = UsedSlots(after);
  std::vector<Claim> claims;
  for (int32_t slot = 0; slot < slots; ++slot) {
    const LocatorElement element = LoadElement(after, slot);
    if (element.page != kNoPage) claims.emplace_back(element.page, element.line);
  }
  std::ranges::sort(claims);
  std::vector<std::pair<PageNumber, int32_t>> spaces;
  for (auto first = claims.begin(); first != claims.end();) {
    const PageNumber page = first->first;
    const auto last =
        std::find_if(first, claims.end(), [&](const Claim& claim) { return claim.first != page; });
    const Expected<Bytes> bytes = pages.Read(page);
    if (!bytes) return std::unexpected(bytes.error());
    const PageHeader header = LoadPageHeader(*bytes);
    if (header.type == PageType::kData && header.owner == number) {
      std::vector<std::byte> data(bytes->begin(), bytes->end());
      DropLines(data, std::span(first, last));
      if (!std::ranges::equal(data, *bytes)) {
        const Expected<MutableBytes> edited = pages.Edit(page);
        if (!edited) return std::unexpected(edited.error());
        std::ranges::copy(data, edited->begin());
      }
      spaces.emplace_back(page, std::min<int32_t>(SpaceAvailable(data), INT16_MAX));
    }
    first = last;
  }
  for (int32_t slot = 0; slot < slots; ++slot) {
    LocatorElement element = LoadElement(after, slot);
    if (element.page == kNoPage) continue;
    const auto space = std::ranges::lower_bound(spaces, element.page, {}, &Claim::first);
    element.space_available = 0;
    if (space != spaces.end() && space->first == element.page && space->second >= kSpaceMin) {
      element.space_available = static_cast<int16_t>(std::exchange(space->second, 0));
    }
    StoreElement(after, slot, element);
  }
  RelinkSpaceSlots(after);
  if (std::ranges::equal(after, *locator)) return {};
  const Expected<MutableBytes> edited = pages.Edit(number);
  if (!edited) return std::unexpected(edited.error());
  std::ranges::copy(after, edited->begin());
  return {};
}

}  // namespace

Expected<std::vector<bool>> MarkPages(PageCache& pages) {
  PageMarker marker(pages);
  if (Expected<void> marked = marker.Mark(); !marked) return std::unexpected(marked.error());
  return marker.Take();
}

Expected<void> SweepPages(PageCache& pages) {
  PageMarker before(pages);
  if (Expected<void> marked = before.Mark(); !marked) return marked;
  for (const PageNumber locator : before.locators()) {
    if (Expected<void> swept = SweepLocator(pages, locator); !swept) return swept;
  }
  PageMarker marker(pages);
  if (Expected<void> marked = marker.Mark(); !marked) return marked;
  const Expected<Bytes> inventory = pages.Read(kInventoryPage);
  if (!inventory) return std::unexpected(inventory.error());
  std::vector<std::byte> after(inventory->begin(), inventory->end());
  marker.PutInto(after);
  if (std::ranges::equal(after, *inventory)) return {};
  const Expected<MutableBytes> edited = pages.Edit(kInventoryPage);
  if (!edited) return std::unexpected(edited.error());
  std::ranges::copy(after, edited->begin());
  return {};
}

}  // namespace plugpull::serial_log
