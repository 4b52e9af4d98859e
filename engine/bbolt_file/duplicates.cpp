#include "engine/bbolt_file/duplicates.h"

#include <algorithm>

namespace plugpull::bbolt_file {
namespace {

bool IsCandidate(const PageFacts& facts, PageId id) {
  return facts.state == PageState::kSound && facts.id == id && facts.count > 0;
}

// A page that lies where another should be.
bool IsMisplaced(const PageFacts& facts) {
  return facts.state == PageState::kOther && facts.count > 0 &&
         (facts.flags == cow_tree::kBranchFlag || facts.flags == cow_tree::kLeafFlag);
}

}  // namespace

DuplicatePages FindDuplicates(const Census& census, const std::vector<TreeWalk>& walks,
                              uint32_t duplicates_max) {
  std::vector<PageId> pages;
  for (PageId id = cow_tree::kFirstDataPage; id < census.page_count(); ++id) {
    if (IsCandidate(census.At(id), id) || IsMisplaced(census.At(id))) pages.push_back(id);
  }
  std::sort(pages.begin(), pages.end(), [&](PageId left, PageId right) {
    const uint64_t left_hash = census.At(left).content_hash;
    const uint64_t right_hash = census.At(right).content_hash;
    return left_hash != right_hash ? left_hash < right_hash : left < right;
  });
  const auto is_reached = [&](PageId id) {
    return std::any_of(walks.begin(), walks.end(), [&](const TreeWalk& walk) {
      return id < walk.limit() && walk.reached().Contains(id);
    });
  };
  std::vector<std::pair<bool, Duplicate>> found;  // with: none of them is reached
  for (size_t begin = 0; begin < pages.size();) {
    size_t end = begin + 1;
    const PageFacts& facts = census.At(pages[begin]);
    while (end < pages.size() && census.At(pages[end]).content_hash == facts.content_hash) ++end;
    if (end - begin > 1) {
      Duplicate duplicate{.pages = {pages.begin() + static_cast<std::ptrdiff_t>(begin),
                                    pages.begin() + static_cast<std::ptrdiff_t>(end)},
                          .kind = KindOf(facts),
                          .elements = facts.count};
      const bool is_used = std::any_of(duplicate.pages.begin(), duplicate.pages.end(), is_reached);
      found.emplace_back(!is_used, std::move(duplicate));
    }
    begin = end;
  }
  std::sort(found.begin(), found.end(), [](const auto& left, const auto& right) {
    return left.first != right.first ? left.first < right.first
                                     : left.second.pages.front() < right.second.pages.front();
  });
  DuplicatePages result{.count = found.size()};
  for (auto& [is_unused, duplicate] : found) {
    if (result.first.size() == duplicates_max) break;
    result.first.push_back(std::move(duplicate));
  }
  return result;
}

}  // namespace plugpull::bbolt_file
