// Recovery by a scan, and the clean header that makes the next one needless.
#pragma once

#include "engine/revision_tree/free_space.h"
#include "engine/revision_tree/header_slots.h"

namespace plugpull::revision_tree {

// The parts of a store that is being opened.
struct RecoveryParts {
  Vfs& vfs;
  VfsFile& file;
  PageCache& pages;  // attached
  FreeSpace& space;
  HeaderSlots& slots;
  const Options& options;
  const ReaderSet& readers;  // of a store that lives on after a commit that failed
};

// Returns: whether the header and the options ask for a scan before the store is used.
bool NeedsRecovery(const HeadersRead& read, const Options& options);

// Makes the revision of `header` the only one, and all pages that it does not reach free. A tree
// that makes no sense is left as it is. Each step is durable before the next one relies on it, so
// that a crash anywhere is followed by the same recovery again: first the header, so that nothing
// needs an older one; then the free chain; then the clean header. `is_step_back`: the header is not
// the newest, so it has to replace all others. Returns: the clean header. Errors: I/O, kCorrupt.
Expected<Header> RecoverStore(const RecoveryParts& parts, Header header, bool is_step_back);

// Returns: the revision before that of `header`, to be recovered. Errors: its tree makes no sense.
Expected<Header> StepBack(PageCache& pages, const Header& header);

// Chains what is loose and writes a header that asks for no scan, unless pages still wait for
// readers. Returns: that header.
Expected<Header> PublishClean(const RecoveryParts& parts, Header header, bool syncs_chain = true);

}  // namespace plugpull::revision_tree
