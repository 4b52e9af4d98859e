// A write transaction before its commit: the header to come, and the PageIOs that were built in
// memory. Nothing reaches the file until Commit.
#pragma once

#include "engine/revision_tree/free_space.h"
#include "engine/revision_tree/header_slots.h"

namespace plugpull::revision_tree {

// The parts of an open store that a write transaction works on.
struct StoreParts {
  VfsFile& file;
  PageCache& pages;
  FreeSpace& space;
  HeaderSlots& slots;
  const Options& options;
};

class WriteTransaction {
 public:
  // Starts revision committed.current + 1.
  WriteTransaction(const StoreParts& parts, const Header& committed);

  Revision revision() const { return revision_; }
  Header& header() { return header_; }
  PageCache& pages() { return parts_.pages; }
  const Options& options() const { return parts_.options; }

  // Cuts data into a chain of PageIOs.
  Child NewChain(Bytes data);

  // Gives a chain back that was reached by the revisions from `first_use` on; the last of them is
  // `last_use`. Errors: I/O, kCorrupt: it is no chain.
  Expected<void> FreeChain(int64_t offset, Revision first_use, Revision last_use);

  // The same for a logical page, which says who has written it, up to the revision before this one.
  Expected<void> FreePage(int64_t offset);

  // Makes it durable, in the order of the protocol. Errors: the outcome is unknown.
  Expected<void> Commit();

 private:
  struct DirtyPage {
    PageNumber page = 0;
    size_t at = 0;  // of its bytes
  };

  Expected<void> Perform(CommitStep step);
  Expected<void> WriteOngoing();
  Expected<void> WritePages();
  Expected<void> WriteCurrent();

  StoreParts parts_;
  Header committed_;
  Header header_;
  Revision revision_;
  std::vector<DirtyPage> dirty_pages_;
  std::vector<std::byte> bytes_;
  std::vector<Link> links_;
};

// Writes links into free pages, in ascending order.
Expected<void> WriteLinks(VfsFile& file, uint32_t page_size_bytes, std::vector<Link> links);

}  // namespace plugpull::revision_tree
