// Goal: whatever a named model leaves, posix-minimal leaves, too: what holds there holds
// everywhere. Method: small random traces; all legal states of both, by the plain enumeration.
#include <gtest/gtest.h>

#include <algorithm>
#include <optional>
#include <set>
#include <string>

#include "faults/persistence/materialise.h"
#include "faults/persistence/testing.h"
#include "faults/trace/random_operations.h"

namespace plugpull {
namespace {

constexpr uint64_t kTraces = 2'500;
constexpr size_t kMostStates = 1'500;

std::optional<std::set<std::string>> LeftBy(const Model& model, const Trace& trace, Tear tear) {
  const size_t position = trace.ops.size();
  const auto states = ReferenceStates(trace, position, model, tear, kMostStates);
  if (!states) return std::nullopt;
  std::set<std::string> left;
  for (const std::vector<AtomId>& lost : *states) {
    left.insert(Visible(Materialise(trace, position, lost, EffectiveTear(model, tear))));
  }
  return left;
}

TEST(PosixMinimal, LeavesWhateverAnotherModelLeaves) {
  const Model& weakest = Models().front();
  int missed = 0;
  int compared = 0;
  for (uint64_t seed = 1; seed <= kTraces; ++seed) {
    const Trace trace = RandomOperations(seed, static_cast<int>(3 + seed % 5));
    const Tear tear = kAllTears[seed / 5 % std::size(kAllTears)];
    // What a failed sync leaves is a matter of its own: where it takes the size back, a later sync
    // does not make that sure.
    if (std::ranges::any_of(trace.ops, [](const Op& op) { return op.result_errno != 0; })) continue;
    const auto most = LeftBy(weakest, trace, tear);
    if (!most) continue;
    const auto check = [&](const Model& model) {
      const auto left = LeftBy(model, trace, tear);
      if (!left) return;
      ++compared;
      if (std::ranges::includes(*most, *left) || ++missed > 5) return;
      std::string ops;
      for (const Op& op : trace.ops) ops += "\n  " + Describe(op, LastNames(trace));
      ADD_FAILURE() << model.name << ", seed " << seed << ", tear " << Name(tear) << ops;
    };
    for (const Model& model : Models()) {
      check(model);
      check(ContractProfile(model));
      if (&model == &weakest) continue;  // its variants are what it leaves out of POSIX
      for (const ModelVariant& variant : VariantsOf(model)) check(variant.model);
    }
    for (const Model& model : FaultModels()) check(model);
  }
  EXPECT_EQ(missed, 0);
  EXPECT_GT(compared, 10 * static_cast<int>(kTraces));
}

}  // namespace
}  // namespace plugpull
