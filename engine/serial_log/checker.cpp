#include "engine/serial_log/checker.h"

#include "engine/serial_log/locator_check.h"
#include "engine/serial_log/log_check.h"
#include "engine/serial_log/page_claims.h"

namespace plugpull::serial_log {
namespace {

class StoreCheck {
 public:
  explicit StoreCheck(const StoreView& store) : store_(store) {}

  Expected<CheckReport> Run() {
    const Expected<std::optional<Bytes>> header = FixedPage(kHeaderPage, PageType::kHeader);
    if (!header) return std::unexpected(header.error());
    const Expected<std::optional<Bytes>> inventory =
        FixedPage(kInventoryPage, PageType::kInventory);
    if (!inventory) return std::unexpected(inventory.error());
    const Expected<std::optional<Bytes>> root = FixedPage(kSectionRoot, PageType::kSection);
    if (!root) return std::unexpected(root.error());
    const Expected<std::optional<Bytes>> index = FixedPage(kIndexRoot, PageType::kIndex);
    if (!index) return std::unexpected(index.error());
    PageClaims claims(store_.pages, inventory->value_or(Bytes()), problems_);
    if (root->has_value()) {
      if (Expected<void> done = CheckRoot(**root, claims); !done) {
        return std::unexpected(done.error());
      }
      claims.CheckInventory(leaks_);
    }
    if (Expected<void> done = CheckLog(store_.log, problems_); !done) {
      return std::unexpected(done.error());
    }
    return CheckReport{.structure = std::move(problems_.found()),
                       .leaks = std::move(leaks_.found())};
  }

 private:
  // Returns: a page whose place is part of the format; nothing, when it is another one.
  Expected<std::optional<Bytes>> FixedPage(PageNumber number, PageType type) {
    const Expected<Bytes> page = store_.pages.Read(number);
    if (!page) {
      if (page.error().code != ErrorCode::kCorrupt) return std::unexpected(page.error());
      problems_.Add("F-I5: {}", page.error().context);
      return std::nullopt;
    }
    const PageHeader header = LoadPageHeader(*page);
    if (header.type != type) {
      problems_.Add("F-I5: page {}: expected {}, got {}", number, PageTypeName(type),
                    PageTypeName(header.type));
      return std::nullopt;
    }
    if (header.number != number) {
      problems_.Add("F-I5: page {}: its header says that it is page {}", number, header.number);
    }
    return *page;
  }

  Expected<void> CheckRoot(Bytes root, PageClaims& claims) {
    CheckSectionHeader(kSectionRoot, root, {.section = -1, .sequence = 0, .level = 1});
    const int32_t slots = SectionSlots(root.size());
    for (int32_t section = 0; section < slots; ++section) {
      const PageNumber number = LoadSectionSlot(root, section);
      if (number == kNoPage) continue;
      if (static_cast<uint32_t>(section) >= store_.sections) {
        problems_.Add("F-I1: page {}: has a section {}, there are {}", kSectionRoot, section,
                      store_.sections);
      }
      const Referrer who{.type = PageType::kSection, .page = kSectionRoot, .place = section};
      const auto claimed = claims.Claim(number, PageType::kSection, who);
      if (!claimed) return std::unexpected(claimed.error());
      if (!claimed->has_value()) continue;
      if (Expected<void> done = CheckSection(number, **claimed, section, claims); !done) {
        return done;
      }
    }
    return {};
  }

  Expected<void> CheckSection(PageNumber number, Bytes page, int32_t section, PageClaims& claims) {
    CheckSectionHeader(number, page, {.section = section, .sequence = 0, .level = 0});
    const int32_t slots = SectionSlots(page.size());
    LocatorCheck locators(store_, claims, problems_, leaks_);
    for (int32_t sequence = 0; sequence < slots; ++sequence) {
      const PageNumber locator = LoadSectionSlot(page, sequence);
      if (locator == kNoPage) continue;
      const Referrer who{.type = PageType::kSection, .page = number, .place = sequence};
      const auto claimed = claims.Claim(locator, PageType::kLocator, who);
      if (!claimed) return std::unexpected(claimed.error());
      if (!claimed->has_value()) continue;
      if (Expected<void> done = locators.Run(locator, **claimed, section, sequence); !done) {
        return done;
      }
    }
    return {};
  }

  void CheckSectionHeader(PageNumber number, Bytes page, const SectionHeader& expected) {
    const SectionHeader header = LoadSectionHeader(page);
    if (header.section == expected.section && header.sequence == expected.sequence &&
        header.level == expected.level) {
      return;
    }
    problems_.Add("F-I1: section page {}: section {}, sequence {}, level {}; expected {}, {}, {}",
                  number, header.section, header.sequence, header.level, expected.section,
                  expected.sequence, expected.level);
  }

  const StoreView& store_;
  Problems problems_{kProblemsMax};
  Problems leaks_{kProblemsMax};
};

}  // namespace

Expected<CheckReport> CheckStore(const StoreView& store) { return StoreCheck(store).Run(); }

}  // namespace plugpull::serial_log
