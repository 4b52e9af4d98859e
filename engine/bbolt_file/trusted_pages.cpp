#include "engine/bbolt_file/trusted_pages.h"

#include <fmt/format.h>

#include <algorithm>

namespace plugpull::bbolt_file {
namespace {

using cow_tree::CompareKeys;
using cow_tree::Element;
using cow_tree::kBucketElementFlag;
using cow_tree::kFirstDataPage;
using cow_tree::kTreeDepthMax;

bool IsBelow(Bytes key, Bytes bound) { return CompareKeys(key, bound) < 0; }

// Returns: what is wrong with the elements of a page whose elements lie inside it.
std::optional<std::string> ElementsFault(const TreePage& page) {
  uint64_t packed_bytes = cow_tree::kPageHeaderBytes;
  Bytes previous;
  for (uint32_t index = 0; index < page.count(); ++index) {
    const Element element = page.IsLeaf() ? page.LeafElement(index) : page.BranchElement(index);
    packed_bytes += cow_tree::kElementBytes + element.key.size() + element.value.size();
    if (element.key.empty() || element.key.size() > cow_tree::kKeyBytesMax) {
      return fmt::format("element {} has a key of {} bytes", index, element.key.size());
    }
    if ((element.flags & ~kBucketElementFlag) != 0) {
      return fmt::format("element {} has unknown flags {:x}", index, element.flags);
    }
    if (index > 0 && !IsBelow(previous, element.key)) {
      return fmt::format("its keys do not ascend at element {}", index);
    }
    previous = element.key;
  }
  // Elements that share bytes would also unfold to far more than the file has.
  if (packed_bytes > page.bytes().size()) return "its elements overlap";
  return std::nullopt;
}

}  // namespace

std::expected<TreePage, std::string> TrustInlinePage(Bytes inline_page) {
  const Expected<TreePage> page = cow_tree::ReadInlinePage(inline_page);
  if (!page) return std::unexpected(page.error().context);
  if (std::optional<std::string> fault = ElementsFault(*page)) {
    return std::unexpected(fmt::format("inline bucket: {}", *fault));
  }
  for (uint32_t index = 0; index < page->count(); ++index) {
    if (page->LeafElement(index).flags == 0) continue;
    return std::unexpected(fmt::format("inline bucket: element {} is a bucket itself", index));
  }
  return *page;
}

TrustedPages::TrustedPages(PageCache& pages, const Meta& meta)
    : pages_(pages),
      root_(meta.root.root),
      limit_(std::min(meta.high_water_mark, pages.page_limit())) {
  sound_.Reset(pages.page_limit());
  claimed_.Reset(pages.page_limit());
  ambiguous_.Reset(pages.page_limit());
  roots_.push_back(meta.root.root);
  while (!roots_.empty()) {
    const PageId root = roots_.back();
    roots_.pop_back();
    SurveyBucket(root);
  }
}

std::expected<TreePage, std::string> TrustedPages::Get(PageId id, const PagePlace& place) {
  std::expected<TreePage, std::string> page = Inspect(id, place);
  if (!page) return page;
  if (IsAmbiguous(id, page->header().overflow)) {
    return std::unexpected(fmt::format("page {}: multiple references, and it fits them all", id));
  }
  const auto expected = leaf_depths_.find(place.bucket_root);
  if (page->IsLeaf() && expected != leaf_depths_.end() && expected->second != place.depth) {
    return std::unexpected(fmt::format("page {}: leaf at depth {}, where most are at {}", id,
                                       place.depth, expected->second));
  }
  return page;
}

// The depth of the leaves is that of most of them; when two depths have as many, it is not known.
void TrustedPages::SurveyBucket(PageId root) {
  leaf_counts_.assign(kTreeDepthMax + 1, 0);
  Enter(root, PagePlace{.bucket_root = root, .depth = 1});
  while (!path_.empty()) {
    Frame& frame = path_.back();
    if (frame.next_index == frame.page.count()) {
      path_.pop_back();
      continue;
    }
    const Element element = frame.page.BranchElement(frame.next_index++);
    const bool is_last = frame.next_index == frame.page.count();
    const KeyRange keys{element.key,
                        is_last ? frame.place.keys.upper : frame.page.Key(frame.next_index)};
    Enter(element.child, PagePlace{root, frame.place.depth + 1, keys});
  }
  const auto most = std::ranges::max_element(leaf_counts_);
  if (*most > 0 && std::ranges::count(leaf_counts_, *most) == 1) {
    leaf_depths_.emplace(root, static_cast<size_t>(most - leaf_counts_.begin()));
  }
}

void TrustedPages::Enter(PageId id, const PagePlace& place) {
  const auto is_same = [id](const Frame& frame) { return frame.page.header().id == id; };
  const std::expected<TreePage, std::string> page = Inspect(id, place);
  // An ancestor is where it belongs; what refers back to it is wrong.
  if (!page || std::ranges::any_of(path_, is_same)) return;
  if (!Claim(id, page->header().overflow)) return;
  if (page->IsBranch()) {
    path_.push_back(Frame{.page = *page, .place = place});
    return;
  }
  ++leaf_counts_[place.depth];
  for (uint32_t index = 0; index < page->count(); ++index) {
    const Element element = page->LeafElement(index);
    if ((element.flags & kBucketElementFlag) == 0) continue;
    const Expected<cow_tree::BucketLocation> bucket = cow_tree::ReadBucketValue(element.value);
    if (bucket && bucket->header.root != 0) roots_.push_back(bucket->header.root);
  }
}

// Returns: whether nobody had any page of the run before.
bool TrustedPages::Claim(PageId id, uint32_t overflow) {
  bool is_first = true;
  for (PageId part = id; part <= id + overflow; ++part) {
    if (claimed_.Insert(part)) continue;
    ambiguous_.Insert(part);
    is_first = false;
  }
  return is_first;
}

bool TrustedPages::IsAmbiguous(PageId id, uint32_t overflow) const {
  for (PageId part = id; part <= id + overflow; ++part) {
    if (ambiguous_.Contains(part)) return true;
  }
  return false;
}

std::expected<TreePage, std::string> TrustedPages::Inspect(PageId id, const PagePlace& place) {
  std::expected<TreePage, std::string> page = Look(id);
  if (!page) return page;
  if (place.depth > kTreeDepthMax) {
    return std::unexpected(
        fmt::format("page {}: the tree is deeper than {} levels", id, kTreeDepthMax));
  }
  if (page->count() == 0) {
    if (place.depth == 1 && page->IsLeaf()) return page;
    return std::unexpected(fmt::format("page {}: {} without elements", id,
                                       page->IsLeaf() ? "leaf below a root" : "branch"));
  }
  if (place.bucket_root == root_ && page->IsLeaf()) {
    for (uint32_t index = 0; index < page->count(); ++index) {
      if ((page->LeafElement(index).flags & kBucketElementFlag) != 0) continue;
      return std::unexpected(
          fmt::format("page {}: element {} of the root bucket is no bucket", id, index));
    }
  }
  const KeyRange& keys = place.keys;
  if (keys.lower.data() != nullptr && IsBelow(page->Key(0), keys.lower)) {
    return std::unexpected(fmt::format("page {}: its first key is below that in its parent", id));
  }
  if (keys.upper.data() != nullptr && !IsBelow(page->Key(page->count() - 1), keys.upper)) {
    return std::unexpected(
        fmt::format("page {}: its last key is beyond the next one in its parent", id));
  }
  return page;
}

// What a page is by itself, found out once.
std::expected<TreePage, std::string> TrustedPages::Look(PageId id) {
  if (id < kFirstDataPage) return std::unexpected(fmt::format("page {}: is a meta page", id));
  if (id >= limit_) return std::unexpected(fmt::format("page {}: out of bounds: {}", id, limit_));
  if (const auto known = faults_.find(id); known != faults_.end()) {
    return std::unexpected(known->second);
  }
  const Expected<Bytes> run = pages_.Read(id);
  if (!run) return std::unexpected(faults_[id] = Describe(run.error()));
  const TreePage page(*run);
  if (sound_.Contains(id)) return page;
  std::optional<std::string> fault = cow_tree::TreePageFault(page, id);
  if (!fault && page.header().overflow >= limit_ - id) {
    fault = fmt::format("page {}: out of bounds: {}", id + page.header().overflow, limit_);
  }
  if (!fault) {
    fault = ElementsFault(page);
    if (fault) fault = fmt::format("page {}: {}", id, *fault);
  }
  if (fault) return std::unexpected(faults_[id] = *std::move(fault));
  sound_.Insert(id);
  return page;
}

}  // namespace plugpull::bbolt_file
