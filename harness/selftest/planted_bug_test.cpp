// Goal: the rows of the selftest make sense, and none that was asked for is forgotten.
#include "harness/selftest/planted_bug.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <regex>
#include <set>

#include "engine/target.h"
#include "faults/inject/fault_call.h"
#include "faults/inject/fault_level.h"
#include "harness/fault_search.h"

namespace plugpull {
namespace {

TEST(PlantedBugs, AreWholeAndSound) {
  const Expected<std::vector<PlantedBug>> bugs = PlantedBugs();
  ASSERT_TRUE(bugs.has_value());
  std::set<std::string_view> names;
  for (const PlantedBug& bug : *bugs) {
    SCOPED_TRACE(bug.name);
    EXPECT_TRUE(names.insert(bug.name).second) << "two rows of one name";
    EXPECT_EQ(bug.name.find_first_of("/ "), std::string_view::npos) << "it names a directory";
    const Expected<Target> target = ParseTarget(std::string(bug.target));
    EXPECT_TRUE(target.has_value()) << Describe(target.error());
    EXPECT_NO_THROW(std::regex(std::string(bug.symptom)));
    const bool must_be_found = bug.expectation == Expectation::kKilled || bug.beyond.has_value();
    EXPECT_EQ(must_be_found, !bug.classes.empty());
    EXPECT_EQ(bug.expectation == Expectation::kEquivalent, !bug.why.empty());
    for (const Attack& attack : {bug.attack, bug.beyond.value_or(Attack())}) {
      if (attack.faults.empty()) continue;
      const auto faults = ParseFaults(std::string(attack.faults), FaultForm::kSpecification);
      ASSERT_TRUE(faults.has_value()) << Describe(faults.error());
      EXPECT_TRUE(IsBeyondContract(*faults));
    }
  }
}

TEST(PlantedBugs, OfCowTreeAreAllThere) {
  std::set<std::string_view> names;
  std::set<FaultLevel> faults;
  size_t held = 0;
  for (const PlantedBug& bug : CowTreeBugs()) {
    names.insert(bug.name);
    faults.insert(bug.level);
    held += bug.expectation == Expectation::kHeld;
  }
  for (const char* name : {"M1",  "M2",   "M3",   "M4",  "M5",  "M6",  "M7a", "M7b", "M8",
                           "M9",  "M10a", "M10b", "M11", "M12", "M13", "M14", "M15", "M16",
                           "M17", "M18",  "M19",  "M20", "R1",  "R2",  "C1",  "C2"}) {
    EXPECT_TRUE(names.contains(name)) << name;
  }
  EXPECT_GE(held, 6u);
  for (const FaultInfo& fault : Faults()) {
    if (fault.legal) continue;
    EXPECT_TRUE(faults.contains(fault.level)) << fault.name;
  }
}

TEST(PlantedBugs, OfRevisionTreeAreAllThere) {
  std::set<std::string> names;
  size_t held = 0;
  for (const PlantedBug& bug : RevisionTreeBugs()) {
    names.insert(std::string(bug.name));
    held += bug.expectation == Expectation::kHeld;
  }
  for (int number = 1; number <= 12; ++number) {
    EXPECT_TRUE(names.contains("MV" + std::to_string(number))) << number;
  }
  EXPECT_GE(held, 12u);
}

TEST(PlantedBugs, OfSerialLogAreAllThere) {
  std::set<std::string_view> names;
  size_t held = 0;
  for (const PlantedBug& bug : SerialLogBugs()) {
    names.insert(bug.name);
    held += bug.expectation == Expectation::kHeld;
  }
  for (int number = 1; number <= 14; ++number) {
    EXPECT_TRUE(names.contains(fmt::format("MF{}", number))) << number;
  }
  EXPECT_GE(held, 6u);
}

TEST(PlantedBugs, OfAnEngineThatHasNoneAreAnError) {
  const Expected<std::vector<PlantedBug>> bugs = PlantedBugs("cow_three");
  ASSERT_FALSE(bugs.has_value());
  EXPECT_EQ(bugs.error().code, ErrorCode::kInvalidArgument);
  EXPECT_THAT(bugs.error().context, testing::HasSubstr("did you mean 'cow_tree'"));
}

TEST(PlantedBugs, AnAttackSaysWhatIsNotOrdinaryInIt) {
  EXPECT_EQ(Attack{}.Text(), "8 transactions");
  EXPECT_EQ((Attack{.transactions = 3, .readers = 2, .rollbacks = 1, .faults = "bit-rot"}).Text(),
            "3 transactions, 2 readers, 1 rollbacks, bit-rot");
}

}  // namespace
}  // namespace plugpull
