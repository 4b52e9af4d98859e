#include "engine/serial_log/locator_check.h"

#include <algorithm>
#include <tuple>

namespace plugpull::serial_log {

Expected<void> LocatorCheck::Run(PageNumber number, Bytes locator, int32_t section,
                                 int32_t sequence) {
  locator_page_ = number;
  section_ = section;
  sequence_ = sequence;
  const LocatorHeader header = LoadLocatorHeader(locator);
  if (header.section != section || header.sequence != sequence) {
    problems_.Add("F-I1: page {}: section {} has it as locator page {}, it says section {} and {}",
                  number, section, sequence, header.section, header.sequence);
  }
  CollectReferences(locator);
  std::ranges::sort(references_, {}, [](const Reference& each) {
    return std::tuple(each.element.page, each.element.line, each.slot);
  });
  const std::span<const Reference> all(references_);
  for (size_t begin = 0; begin < all.size();) {
    size_t end = begin;
    while (end < all.size() && all[end].element.page == all[begin].element.page) ++end;
    if (Expected<void> done = CheckDataPage(all.subspan(begin, end - begin)); !done) return done;
    begin = end;
  }
  return {};
}

int32_t LocatorCheck::RecordOf(int32_t slot) const {
  return static_cast<int32_t>(int64_t{sequence_} * LocatorSlots(store_.pages.page_size_bytes()) +
                              slot);
}

bool LocatorCheck::IsPending(int32_t record) const {
  return std::ranges::any_of(store_.pending, [&](const PendingChange& change) {
    return change.section == section_ && change.record == record;
  });
}

void LocatorCheck::CollectReferences(Bytes locator) {
  references_.clear();
  const int32_t slots = LocatorSlots(locator.size());
  int32_t last = -1;  // slot that is not empty
  for (int32_t slot = 0; slot < slots; ++slot) {
    const LocatorElement element = LoadElement(locator, slot);
    if (element == LocatorElement{}) continue;
    last = slot;
    if (element.page != kNoPage) {
      references_.push_back({.element = element, .slot = slot});
      CheckSpaceLink(locator, slot, element.space_available);
    } else if (element != kStubElement) {
      problems_.Add("F-I1: locator page {} slot {}: page 0, line {}, space {} is no element",
                    locator_page_, slot, element.line, element.space_available);
    }
  }
  const int16_t max_line = LoadLocatorHeader(locator).max_line;
  if (max_line != last + 1) {
    problems_.Add("F-I2: locator page {}: max line {}, its last element is in slot {}",
                  locator_page_, max_line, last);
  }
}

// The list leads upwards only, so that it ends.
void LocatorCheck::CheckSpaceLink(Bytes locator, int32_t slot, int16_t space_available) {
  if (space_available >= 0) return;
  const int32_t next = -int32_t{space_available} - 1;
  if (next <= slot || next >= LocatorSlots(locator.size())) {
    problems_.Add("F-I3: locator page {}: the list of slots with space leads from {} to {}",
                  locator_page_, slot, next);
  } else if (LoadElement(locator, next).space_available <= 0) {
    problems_.Add("F-I3: locator page {}: the list of slots with space leads to {}, without space",
                  locator_page_, next);
  }
}

Expected<void> LocatorCheck::CheckDataPage(std::span<const Reference> references) {
  const PageNumber number = references.front().element.page;
  const Referrer who{
      .type = PageType::kLocator, .page = locator_page_, .place = references.front().slot};
  const Expected<std::optional<Bytes>> claimed = claims_.Claim(number, PageType::kData, who);
  if (!claimed) return std::unexpected(claimed.error());
  if (!claimed->has_value()) return {};
  const Bytes page = **claimed;
  if (LoadPageHeader(page).owner != locator_page_) {
    problems_.Add("F-I3: page {}: belongs to locator page {}, and locator page {} refers to it",
                  number, LoadPageHeader(page).owner, locator_page_);
  }
  const int32_t limit = LinesMax(page.size());
  int32_t max_line = LoadMaxLine(page);
  if (max_line < 0 || max_line > limit) {
    problems_.Add("F-I2: page {}: max line {} is not in 0..{}", number, max_line, limit);
    claims_.SetIncomplete();
    max_line = std::clamp(max_line, 0, limit);
  }
  CheckReferences(number, page, max_line, references);
  CheckSpace(number, page, references);
  return CheckLines(number, page, max_line);
}

// Each element has its line, and each line its element. Requires: `references` by line.
void LocatorCheck::CheckReferences(PageNumber number, Bytes page, int32_t max_line,
                                   std::span<const Reference> references) {
  int32_t next_line = 0;  // up to here, lines were compared
  const auto report_orphans = [&](int32_t end) {
    for (; next_line < end; ++next_line) {
      if (!LoadLine(page, next_line).is_used()) continue;
      leaks_.Add("F-I3: page {}: no locator element refers to line {}", number, next_line);
    }
  };
  for (const Reference& each : references) {
    const int32_t line = each.element.line;
    if (line < 0 || line >= max_line || !LoadLine(page, line).is_used()) {
      problems_.Add(
          "F-I1: record {} of section {}: locator page {} slot {} has page {} line {}, "
          "which is not there (max line {})",
          RecordOf(each.slot), section_, locator_page_, each.slot, number, line, max_line);
      continue;
    }
    report_orphans(line);
    if (next_line > line) {
      problems_.Add(
          "F-I3: page {}: line {} belongs to more than one element, the last in locator "
          "page {} slot {}",
          number, line, locator_page_, each.slot);
    }
    next_line = line + 1;
    if (LoadLine(page, line).length == 0 && !IsPending(RecordOf(each.slot))) {
      problems_.Add(
          "F-I1: record {} of section {}: page {} line {} has been kept for it, and has "
          "no bytes",
          RecordOf(each.slot), section_, number, line);
    }
  }
  report_orphans(max_line);
}

void LocatorCheck::CheckSpace(PageNumber number, Bytes page,
                              std::span<const Reference> references) {
  const Reference* lists = nullptr;
  for (const Reference& each : references) {
    const int32_t says = each.element.space_available;
    if (says <= 0) continue;
    if (lists != nullptr) {
      problems_.Add("F-I3: locator page {}: slots {} and {} both list the space of page {}",
                    locator_page_, lists->slot, each.slot, number);
    }
    lists = &each;
    if (says > SpaceAvailable(page)) {
      problems_.Add(
          "F-I3: locator page {} slot {}: page {} is said to have room for {} bytes, it "
          "has {}",
          locator_page_, each.slot, number, says, SpaceAvailable(page));
    }
  }
}

Expected<void> LocatorCheck::CheckLines(PageNumber number, Bytes page, int32_t max_line) {
  ranges_.clear();
  const auto index_end = static_cast<int32_t>(kLineIndexAt + kLineBytes * max_line);
  for (int32_t line = 0; line < max_line; ++line) {
    const DataLine at = LoadLine(page, line);
    if (!at.is_used()) continue;
    const std::optional<Bytes> bytes = LineBytes(page, at);
    if (at.offset < index_end || !bytes) {
      problems_.Add("F-I2: page {}: line {} has {} bytes at {}, outside {}..{}", number, line,
                    at.stored_bytes(), at.offset, index_end, page.size());
      claims_.SetIncomplete();
      continue;
    }
    if (at.length != 0) {
      ranges_.push_back({.begin = at.offset, .end = at.offset + at.stored_bytes(), .line = line});
    }
    if (!at.is_overflow()) continue;
    if (bytes->size() != kOverflowLineBytes) {
      problems_.Add("F-I4: page {}: line {} has {} bytes in place of an overflow page", number,
                    line, bytes->size());
      claims_.SetIncomplete();
      continue;
    }
    const Expected<void> followed = CheckOverflow(number, line, LoadOverflowReference(*bytes));
    if (!followed) return followed;
  }
  if (max_line > 0 && !LoadLine(page, max_line - 1).is_used()) {
    problems_.Add("F-I2: page {}: max line {}, and line {} is not used", number, max_line,
                  max_line - 1);
  }
  std::ranges::sort(ranges_, {}, &LineRange::begin);
  for (size_t i = 1; i < ranges_.size(); ++i) {
    if (ranges_[i].begin >= ranges_[i - 1].end) continue;
    problems_.Add("F-I2: page {}: lines {} and {} overlap at {}", number, ranges_[i - 1].line,
                  ranges_[i].line, ranges_[i].begin);
  }
  return {};
}

// Each page is claimed, so that a chain which comes back to itself ends.
Expected<void> LocatorCheck::CheckOverflow(PageNumber number, int32_t line,
                                           OverflowReference reference) {
  Referrer who{.type = PageType::kData, .page = number, .place = line};
  uint64_t found_bytes = 0;
  PageNumber next = reference.page;
  do {
    const Expected<std::optional<Bytes>> claimed = claims_.Claim(next, PageType::kOverflow, who);
    if (!claimed) return std::unexpected(claimed.error());
    if (!claimed->has_value()) return {};
    const OverflowHeader header = LoadOverflowHeader(**claimed);
    if (header.section != section_) {
      problems_.Add("F-I4: overflow page {}: is of section {}, page {} line {} of section {}", next,
                    header.section, number, line, section_);
    }
    if (header.length <= 0 || header.length > OverflowCapacity((*claimed)->size())) {
      problems_.Add("F-I4: overflow page {}: {} bytes are not in 1..{}", next, header.length,
                    OverflowCapacity((*claimed)->size()));
      claims_.SetIncomplete();
      return {};
    }
    found_bytes += static_cast<uint64_t>(header.length);
    who = {.type = PageType::kOverflow, .page = next};
    next = header.next;
  } while (next != kNoPage);
  if (found_bytes != reference.record_bytes) {
    problems_.Add("F-I4: page {}: line {} is a record of {} bytes, its overflow pages have {}",
                  number, line, reference.record_bytes, found_bytes);
  }
  return {};
}

}  // namespace plugpull::serial_log
