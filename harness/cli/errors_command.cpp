#include "harness/cli/errors_command.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "faults/inject/failure_plan.h"
#include "faults/persistence/model_text.h"
#include "harness/cli/commands.h"
#include "harness/cli/exit_code.h"
#include "harness/cli/output.h"
#include "harness/cli/progress_display.h"
#include "harness/cli/say.h"
#include "harness/error_campaign.h"

namespace plugpull {

void AddErrorOptions(CLI::App& command, Options& options) {
  command.add_option(
      "--errors", options.errors,
      fmt::format("Calls that fail while the target runs: each (every call in turn; then "
                  "--transactions is {} unless given), or a plan as in "
                  "fail(point=vfs/sync,call=3,errno=EIO); see list failures",
                  kErrorTransactions));
  options.transactions_option = command.get_option("--transactions");
}

int RunErrorsCommand(Options options) {
  const bool is_given =
      options.transactions_option != nullptr && options.transactions_option->count() > 0;
  if (!is_given) options.transactions = kErrorTransactions;
  if (options.errors != "each") {
    // Wrong words are found here, before a child is started for them.
    if (const auto plan = ParseFailurePlan(options.errors); !plan) return Complain(plan.error());
  }
  const Expected<RecordSettings> record = ToRecordSettings(options);
  if (!record) return Complain(record.error());
  const Expected<ExploreOptions> explore = ToExploreOptions(options);
  if (!explore) return Complain(explore.error());
  if (explore->all_models) {
    return Complain(
        {ErrorCode::kInvalidArgument, "--errors needs one model: name it with --model, not all"});
  }
  const Expected<void> alone =
      RefuseCompany(options, "are not looked at where calls fail (--errors)");
  if (!alone) return Complain(alone.error());
  if (!explore->faults.empty() || explore->cycles > 1) {
    return Complain({ErrorCode::kInvalidArgument,
                     "--errors goes with a correct disk and one cycle: leave out --cycles, and "
                     "--faults beyond the disk's contract"});
  }
  if (const Expected<void> prepared = PrepareOutput(options); !prepared) {
    return Complain(prepared.error());
  }
  if (!options.quiet) {
    Say("{}: seed {}, {} transactions, errors {}, model {}, {} jobs\n", explore->settings.target,
        explore->settings.seed, options.transactions, options.errors,
        ModelText(*explore->settings.model), explore->jobs);
  }
  ProgressDisplay display(explore->settings.target, options.quiet);
  Expected<Result> result =
      RunErrorCampaign(*record, options.errors, *explore,
                       [&display](const ExploreProgress& p) { return display.Show(p); });
  display.Finish();
  if (!result) return Complain(result.error());
  result->command = "run";
  if (const Expected<void> written = WriteOutput(options, *result); !written) {
    return Complain(written.error());
  }
  if (result->interrupted) return kExitInterrupted;
  if (result->verdict == Verdict::kViolated) return kExitFound;
  if (result->verdict == Verdict::kHeld) return kExitHeld;
  for (const std::string& reason : result->coverage.unknown) {
    if (!reason.starts_with("never fired")) continue;
    return Complain({ErrorCode::kInvalidArgument,
                     fmt::format("{}: the run makes no such call; `plugpull list failures` names "
                                 "the points, --errors each counts their calls",
                                 reason)});
  }
  return kExitNotReproduced;
}

void ListFailures() {
  for (size_t i = 0; i < kFailurePoints; ++i) {
    const FailurePointInfo& info = InfoOf(static_cast<FailurePoint>(i));
    std::vector<std::string_view> ways;
    ways.reserve(info.errnos.size() + 1);
    for (const int os_errno : info.errnos) ways.push_back(ErrnoName(os_errno));
    if (info.is_short) ways.emplace_back("short");
    Print("{:<22} {} ({})\n", info.name, info.description, fmt::join(ways, " "));
  }
  Print("\nAftermaths of a failed vfs/sync:");
  for (size_t i = 0; i < kAftermaths; ++i) Print(" {}", Name(static_cast<Aftermath>(i)));
  Print("\nA plan: fail(point=vfs/sync,path=*-wal,call=3,errno=EIO,then=once,after=restart)\n");
}

}  // namespace plugpull
