#include "engine/revision_tree/tree_reader.h"

#include <fmt/format.h>

#include "faults/base/bytes.h"

namespace plugpull::revision_tree {
namespace {

// Pages still to visit, the next one last. A tree's width is bounded by its file, and so is this:
// no page is entered twice.
struct Place {
  int64_t offset = kNoOffset;
  size_t depth = 0;
};

struct WalkBuffers {
  std::vector<Place> places;
  LogicalPage page;
};

Expected<TreeHeader> ReadTreeHeader(PageCache& pages, Bytes value) {
  const Expected<std::vector<int64_t>> offsets = ParseOffsets(value);
  if (!offsets) return std::unexpected(offsets.error());
  if (offsets->size() != 1) {
    return Fail(ErrorCode::kCorrupt, "B-tree of B-trees: a value that is no offset");
  }
  const Expected<Chain> chain = pages.ReadChain(offsets->front());
  if (!chain) return std::unexpected(chain.error());
  return ParseTreeHeader(chain->data);
}

}  // namespace

Expected<void> VisitTree(PageCache& pages, int64_t root, const ElementVisitor& visit) {
  thread_local WalkBuffers buffers;  // kept, so that nothing is allocated for each walk
  std::vector<Place>& places = buffers.places;
  LogicalPage& page = buffers.page;
  places.assign(1, Place{.offset = root});
  uint64_t entered = 0;
  while (!places.empty()) {
    const Place place = places.back();
    places.pop_back();
    const Expected<Chain> chain = pages.ReadChain(place.offset);
    if (!chain) return std::unexpected(chain.error());
    ++entered;
    if (place.depth >= kDepthMax || entered + places.size() > pages.page_limit()) {
      return Fail(ErrorCode::kCorrupt,
                  fmt::format("page {}: the tree comes back to itself", chain->pages.front()));
    }
    if (Expected<void> parsed = ParsePage(chain->data, page); !parsed) return parsed;
    if (page.is_leaf) {
      for (const LeafElement& element : page.elements) {
        if (Expected<void> visited = visit(element); !visited) return visited;
      }
      continue;
    }
    for (size_t i = page.children.size(); i-- > 0;) {
      places.push_back({.offset = page.children[i].first, .depth = place.depth + 1});
    }
  }
  return {};
}

Expected<void> ScanTree(PageCache& pages, int64_t root, PairVisitor& visitor) {
  return VisitTree(pages, root, [&visitor](const LeafElement& element) -> Expected<void> {
    visitor.OnPair(element.key, element.value);
    return {};
  });
}

Expected<TreeDirectory> ReadDirectory(PageCache& pages, int64_t root) {
  TreeDirectory found;
  const auto visit = [&](const LeafElement& element) -> Expected<void> {
    const Expected<TreeKey> key = ParseTreeKey(element.key);
    if (!key) return std::unexpected(key.error());
    const bool is_user = key->name == kUserTreeName;
    if (!is_user && key->name != kCopiedPagesName) return {};
    const Expected<TreeHeader> header = ReadTreeHeader(pages, element.value);
    if (!header) return std::unexpected(header.error());
    // Revisions of a name come in ascending order, so the last one is the newest.
    (is_user ? found.user : found.copied) = *header;
    (is_user ? found.user_at : found.copied_at) = LoadInt64(element.value.data());
    return {};
  };
  if (Expected<void> read = VisitTree(pages, root, visit); !read) {
    return std::unexpected(read.error());
  }
  if (found.user_at == kNoOffset || found.copied_at == kNoOffset) {
    return Fail(ErrorCode::kCorrupt,
                fmt::format("B-tree of B-trees: no tree '{}'",
                            found.user_at == kNoOffset ? kUserTreeName : kCopiedPagesName));
  }
  return found;
}

Expected<int64_t> FindUserRoot(PageCache& pages, const Header& header) {
  if (!header.has(kCopiedPagesFlag)) return header.root;
  const Expected<TreeDirectory> directory = ReadDirectory(pages, header.root);
  if (!directory) return std::unexpected(directory.error());
  return directory->user.root;
}

}  // namespace plugpull::revision_tree
