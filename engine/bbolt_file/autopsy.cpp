#include "engine/bbolt_file/autopsy.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>

#include "engine/bbolt_file/diagnosis.h"
#include "engine/bbolt_file/duplicates.h"
#include "engine/bbolt_file/page_graph.h"

namespace plugpull::bbolt_file {
namespace {

using namespace cow_tree;

Comparison Compare(const std::vector<TreeWalk>& walks) {
  Comparison comparison;
  if (walks.size() < 2) return comparison;
  comparison.is_possible = true;
  const std::vector<uint64_t>& active = walks[0].reached().words();
  const std::vector<uint64_t>& previous = walks[1].reached().words();
  for (size_t word = 0; word < std::max(active.size(), previous.size()); ++word) {
    const uint64_t left = word < active.size() ? active[word] : 0;
    const uint64_t right = word < previous.size() ? previous[word] : 0;
    comparison.shared_pages += std::popcount(left & right);
    comparison.only_active += std::popcount(left & ~right);
    comparison.only_previous += std::popcount(right & ~left);
  }
  return comparison;
}

// Returns: an active first list of the trees of valid metas, walked.
Expected<std::vector<TreeWalk>> WalkTrees(WalkContext& context, const MetaPages& metas) {
  std::vector<TreeWalk> walks;
  if (!metas.active()) return walks;
  walks.reserve(2);
  for (const PageId slot : {*metas.active(), 1 - *metas.active()}) {
    if (!metas.IsValid(slot)) continue;
    walks.emplace_back(context, slot, *metas.slots[slot].meta, static_cast<uint8_t>(walks.size()));
    if (Expected<void> done = walks.back().Run(); !done) return std::unexpected(done.error());
  }
  return walks;
}

Recoverability Judge(const Autopsy& autopsy, bool is_freelist_sound, bool are_metas_sound) {
  if (autopsy.trees.empty()) return Recoverability::kNothingLeft;
  const TreeFinding& active = autopsy.trees[0];
  const bool is_other_whole = autopsy.trees.size() == 2 && autopsy.trees[1].is_whole;
  if (active.is_whole && is_freelist_sound && are_metas_sound) return Recoverability::kSound;
  if (active.is_whole && is_freelist_sound) return Recoverability::kPreviousMeta;
  if (active.is_whole) return Recoverability::kFreelistScan;
  if (is_other_whole) return Recoverability::kPreviousMeta;
  const bool has_keys = std::any_of(autopsy.trees.begin(), autopsy.trees.end(),
                                    [](const TreeFinding& tree) { return tree.keys > 0; });
  return has_keys ? Recoverability::kPageSurgery : Recoverability::kNothingLeft;
}

// A transaction that was cut off while it wrote its pages leaves the tree before the active one
// half overwritten, as it may: those pages were free.
void AddNotes(Autopsy& autopsy) {
  if (autopsy.is_sound() && autopsy.trees.size() == 2 && !autopsy.trees[1].is_whole) {
    autopsy.notes.push_back(
        "the tree of the older meta is not whole any more: a transaction was being written after "
        "the newest one, over pages that were free; this is no damage, but surgery revert-meta "
        "would do some");
  }
  if (autopsy.changed_while_read) {
    autopsy.notes.push_back(
        "somebody wrote to the file while it was read: what is said here may be of two states of "
        "it; stop the writer, or examine a copy");
  }
}

}  // namespace

Expected<Autopsy> Examine(const std::string& path, const AutopsySettings& settings) {
  Expected<PageFile> file = PageFile::Open(path);
  if (!file) return std::unexpected(file.error());
  Expected<MetaPages> metas = ReadMetas(*file);
  if (!metas) {
    Error error = metas.error();
    if (error.code == ErrorCode::kCorrupt)
      error.context = fmt::format("'{}': {}", path, error.context);
    return std::unexpected(std::move(error));
  }
  file->set_page_size_bytes(metas->page_size_bytes);
  const Expected<Census> census = Census::Take(*file);
  if (!census) return std::unexpected(census.error());
  Evidence evidence;
  WalkContext context{.file = *file,
                      .census = *census,
                      .settings = settings,
                      .evidence = evidence,
                      .sound_bounds = std::vector<uint64_t>(census->page_count())};
  Expected<std::vector<TreeWalk>> walks = WalkTrees(context, *metas);
  if (!walks) return std::unexpected(walks.error());
  FreelistCheck freelist;
  if (!walks->empty()) {
    Expected<FreelistCheck> checked = CheckFreelist(
        *file, *census, *metas->slots[*metas->active()].meta, walks->front(), evidence);
    if (!checked) return std::unexpected(checked.error());
    freelist = *std::move(checked);
  }

  Autopsy autopsy{.path = path,
                  .file_bytes = file->size_bytes(),
                  .page_size_bytes = metas->page_size_bytes,
                  .file_pages = census->page_count(),
                  .metas = metas->slots,
                  .active_reason = metas->active_reason,
                  .file_violations = metas->violations,
                  .freelist = freelist.finding};
  const Examination examination{.file = *file,
                                .census = *census,
                                .metas = *metas,
                                .walks = *walks,
                                .freelist = freelist,
                                .evidence = evidence};
  autopsy.comparison = Compare(*walks);
  autopsy.comparison.previous_is_whole = examination.IsPreviousWhole();
  DuplicatePages duplicates = FindDuplicates(*census, *walks, settings.duplicates_max);
  autopsy.duplicates = std::move(duplicates.first);
  autopsy.duplicate_count = duplicates.count;
  autopsy.file_violations.insert(autopsy.file_violations.end(), freelist.violations.begin(),
                                 freelist.violations.end());
  const bool is_sound = examination.IsActiveWhole() && autopsy.file_violations.empty();
  if (!is_sound) {
    Expected<Findings> findings = Diagnose(examination);
    if (!findings) return std::unexpected(findings.error());
    Expected<Graph> graph = DrawGraph(examination, findings->suspects, settings.graph_pages_max);
    if (!graph) return std::unexpected(graph.error());
    autopsy.diagnoses = std::move(findings->diagnoses);
    autopsy.suspects = std::move(findings->suspects);
    autopsy.graph = *std::move(graph);
  }
  const bool has_lost_its_way = examination.IsActiveWhole() && examination.HasLostItsWay();
  for (TreeWalk& walk : *walks) autopsy.trees.push_back(std::move(walk.finding()));
  autopsy.recoverability = Judge(autopsy, freelist.violations.empty(), metas->violations.empty());
  if (has_lost_its_way) autopsy.recoverability = Recoverability::kPreviousMeta;
  const Expected<MetaPages> metas_now = ReadMetas(*file);
  autopsy.changed_while_read = file->HasChanged() || !metas_now || metas_now->bytes != metas->bytes;
  if (autopsy.changed_while_read) {
    for (Diagnosis& diagnosis : autopsy.diagnoses) diagnosis.confidence = Confidence::kPossible;
  }
  AddNotes(autopsy);
  return autopsy;
}

std::string_view Describe(Recoverability recoverability) {
  switch (recoverability) {
    case Recoverability::kSound:
      return "sound";
    case Recoverability::kPreviousMeta:
      return "cured by previous meta";
    case Recoverability::kFreelistScan:
      return "cured by scan of freelist";
    case Recoverability::kPageSurgery:
      return "needs page surgery";
    case Recoverability::kNothingLeft:
      return "nothing left";
  }
  return "unknown";
}

std::string_view Describe(Confidence confidence) {
  switch (confidence) {
    case Confidence::kCertain:
      return "certain";
    case Confidence::kLikely:
      return "likely";
    case Confidence::kPossible:
      return "possible";
  }
  return "unknown";
}

}  // namespace plugpull::bbolt_file
