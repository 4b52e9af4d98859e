// Goal: a store that is used on is judged by what it shows then, before and after it was closed.
#include "harness/stretch.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "harness/testing.h"
#include "workloads/workload.h"

namespace plugpull {
namespace {

using testing::HasSubstr;

// A store that is right until it has applied `bad_at` transactions since it was opened; then it
// misbehaves as it was told to.
class BadLater final : public Engine {
 public:
  enum class How : uint8_t { kFails, kForgets, kIsDamaged, kLeaks, kForgetsOnClosing };

  BadLater(Content& disk, How how, uint32_t bad_at)
      : disk_(disk), content_(disk), how_(how), bad_at_(bad_at) {}

  Expected<void> Open() override { return {}; }
  Expected<void> Apply(const Transaction& transaction) override {
    is_bad_ = is_bad_ || ++applied_ >= bad_at_;
    if (is_bad_ && how_ == How::kFails) return Fail(ErrorCode::kCorrupt, "no more pages");
    if (is_bad_ && how_ == How::kForgets) return {};
    ApplyTo(content_, transaction);
    if (!is_bad_ || how_ != How::kForgetsOnClosing) disk_ = content_;
    return {};
  }
  Expected<void> Scan(PairVisitor& visitor) override {
    for (const auto& [key, value] : content_) {
      visitor.OnPair(std::as_bytes(std::span(key)), std::as_bytes(std::span(value)));
    }
    return {};
  }
  Expected<CheckReport> Check() override {
    CheckReport report;
    if (is_bad_ && how_ == How::kIsDamaged) report.structure.emplace_back("bent");
    if (is_bad_ && how_ == How::kLeaks) report.leaks.emplace_back("drips");
    return report;
  }
  Expected<void> Close() override { return {}; }

 private:
  Content& disk_;
  Content content_;
  How how_;
  uint32_t bad_at_;
  uint32_t applied_ = 0;
  bool is_bad_ = false;
};

// Lets a store of this kind apply transactions 4 to 9. Returns: what was wrong.
std::optional<Violation> Use(BadLater::How how, uint32_t bad_at,
                             Promise promise = Promise::kDurable) {
  std::vector<Transaction> transactions;
  for (int i = 1; i <= 9; ++i) transactions.push_back(Put("k" + std::to_string(i), "v"));
  const ReferenceModel model(transactions);
  Content disk = model.After(3);
  const FunctionEngineType type(
      [&](Vfs&) { return std::make_unique<BadLater>(disk, how, bad_at); });
  const Target target{.type = &type, .options = {}, .text = "bad"};
  std::atomic<Phase> phase = Phase::kOpen;
  MemoryVfs vfs;
  return Stretch(target, transactions, model, promise, phase).Judge(vfs, 3);
}

TEST(Stretch, HoldsWhereNothingIsWrong) { EXPECT_EQ(Use(BadLater::How::kFails, 7), std::nullopt); }

TEST(Stretch, SeesAFailureAndSaysWhichTransactionItWas) {
  const auto violation = Use(BadLater::How::kFails, 6);
  ASSERT_TRUE(violation.has_value());
  EXPECT_EQ(violation->violation, ViolationClass::kUnusableAfter);
  EXPECT_THAT(violation->message, HasSubstr("transaction 9 failed: no more pages"));
}

TEST(Stretch, SeesWrongContentsDamageAndLeaks) {
  using enum BadLater::How;
  EXPECT_EQ(Use(kForgets, 6)->violation, ViolationClass::kLostCommit);
  EXPECT_EQ(Use(kIsDamaged, 6)->violation, ViolationClass::kStructure);
  EXPECT_EQ(Use(kLeaks, 6)->violation, ViolationClass::kLeak);
}

TEST(Stretch, SeesWhatIsThereOnlyUntilTheStoreIsClosed) {
  EXPECT_EQ(Use(BadLater::How::kForgetsOnClosing, 6)->violation, ViolationClass::kLostCommit);
}

TEST(Stretch, CallsNothingAViolationThatWasNotPromised) {
  using enum BadLater::How;
  EXPECT_EQ(Use(kForgets, 6, Promise::kPrefix), std::nullopt);
  EXPECT_TRUE(Use(kFails, 6, Promise::kIntact).has_value());
  EXPECT_EQ(Use(kFails, 6, Promise::kOpens), std::nullopt);
}

}  // namespace
}  // namespace plugpull
