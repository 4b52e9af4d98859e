// How a store is opened and committed, and the known ways of getting it wrong. A mutant is a bug
// that was put in on purpose, so that the harness can prove that it would notice: one row in the
// table of commit orders, or one switch that is read at one place.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/engine.h"
#include "engine/revision_tree/format.h"

namespace plugpull::revision_tree {

// What a commit does once all its pages are built.
enum class CommitStep : uint8_t {
  kWriteOngoing,  // the header with ongoing := N+1; nothing with proposal K
  kBarrier,       // a sync, unless told not to; nothing with proposal K
  kWritePages,    // new pages in ascending order, and the links of pages that join the free chain
  kSync,
  kWriteCurrent,  // the header with current := N+1, root, free head
};

struct Protocol {
  std::span<const CommitStep> commit_steps{};
  bool recovers_never = false;         // MV3: opening takes every store for clean
  bool frees_at_once = false;          // MV4: pages of N are chained or written by N+1 itself
  bool ignores_readers = false;        // MV5: pages are released under them
  bool lists_page_twice = false;       // MV6: what is reclaimed has one page twice
  bool has_bare_header = false;        // MV7: one slot without a checksum, whatever is asked
  bool discards_by_revision = false;   // MV8: pages of earlier revisions are not marked
  bool forgets_free_head = false;      // MV9: what joins the free chain is not in the header's head
  bool compacts_without_sync = false;  // MV10: renames what was never synced
  bool trusts_free_list = false;       // MV11: recovery takes the free chain as it is
  bool recovers_without_sync = false;  // MV12: the clean header may reach the disk before the chain
};

// Returns: the protocol of a mutant by its name in the option `mutant`.
// Requires: the name is one of MutantNames().
Protocol ProtocolOf(std::string_view mutant);

const std::vector<std::string>& MutantNames();

// What makes an open without a scan legal.
enum class Trust : uint8_t {
  kFlag,   // equal revisions, and the flag that somebody has written since is not set
  kEqual,  // equal revisions alone; with proposal K always, but nothing is taken for free
};

// The options of one store.
struct Options {
  Protocol protocol{};
  bool is_proposal_k = false;
  uint32_t slots = 2;
  bool checksum = true;
  uint32_t page_size_bytes = 512;  // for a new file; an old one says its own
  uint32_t capacity = 8;           // elements of a leaf, children of a node
  bool barrier = true;
  Trust trust = Trust::kFlag;
  bool starts_from_older = false;  // K: a store that may have crashed goes on from N-1
  bool holds_one = false;          // K: pages of N-1 are written while N+1 is under way
  bool finds_by_scan = false;      // freed pages are not remembered; a scan finds them
  bool copied_pages = false;       // with the B-tree of B-trees
  uint32_t reclaim_every = 0;      // commits; 0: never
  uint32_t reclaim_step = 0;       // pages that a commit scans in the background; 0: all at once
  uint32_t compact_every = 0;      // commits since the open; 0: never
  bool create_by_rename = true;
  bool sync_directory = true;
};

const std::vector<OptionSpec>& OptionSpecs();

// Requires: `options` was checked against OptionSpecs().
Options ParseOptions(const EngineOptions& options);

// Errors: kInvalidArgument: values that are legal each, but make no sense together.
Expected<void> CheckTogether(const Options& options);

}  // namespace plugpull::revision_tree
