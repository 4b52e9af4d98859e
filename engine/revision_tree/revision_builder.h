// From a transaction to the trees of the next revision: the user's alone, or with copied pages the
// user's, the tree of copied pages, and the B-tree of B-trees above both.
#pragma once

#include "engine/revision_tree/write_transaction.h"
#include "faults/trace/transaction.h"

namespace plugpull::revision_tree {

// Changes the trees, and puts root and element count into the header to come. With copied pages and
// `reclaims`, first gives back what no reader and no later revision needs: the copied pages of each
// revision that is not newer than the oldest reader, and what led to the revision before it.
Expected<void> BuildRevision(WriteTransaction& write, const Transaction& transaction, bool reclaims,
                             const ReaderSet& readers);

}  // namespace plugpull::revision_tree
