// Goal: a check command sees what the contract says and its end is told for what it was.
#include "harness/check_command.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

namespace plugpull {
namespace {

using testing::HasSubstr;

class Checks : public testing::Test {
 protected:
  Checks() { std::filesystem::create_directories(directory_); }
  ~Checks() override { std::filesystem::remove_all(directory_); }

  std::optional<Violation> Run(const std::string& command, std::string_view input = "",
                               int timeout_ms = 60'000) {
    Expected<CheckCommand> check = CheckCommand::Create(command);
    EXPECT_TRUE(check.has_value());
    auto found = check->Run(directory_, input, std::chrono::milliseconds(timeout_ms));
    EXPECT_TRUE(found.has_value()) << Describe(found.error());
    return found.value_or(std::nullopt);
  }

  const std::string directory_ =
      testing::TempDir() + "plugpull-check-" + std::to_string(::getpid());
};

TEST_F(Checks, RunInTheImageAndKnowWhereTheyComeFrom) {
  const std::string here = std::filesystem::current_path().string();
  EXPECT_EQ(Run("test \"$PLUGPULL_DIR\" = '" + directory_ + "'"), std::nullopt);
  EXPECT_EQ(Run("test \"$PWD\" = \"$(pwd -P)\" && test \"$PWD\" = \"$PLUGPULL_DIR\""),
            std::nullopt);
  EXPECT_EQ(Run("test \"$OLDPWD\" = '" + here + "'"), std::nullopt);
}

TEST_F(Checks, ReadWhatWasAcknowledgedAndNothingElse) {
  EXPECT_EQ(Run("test \"$(cat)\" = 'one\ntwo'", "one\ntwo\n"), std::nullopt);
  EXPECT_EQ(Run("test -z \"$(cat)\""), std::nullopt);
  // More than a pipe holds, read by nobody, and read again by the next.
  const std::string large(4 << 20, 'x');
  EXPECT_EQ(Run("true", large), std::nullopt);
  Expected<CheckCommand> check = CheckCommand::Create("test $(wc -c) = 4194304");
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(*check->Run(directory_, large, std::chrono::seconds(60)), std::nullopt);
  }
}

TEST_F(Checks, EndInManyWays) {
  EXPECT_EQ(Run("echo lost 5; echo more; exit 1"),
            (Violation{ViolationClass::kCheckFailed, "lost 5"}));
  EXPECT_EQ(Run("false")->violation, ViolationClass::kCheckFailed);
  EXPECT_EQ(Run("exit 3"),
            (Violation{ViolationClass::kCheckExit, "the check exited with status 3"}));
  EXPECT_EQ(
      Run("echo no such table >&2; exit 2"),
      (Violation{ViolationClass::kCheckExit, "the check exited with status 2: no such table"}));
  const auto killed = Run("kill -ABRT $$");
  EXPECT_EQ(killed->violation, ViolationClass::kCrashOnOpen);
  EXPECT_THAT(killed->message, HasSubstr("signal 6"));
}

TEST_F(Checks, ThatHangAreKilledWithAllTheyStarted) {
  const std::string marker = directory_ + "/late";
  const auto hung = Run("(sleep 2; : > '" + marker + "') & sleep 600", "", 200);
  EXPECT_EQ(hung,
            (Violation{ViolationClass::kHangOnOpen, "the check did not finish within 200 ms"}));
  ::usleep(2'500'000);
  EXPECT_FALSE(std::filesystem::exists(marker));
}

TEST_F(Checks, AreFoundFromOurWorkingDirectory) {
  const std::string name = "plugpull-check-" + std::to_string(::getpid()) + ".sh";
  std::ofstream(name) << "#!/bin/sh\ntest \"$1\" != no\n";
  std::filesystem::permissions(name, std::filesystem::perms::owner_all);
  EXPECT_EQ(Run("./" + name), std::nullopt);
  EXPECT_EQ(Run("./" + name + " no")->violation, ViolationClass::kCheckFailed);
  EXPECT_EQ(Run("./" + name + " && ./" + name)->violation, ViolationClass::kCheckExit);
  EXPECT_EQ(Run("./" + name + " | cat"), std::nullopt);
  std::filesystem::remove(name);
}

TEST(AnEmptyCheck, IsRefused) {
  EXPECT_EQ(CheckCommand::Create("  ").error().code, ErrorCode::kInvalidArgument);
}

}  // namespace
}  // namespace plugpull
