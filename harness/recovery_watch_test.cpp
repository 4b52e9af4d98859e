// Goal: what a recovery was seen to do comes back as it was written down, whatever a dying engine
// did to the memory; and contents are compared with what was promised, key by key.
#include "harness/recovery_watch.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "faults/base/random.h"
#include "harness/testing.h"

namespace plugpull {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

const StoryCall kRead = {.call = {.kind = VfsCallKind::kRead,
                                  .path = "test.db",
                                  .offset_bytes = 4096,
                                  .size_bytes = 512},
                         .is_opening = true};
const StoryCall kRename = {
    .call = {.kind = VfsCallKind::kRename, .done = false, .path = "a", .other = "b"},
    .is_opening = false};

struct LogMemory {
  explicit LogMemory(size_t size) : bytes(size) {}
  std::vector<std::byte> bytes;
  uint32_t used_bytes = 99;
  bool is_cut = true;
};

TEST(CallLogTest, CallsComeBackAsTheyWere) {
  LogMemory memory(1000);
  CallLog log(memory.bytes, memory.used_bytes, memory.is_cut);
  log.Add(kRead);
  log.Add(kRename);
  EXPECT_FALSE(memory.is_cut);
  EXPECT_THAT(ReadCallLog(memory.bytes, memory.used_bytes), ElementsAre(kRead, kRename));
}

TEST(CallLogTest, WhatDoesNotFitIsLeftOutAndSaid) {
  LogMemory memory(20);
  CallLog log(memory.bytes, memory.used_bytes, memory.is_cut);
  log.Add(kRead);
  log.Add(kRead);
  log.Add(kRename);
  EXPECT_TRUE(memory.is_cut);
  EXPECT_THAT(ReadCallLog(memory.bytes, memory.used_bytes), ElementsAre(kRead));
}

TEST(CallLogTest, NonsenseInTheMemoryIsNoDanger) {
  Random random(7);
  for (int i = 0; i < 1000; ++i) {
    std::vector<std::byte> bytes(64);
    for (std::byte& byte : bytes) byte = static_cast<std::byte>(random.Below(256));
    EXPECT_LE(ReadCallLog(bytes, static_cast<uint32_t>(random.Below(1u << 30))).size(), 64);
  }
}

TEST(ContentDifferenceTest, KeysSayWhoseValueTheyHaveAndWhoseTheyShouldHave) {
  const std::vector<Transaction> transactions = {Put("a", "1"), Put("b", "2"), Put("a", "3"),
                                                 Delete("b")};
  const ReferenceModel model(transactions);
  const ContentDifference difference =
      DifferenceOf({{"a", "1"}, {"b", "2"}, {"c", "x"}}, model, transactions, {4, 4});
  EXPECT_EQ(difference.count, 3);
  EXPECT_EQ(difference.expected_after, 4);
  EXPECT_THAT(
      difference.keys,
      ElementsAre(KeyDifference{.key = "a",
                                .is_found = true,
                                .found_from = 1,
                                .is_expected = true,
                                .expected_from = 3},
                  KeyDifference{.key = "b", .is_found = true, .found_from = 2, .expected_from = 4},
                  KeyDifference{.key = "c", .is_found = true}));
  const Expected<ContentDifference> read = ContentDifferenceFromJson(ToJson(difference));
  ASSERT_TRUE(read.has_value());
  EXPECT_EQ(*read, difference);
  EXPECT_FALSE(ContentDifferenceFromJson(nlohmann::json::object()).has_value());
}

TEST(ContentDifferenceTest, WhatATransactionUnderWayWroteIsRight) {
  const std::vector<Transaction> transactions = {Put("a", "1"), Put("a", "2")};
  const ReferenceModel model(transactions);
  EXPECT_THAT(DifferenceOf({{"a", "2"}}, model, transactions, {1, 2}).keys, IsEmpty());
}

}  // namespace
}  // namespace plugpull
