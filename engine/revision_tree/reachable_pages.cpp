#include "engine/revision_tree/reachable_pages.h"

#include <fmt/format.h>

#include "engine/revision_tree/tree_reader.h"

namespace plugpull::revision_tree {

void PageWalk::Begin(PageNumber page_limit, Revision skipped_before) {
  page_limit_ = page_limit;
  skipped_before_ = skipped_before;
  shares_ = false;
  reached_.Reset(page_limit);
  places_.clear();
  elements_ = 0;
}

Expected<void> PageWalk::AddStore(PageCache& pages, const Header& header) {
  AddTree(header.root);
  if (!header.has(kCopiedPagesFlag)) return {};
  const auto add_chain = [this](int64_t offset) {
    places_.push_back({.offset = offset, .is_tree = false});
  };
  std::vector<int64_t> infos;  // of a tree all revisions share one
  const auto add_header = [&](const LeafElement& element) -> Expected<void> {
    const Expected<std::vector<int64_t>> offsets = ParseOffsets(element.value);
    if (!offsets) return std::unexpected(offsets.error());
    for (const int64_t offset : *offsets) {
      const Expected<Chain> chain = pages.ReadChain(offset);
      if (!chain) return std::unexpected(chain.error());
      const Expected<TreeHeader> tree = ParseTreeHeader(chain->data);
      if (!tree) return std::unexpected(tree.error());
      add_chain(offset);
      if (std::ranges::find(infos, tree->info) == infos.end()) infos.push_back(tree->info);
    }
    return {};
  };
  if (Expected<void> done = VisitTree(pages, header.root, add_header); !done) return done;
  for (const int64_t info : infos) add_chain(info);
  const Expected<TreeDirectory> directory = ReadDirectory(pages, header.root);
  if (!directory) return std::unexpected(directory.error());
  AddTree(directory->user.root);
  AddTree(directory->copied.root);
  const auto add_copied = [&](const LeafElement& element) -> Expected<void> {
    const Expected<std::vector<int64_t>> offsets = ParseOffsets(element.value);
    if (!offsets) return std::unexpected(offsets.error());
    for (const int64_t offset : *offsets) add_chain(offset);
    return {};
  };
  return VisitTree(pages, directory->copied.root, add_copied);
}

Expected<bool> PageWalk::Step(PageCache& pages, uint64_t chains) {
  for (uint64_t walked = 0; !places_.empty() && (chains == 0 || walked < chains); ++walked) {
    const Place place = places_.back();
    places_.pop_back();
    if (Expected<void> entered = Enter(pages, place); !entered) {
      return std::unexpected(entered.error());
    }
  }
  return places_.empty();
}

Expected<void> PageWalk::Enter(PageCache& pages, const Place& place) {
  const Expected<Chain> chain = pages.ReadChain(place.offset);
  if (!chain) return std::unexpected(chain.error());
  if (place.is_tree && chain->data.size() >= kPageHeaderBytes &&
      LoadInt64(chain->data.data()) < skipped_before_) {
    return {};
  }
  const PageNumber first = chain->pages.front();
  if (shares_ && first < page_limit_ && reached_.Contains(first)) return {};
  for (const PageNumber page : chain->pages) {
    if (page >= page_limit_ || !reached_.Insert(page)) {
      return Fail(ErrorCode::kCorrupt, fmt::format("page {}: multiple references", page));
    }
  }
  if (!place.is_tree) return {};
  if (chain->data.size() < kPageHeaderBytes) {
    return Fail(ErrorCode::kCorrupt,
                fmt::format("page {}: no logical page of {} bytes", first, chain->data.size()));
  }
  const int32_t count = LoadInt32(&chain->data[8]);
  if (count >= 0) {  // a leaf: nothing below it
    elements_ += static_cast<uint64_t>(count);
    return {};
  }
  if (place.depth >= kDepthMax) {
    return Fail(ErrorCode::kCorrupt, fmt::format("page {}: too deep", first));
  }
  if (Expected<void> parsed = ParsePage(chain->data, page_); !parsed) return parsed;
  if (places_.size() + page_.children.size() > page_limit_) {
    return Fail(ErrorCode::kCorrupt, fmt::format("page {}: more children than pages", first));
  }
  for (const Child& child : page_.children) {
    places_.push_back({.offset = child.first, .depth = place.depth + 1});
  }
  return {};
}

}  // namespace plugpull::revision_tree
