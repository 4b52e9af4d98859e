// Writing changed nodes into new pages, children before parents, so that a parent knows where its
// children went.
#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <utility>

#include "engine/cow_tree/tree_editor.h"
#include "faults/base/assert.h"

namespace plugpull::cow_tree {

Expected<PageId> TreeEditor::Spill() {
  Assert(is_changed(), "only a changed tree is written");
  Expected<std::vector<Entry>> pages = SpillNode(*root_);
  while (pages && pages->size() > 1) {  // the root was split: the tree gains a level
    root_ = NewNode();
    root_->is_leaf = false;
    root_->entries = *std::move(pages);
    pages = SpillNode(*root_);
  }
  if (!pages) return std::unexpected(pages.error());
  header_.root = pages->front().child_id;
  return header_.root;
}

Expected<std::string> TreeEditor::SpillAsValue() {
  if (!FitsInline(*root_)) {
    if (Expected<PageId> root = Spill(); !root) return std::unexpected(root.error());
    std::vector<std::byte> value(kBucketHeaderBytes);
    StoreBucketHeader(value.data(), header_);
    return std::string(AsText(value));
  }
  if (root_->id != 0) {
    Expected<void> freed = transaction_.FreeRun(OldRun{root_->id, root_->overflow});
    if (!freed) return std::unexpected(freed.error());
  }
  header_.root = 0;
  std::vector<std::byte> value(kBucketHeaderBytes + SerializedBytes(*root_));
  StoreBucketHeader(value.data(), header_);
  SerializeNode(*root_, EntryRange{0, root_->entries.size()},
                std::span(value).subspan(kBucketHeaderBytes));
  return std::string(AsText(value));
}

// bbolt: a single leaf without buckets, at most a quarter of a page.
bool TreeEditor::FitsInline(const Node& root) const {
  return root.is_leaf && root.entries.size() < kEntriesEnd &&
         SerializedBytes(root) <= transaction_.meta().page_size_bytes / 4 &&
         std::none_of(root.entries.begin(), root.entries.end(),
                      [](const Entry& entry) { return (entry.flags & kBucketElementFlag) != 0; });
}

Expected<std::vector<Entry>> TreeEditor::SpillNode(Node& node) {
  std::vector<Entry> entries;
  entries.reserve(node.entries.size());
  for (Entry& entry : node.entries) {
    if (entry.child == nullptr) {
      entries.push_back(std::move(entry));
      continue;
    }
    Expected<std::vector<Entry>> pages = SpillNode(*entry.child);
    if (!pages) return pages;
    std::move(pages->begin(), pages->end(), std::back_inserter(entries));
  }
  node.entries = std::move(entries);
  const std::vector<EntryRange> parts = SplitNode(node, transaction_.meta().page_size_bytes);
  OldRun old{node.id, node.overflow};
  if (parts.size() > 1 && old.id != 0) {  // a node that is split never stays where it was
    if (Expected<void> freed = transaction_.FreeRun(old); !freed) {
      return std::unexpected(freed.error());
    }
    old = OldRun{};
  }
  std::vector<Entry> pages;
  for (const EntryRange& part : parts) {
    Expected<Entry> page = SpillPart(node, part, old);
    if (!page) return std::unexpected(page.error());
    if (transaction_.protocol().split_with_stale_key && part.first > 0) {
      page->key = node.entries[part.first - 1].key;
    }
    pages.push_back(*std::move(page));
  }
  return pages;
}

Expected<Entry> TreeEditor::SpillPart(Node& node, EntryRange part, OldRun old) {
  if (part.last - part.first >= kEntriesEnd) {  // only pages of megabytes, of a foreign file
    return Fail(ErrorCode::kCorrupt,
                fmt::format("inode overflow: {} (pgid={})", part.last - part.first, node.id));
  }
  const Expected<std::span<std::byte>> run =
      transaction_.ReplaceNode(old, SerializedBytes(node, part), node.is_leaf);
  if (!run) return std::unexpected(run.error());
  SerializeNode(node, part, *run);
  Entry entry;
  if (part.first < part.last) entry.key = node.entries[part.first].key;
  entry.child_id = LoadPageHeader(run->data()).id;
  return entry;
}

}  // namespace plugpull::cow_tree
