// Which PageIOs may be written next. A PageIO that revision F freed is part of the trees of earlier
// revisions, one of which must survive a power cut until the header of F is durable, and which
// readers may have open: so it is first pending. Then it is loose, and may be written. What is
// still loose when a commit has been built joins the free chain, which is linked through the pages
// themselves.
#pragma once

#include <map>
#include <vector>

#include "engine/revision_tree/page_cache.h"
#include "engine/revision_tree/protocol.h"

namespace plugpull::revision_tree {

// The revisions that open readers are pinned to, with the roots of their trees.
using ReaderSet = std::multimap<Revision, int64_t>;

// What a free PageIO says in front.
struct Link {
  PageNumber page = 0;
  int64_t next = kNoOffset;
};

// Freed PageIOs, which revisions [first_use, last_use] reach.
struct FreedRun {
  std::vector<PageNumber> pages;
  Revision first_use = 0;
  Revision last_use = -1;
  Revision freed_by = 0;
};

class FreeSpace {
 public:
  // Forgets everything; the free chain is empty.
  void Reset();

  // Follows the free chain of the file. Errors: I/O, kCorrupt: a bad offset, a cycle.
  Expected<void> LoadChain(PageCache& pages, const Header& header);

  // Takes these for free that are not in the chain yet.
  void AddLoose(std::span<const PageNumber> pages);

  void RepeatFirstLoose();  // a mutant

  void Free(FreedRun run) { pending_.push_back(std::move(run)); }

  // Makes loose what is pending, is needed by no reader, and was freed by `durable` or an earlier
  // revision. A page of revisions A to L waits for every reader from A to L.
  void Release(Revision durable, const ReaderSet& readers);

  // Returns: a page to write: the last that became loose, else the head of the free chain, else the
  // one at the end of the file, which grows by it.
  PageNumber Allocate(Header& header);

  // Puts all that is loose at the head of the free chain. Returns: the links that make it so; they
  // have to be durable before a header has Head().
  std::vector<Link> ChainLoose(const Header& header);

  // Returns: the head of the free chain; and the one from before the last ChainLoose.
  int64_t Head(const Header& header) const { return OffsetAt(header, chain_.size()); }
  int64_t HeadBeforeLast(const Header& header) const { return OffsetAt(header, chained_before_); }

  const std::vector<PageNumber>& chain() const { return chain_; }

  // Returns: what is pending or loose.
  std::vector<PageNumber> Waiting() const;
  bool HasWaiting() const { return !pending_.empty() || !loose_.empty(); }

 private:
  int64_t OffsetAt(const Header& header, size_t length) const {
    return length == 0 ? kNoOffset : OffsetOf(header, chain_[length - 1]);
  }

  std::vector<PageNumber> chain_;  // the head is the last, each links to the one before it
  size_t chained_before_ = 0;
  std::vector<PageNumber> loose_;
  std::vector<FreedRun> pending_;
};

}  // namespace plugpull::revision_tree
