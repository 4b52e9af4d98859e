// How a store is opened and committed, and the known ways of getting it wrong. A mutant is a bug
// that was put in on purpose, so that the harness can prove that it would notice: one row in the
// table of commit orders, or one switch that is read at one place.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/cow_tree/format.h"
#include "engine/engine.h"

namespace plugpull::cow_tree {

// What a commit does once all its pages are built and the file has grown.
enum class CommitStep : uint8_t {
  kWritePages,         // every page run in ascending id, one write each
  kWriteTreePages,     // the same without the freelist
  kWriteFreelistPage,  // the freelist alone
  kSync,               // fdatasync
  kWriteMeta,          // the whole meta page, into slot txid mod 2
};

struct Protocol {
  std::span<const CommitStep> commit_steps{};
  bool has_one_meta_slot = false;                     // M3: slot 0, whatever the txid
  MetaChecksum meta_checksum = MetaChecksum::kWhole;  // M4, M20: less than that
  bool reuse_freed_pages_at_once = false;             // M5: no pending pages
  bool ignore_readers = false;                        // M6: pending pages are released under them
  bool store_no_pending_pages = false;                // M7a: the freelist page has free pages alone
  bool keep_old_freelist_page = false;                // M7b: it is never freed
  bool list_freelist_page_as_free = false;            // M8: the freelist page has its own id
  bool grow_without_sync = false;                     // M9: the size may not be durable
  bool open_lower_transaction = false;                // M10a: the older of two valid metas
  bool need_both_metas = false;                       // M10b: no fallback from one to the other
  bool update_leaves_in_place = false;       // M11: when the new content fits the old pages
  bool adopt_pages_on_rollback = false;      // M12: see FreeList::Undo
  bool split_with_stale_key = false;         // M13: the parent learns the key before the split
  bool store_no_overflow = false;            // M14: the header of a tree page says 0
  bool trust_new_store = false;              // M15: neither its content nor its name is synced
  bool swallow_sync_errors = false;          // M16: a commit goes on after a sync that failed
  bool store_early_high_water_mark = false;  // M17: from before the last allocation
  bool normalise_on_open = false;            // R1: opening rewrites both metas where they are
  bool note_openings = false;                // R2: opening writes more, the more there were
  bool audits_leaks_late = false;            // C1: see leak_audit.h
  bool syncs_only_when_new = false;          // C2: in the process that made the store
};

// Returns: the protocol of a mutant by its name in the option `mutant`; "none" is bbolt's own.
// Requires: the name is one of MutantNames().
Protocol ProtocolOf(std::string_view mutant);

const std::vector<std::string>& MutantNames();

// When the pages that a transaction freed may be written again.
enum class FreePolicy : uint8_t {
  kStock,               // by the next transaction, as in bbolt
  kDelayedFree,         // the same; but its freelist page does not have them (bbolt PR #834)
  kHoldTwoGenerations,  // by the one after the next: the tree of the older meta is always whole
};

// A sync that a commit makes for nothing.
enum class SpareSync : uint8_t {
  kNone,
  kFirst,  // before anything is written, when there is nothing to sync
  kTwice,  // each sync of the pages again: one of the two is enough
};

// The options of one store.
struct Options {
  Protocol protocol{};
  FreePolicy free_policy = FreePolicy::kStock;
  uint32_t page_size_bytes = 4096;  // for a new file; an old one says its own
  bool create_by_rename = true;     // bbolt writes in place: a torn first write cannot be opened
  bool sync_directory = true;       // bbolt never does: a new store may vanish with its name
  bool settle = true;               // bbolt never does: see CowTreeEngine::Settle
  bool persist_freelist = true;     // bbolt's NoFreelistSync turned round
  bool sync = true;                 // bbolt's NoSync turned round
  bool sync_growth = true;          // bbolt's NoGrowSync turned round
  SpareSync spare_sync = SpareSync::kNone;
  bool grow_for_freelist = false;  // quirk Q1: only a freelist page that needs it grows the file
};

const std::vector<OptionSpec>& OptionSpecs();

// Requires: `options` was checked against OptionSpecs().
Options ParseOptions(const EngineOptions& options);

}  // namespace plugpull::cow_tree
