#include "engine/bbolt_file/diagnosis.h"

#include <fmt/format.h>

#include <algorithm>

namespace plugpull::bbolt_file {
namespace {

using namespace cow_tree;

constexpr PageId kInitialPages = 4;

bool IsMissing(const Examination& seen, PageId page) {
  return page >= seen.census.page_count() || seen.census.At(page).is_zero;
}

// The end of the file is before the end of what the active meta says is in use.
std::optional<Diagnosis> DiagnoseCutFile(const Examination& seen) {
  if (seen.walks.empty() || seen.active_meta().high_water_mark <= seen.census.page_count()) {
    return std::nullopt;
  }
  const PageId pages = seen.census.page_count();
  return Diagnosis{
      .level = FaultLevel::kLyingFlush,
      .fault = "file cut short",
      .page = pages,
      .confidence = Confidence::kCertain,
      .possible_on_honest_disk = false,
      .sentence = fmt::format(
          "the file ends at page {}, its meta says that {} pages are in use: a file system that "
          "forgot a size which it had synced, a copy that stopped, or somebody cut it; no crash on "
          "an honest disk yields this",
          pages, seen.active_meta().high_water_mark),
      .advice = seen.IsPreviousWhole() ? "surgery revert-meta" : "surgery salvage"};
}

}  // namespace

// The first write of a database is one of four pages, and it is not atomic.
std::optional<Diagnosis> DiagnoseTornCreation(const Examination& seen) {
  const auto is_initial = [&](PageId slot) {
    const MetaFinding& finding = seen.metas.slots[slot];
    return finding.fault.empty() && finding.meta->transaction_id == slot &&
           finding.meta->high_water_mark == kInitialPages;
  };
  if (!is_initial(0) && !is_initial(1)) return std::nullopt;
  const bool may_be_used =
      (seen.metas.IsValid(0) && !is_initial(0)) || (seen.metas.IsValid(1) && !is_initial(1));
  if (may_be_used || seen.census.page_count() > 8 * kInitialPages) return std::nullopt;
  for (PageId page = 0; page < kInitialPages; ++page) {
    const bool is_lost_meta = page < 2 && !seen.metas.IsValid(page);
    if (!is_lost_meta && !(page >= 2 && IsMissing(seen, page))) continue;
    return Diagnosis{
        .level = FaultLevel::kTornWrite,
        .fault = "torn first write",
        .page = page,
        .confidence = Confidence::kLikely,
        .possible_on_honest_disk = true,
        .sentence = fmt::format(
            "page {} of the four that the first write makes is missing: the power went while the "
            "database was created; an honest disk may do this, and nothing was ever stored",
            page),
        .advice = "delete the file; bbolt makes a new one"};
  }
  return std::nullopt;
}

Expected<Findings> Diagnose(const Examination& seen) {
  Findings findings;
  if (std::optional<Diagnosis> torn = DiagnoseTornCreation(seen)) {
    findings.diagnoses.push_back(*std::move(torn));
    return findings;
  }
  if (std::optional<Diagnosis> cut = DiagnoseCutFile(seen)) {
    findings.diagnoses.push_back(*std::move(cut));
  }
  Expected<std::vector<Culprit>> culprits = FindCulprits(seen);
  if (!culprits) return std::unexpected(culprits.error());
  DiagnosePages(seen, *culprits, findings);
  DiagnoseMetas(seen, findings.diagnoses);
  DiagnoseFreelist(seen, findings.diagnoses);
  if (findings.diagnoses.empty() && !seen.walks.empty() && !seen.IsActiveWhole()) {
    const TreeFinding& tree = seen.walks[0].finding();
    findings.diagnoses.push_back(Diagnosis{
        .fault = "broken tree",
        .page = tree.violations.empty() ? 0 : tree.violations.front().page,
        .confidence = Confidence::kPossible,
        .sentence = "no single fault of the storage explains what is broken: a bug of the software "
                    "that wrote the file, or many faults at once",
        .advice = "surgery salvage"});
  }
  return findings;
}

}  // namespace plugpull::bbolt_file
