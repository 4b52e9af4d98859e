// Reading a tree of logical pages: all of it in the order of its keys, or one key. Walks are loops
// over a stack of their own, no deeper than kDepthMax, and enter no page twice: they end on every
// input.
#pragma once

#include <functional>

#include "engine/engine.h"
#include "engine/revision_tree/page_cache.h"

namespace plugpull::revision_tree {

// No tree of nodes with two children or more is deeper on any disk.
inline constexpr size_t kDepthMax = 64;

// Gets the elements of a tree in the order of keys; the spans are valid as long as the cache is
// attached. An error ends the walk. It walks no other tree meanwhile.
using ElementVisitor = std::function<Expected<void>(const LeafElement& element)>;

// Shows the elements of the tree below `root`. Errors: I/O, kCorrupt.
Expected<void> VisitTree(PageCache& pages, int64_t root, const ElementVisitor& visit);

// The same to the visitor of an engine, which takes no errors.
Expected<void> ScanTree(PageCache& pages, int64_t root, PairVisitor& visitor);

// Where the trees of a store with copied pages are: what its B-tree of B-trees says.
struct TreeDirectory {
  TreeHeader user{};            // of the newest revision
  int64_t user_at = kNoOffset;  // its tree header
  TreeHeader copied{};
  int64_t copied_at = kNoOffset;
};

// Reads the B-tree of B-trees below `root`. Errors: I/O, kCorrupt: there is no such tree.
Expected<TreeDirectory> ReadDirectory(PageCache& pages, int64_t root);

// Returns: the root of the user's tree of the store's newest revision.
Expected<int64_t> FindUserRoot(PageCache& pages, const Header& header);

}  // namespace plugpull::revision_tree
