// Goal: a crash at a position that is left out leaves nothing that a crash at a point that is
// explored does not leave as well, in any model.
// Method: small random traces with transactions in them, named models and random ones; all legal
// states of each position, by the plain enumeration, as what a program can see of them.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include "faults/persistence/materialise.h"
#include "faults/persistence/testing.h"
#include "faults/trace/random_operations.h"
#include "harness/crash_points.h"

namespace plugpull {
namespace {

constexpr uint64_t kTraces = 150;
constexpr uint64_t kRandomModels = 600;
constexpr uint64_t kTracesOfRandomModel = 12;
constexpr size_t kMostStates = 300;

// Returns: everything that a crash at `position` may leave, nothing when that is too much.
std::optional<std::set<std::string>> LeftAt(const Trace& trace, size_t position, const Model& model,
                                            Tear tear) {
  const auto states = ReferenceStates(trace, position, model, tear, kMostStates);
  if (!states) return std::nullopt;
  std::set<std::string> left;
  for (const std::vector<AtomId>& lost : *states) {
    left.insert(Visible(Materialise(trace, position, lost, EffectiveTear(model, tear))));
  }
  return left;
}

class CollapseTest : public ::testing::Test {
 protected:
  void Try(const Model& model, uint64_t seed) {
    const Trace trace = RandomOperations(seed, static_cast<int>(4 + seed % 5));
    const Tear tear = kAllTears[seed / 5 % std::size(kAllTears)];
    const std::vector<size_t> points = CrashPoints(trace, model, Promise::kPrefix);
    for (size_t position = 0; position <= trace.ops.size(); ++position) {
      const auto point = std::ranges::lower_bound(points, position);
      if (point == points.end() || *point == position) continue;
      const auto left = LeftAt(trace, position, model, tear);
      auto explored = LeftAt(trace, *point, model, tear);
      if (!left || !explored) continue;
      // Where nothing was issued since the point before, syncs have only taken states away.
      if (point != points.begin()) {
        auto before = LeftAt(trace, *std::prev(point), model, tear);
        if (!before) continue;
        explored->merge(*before);
      }
      ++compared_;
      const bool is_seen = std::ranges::includes(*explored, *left);
      if (!is_seen && ++missed_ <= 5) {
        std::string ops;
        const std::map<InodeId, std::string> names = LastNames(trace);
        for (const Op& op : trace.ops) ops += "\n  " + Describe(op, names);
        ADD_FAILURE() << fmt::format(
                             "model {}, seed {}, tear {}: {} of {} states at {} are not at {}",
                             model.name, seed, Name(tear),
                             std::ranges::count_if(*left,
                                                   [&](const std::string& each) {
                                                     return !explored->contains(each);
                                                   }),
                             left->size(), position, *point)
                      << ops;
      }
    }
  }

  uint64_t compared_ = 0;
  int missed_ = 0;
};

TEST_F(CollapseTest, OfNamedModelsLosesNothing) {
  for (const Model& model : Models()) {
    for (uint64_t seed = 1; seed <= kTraces; ++seed) {
      Try(model, seed);
      Try(ContractProfile(model), seed);
    }
    for (const ModelVariant& variant : VariantsOf(model)) {
      for (uint64_t seed = 1; seed <= kTraces; ++seed) Try(variant.model, seed);
    }
  }
  for (const Model& model : FaultModels()) {
    for (uint64_t seed = 1; seed <= kTraces; ++seed) Try(model, seed);
  }
  EXPECT_EQ(missed_, 0);
  EXPECT_GT(compared_, 10 * kTraces);
}

TEST_F(CollapseTest, OfRandomModelsLosesNothing) {
  for (uint64_t i = 0; i < kRandomModels; ++i) {
    for (uint64_t k = 1; k <= kTracesOfRandomModel; ++k) {
      Try(RandomModel(i), i * kTracesOfRandomModel + k);
    }
  }
  EXPECT_EQ(missed_, 0);
  EXPECT_GT(compared_, 10 * kRandomModels);
}

}  // namespace
}  // namespace plugpull
