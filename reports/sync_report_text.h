// How places, models and conclusions of `plugpull syncs` are said, the same on a terminal and in
// Markdown.
#pragma once

#include <string>
#include <vector>

#include "reports/sync_report.h"

namespace plugpull {

// Returns: the models under which an exhaustive search saw nothing break.
std::vector<std::string> HeldSurely(const std::vector<SyncVerdict>& verdicts);

// Returns: the models with that verdict: "every model" where they are all, and more than one.
std::string ModelsWith(const std::vector<SyncVerdict>& verdicts, Verdict verdict);

// Returns: "fdatasync of store", with the place where no frames are known.
std::string PlaceName(const SyncPlaceReport& place);

// Returns: what a load-bearing sync keeps, from the worst that was seen without it: "durable:
// without it recovered the state after transaction 3, but transaction 4 was acknowledged
// (write(store) lost)"; empty: nothing broke.
std::string ProtectsText(const SyncPlaceReport& place);

// Returns: what was lost, as kinds and roles: "unlink(journal)", "nothing".
std::string LostText(const SyncDamage& damage);

// Returns: "load-bearing under every model", "redundant under every model (exhaustive)", and what
// is said of a search that was cut short.
std::string UseText(const SyncPlaceReport& place);

// Returns: "12 times in 12 transactions".
std::string ExecutionsText(const SyncPlaceReport& place);

// Returns: what becomes of several syncs that can go one by one.
std::string SpareText(const SyncReport& report, const SpareSyncs& spare);

// Returns: one line: what holds in the run as it is.
std::string AsItIsText(const SyncReport& report);

// Returns: the models that need a missing sync.
std::string NeededText(const SyncReport& report, const MissingSync& missing);

// Returns: one line: what holds with the missing syncs.
std::string WithMissingText(const SyncReport& report);

// Returns: in which run and by which crashes places are judged; empty: the run as it is, by all.
std::string JudgedText(const SyncReport& report);

// Returns: the last line: counts and conclusion.
std::string SyncsLastLine(const SyncReport& report);

}  // namespace plugpull
