// The elements of a leaf that are buckets, or ought to be: invariant I7.
#include <fmt/format.h>

#include <algorithm>

#include "engine/bbolt_file/tree_walk.h"
#include "faults/base/bytes.h"

namespace plugpull::bbolt_file {

using namespace cow_tree;

namespace {

// Returns: a bucket's name, as text where it is that.
std::string NameText(Bytes name) {
  constexpr size_t kShownMax = 64;
  const std::string_view text = AsText(name);
  const bool is_text = std::all_of(text.begin(), text.end(),
                                   [](char c) { return c >= 0x20 && c < 0x7F && c != '/'; });
  return is_text && text.size() <= kShownMax ? std::string(text) : HexKey(name);
}

}  // namespace

void TreeWalk::NoteOddElement(const Frame& frame, std::string text) {
  AddViolation("I7", std::move(text), frame.id);
  if (!finding_.violations.empty() && finding_.violations.back().page == frame.id) {
    finding_.violations.back().stack = Stack();
  }
}

// Returns: whether a leaf of the root bucket, where all elements are buckets, is in order but for
// having none, so that it must be a page of another bucket; not one that has lost a flag.
bool TreeWalk::IsOfAnotherBucket(const Frame& frame, Bytes value_front,
                                 uint64_t value_bytes) const {
  if (value_bytes == kBucketHeaderBytes) return false;
  if (LooksLikeInlineBucket(value_front, value_bytes, context_.file.page_size_bytes()))
    return false;
  for (uint32_t index = 0; index < frame.run.count(); ++index) {
    if (frame.run.Element(index).flags != 0) return false;
  }
  return true;
}

void TreeWalk::AddOddElement(const Frame& frame, uint32_t index, std::string text) {
  NoteOddElement(frame, std::move(text));
  const uint64_t at = kPageHeaderBytes + uint64_t{kElementBytes} * index;
  const PageId parent = frames_.size() > 1 ? frames_[frames_.size() - 2].id : kMetaParent;
  context_.evidence.Add(SickPage{.page = frame.id,
                                 .parent = parent,
                                 .faults = {LayoutFault{LayoutFaultKind::kElementFlags, index, at}},
                                 .stack = Stack(),
                                 .tree = tree_});
}

Expected<void> TreeWalk::VisitBucketElement(const Frame& frame, uint32_t index) {
  const RunElement element = frame.run.Element(index);
  std::vector<std::byte> scratch;
  const uint64_t shown_bytes =
      std::min<uint64_t>(element.value_bytes, kBucketHeaderBytes + kPageHeaderBytes);
  const Expected<Bytes> front = frame.run.At(element.value_at(), shown_bytes, scratch);
  if (!front) return std::unexpected(front.error());
  const bool is_root_bucket = scopes_.size() == 1;
  if ((element.flags & kBucketElementFlag) == 0) {
    ++finding_.keys;
    finding_.bytes += uint64_t{element.key_bytes} + element.value_bytes;
    if (is_root_bucket) {
      std::string text =
          fmt::format("page {}: element {} of the root bucket is no bucket", frame.id, index);
      if (!IsOfAnotherBucket(frame, *front, element.value_bytes)) {
        AddOddElement(frame, index, std::move(text));
      } else {
        NoteOddElement(frame, std::move(text));
        const PageId parent = frames_.size() > 1 ? frames_[frames_.size() - 2].id : kMetaParent;
        context_.evidence.Add(Misfit{.kind = MisfitKind::kPlace,
                                     .from = parent,
                                     .to = frame.id,
                                     .tree = tree_,
                                     .stack = Stack()});
      }
    } else if (shown_bytes == kBucketHeaderBytes + kPageHeaderBytes &&
               LooksLikeInlineBucket(*front, element.value_bytes,
                                     context_.file.page_size_bytes())) {
      return VisitInlineBucket(frame, index, true);
    }
    return {};
  }
  ++finding_.buckets;
  if (element.value_bytes < kBucketHeaderBytes) {
    AddOddElement(
        frame, index,
        fmt::format("page {}: element {}: misplaced bucket header: {} bytes are no bucket",
                    frame.id, index, element.value_bytes));
    is_complete_ = false;
    return {};
  }
  const BucketHeader header = LoadBucketHeader(front->data());
  if (header.root == 0) return VisitInlineBucket(frame, index, false);
  if (element.value_bytes != kBucketHeaderBytes) {
    AddOddElement(frame, index,
                  fmt::format("page {}: element {}: bucket with pages of its own and a value of {} "
                              "bytes",
                              frame.id, index, element.value_bytes));
  }
  const Expected<Bytes> name = frame.run.Key(index, scratch);
  if (!name) return std::unexpected(name.error());
  const std::string& outer = scopes_.back().path;
  pending_bucket_ = header.root;
  pending_bucket_path_ = outer.empty() ? NameText(*name) : outer + "/" + NameText(*name);
  return {};
}

// A plain value that is a bucket to the byte was one, until a flag of its element was lost.
Expected<void> TreeWalk::VisitInlineBucket(const Frame& frame, uint32_t index, bool is_plain) {
  const RunElement element = frame.run.Element(index);
  const uint64_t image_bytes = element.value_bytes - kBucketHeaderBytes;
  const auto add = [&](const std::string& text) {
    AddOddElement(frame, index,
                  fmt::format("page {}: element {}: inline bucket: {}", frame.id, index, text));
  };
  if (image_bytes < kPageHeaderBytes) {
    add("too short for a page header");
    return {};
  }
  if (image_bytes > context_.file.page_size_bytes() / 4) {
    add(fmt::format("{} bytes exceed a quarter of a page", image_bytes));
    if (image_bytes > context_.file.page_size_bytes()) return {};
  }
  std::vector<std::byte> scratch;
  const Expected<Bytes> bytes =
      frame.run.At(element.value_at() + kBucketHeaderBytes, image_bytes, scratch);
  if (!bytes) return std::unexpected(bytes.error());
  const PageRun image(*bytes);
  const Expected<PageLayout> layout = CheckInlineLayout(image);
  if (!layout) return std::unexpected(layout.error());
  const bool fills_value = layout->used_bytes == image_bytes;
  if (is_plain) {
    if (layout->faults.empty() && fills_value) add("its element is not flagged as a bucket");
    return {};
  }
  for (const LayoutFault& fault : layout->faults) {
    add(DescribeLayoutFault(fault, image, 0, StackText(Stack())));
  }
  if (layout->faults.empty() && !fills_value) {
    add(fmt::format("its value has {} bytes, its contents take {}", image_bytes,
                    layout->used_bytes));
  }
  if (!layout->is_walkable) return {};
  for (uint32_t inner = 0; inner < image.count(); ++inner) {
    const RunElement pair = image.Element(inner);
    if ((pair.flags & kBucketElementFlag) != 0) {
      add(fmt::format("element {} is a bucket itself", inner));
    }
    ++finding_.keys;
    finding_.bytes += uint64_t{pair.key_bytes} + pair.value_bytes;
  }
  return {};
}

}  // namespace plugpull::bbolt_file
