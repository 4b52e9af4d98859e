#include "harness/selftest/attack.h"

#include "faults/inject/fault_call.h"
#include "faults/persistence/model_text.h"
#include "harness/cycles.h"
#include "harness/error_campaign.h"
#include "harness/record.h"

namespace plugpull {

Expected<Result> RunAttack(const std::string& target, const Attack& attack,
                           const std::string& out_directory, const OnProgress& on_progress) {
  const RecordSettings record{
      .target = target,
      .workload = std::string(attack.workload),
      .options = {.seed = attack.seed, .transactions = attack.transactions, .keys = attack.keys},
      .company = {.readers = attack.readers, .rollbacks = attack.rollbacks}};
  ExploreOptions explore;
  ExploreSettings& settings = explore.settings;
  settings.target = target;
  settings.seed = attack.seed;
  settings.keys = attack.keys;
  settings.readers = attack.readers;
  settings.depth = attack.depth;
  explore.all_models = attack.model == "all";
  if (!explore.all_models) {
    const Expected<const Model*> model = ParseModel(std::string(attack.model));
    if (!model) return std::unexpected(model.error());
    settings.model = *model;
  }
  explore.legal = attack.faults.empty();
  if (!explore.legal) explore.faults = SplitFaultList(std::string(attack.faults));
  explore.cycles = attack.cycles;
  explore.out_directory = out_directory;
  if (!attack.errors.empty()) {
    return RunErrorCampaign(record, std::string(attack.errors), explore, on_progress);
  }
  const Expected<Trace> trace = Record(record);
  if (!trace) return std::unexpected(trace.error());
  if (attack.crashes_from != 0) explore.first_position = BeginOf(*trace, attack.crashes_from);
  return ExploreCycles(record, *trace, explore, on_progress);
}

}  // namespace plugpull
