#include "harness/sync_sites.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>
#include <tuple>
#include <utility>

#include "faults/persistence/crash_cursor.h"
#include "faults/trace/snapshot_mark.h"
#include "harness/role_patterns.h"

namespace plugpull {
namespace {

// Returns: "1st", "2nd", "3rd", "4th", "11th".
std::string Ordinal(uint32_t number) {
  const bool is_teen = number % 100 >= 11 && number % 100 <= 13;
  const uint32_t last = is_teen ? 0 : number % 10;
  return fmt::format("{}{}", number, last == 1 ? "st" : last == 2 ? "nd" : last == 3 ? "rd" : "th");
}

// What tells two places apart.
using Identity = std::tuple<OpKind, std::string, std::vector<std::string>, std::string>;

// What is left to fate, as a sum that every sync with something to do makes smaller.
std::pair<size_t, uint64_t> Amount(const CrashCursor& cursor) {
  uint64_t bytes = 0;
  for (const Effect& effect : cursor.pending()) bytes += effect.end_bytes - effect.begin_bytes;
  return {cursor.pending().size(), bytes};
}

}  // namespace

FileRoles::FileRoles(const Trace& trace, const EngineType& type) {
  const TraceRoles roles(trace, type);
  for (const Op& op : trace.ops) {
    if (op.kind == OpKind::kMakeDirectory) directories_.insert(op.inode);
  }
  const std::map<InodeId, std::string> names = LastNames(trace);
  for (const auto& [inode, path] : names) {
    if (inode >= roles_.size()) roles_.resize(inode + 1);
    const bool is_directory = directories_.contains(inode);
    roles_[inode] = !is_directory ? roles.Of(path) : path.empty() ? "." : path;
  }
}

const std::string& FileRoles::Of(InodeId inode) const {
  static const std::string none;
  return inode < roles_.size() ? roles_[inode] : none;
}

std::vector<std::string> FramesOf(const Trace& trace, const Op& op) {
  if (op.site == 0 || op.site > trace.sites.size()) return {};
  return trace.sites[op.site - 1].frames;
}

std::vector<SyncSite> SyncSitesOf(const Trace& trace, const EngineType& type) {
  const FileRoles roles(trace, type);
  std::vector<SyncSite> sites;
  std::map<Identity, size_t> known;
  std::map<size_t, std::set<uint32_t>> transactions;
  std::map<std::pair<OpKind, std::string>, uint32_t> ordinals;
  uint32_t transaction = 0;
  for (size_t i = SnapshotEnd(trace); i < trace.ops.size(); ++i) {
    const Op& op = trace.ops[i];
    if (op.kind == OpKind::kBegin) {
      transaction = op.transaction;
      ordinals.clear();
    }
    if (!IsSync(op.kind) || IsFailedSync(op)) continue;
    SyncSite site{.kind = op.kind,
                  .role = roles.Of(op.inode),
                  .frames = FramesOf(trace, op),
                  .place = {},
                  .ops = {}};
    const uint32_t ordinal = ++ordinals[{op.kind, site.role}];
    if (site.frames.empty()) {
      site.place = fmt::format("the {} {}", Ordinal(ordinal),
                               transaction == 0 ? "before any transaction" : "of a transaction");
    }
    const auto [entry, is_new] =
        known.try_emplace({site.kind, site.role, site.frames, site.place}, sites.size());
    if (is_new) sites.push_back(std::move(site));
    sites[entry->second].ops.push_back(static_cast<uint32_t>(i));
    if (transaction != 0) transactions[entry->second].insert(transaction);
  }
  for (const auto& [site, in] : transactions) {
    sites[site].transactions = static_cast<uint32_t>(in.size());
  }
  return sites;
}

std::vector<uint32_t> IdleSyncs(const Trace& trace, const Model& model,
                                const std::vector<uint32_t>& ops) {
  std::vector<uint32_t> idle;
  CrashCursor cursor(trace, model);
  for (const uint32_t op : ops) {
    cursor.AdvanceTo(op);
    const auto before = Amount(cursor);
    cursor.AdvanceTo(op + size_t{1});
    if (Amount(cursor) == before) idle.push_back(op);
  }
  return idle;
}

}  // namespace plugpull
