#include "harness/command_line.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

namespace plugpull {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST(CommandLine, PlainWordsOfAProgramAreThemselves) {
  EXPECT_THAT(ArgumentsOf("ls -l  --color=never a/b"),
              ElementsAre("ls", "-l", "--color=never", "a/b"));
}

TEST(CommandLine, WhatAShellReadsInItsOwnWayGoesToAShell) {
  for (const char* command :
       {"ls | wc", "ls;ls", "A=1 ls", "exit 3", "no-such-program-here", "ls && exit 1"}) {
    EXPECT_THAT(ArgumentsOf(command), ElementsAre("/bin/sh", "-c", command));
  }
}

TEST(CommandLine, OneProgramTakesThePlaceOfItsShell) {
  EXPECT_THAT(ArgumentsOf("ls  $HOME > x"), ElementsAre("/bin/sh", "-c", "exec ls  $HOME > x"));
  EXPECT_THAT(ArgumentsOf(" ls 'a b' *"), ElementsAre("/bin/sh", "-c", "exec ls 'a b' *"));
}

TEST(CommandLine, NothingIsNothing) {
  EXPECT_THAT(ArgumentsOf(""), IsEmpty());
  EXPECT_THAT(ArgumentsOf(" \t"), IsEmpty());
}

TEST(CommandLine, AProgramIsFoundFromTheCallersDirectory) {
  const std::filesystem::path before = std::filesystem::current_path();
  std::filesystem::current_path("/");
  EXPECT_THAT(FromHere({"./bin/sh", "./x"}), ElementsAre("/bin/sh", "./x"));
  EXPECT_THAT(ArgumentsOf("bin/sh x"), ElementsAre("/bin/sh", "x"));
  EXPECT_THAT(FromHere({"./no/such", "x"}), ElementsAre("./no/such", "x"));
  EXPECT_THAT(FromHere({"sh"}), ElementsAre("sh"));
  EXPECT_EQ(CommandFromHere("./bin/sh -c 'a b' | x"), "/bin/sh -c 'a b' | x");
  EXPECT_EQ(CommandFromHere("sh -c ./bin/sh"), "sh -c ./bin/sh");
  EXPECT_EQ(CommandFromHere(" ; x"), " ; x");
  EXPECT_EQ(CommandFromHere(""), "");
  std::filesystem::current_path(before);
}

TEST(CommandLine, TextIsWhatAShellReadsBack) {
  EXPECT_EQ(ShellText(std::vector<std::string>{"a", "b c", "it's", "", "x=1"}),
            "a 'b c' 'it'\\''s' '' x=1");
}

TEST(CommandLine, TheEnvironmentNamesBothDirectories) {
  const auto environment = CommandEnvironment("/x");
  EXPECT_EQ(environment.at("PLUGPULL_DIR"), "/x");
  EXPECT_EQ(environment.at("OLDPWD"), std::filesystem::current_path().string());
}

}  // namespace
}  // namespace plugpull
