#include "engine/bbolt_file/tree_builder.h"

#include <iterator>
#include <utility>

#include "faults/base/assert.h"
#include "faults/vfs/whole_calls.h"

namespace plugpull::bbolt_file {

using cow_tree::Entry;
using cow_tree::EntryRange;
using cow_tree::Node;
using cow_tree::PageHeader;
using cow_tree::PageId;

namespace {

// bbolt's own splits leave no fewer on a side; one alone would make a tree of long keys grow for
// ever upwards.
constexpr size_t kEntriesMin = 2;

void Append(Node& node, Node& from) {
  std::move(from.entries.begin(), from.entries.end(), std::back_inserter(node.entries));
  from.entries.clear();
}

// Moves entries between the last two branches of a level until neither has a single child.
void EvenOut(Node& previous, Node& current) {
  if (previous.is_leaf || previous.entries.empty() || current.entries.size() >= kEntriesMin) return;
  if (previous.entries.size() < 2 * kEntriesMin) {
    Append(previous, current);
    std::swap(previous, current);
    return;
  }
  current.entries.insert(current.entries.begin(), std::move(previous.entries.back()));
  previous.entries.pop_back();
}

}  // namespace

Expected<PageId> PageWriter::Write(const Node& node) {
  const uint64_t page_count = (SerializedBytes(node) - 1) / page_size_bytes_ + 1;
  buffer_.assign(page_count * page_size_bytes_, std::byte{0});
  const PageId id = next_;
  const auto overflow = static_cast<uint32_t>(page_count - 1);
  cow_tree::StorePageHeader(buffer_.data(), PageHeader{.id = id, .overflow = overflow});
  SerializeNode(node, EntryRange{0, node.entries.size()}, buffer_);
  if (Expected<void> written = WriteFully(file_, id * page_size_bytes_, buffer_); !written) {
    return std::unexpected(written.error());
  }
  next_ += page_count;
  return id;
}

Expected<void> TreeBuilder::AddAt(size_t level, Entry entry) {
  if (level == levels_.size()) {
    levels_.push_back(std::make_unique<Level>());
    levels_.back()->current.is_leaf = levels_.back()->previous.is_leaf = level == 0;
  }
  Level& here = *levels_[level];
  const uint64_t entry_bytes = cow_tree::kElementBytes + entry.key.size() + entry.value.size();
  const bool is_full = here.current_bytes + entry_bytes > writer_->page_size_bytes() ||
                       here.current.entries.size() + kEntriesMin >= cow_tree::kEntriesEnd;
  if (is_full && here.current.entries.size() >= kEntriesMin) {
    Node full = std::exchange(here.previous, std::move(here.current));
    here.current = Node{};
    here.current.is_leaf = level == 0;
    here.current_bytes = cow_tree::kPageHeaderBytes;
    if (!full.entries.empty()) {
      if (Expected<void> written = WriteNode(level, std::move(full)); !written) return written;
    }
  }
  here.current_bytes += entry_bytes;
  here.current.entries.push_back(std::move(entry));
  return {};
}

Expected<void> TreeBuilder::WriteNode(size_t level, Node node) {
  Assert(!node.entries.empty(), "a page below a root has elements");
  const Expected<PageId> page = writer_->Write(node);
  if (!page) return std::unexpected(page.error());
  levels_[level]->has_pages = true;
  return AddAt(level + 1, Entry{.key = std::move(node.entries.front().key), .child_id = *page});
}

Expected<PageId> TreeBuilder::Finish() {
  if (levels_.empty()) return writer_->Write(Node{});
  for (size_t level = 0;; ++level) {
    Level& here = *levels_[level];
    EvenOut(here.previous, here.current);
    if (!here.has_pages && here.previous.entries.empty()) return writer_->Write(here.current);
    for (Node* node : {&here.previous, &here.current}) {
      if (node->entries.empty()) continue;
      if (Expected<void> written = WriteNode(level, std::move(*node)); !written) {
        return std::unexpected(written.error());
      }
    }
  }
}

Expected<std::string> TreeBuilder::FinishAsValue(uint64_t sequence) {
  const bool is_inline = FitsInline();
  const Node empty;
  const Node& leaf = levels_.empty() ? empty : levels_[0]->current;
  const uint64_t page_bytes = is_inline ? SerializedBytes(leaf) : 0;
  std::vector<std::byte> value(cow_tree::kBucketHeaderBytes + page_bytes);
  cow_tree::BucketHeader header{.sequence = sequence};
  if (is_inline) {
    SerializeNode(leaf, EntryRange{0, leaf.entries.size()},
                  std::span(value).subspan(cow_tree::kBucketHeaderBytes));
  } else {
    const Expected<PageId> root = Finish();
    if (!root) return std::unexpected(root.error());
    header.root = *root;
  }
  cow_tree::StoreBucketHeader(value.data(), header);
  return std::string(AsText(value));
}

bool TreeBuilder::FitsInline() const {
  if (levels_.empty()) return true;
  const Level& leaf = *levels_[0];
  if (leaf.has_pages || !leaf.previous.entries.empty()) return false;
  for (const Entry& entry : leaf.current.entries) {
    if (entry.flags != 0) return false;
  }
  return SerializedBytes(leaf.current) <= writer_->page_size_bytes() / 4;
}

}  // namespace plugpull::bbolt_file
