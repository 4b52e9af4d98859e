#include "engine/bbolt_file/bucket_stream.h"

#include <fmt/format.h>

#include <algorithm>

namespace plugpull::bbolt_file {
namespace {

using cow_tree::CompareKeys;
using cow_tree::Element;

}  // namespace

StreamItem BucketStream::Next() {
  if (!is_started_) {
    is_started_ = true;
    if (std::optional<StreamItem> gap = EnterRoot()) return *std::move(gap);
  }
  while (true) {
    if (leaf_index_ < leaf_count_) {
      const Element element = leaf_.LeafElement(leaf_index_++);
      if (IsAtEnd(element.key)) break;
      const bool is_bucket = (element.flags & cow_tree::kBucketElementFlag) != 0;
      return StreamItem{.kind = is_bucket ? StreamItem::Kind::kBucket : StreamItem::Kind::kPair,
                        .key = element.key,
                        .value = element.value};
    }
    if (path_.empty()) break;
    Frame& frame = path_.back();
    if (frame.next_index == frame.page.count()) {
      path_.pop_back();
      continue;
    }
    const Element element = frame.page.BranchElement(frame.next_index++);
    if (IsAtEnd(element.key)) break;
    const bool is_last = frame.next_index == frame.page.count();
    const Bytes upper = is_last ? frame.place.keys.upper : frame.page.Key(frame.next_index);
    const PagePlace place{bucket_.header.root, frame.place.depth + 1, {element.key, upper}};
    if (std::optional<StreamItem> gap = Enter(element.child, place)) return *std::move(gap);
  }
  path_.clear();
  leaf_count_ = 0;
  return StreamItem{};
}

std::optional<StreamItem> BucketStream::EnterRoot() {
  const PageId root = bucket_.header.root;
  if (root != 0) return Enter(root, PagePlace{.bucket_root = root, .depth = 1});
  std::expected<TreePage, std::string> leaf = TrustInlinePage(bucket_.inline_page);
  if (!leaf) return Gap({}, 0, std::move(leaf.error()));
  StartLeaf(*leaf);
  return std::nullopt;
}

std::optional<StreamItem> BucketStream::Enter(PageId id, const PagePlace& place) {
  for (const Frame& frame : path_) {
    if (frame.page.header().id != id) continue;
    return Gap(place.keys, id, fmt::format("page {}: a branch below it leads back to it", id));
  }
  std::expected<TreePage, std::string> page = trusted_->Get(id, place);
  if (!page) return Gap(place.keys, id, std::move(page.error()));
  if (page->IsLeaf()) {
    StartLeaf(*page);
    return std::nullopt;
  }
  const bool is_from_start = keys_.lower.data() == nullptr;
  path_.push_back(Frame{.page = *page,
                        .place = place,
                        .next_index = is_from_start ? 0 : page->ChildIndexFor(keys_.lower)});
  return std::nullopt;
}

void BucketStream::StartLeaf(const TreePage& leaf) {
  leaf_ = leaf;
  leaf_count_ = leaf.count();
  leaf_index_ = keys_.lower.data() == nullptr ? 0 : leaf.LowerBound(keys_.lower);
}

StreamItem BucketStream::Gap(const KeyRange& keys, PageId page, std::string reason) const {
  StreamItem gap{
      .kind = StreamItem::Kind::kGap, .keys = keys, .page = page, .reason = std::move(reason)};
  const auto is_tighter = [](Bytes bound, Bytes than) {
    return bound.data() != nullptr && than.data() == nullptr;
  };
  if (is_tighter(keys_.lower, keys.lower) ||
      (keys_.lower.data() != nullptr && CompareKeys(keys_.lower, keys.lower) > 0)) {
    gap.keys.lower = keys_.lower;
  }
  if (is_tighter(keys_.upper, keys.upper) ||
      (keys_.upper.data() != nullptr && CompareKeys(keys_.upper, keys.upper) < 0)) {
    gap.keys.upper = keys_.upper;
  }
  return gap;
}

bool BucketStream::IsAtEnd(Bytes key) const {
  return keys_.upper.data() != nullptr && CompareKeys(key, keys_.upper) >= 0;
}

}  // namespace plugpull::bbolt_file
