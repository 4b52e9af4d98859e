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
  bool reuse_freed_pages_at_once = false;  // M5: no pending pages
  bool open_lower_transaction = false;     // M10a: the older of two valid metas
  bool update_leaves_in_place = false;     // M11: when the new content fits the old pages
  bool trust_new_store = false;            // M15: neither its content nor its name is synced
  bool swallow_sync_errors = false;        // M16: a commit goes on after a sync that failed
  bool normalise_on_open = false;          // R1: opening rewrites both metas where they are
  bool note_openings = false;              // R2: opening writes more, the more openings there were
  bool audits_leaks_late = false;          // C1: see leak_audit.h
  bool syncs_only_when_new = false;        // C2: in the process that made the store
};

// Returns: the protocol of a mutant by its name in the option `mutant`; "none" is bbolt's own.
// Requires: the name is one of MutantNames().
Protocol ProtocolOf(std::string_view mutant);

const std::vector<std::string>& MutantNames();

// The options of one store.
struct Options {
  Protocol protocol{};
  uint32_t page_size_bytes = 4096;  // for a new file; an old one says its own
  bool create_by_rename = true;     // bbolt writes in place: a torn first write cannot be opened
  bool sync_directory = true;       // bbolt never does: a new store may vanish with its name
  bool settle = true;               // bbolt never does: see CowTreeEngine::Settle
  bool persist_freelist = true;     // bbolt's NoFreelistSync turned round
  bool sync = true;                 // bbolt's NoSync turned round
  bool sync_growth = true;          // bbolt's NoGrowSync turned round
};

const std::vector<OptionSpec>& OptionSpecs();

// Requires: `options` was checked against OptionSpecs().
Options ParseOptions(const EngineOptions& options);

}  // namespace plugpull::cow_tree
