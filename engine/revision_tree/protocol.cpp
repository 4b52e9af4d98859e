#include "engine/revision_tree/protocol.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "faults/base/assert.h"

namespace plugpull::revision_tree {
namespace {

using enum CommitStep;

// The report's order: ongoing, pages, current, with a sync behind each.
constexpr std::array kReportOrder = {kWriteOngoing, kBarrier,      kWritePages,
                                     kSync,         kWriteCurrent, kSync};

// MV1: one sync covers pages and header, so the disk may take the header and leave the pages.
constexpr std::array kNoPageSyncOrder = {kWriteOngoing, kBarrier, kWritePages, kWriteCurrent,
                                         kSync};

// MV2: all syncs are there, the header comes first.
constexpr std::array kHeaderFirstOrder = {kWriteOngoing, kBarrier,    kWriteCurrent,
                                          kSync,         kWritePages, kSync};

struct MutantRow {
  const char* name;
  Protocol protocol;
};

constexpr std::array<MutantRow, 13> kMutants = {{
    {"none", {.commit_steps = kReportOrder}},
    {"MV1", {.commit_steps = kNoPageSyncOrder}},
    {"MV2", {.commit_steps = kHeaderFirstOrder}},
    {"MV3", {.commit_steps = kReportOrder, .recovers_never = true}},
    {"MV4", {.commit_steps = kReportOrder, .frees_at_once = true}},
    {"MV5", {.commit_steps = kReportOrder, .ignores_readers = true}},
    {"MV6", {.commit_steps = kReportOrder, .lists_page_twice = true}},
    {"MV7", {.commit_steps = kReportOrder, .has_bare_header = true}},
    {"MV8", {.commit_steps = kReportOrder, .discards_by_revision = true}},
    {"MV9", {.commit_steps = kReportOrder, .forgets_free_head = true}},
    {"MV10", {.commit_steps = kReportOrder, .compacts_without_sync = true}},
    {"MV11", {.commit_steps = kReportOrder, .trusts_free_list = true}},
    {"MV12", {.commit_steps = kReportOrder, .recovers_without_sync = true}},
}};

const std::string& ValueOf(const EngineOptions& options, const char* name) {
  const auto found = options.find(name);
  Assert(found != options.end(), "every option of the type is present");
  return found->second;
}

uint32_t NumberOf(const EngineOptions& options, const char* name) {
  const std::string& text = ValueOf(options, name);
  uint32_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  Assert(error == std::errc() && end == text.data() + text.size(),
         "numbers were checked against the option's values");
  return number;
}

OptionSpec Choice(std::string name, std::vector<std::string> values, std::string help) {
  OptionSpec spec;
  spec.name = std::move(name);
  spec.default_value = values.front();
  spec.values = std::move(values);
  spec.help = std::move(help);
  return spec;
}

OptionSpec Number(std::string name, uint64_t minimum, uint64_t maximum, std::string default_value,
                  std::string help) {
  OptionSpec spec;
  spec.name = std::move(name);
  spec.default_value = std::move(default_value);
  spec.help = std::move(help);
  spec.minimum = minimum;
  spec.maximum = maximum;
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
      Choice("mutant", MutantNames(),
             "a bug on purpose: MV1 no sync of the pages, MV2 header first, MV3 recovery ignores "
             "that the revisions differ, MV4 pages freed before the header is durable, MV5 readers "
             "ignored, MV6 a reclaim lists a page twice, MV7 one header slot without a checksum, "
             "MV8 recovery "
             "discards by revision, MV9 free head not persisted after a reclaim, MV10 compaction "
             "without syncs, MV11 free list trusted after a crash, MV12 no sync before the clean "
             "header of a recovery"),
      Choice("proposal", {"E", "K"},
             "the pair of revisions in the header: E current and ongoing, K this one and the one "
             "before it"),
      Choice("slots", {"2", "1"}, "places for the header, written in turn"),
      Choice("checksum", {"on", "off"}, "of the header"),
      Choice("barrier", {"on", "off"}, "E: a sync between 'ongoing' and the pages of a commit"),
      Choice("trust", {"flag", "equal"},
             "what makes an open without a scan legal: no sign that anybody has written since the "
             "store was closed, or as in the report equal revisions (K: always)"),
      Choice("start", {"newer", "older"},
             "K: where a store that may have crashed goes on; older is the report's"),
      Choice("hold", {"two", "one"},
             "K: generations that a freed page waits for; one: N+1 overwrites pages of N-1"),
      Choice("reclaim", {"free_list", "scan"},
             "how freed pages are found: they are remembered, or a scan looks for what nothing "
             "reaches"),
      Number("reclaim_every", 1, 1'000'000, "4",
             "commits from one scan to the next, or between reclaims of copied pages"),
      Number("reclaim_step", 0, 1'000'000, "0",
             "chains that a scan in the background walks in a commit; 0: all in one commit"),
      Choice("bookkeeping", {"off", "copied_pages"},
             "copied_pages: a B-tree of B-trees, and the copied pages of each revision until they "
             "are reclaimed"),
      Number("compact_every", 0, 1'000'000, "0",
             "commits from one compaction to the next, since the open; 0: never"),
      Choice("page_size", {"512", "64", "128", "256", "1024", "2048", "4096"},
             "bytes in a PageIO of a new store"),
      Number("capacity", 4, 1024, "8", "elements of a leaf and children of a node, at most"),
      Choice("dirsync", {"1", "0"}, "sync the directory of a new store"),
      Choice("init", {"rename", "direct"},
             "how a new store comes to be: under another name first, or in place"),
  };
  return specs;
}

Options ParseOptions(const EngineOptions& options) {
  Options parsed;
  parsed.protocol = ProtocolOf(ValueOf(options, "mutant"));
  const bool is_bare = parsed.protocol.has_bare_header;
  parsed.is_proposal_k = ValueOf(options, "proposal") == "K";
  parsed.slots = is_bare ? 1 : NumberOf(options, "slots");
  parsed.checksum = !is_bare && ValueOf(options, "checksum") == "on";
  parsed.barrier = ValueOf(options, "barrier") == "on";
  parsed.trust = ValueOf(options, "trust") == "flag" ? Trust::kFlag : Trust::kEqual;
  parsed.starts_from_older = parsed.is_proposal_k && ValueOf(options, "start") == "older";
  parsed.holds_one = parsed.is_proposal_k && ValueOf(options, "hold") == "one";
  parsed.finds_by_scan = ValueOf(options, "reclaim") == "scan";
  parsed.reclaim_every = NumberOf(options, "reclaim_every");
  parsed.reclaim_step = NumberOf(options, "reclaim_step");
  parsed.copied_pages = ValueOf(options, "bookkeeping") == "copied_pages";
  parsed.compact_every = NumberOf(options, "compact_every");
  parsed.page_size_bytes = NumberOf(options, "page_size");
  parsed.capacity = NumberOf(options, "capacity");
  parsed.sync_directory = ValueOf(options, "dirsync") == "1";
  parsed.create_by_rename = ValueOf(options, "init") == "rename";
  return parsed;
}

Expected<void> CheckTogether(const Options& options) {
  if (options.starts_from_older && options.trust == Trust::kEqual) {
    return Fail(ErrorCode::kInvalidArgument, "start=older needs trust=flag");
  }
  if (options.copied_pages && options.finds_by_scan) {
    return Fail(ErrorCode::kInvalidArgument, "bookkeeping=copied_pages needs reclaim=free_list");
  }
  if (options.is_proposal_k && !options.barrier) {
    return Fail(ErrorCode::kInvalidArgument, "barrier=off needs proposal=E");
  }
  return {};
}

}  // namespace plugpull::revision_tree
