// Goal: with every option, the engine shows what a std::map would, is sound after each transaction,
// and is so again after it was closed or just dropped at any time. Method: random transactions.
#include "engine/serial_log/test_support.h"

namespace plugpull::serial_log {
namespace {

class SerialLogTest : public testing::TestWithParam<const char*> {};

Transaction RandomTransaction(Random& random) {
  Transaction transaction;
  for (uint64_t count = 1 + random.Below(5); count > 0; --count) {
    Change change{fmt::format("key{:02}", random.Below(40)), std::nullopt};
    const size_t size = random.OneIn(1, 3) ? random.Below(3000) : random.Below(60);
    if (!random.OneIn(1, 4)) change.value = std::string(size, 'a' + char(random.Below(26)));
    transaction.changes.push_back(std::move(change));
  }
  return transaction;
}

TEST_P(SerialLogTest, ShowsWhatWasCommitted) {
  for (uint64_t seed = 1; seed <= 3; ++seed) {
    Random random(seed);
    MemoryVfs vfs;
    Contents expected;
    std::unique_ptr<Engine> engine = OpenEngine(vfs, GetParam());
    for (int number = 0; number < 80; ++number) {
      const Transaction transaction = RandomTransaction(random);
      if (random.OneIn(1, 10)) {
        ASSERT_TRUE(engine->Rollback(transaction).value_or(false));
      } else {
        const Expected<void> applied = engine->Apply(transaction);
        ASSERT_TRUE(applied.has_value()) << Describe(applied.error());
        for (const Change& change : transaction.changes) {
          if (change.value) {
            expected[change.key] = *change.value;
          } else {
            expected.erase(change.key);
          }
        }
      }
      if (random.OneIn(1, 6)) {
        if (random.OneIn(1, 3)) ExpectOk(engine->Close());
        engine.reset();
        engine = OpenEngine(vfs, GetParam());
      }
      ASSERT_EQ(ContentsOf(*engine), expected) << "seed " << seed << ", transaction " << number;
      ExpectSound(*engine);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Options, SerialLogTest,
                         testing::Values("", "fix=2a,page_size=512,window=4096,sections=5",
                                         "two_phase=on,group=3,page_size=1024",
                                         "flush_order=careful,fill=50,window=8192",
                                         "flush_order=descending,page_images=off,wal_rule=off",
                                         "log_checksum=off,page_checksum=off,page_size=16384"));

TEST(SerialLog, SaysWhatIsWrongWithASchedule) {
  const Expected<Target> target = ParseTarget("serial_log:schedule=gopher/wrote2");
  ASSERT_FALSE(target.has_value());
  EXPECT_THAT(target.error().context, testing::HasSubstr("no step 'wrote2'"));
  EXPECT_FALSE(ParseTarget("serial_log:schedule=").has_value());
  EXPECT_FALSE(ParseTarget("serial_log:schedule=write0").has_value());
  const Expected<Schedule> schedule = ParseSchedule("gopher/-/gopher2+begin/write1392!+write");
  ASSERT_TRUE(schedule.has_value());
  ASSERT_EQ(schedule->groups.size(), 4u);
  EXPECT_TRUE(schedule->groups[1].empty());
  EXPECT_EQ(schedule->groups[2][0], (Step{StepKind::kGopher, 2}));
  EXPECT_EQ(schedule->groups[3][0], (Step{StepKind::kWriteUntil, 1392}));
  EXPECT_EQ(schedule->groups[3][1], (Step{StepKind::kWrite, 0}));
}

}  // namespace
}  // namespace plugpull::serial_log
