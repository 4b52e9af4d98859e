// Goal: every strategy of the registry is a target that opens, and lists choose what they name.
#include "workloads/strategies/strategy.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "faults/vfs/memory_vfs.h"
#include "workloads/strategies/testing.h"

namespace plugpull {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::vector<std::string> Chosen(std::string_view list) {
  const auto strategies = ChooseStrategies(list);
  EXPECT_TRUE(strategies.has_value());
  std::vector<std::string> names;
  for (const Strategy* strategy : *strategies) names.emplace_back(strategy->name);
  return names;
}

std::string Complaint(std::string_view list) {
  const auto strategies = ChooseStrategies(list);
  EXPECT_FALSE(strategies.has_value()) << list;
  return strategies ? "" : strategies.error().context;
}

TEST(Strategies, AreTargetsThatOpen) {
  ASSERT_TRUE(strategies::FilesTarget("").has_value());
  std::set<std::string_view> names;
  std::set<std::string_view> targets;
  for (const Strategy& strategy : Strategies()) {
    const Expected<Target> target = ParseTarget(strategy.target);
    ASSERT_TRUE(target.has_value()) << strategy.name << ": " << target.error().context;
    MemoryVfs vfs;
    EXPECT_TRUE(target->Create(vfs)->Open().has_value()) << strategy.name;
    EXPECT_TRUE(names.insert(strategy.name).second) << strategy.name;
    EXPECT_TRUE(targets.insert(strategy.target).second) << strategy.name;
    EXPECT_EQ(strategy.name.find_first_of(", *"), std::string_view::npos);
    EXPECT_LE(strategy.name.size(), 19u) << "wider than the column of a terminal";
    EXPECT_LE(strategy.description.size(), 45u) << strategy.name;
  }
  EXPECT_GE(names.size(), 18u);
}

TEST(Strategies, AreChosenByNameAndByTheBeginningOfOne) {
  EXPECT_EQ(Chosen("").size(), Strategies().size());
  EXPECT_EQ(Chosen("all").size(), Strategies().size());
  EXPECT_EQ(Chosen("*").size(), Strategies().size());
  EXPECT_THAT(Chosen("append-fsync"), ElementsAre("append-fsync"));
  EXPECT_THAT(Chosen("wal,append-fsync,wal"), ElementsAre("append-fsync", "wal"));
  EXPECT_THAT(Chosen("replace-f*,cow*"),
              ElementsAre("replace-file", "replace-full", "cow-tree", "cow-tree-bbolt"));
}

TEST(Strategies, ThatDoNotExistAreNamed) {
  EXPECT_THAT(Complaint("apend-fsync"), HasSubstr("did you mean 'append-fsync'?"));
  EXPECT_THAT(Complaint("wal,x*"), HasSubstr("there is no strategy 'x*'"));
  EXPECT_THAT(Complaint("wal,"), HasSubstr("there is no strategy ''"));
}

}  // namespace
}  // namespace plugpull
