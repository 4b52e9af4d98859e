#include "engine/cow_tree/tree_reader.h"

#include <fmt/format.h>

#include <algorithm>

namespace plugpull::cow_tree {
namespace {

void ShowLeaf(const TreePage& leaf, PairVisitor& visitor) {
  for (uint32_t index = 0; index < leaf.count(); ++index) {
    const Element element = leaf.LeafElement(index);
    if ((element.flags & kBucketElementFlag) == 0) visitor.OnPair(element.key, element.value);
  }
}

std::unexpected<Error> FailTooDeep(PageId id) {
  return Fail(ErrorCode::kCorrupt,
              fmt::format("page {}: the tree is deeper than {} levels", id, kTreeDepthMax));
}

// Walks a bucket that has pages of its own, each page once.
class BucketScan {
 public:
  BucketScan(PageCache& pages, PairVisitor& visitor) : pages_(pages), visitor_(visitor) {
    pages_.reached().Reset(pages_.page_limit());
  }

  Expected<void> Run(PageId root) {
    if (Expected<void> entered = Enter(root); !entered) return entered;
    while (path_.depth() > 0) {
      Frame& frame = frames_[path_.depth() - 1];
      if (frame.next_index == frame.page.count()) {
        path_.Pop();
        continue;
      }
      const PageId child = frame.page.BranchElement(frame.next_index++).child;
      if (Expected<void> entered = Enter(child); !entered) return entered;
    }
    return {};
  }

 private:
  struct Frame {
    TreePage page;
    uint32_t next_index = 0;
  };

  // Shows a leaf at once; a branch goes onto the path.
  Expected<void> Enter(PageId id) {
    const Expected<TreePage> page = ReadTreePage(pages_, id);
    if (!page) return std::unexpected(page.error());
    for (PageId part = id; part <= id + page->header().overflow; ++part) {
      if (pages_.reached().Insert(part)) continue;
      if (path_.Contains(part)) return Fail(ErrorCode::kCorrupt, path_.CycleText(part));
      return Fail(ErrorCode::kCorrupt,
                  fmt::format("page {}: multiple references (stack: {})", part, path_.Text()));
    }
    if (page->IsLeaf()) {
      ShowLeaf(*page, visitor_);
      return {};
    }
    if (!path_.Push(id)) return FailTooDeep(id);
    frames_[path_.depth() - 1] = Frame{.page = *page};
    return {};
  }

  PageCache& pages_;
  PairVisitor& visitor_;
  PagePath path_;
  std::array<Frame, kTreeDepthMax> frames_;
};

}  // namespace

bool PagePath::Contains(PageId id) const {
  return std::find(ids_.begin(), ids_.begin() + depth_, id) != ids_.begin() + depth_;
}

std::string PagePath::Text() const {
  return fmt::format("[{}]", fmt::join(ids_.begin(), ids_.begin() + depth_, " "));
}

std::string PagePath::CycleText(PageId id) const {
  return fmt::format("PAGE_CYCLE path=[{} {}]", fmt::join(ids_.begin(), ids_.begin() + depth_, " "),
                     id);
}

Expected<TreePage> ReadTreePage(PageCache& pages, PageId id) {
  const Expected<Bytes> run = pages.Read(id);
  if (!run) return std::unexpected(run.error());
  const TreePage page(*run);
  if (std::optional<std::string> fault = TreePageFault(page, id)) {
    return Fail(ErrorCode::kCorrupt, *std::move(fault));
  }
  return page;
}

Expected<TreePage> ReadInlinePage(Bytes inline_page) {
  if (inline_page.size() < kPageHeaderBytes) {
    return Fail(ErrorCode::kCorrupt, "inline bucket: too short for a page header");
  }
  const TreePage page(inline_page);
  if (std::optional<std::string> fault = TreePageFault(page, 0)) {
    return Fail(ErrorCode::kCorrupt, fmt::format("inline bucket: {}", *fault));
  }
  if (!page.IsLeaf() || page.header().overflow != 0) {
    return Fail(ErrorCode::kCorrupt, "inline bucket: not a single leaf page");
  }
  return page;
}

Expected<BucketLocation> ReadBucketValue(Bytes value) {
  if (value.size() < kBucketHeaderBytes) {
    return Fail(ErrorCode::kCorrupt,
                fmt::format("misplaced bucket header: {} bytes are no bucket", value.size()));
  }
  BucketLocation bucket{.header = LoadBucketHeader(value.data())};
  if (bucket.header.root == 0) bucket.inline_page = value.subspan(kBucketHeaderBytes);
  return bucket;
}

Expected<std::optional<BucketLocation>> FindBucket(PageCache& pages, const Meta& meta, Bytes name) {
  if (meta.root.root >= meta.high_water_mark) {
    return Fail(ErrorCode::kCorrupt, fmt::format("root bucket pgid ({}) above high water mark ({})",
                                                 meta.root.root, meta.high_water_mark));
  }
  PageId id = meta.root.root;
  for (size_t depth = 0; depth < kTreeDepthMax; ++depth) {
    const Expected<TreePage> page = ReadTreePage(pages, id);
    if (!page) return std::unexpected(page.error());
    if (page->IsBranch()) {
      if (page->count() == 0) {
        return Fail(ErrorCode::kCorrupt, fmt::format("page {}: branch without elements", id));
      }
      id = page->BranchElement(page->ChildIndexFor(name)).child;
      continue;
    }
    const uint32_t index = page->LowerBound(name);
    if (index == page->count() || CompareKeys(page->Key(index), name) != 0) return std::nullopt;
    const Element element = page->LeafElement(index);
    if ((element.flags & kBucketElementFlag) == 0) {
      return Fail(ErrorCode::kCorrupt, "incompatible value: the store's bucket is a plain key");
    }
    return ReadBucketValue(element.value);
  }
  return FailTooDeep(id);
}

Expected<void> ScanBucket(PageCache& pages, const BucketLocation& bucket, PairVisitor& visitor) {
  if (bucket.header.root != 0) return BucketScan(pages, visitor).Run(bucket.header.root);
  const Expected<TreePage> page = ReadInlinePage(bucket.inline_page);
  if (!page) return std::unexpected(page.error());
  ShowLeaf(*page, visitor);
  return {};
}

}  // namespace plugpull::cow_tree
