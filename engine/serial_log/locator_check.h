// The part of the check that follows record numbers to bytes: locator elements, lines of data
// pages, overflow chains. F-I1 to F-I4.
#pragma once

#include <span>
#include <vector>

#include "engine/serial_log/checker.h"
#include "engine/serial_log/data_page.h"
#include "engine/serial_log/locator_page.h"
#include "engine/serial_log/page_claims.h"

namespace plugpull::serial_log {

class LocatorCheck {
 public:
  // All must outlive the check. `leaks` gets lines that no element refers to.
  LocatorCheck(const StoreView& store, PageClaims& claims, Problems& problems, Problems& leaks)
      : store_(store), claims_(claims), problems_(problems), leaks_(leaks) {}

  // Checks a locator page, and what it leads to. Errors: I/O.
  Expected<void> Run(PageNumber number, Bytes locator, int32_t section, int32_t sequence);

 private:
  // A stored element of the locator page in hand.
  struct Reference {
    LocatorElement element;
    int32_t slot = 0;
  };
  struct LineRange {
    int32_t begin = 0;
    int32_t end = 0;
    int32_t line = 0;
  };

  int32_t RecordOf(int32_t slot) const;
  bool IsPending(int32_t record) const;
  void CollectReferences(Bytes locator);
  void CheckSpaceLink(Bytes locator, int32_t slot, int16_t space_available);
  Expected<void> CheckDataPage(std::span<const Reference> references);
  void CheckSpace(PageNumber number, Bytes page, std::span<const Reference> references);
  void CheckReferences(PageNumber number, Bytes page, int32_t max_line,
                       std::span<const Reference> references);
  Expected<void> CheckLines(PageNumber number, Bytes page, int32_t max_line);
  Expected<void> CheckOverflow(PageNumber number, int32_t line, OverflowReference reference);

  const StoreView& store_;
  PageClaims& claims_;
  Problems& problems_;
  Problems& leaks_;

  PageNumber locator_page_ = kNoPage;  // in hand
  int32_t section_ = 0;
  int32_t sequence_ = 0;
  std::vector<Reference> references_;
  std::vector<LineRange> ranges_;
};

}  // namespace plugpull::serial_log
