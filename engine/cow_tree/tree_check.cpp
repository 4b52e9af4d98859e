#include "engine/cow_tree/tree_check.h"

#include <algorithm>

namespace plugpull::cow_tree {
namespace {

// Returns: a key as bbolt prints it; a long one is cut, as a report must stay readable.
std::string Hex(Bytes key) {
  constexpr size_t kShownBytesMax = 48;
  std::string text;
  for (const std::byte byte : key.first(std::min(key.size(), kShownBytesMax))) {
    text += fmt::format("{:02x}", static_cast<unsigned>(byte));
  }
  if (key.size() > kShownBytesMax) text += "..";
  return text;
}

}  // namespace

TreeCheck::TreeCheck(PageCache& pages, PageId high_water_mark, const PageSet* freed,
                     Problems& problems)
    : pages_(pages), high_water_mark_(high_water_mark), freed_(freed), problems_(problems) {
  pages_.reached().Reset(pages_.page_limit());
  Claim(0, 1);  // both metas
}

Expected<void> TreeCheck::Run(PageId root) {
  roots_.push_back(root);
  while (!roots_.empty()) {
    const PageId next = roots_.back();
    roots_.pop_back();
    if (Expected<void> done = RunBucket(next); !done) return done;
  }
  return {};
}

Expected<void> TreeCheck::RunBucket(PageId root) {
  leaf_depth_ = 0;
  if (Expected<void> entered = Enter(root, {}, {}); !entered) return entered;
  while (path_.depth() > 0) {
    Frame& frame = frames_[path_.depth() - 1];
    if (frame.next_index == frame.page.count()) {
      path_.Pop();
      continue;
    }
    const Element element = frame.page.BranchElement(frame.next_index++);
    const bool is_last = frame.next_index == frame.page.count();
    const Bytes upper = is_last ? frame.upper : frame.page.Key(frame.next_index);
    if (Expected<void> entered = Enter(element.child, element.key, upper); !entered) return entered;
  }
  return {};
}

Expected<void> TreeCheck::Enter(PageId id, Bytes lower, Bytes upper) {
  if (path_.Contains(id)) {
    problems_.Add("{}", path_.CycleText(id));
    is_complete_ = false;
    return {};
  }
  if (!path_.Push(id)) {
    problems_.Add("page {}: the tree is deeper than {} levels", id, kTreeDepthMax);
    is_complete_ = false;
    return {};
  }
  const Expected<std::optional<TreePage>> page = Inspect(id);
  if (!page) return std::unexpected(page.error());
  if (!page->has_value()) {
    is_complete_ = false;
    path_.Pop();
    return {};
  }
  CheckKeys(**page, id, lower, upper);
  if ((*page)->IsLeaf()) {
    CheckLeaf(**page, id);
    path_.Pop();
    return {};
  }
  if ((*page)->count() == 0) problems_.Add("page {}: branch without elements", id);
  frames_[path_.depth() - 1] = Frame{.page = **page, .upper = upper};
  return {};
}

// Returns: the page when its elements can be trusted to lie inside it.
Expected<std::optional<TreePage>> TreeCheck::Inspect(PageId id) {
  if (id >= high_water_mark_) {
    problems_.Add("page {}: out of bounds: {} (stack: {})", id, high_water_mark_, path_.Text());
    return std::nullopt;
  }
  if (id < kFirstDataPage) {
    Claim(id, 0);
    problems_.Add("page {}: invalid type: meta (stack: {})", id, path_.Text());
    return std::nullopt;
  }
  const Expected<Bytes> run = pages_.Read(id);
  if (!run) {
    if (run.error().code != ErrorCode::kCorrupt) return std::unexpected(run.error());
    problems_.Add("{} (stack: {})", run.error().context, path_.Text());
    return std::nullopt;
  }
  const TreePage page(*run);
  if (!Claim(id, page.header().overflow)) return std::nullopt;
  if (page.header().id == id &&
      (page.header().flags == kMetaFlag || page.header().flags == kFreelistFlag)) {
    problems_.Add("page {}: invalid type: {} (stack: {})", id, PageTypeName(page.header().flags),
                  path_.Text());
    problems_.Add("unexpected page type (flags: {:x}) for pgId:{}", page.header().flags, id);
    return std::nullopt;
  }
  if (const std::optional<std::string> fault = TreePageFault(page, id)) {
    problems_.Add("{}", *fault);
    return std::nullopt;
  }
  return page;
}

bool TreeCheck::Claim(PageId id, uint32_t overflow) {
  bool is_first = true;
  const PageId end = std::min<PageId>(id + overflow + 1, pages_.page_limit());
  for (PageId part = id; part < end; ++part) {
    if (!pages_.reached().Insert(part)) {
      problems_.Add("page {}: multiple references (stack: {})", part, path_.Text());
      is_first = false;
    } else if (freed_ != nullptr && freed_->Contains(part)) {
      problems_.Add("page {}: reachable freed", part);
    }
  }
  return is_first;
}

void TreeCheck::CheckKeys(const TreePage& page, PageId id, Bytes lower, Bytes upper) {
  if (page.count() == 0) return;
  const Bytes first = page.Key(0);
  if (lower.data() != nullptr && CompareKeys(lower, first) > 0) {
    problems_.Add(
        "the first key[0]=(hex){} on {} page({}) needs to be >= the key in the ancestor ({}). "
        "Stack: {}",
        Hex(first), PageTypeName(page.header().flags), id, Hex(lower), path_.Text());
  }
  Bytes previous;
  for (uint32_t index = 0; index < page.count(); ++index) {
    CheckKey(page, id, index, previous, upper);
    previous = page.Key(index);
  }
}

void TreeCheck::CheckKey(const TreePage& page, PageId id, uint32_t index, Bytes previous,
                         Bytes upper) {
  const Bytes key = page.Key(index);
  if (previous.data() != nullptr) {
    const std::strong_ordering order = CompareKeys(key, previous);
    if (order <= 0) {
      problems_.Add(
          "key[{}]=(hex){} on {} page({}) needs to be > (found {}) than previous element (hex){}. "
          "Stack: {}",
          index, Hex(key), PageTypeName(page.header().flags), id, order < 0 ? "<" : "=",
          Hex(previous), path_.Text());
    }
  }
  if (upper.data() != nullptr && CompareKeys(key, upper) >= 0) {
    problems_.Add(
        "key[{}]=(hex){} on {} page({}) needs to be < than key of the next element in ancestor "
        "(hex){}. Pages stack: {}",
        index, Hex(key), PageTypeName(page.header().flags), id, Hex(upper), path_.Text());
  }
}

void TreeCheck::CheckLeaf(const TreePage& leaf, PageId id) {
  if (leaf_depth_ == 0) leaf_depth_ = path_.depth();
  if (path_.depth() != leaf_depth_) {
    problems_.Add("page {}: leaf at depth {} instead of {} (stack: {})", id, path_.depth(),
                  leaf_depth_, path_.Text());
  }
  if (leaf.count() == 0 && path_.depth() > 1) {
    problems_.Add("page {}: empty leaf below a root (stack: {})", id, path_.Text());
  }
  for (uint32_t index = 0; index < leaf.count(); ++index) {
    const Element element = leaf.LeafElement(index);
    if (element.key.empty() || element.key.size() > kKeyBytesMax) {
      problems_.Add("page {}: element {}: key of {} bytes", id, index, element.key.size());
    }
    if ((element.flags & ~kBucketElementFlag) != 0) {
      problems_.Add("page {}: element {}: unknown flags {:x}", id, index, element.flags);
    }
    if ((element.flags & kBucketElementFlag) != 0) CheckBucketValue(id, index, element.value);
  }
}

void TreeCheck::CheckBucketValue(PageId id, uint32_t index, Bytes value) {
  const Expected<BucketLocation> bucket = ReadBucketValue(value);
  if (!bucket) {
    problems_.Add("page {}: element {}: {}", id, index, bucket.error().context);
    is_complete_ = false;
  } else if (bucket->header.root != 0) {
    roots_.push_back(bucket->header.root);
  } else {
    CheckInlineBucket(id, bucket->inline_page);
  }
}

void TreeCheck::CheckInlineBucket(PageId id, Bytes inline_page) {
  const Expected<TreePage> leaf = ReadInlinePage(inline_page);
  if (!leaf) {
    problems_.Add("page {}: {}", id, leaf.error().context);
    return;
  }
  if (inline_page.size() > pages_.page_size_bytes() / 4) {
    problems_.Add("page {}: inline bucket of {} bytes exceeds a quarter of a page", id,
                  inline_page.size());
  }
  CheckKeys(*leaf, 0, {}, {});
  for (uint32_t index = 0; index < leaf->count(); ++index) {
    const Element element = leaf->LeafElement(index);
    if (element.key.empty() || element.key.size() > kKeyBytesMax) {
      problems_.Add("page {}: inline bucket: element {}: key of {} bytes", id, index,
                    element.key.size());
    }
    if (element.flags != 0) {
      problems_.Add("page {}: inline bucket: element {}: flags {:x} of a bucket or unknown", id,
                    index, element.flags);
    }
  }
}

}  // namespace plugpull::cow_tree
