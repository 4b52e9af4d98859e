#include "harness/selftest/planted_bug.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <utility>

#include "faults/base/nearest.h"

namespace plugpull {
namespace {

struct EngineBugs {
  std::string_view engine;
  std::vector<PlantedBug> (*bugs)();
};

constexpr EngineBugs kEngines[] = {
    {"cow_tree", CowTreeBugs},
    {"revision_tree", RevisionTreeBugs},
    {"serial_log", SerialLogBugs},
};

}  // namespace

std::string Attack::Text() const {
  const Attack ordinary;
  std::string text = fmt::format("{} transactions", transactions);
  const auto add = [&text](bool is_other, const std::string& words) {
    if (is_other) text += ", " + words;
  };
  add(workload != ordinary.workload, fmt::format("workload {}", workload));
  add(keys != ordinary.keys, fmt::format("{} keys", keys));
  add(seed != ordinary.seed, fmt::format("seed {}", seed));
  add(readers != 0, fmt::format("{} readers", readers));
  add(rollbacks != 0, fmt::format("{} rollbacks", rollbacks));
  add(cycles != 1, fmt::format("{} cycles", cycles));
  add(depth != ordinary.depth, fmt::format("depth {}", depth));
  add(crashes_from != 0, fmt::format("crashes from transaction {} on", crashes_from));
  add(model != ordinary.model, fmt::format("model {}", model));
  add(!faults.empty(), std::string(faults));
  add(!errors.empty(), fmt::format("errors {}", errors));
  return text;
}

Expected<std::vector<PlantedBug>> PlantedBugs(const std::string& engine) {
  std::vector<PlantedBug> bugs;
  std::vector<std::string> names;
  for (const EngineBugs& each : kEngines) {
    names.emplace_back(each.engine);
    if (!engine.empty() && engine != each.engine) continue;
    for (PlantedBug& bug : each.bugs()) bugs.push_back(std::move(bug));
  }
  if (bugs.empty()) {
    return Fail(ErrorCode::kInvalidArgument,
                fmt::format("no bugs are planted in an engine '{}'{} (one of {})", engine,
                            NearestHint(engine, names), fmt::join(names, " ")));
  }
  return bugs;
}

}  // namespace plugpull
