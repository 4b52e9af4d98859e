#include "engine/revision_tree/free_space.h"

#include <fmt/format.h>

namespace plugpull::revision_tree {

void FreeSpace::Reset() {
  chain_.clear();
  chained_before_ = 0;
  loose_.clear();
  pending_.clear();
}

Expected<void> FreeSpace::LoadChain(PageCache& pages, const Header& header) {
  chain_.clear();
  PageSet& seen = pages.first_set();
  seen.Reset(pages.page_limit());
  for (int64_t offset = header.first_free; offset != kNoOffset;) {
    const Expected<PageNumber> page = PageAt(header, offset, "free list");
    if (!page) return std::unexpected(page.error());
    const Expected<int64_t> next = pages.ReadNext(*page);
    if (!next) return std::unexpected(next.error());
    if (!seen.Insert(*page)) {
      return Fail(ErrorCode::kCorrupt, fmt::format("free list: page {} is already in it", *page));
    }
    chain_.push_back(*page);
    offset = *next;
  }
  std::ranges::reverse(chain_);
  chained_before_ = chain_.size();
  return {};
}

void FreeSpace::AddLoose(std::span<const PageNumber> pages) {
  loose_.insert(loose_.end(), pages.begin(), pages.end());
}

void FreeSpace::RepeatFirstLoose() {
  if (!loose_.empty()) loose_.push_back(loose_.front());
}

void FreeSpace::Release(Revision durable, const ReaderSet& readers) {
  std::erase_if(pending_, [&](const FreedRun& run) {
    if (run.freed_by > durable) return false;
    const auto reader = readers.lower_bound(run.first_use);
    if (reader != readers.end() && reader->first <= run.last_use) return false;
    AddLoose(run.pages);
    return true;
  });
}

PageNumber FreeSpace::Allocate(Header& header) {
  for (std::vector<PageNumber>* source : {&loose_, &chain_}) {
    if (source->empty()) continue;
    const PageNumber page = source->back();
    source->pop_back();
    return page;
  }
  return static_cast<PageNumber>(header.page_count++);
}

std::vector<Link> FreeSpace::ChainLoose(const Header& header) {
  chained_before_ = chain_.size();
  std::vector<Link> links;
  links.reserve(loose_.size());
  for (const PageNumber page : loose_) {
    links.push_back({.page = page, .next = Head(header)});
    chain_.push_back(page);
  }
  loose_.clear();
  return links;
}

std::vector<PageNumber> FreeSpace::Waiting() const {
  std::vector<PageNumber> waiting = loose_;
  for (const FreedRun& run : pending_) {
    waiting.insert(waiting.end(), run.pages.begin(), run.pages.end());
  }
  return waiting;
}

}  // namespace plugpull::revision_tree
