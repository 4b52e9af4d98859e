#include "engine/cow_tree/protocol.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "faults/base/assert.h"

namespace plugpull::cow_tree {
namespace {

using enum CommitStep;

// bbolt: data is durable before a meta points at it, and the meta before the commit returns.
constexpr std::array kStockOrder = {kWritePages, kSync, kWriteMeta, kSync};

// M1: one fdatasync covers both, so the disk may take the meta and leave the pages.
constexpr std::array kNoDataSyncOrder = {kWritePages, kWriteMeta, kSync};

// M2: both syncs are there, the wrong way round.
constexpr std::array kMetaFirstOrder = {kWriteMeta, kSync, kWritePages, kSync};

// M18: the freelist is taken for something that may wait.
constexpr std::array kLateFreelistOrder = {kWriteTreePages, kSync, kWriteFreelistPage, kWriteMeta,
                                           kSync};

// M19: the commit returns before its meta is durable.
constexpr std::array kNoMetaSyncOrder = {kWritePages, kSync, kWriteMeta};

struct MutantRow {
  const char* name;
  Protocol protocol;
};

constexpr std::array<MutantRow, 27> kMutants = {{
    {"none", {.commit_steps = kStockOrder}},
    {"M1", {.commit_steps = kNoDataSyncOrder}},
    {"M2", {.commit_steps = kMetaFirstOrder}},
    {"M3", {.commit_steps = kStockOrder, .has_one_meta_slot = true}},
    {"M4", {.commit_steps = kStockOrder, .meta_checksum = MetaChecksum::kNotVerified}},
    {"M5", {.commit_steps = kStockOrder, .reuse_freed_pages_at_once = true}},
    {"M6", {.commit_steps = kStockOrder, .ignore_readers = true}},
    {"M7a", {.commit_steps = kStockOrder, .store_no_pending_pages = true}},
    {"M7b", {.commit_steps = kStockOrder, .keep_old_freelist_page = true}},
    {"M8", {.commit_steps = kStockOrder, .list_freelist_page_as_free = true}},
    {"M9", {.commit_steps = kStockOrder, .grow_without_sync = true}},
    {"M10a", {.commit_steps = kStockOrder, .open_lower_transaction = true}},
    {"M10b", {.commit_steps = kStockOrder, .need_both_metas = true}},
    {"M11", {.commit_steps = kStockOrder, .update_leaves_in_place = true}},
    {"M12", {.commit_steps = kStockOrder, .adopt_pages_on_rollback = true}},
    {"M13", {.commit_steps = kStockOrder, .split_with_stale_key = true}},
    {"M14", {.commit_steps = kStockOrder, .store_no_overflow = true}},
    {"M15", {.commit_steps = kStockOrder, .trust_new_store = true}},
    {"M16", {.commit_steps = kStockOrder, .swallow_sync_errors = true}},
    {"M17", {.commit_steps = kStockOrder, .store_early_high_water_mark = true}},
    {"M18", {.commit_steps = kLateFreelistOrder}},
    {"M19", {.commit_steps = kNoMetaSyncOrder}},
    {"M20", {.commit_steps = kStockOrder, .meta_checksum = MetaChecksum::kWithoutRoot}},
    {"R1", {.commit_steps = kStockOrder, .normalise_on_open = true}},
    {"R2", {.commit_steps = kStockOrder, .note_openings = true}},
    {"C1", {.commit_steps = kStockOrder, .audits_leaks_late = true}},
    {"C2", {.commit_steps = kStockOrder, .syncs_only_when_new = true}},
}};

constexpr const char* kStock = "stock";
constexpr const char* kDelayedFree = "delayed_free";
constexpr const char* kHoldTwoGenerations = "hold_two_generations";

constexpr const char* kFirst = "first";
constexpr const char* kTwice = "twice";

SpareSync SpareSyncOf(std::string_view word) {
  if (word == kFirst) return SpareSync::kFirst;
  return word == kTwice ? SpareSync::kTwice : SpareSync::kNone;
}

FreePolicy PolicyOf(std::string_view word) {
  if (word == kDelayedFree) return FreePolicy::kDelayedFree;
  if (word == kHoldTwoGenerations) return FreePolicy::kHoldTwoGenerations;
  Assert(word == kStock, "the policy was checked against the option's values");
  return FreePolicy::kStock;
}

const std::string& ValueOf(const EngineOptions& options, const char* name) {
  const auto found = options.find(name);
  Assert(found != options.end(), "every option of the type is present");
  return found->second;
}

OptionSpec Choice(std::string name, std::vector<std::string> values, std::string default_value,
                  std::string help) {
  OptionSpec spec;
  spec.name = std::move(name);
  spec.values = std::move(values);
  spec.default_value = std::move(default_value);
  spec.help = std::move(help);
  return spec;
}

}  // namespace

Protocol ProtocolOf(std::string_view mutant) {
  const auto row = std::find_if(kMutants.begin(), kMutants.end(),
                                [&](const MutantRow& each) { return each.name == mutant; });
  Assert(row != kMutants.end(), "the mutant was checked against the option's values");
  return row->protocol;
}

const std::vector<std::string>& MutantNames() {
  static const std::vector<std::string> names = [] {
    std::vector<std::string> all;
    all.reserve(kMutants.size());
    for (const MutantRow& row : kMutants) all.emplace_back(row.name);
    return all;
  }();
  return names;
}

const std::vector<OptionSpec>& OptionSpecs() {
  static const std::vector<OptionSpec> specs = {
      Choice(
          "mutant", MutantNames(), "none",
          "a bug on purpose: M1 no data sync, M2 meta first, M3 one meta slot, M4 meta checksum "
          "not verified, M5 no pending pages, M6 readers ignored, M7a freelist without pending "
          "pages, M7b old freelist page kept, M8 freelist page listed as free, M9 growth not "
          "synced, M10a opens the older meta, M10b no fallback to the other meta, M11 leaves in "
          "place, M12 rollback adopts pages, M13 stale key after a split, M14 no overflow count, "
          "M15 no sync of a new store, M16 sync errors ignored, M17 early high-water mark, M18 "
          "late "
          "freelist, M19 no meta sync, M20 checksum without the root, R1 opening rewrites both "
          "metas in place, R2 opening writes down that it was opened, before anything else, C1 "
          "frees live pages some time after an open, C2 does not sync what it did not create"),
      Choice("dirsync", {"1", "0"}, "1", "sync the directory of a new store; bbolt never does"),
      Choice("settle", {"1", "0"}, "1",
             "make sure of the meta that is there before the first commit; bbolt never does"),
      Choice(
          "init", {"rename", "direct"}, "rename",
          "how a new store comes to be; direct is bbolt's way, one write in place, which a crash "
          "may tear (etcd #16596)"),
      Choice("page_size", {"1024", "2048", "4096", "8192", "16384", "32768", "65536"}, "4096",
             "bytes in a page of a new store"),
      Choice("freelist", {"synced", "none"}, "synced",
             "none: never written, rebuilt from the tree by each open (NoFreelistSync)"),
      Choice(
          "free_policy", {kStock, kDelayedFree, kHoldTwoGenerations}, kStock,
          "when freed pages may be written again: by the next transaction, delayed_free the same "
          "with another freelist (bbolt PR #834), hold_two_generations by the one after it"),
      Choice("quirk", {"none", "Q1", "Q2"}, "none",
             "of bbolt 1.3.6: Q1 only the freelist page makes the file grow, Q2 a meta with "
             "checksum 0 is valid"),
      Choice("nosync", {"0", "1"}, "0", "1: commits do not sync (NoSync)"),
      Choice("nogrowsync", {"0", "1"}, "0", "1: the file grows by writes alone (NoGrowSync)"),
      Choice("spare_sync", {"none", kFirst, kTwice}, "none",
             "syncs for nothing: first, one before a commit writes; twice, two for the pages"),
  };
  return specs;
}

Options ParseOptions(const EngineOptions& options) {
  Options parsed;
  parsed.protocol = ProtocolOf(ValueOf(options, "mutant"));
  const std::string& page_size = ValueOf(options, "page_size");
  const auto [end, error] = std::from_chars(page_size.data(), page_size.data() + page_size.size(),
                                            parsed.page_size_bytes);
  Assert(error == std::errc() && end == page_size.data() + page_size.size(),
         "the page size was checked against the option's values");
  parsed.free_policy = PolicyOf(ValueOf(options, "free_policy"));
  const std::string& quirk = ValueOf(options, "quirk");
  parsed.grow_for_freelist = quirk == "Q1";
  MetaChecksum& checksum = parsed.protocol.meta_checksum;
  if (quirk == "Q2" && checksum == MetaChecksum::kWhole) checksum = MetaChecksum::kZeroIsValid;
  parsed.create_by_rename = ValueOf(options, "init") == "rename";
  parsed.sync_directory = ValueOf(options, "dirsync") == "1" && !parsed.protocol.trust_new_store;
  parsed.settle = ValueOf(options, "settle") == "1";
  parsed.persist_freelist = ValueOf(options, "freelist") == "synced";
  parsed.sync = ValueOf(options, "nosync") == "0";
  parsed.spare_sync = SpareSyncOf(ValueOf(options, "spare_sync"));
  parsed.sync_growth = ValueOf(options, "nogrowsync") == "0";
  return parsed;
}

}  // namespace plugpull::cow_tree
