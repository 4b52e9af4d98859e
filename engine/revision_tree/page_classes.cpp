#include "engine/revision_tree/page_classes.h"

#include <algorithm>

namespace plugpull::revision_tree {

std::string_view Name(PageClass page_class) {
  switch (page_class) {
    case PageClass::kNone:
      return "of no class";
    case PageClass::kHeader:
      return "of the header";
    case PageClass::kReachable:
      return "reachable from the newest revision";
    case PageClass::kKept:
      return "reachable from a kept revision";
    case PageClass::kCopied:
      return "listed as copied";
    case PageClass::kFree:
      return "free";
    case PageClass::kPending:
      return "pending";
  }
  return "";
}

void PageClasses::Reset(PageNumber first_data_page, PageNumber page_limit) {
  records_.assign(page_limit, Record{});
  const PageNumber end = std::min(first_data_page, page_limit);
  for (PageNumber page = 0; page < end; ++page) {
    records_[page].page_class = PageClass::kHeader;
    records_[page].owner = 0;
  }
}

std::optional<PageNumber> PageClasses::Claim(std::span<const PageNumber> chain,
                                             PageClass page_class) {
  const PageNumber first = chain.front();
  for (const PageNumber page : chain) {
    Record& record = records_[page];
    if (record.page_class == PageClass::kNone) {
      record.page_class = page_class;
      record.owner = first;
    } else if (record.owner != first || record.page_class == PageClass::kHeader) {
      return page;
    }
  }
  return std::nullopt;
}

}  // namespace plugpull::revision_tree
