#include "engine/revision_tree/store_image.h"

#include "faults/base/assert.h"
#include "faults/base/bytes.h"

namespace plugpull::revision_tree {
namespace {

class ImageBuilder {
 public:
  ImageBuilder(const Header& header, uint32_t capacity) : header_(header), capacity_(capacity) {
    header_.page_count = static_cast<int64_t>(FirstDataPage(header_));
    bytes_.resize(FirstDataPage(header_) * header_.page_size_bytes);
  }

  Child AddChain(Bytes data) {
    const size_t page_size = header_.page_size_bytes;
    const uint64_t count = ChainPages(data.size(), header_.page_size_bytes);
    const auto first = static_cast<int64_t>(bytes_.size());
    const auto size = static_cast<int32_t>(data.size());
    size_t room_at = kFirstBytes;
    for (uint64_t i = 0; i < count; ++i) {
      const size_t at = bytes_.size();
      bytes_.resize(at + page_size);
      const Bytes part = data.first(std::min(data.size(), page_size - room_at));
      std::ranges::copy(part, &bytes_[at + room_at]);
      data = data.subspan(part.size());
      StoreInt64(&bytes_[at], i + 1 == count ? kNoOffset : static_cast<int64_t>(at + page_size));
      if (i == 0) StoreInt32(&bytes_[at + kNextBytes], size);
      room_at = kNextBytes;
    }
    header_.page_count += static_cast<int64_t>(count);
    return {.first = first, .last = static_cast<int64_t>(bytes_.size() - page_size)};
  }

  // Returns: the root of a tree, which is made level by level from equal parts.
  int64_t AddTree(std::vector<TreeNode::Element> elements) {
    std::vector<TreeNode::Branch> level;
    std::vector<std::string> first_keys;
    const size_t leaves = std::max<size_t>(1, PartsOf(elements.size()));
    for (size_t leaf = 0; leaf < leaves; ++leaf) {
      TreeNode node;
      const size_t end = elements.size() * (leaf + 1) / leaves;
      for (size_t i = elements.size() * leaf / leaves; i < end; ++i) {
        node.elements.push_back(std::move(elements[i]));
      }
      first_keys.push_back(node.elements.empty() ? "" : node.elements.front().key);
      level.push_back({.place = AddChain(SerializeNode(node, header_.current)), .node = {}});
    }
    while (level.size() > 1) AddLevel(level, first_keys);
    return level.front().place.first;
  }

  StoreImage Finish(int64_t root, int64_t element_count) {
    header_.root = root;
    header_.element_count = element_count;
    const size_t slots = header_.has(kTwoSlotsFlag) ? 2 : 1;
    for (size_t slot = 0; slot < slots; ++slot) {
      const size_t at = slot * SlotStrideBytes(header_.page_size_bytes);
      StoreHeader(MutableBytes(bytes_).subspan(at, kHeaderBytes), header_);
    }
    return {.bytes = std::move(bytes_), .header = header_};
  }

  Revision revision() const { return header_.current; }

 private:
  size_t PartsOf(size_t size) const { return (size + capacity_ - 1) / capacity_; }

  void AddLevel(std::vector<TreeNode::Branch>& level, std::vector<std::string>& first_keys) {
    std::vector<TreeNode::Branch> above;
    std::vector<std::string> keys_above;
    const size_t nodes = PartsOf(level.size());
    for (size_t part = 0; part < nodes; ++part) {
      TreeNode node;
      node.is_leaf = false;
      const size_t begin = level.size() * part / nodes;
      for (size_t i = begin; i < level.size() * (part + 1) / nodes; ++i) {
        node.branches.push_back(std::move(level[i]));
        if (i > begin) node.keys.push_back(first_keys[i]);
      }
      keys_above.push_back(first_keys[begin]);
      above.push_back({.place = AddChain(SerializeNode(node, header_.current)), .node = {}});
    }
    level = std::move(above);
    first_keys = std::move(keys_above);
  }

  Header header_;
  uint32_t capacity_;
  std::vector<std::byte> bytes_;
};

// Returns: the tree header of a tree, behind a tree info of its own.
int64_t AddTreeHeader(ImageBuilder& image, std::string_view name, uint32_t capacity, int64_t root,
                      int64_t element_count) {
  const TreeInfo info{.element_capacity = static_cast<int32_t>(capacity),
                      .name = name,
                      .key_class = "bytes",
                      .value_class = "bytes"};
  const int64_t info_at = image.AddChain(MakeTreeInfo(info)).first;
  const TreeHeader header{
      .revision = image.revision(), .element_count = element_count, .root = root, .info = info_at};
  return image.AddChain(MakeTreeHeader(header)).first;
}

// Returns: the root of the B-tree of B-trees.
int64_t AddDirectory(ImageBuilder& image, uint32_t capacity, int64_t user_root,
                     int64_t element_count) {
  const int64_t no_copies = image.AddTree({});
  const int64_t copied = AddTreeHeader(image, kCopiedPagesName, capacity, no_copies, 0);
  const int64_t user = AddTreeHeader(image, kUserTreeName, capacity, user_root, element_count);
  return image.AddTree(
      {{MakeTreeKey({kCopiedPagesName, image.revision()}), MakeOffsets({&copied, 1})},
       {MakeTreeKey({kUserTreeName, image.revision()}), MakeOffsets({&user, 1})}});
}

}  // namespace

StoreImage MakeStoreImage(uint32_t page_size_bytes, uint32_t flags, uint32_t capacity,
                          Revision revision, std::vector<TreeNode::Element> elements) {
  Header header{.page_size_bytes = page_size_bytes, .flags = flags, .current = revision};
  header.ongoing = header.has(kProposalKFlag) ? revision - 1 : revision;
  ImageBuilder image(header, capacity);
  const auto element_count = static_cast<int64_t>(elements.size());
  int64_t root = image.AddTree(std::move(elements));
  if (header.has(kCopiedPagesFlag)) root = AddDirectory(image, capacity, root, element_count);
  return image.Finish(root, element_count);
}

}  // namespace plugpull::revision_tree
