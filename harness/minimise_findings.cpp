#include "harness/minimise_findings.h"

#include <filesystem>
#include <utility>

#include "harness/case_file.h"
#include "harness/crash_state.h"
#include "harness/further_crashes.h"
#include "harness/user_program.h"

namespace plugpull {

Expected<Result> Explore(const Trace& trace, const ExploreOptions& options,
                         const OnProgress& on_progress) {
  return ExploreMinimised(trace, options, /*state_tests=*/0, on_progress);
}

Expected<void> MinimiseCases(const std::string& out_directory, const MinimiseOptions& options,
                             Result& result) {
  for (Finding& finding : result.findings) {
    if (options.goes_on != nullptr && !options.goes_on()) return {};
    if (finding.case_path.empty() || !finding.errors.empty()) continue;
    const std::string path = (std::filesystem::path(out_directory) / finding.case_path).string();
    const Expected<Case> original = LoadCase(path);
    if (!original) return std::unexpected(original.error());
    const Expected<std::optional<Minimisation>> done = MinimiseCase(*original, options);
    if (!done) return std::unexpected(done.error());
    if (!*done || !(*done)->transactions_kept_because.empty()) continue;
    const Case& small = (*done)->small;
    if (small.signature != finding.signature) continue;
    if (const Expected<void> saved = SaveCase(path, small); !saved) return saved;
    const Expected<const EngineType*> type = TypeOfTarget(small.settings);
    if (!type) return std::unexpected(type.error());
    StateInspector inspector(small.trace, **type);
    const uint64_t lost_before =
        finding.minimised ? finding.minimised->lost_atoms_before : SizeOf(*original).lost_atoms;
    finding.minimised = {.transactions_before = original->window.attempted,
                         .transactions_after = (*done)->after.transactions,
                         .lost_atoms_before = lost_before,
                         .lost_atoms_after = (*done)->after.lost_atoms,
                         .is_minimal = small.minimised->is_minimal};
    finding.message = small.violation.message;
    finding.fault = small.fault;
    finding.fault_level = small.level;
    finding.crash_point = small.trace.ops.size();
    finding.transactions_attempted = small.window.attempted;
    finding.transactions_acknowledged = small.window.acknowledged;
    finding.lost = inspector.Lines(small.lost, small.settings.tear);
    finding.kept = inspector.Lines((*done)->kept, small.settings.tear);
    for (std::string& line : FurtherLines(small.further, **type, small.settings.tear)) {
      finding.lost.push_back(std::move(line));
    }
  }
  return {};
}

}  // namespace plugpull
