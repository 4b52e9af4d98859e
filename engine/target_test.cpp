// Goal: a target's text is either understood completely or refused with a hint.
#include "engine/target.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "engine/registry.h"
#include "faults/vfs/memory_vfs.h"

namespace plugpull {
namespace {

using testing::AllOf;
using testing::HasSubstr;

// Returns: why the text is refused; "" when it is not.
std::string Refusal(std::string_view text) {
  const Expected<Target> target = ParseTarget(text);
  if (target) return "";
  EXPECT_EQ(target.error().code, ErrorCode::kInvalidArgument) << text;
  return target.error().context;
}

EngineOptions OptionsOf(std::string_view text) {
  const Expected<Target> target = ParseTarget(text);
  EXPECT_TRUE(target) << text;
  return target ? target->options : EngineOptions();
}

TEST(Registry, TypesHaveDistinctNamesAndAreFoundByThem) {
  std::set<std::string_view> names;
  for (const EngineType* type : EngineTypes()) {
    EXPECT_TRUE(names.insert(type->name()).second) << type->name();
    EXPECT_FALSE(type->description().empty()) << type->name();
    EXPECT_EQ(FindEngineType(type->name()), type);
  }
  EXPECT_EQ(FindEngineType("none"), nullptr);
}

TEST(Registry, OptionsAreWellFormedAndTheirDefaultsLegal) {
  for (const EngineType* type : EngineTypes()) {
    std::set<std::string> names;
    for (const OptionSpec& option : type->options()) {
      EXPECT_TRUE(names.insert(option.name).second) << option.name;
      EXPECT_FALSE(option.help.empty()) << option.name;
      EXPECT_EQ(Refusal(fmt::format("{}:{}={}", type->name(), option.name, option.default_value)),
                "");
    }
  }
}

TEST(ParseTarget, FillsInEveryDefault) {
  for (const EngineType* type : EngineTypes()) {
    if (type->takes_any_option()) continue;  // it lists none
    const Expected<Target> target = ParseTarget(type->name());
    ASSERT_TRUE(target);
    EXPECT_EQ(target->type, type);
    EXPECT_EQ(target->text, type->name());
    ASSERT_EQ(target->options.size(), type->options().size());
    for (const OptionSpec& option : type->options()) {
      EXPECT_EQ(target->options.at(option.name), option.default_value);
    }
  }
}

TEST(ParseTarget, TakesEveryValueOfEveryOptionAndMakesAStoreThatOpens) {
  for (const EngineType* type : EngineTypes()) {
    for (const OptionSpec& option : type->options()) {
      std::vector<std::string> values = option.values;
      if (values.empty()) values = {fmt::to_string(option.minimum), fmt::to_string(option.maximum)};
      // A text has a grammar of its own: its engine's tests know more of it.
      if (option.values.empty() && option.maximum == 0) values = {option.default_value};
      for (const std::string& value : values) {
        const std::string text = fmt::format("{}:{}={}", type->name(), option.name, value);
        const Expected<Target> target = ParseTarget(text);
        ASSERT_TRUE(target) << text;
        EXPECT_EQ(target->options.at(option.name), value);
        if (target->is_program()) continue;  // drivers/real_drivers_test.cpp opens those
        MemoryVfs vfs;
        EXPECT_TRUE(target->Create(vfs)->Open()) << text;
      }
    }
  }
}

TEST(ParseTarget, TakesSeveralOptions) {
  const EngineOptions options = OptionsOf("sqlite:journal=wal,sync=off,checkpoint=7");
  EXPECT_EQ(options.at("journal"), "wal");
  EXPECT_EQ(options.at("sync"), "off");
  EXPECT_EQ(options.at("checkpoint"), "7");
  EXPECT_EQ(options.at("page_size"), "4096");
}

TEST(ParseTarget, ErrorsNameTheNearestWord) {
  EXPECT_THAT(Refusal("sqlit"), HasSubstr("no target 'sqlit', did you mean 'sqlite'?"));
  EXPECT_THAT(Refusal("cowtree:mutant=M1"), HasSubstr("did you mean 'cow_tree'?"));
  EXPECT_THAT(Refusal("sqlite:jurnal=wal"),
              AllOf(HasSubstr("sqlite has no option 'jurnal', did you mean 'journal'?"),
                    HasSubstr("its options: journal, sync,")));
  EXPECT_THAT(Refusal("sqlite:sync=ful"),
              AllOf(HasSubstr("option 'sync' has no value 'ful', did you mean 'full'?"),
                    HasSubstr("one of off, normal, full, extra")));
}

TEST(ParseTarget, NumbersAreWholeAndInRange) {
  const std::string range = "option 'checkpoint' takes a whole number from 0 to 100000, not '";
  for (const char* number :
       {"", "-1", "100001", "1.5", "0x10", "7 ", " 7", "+7", "99999999999999999999"}) {
    EXPECT_THAT(Refusal(fmt::format("sqlite:checkpoint={}", number)), HasSubstr(range + number))
        << number;
  }
}

TEST(ParseTarget, OddTextsAreRefusedOrHaveOneMeaning) {
  EXPECT_THAT(Refusal(""), HasSubstr("there is no target ''"));
  EXPECT_THAT(Refusal(":"), HasSubstr("there is no target ''"));
  EXPECT_THAT(Refusal(" sqlite"), HasSubstr("did you mean 'sqlite'?"));
  EXPECT_THAT(Refusal("SQLITE"), HasSubstr("there is no target 'SQLITE'"));
  EXPECT_EQ(OptionsOf("sqlite:"), OptionsOf("sqlite"));
  EXPECT_THAT(Refusal("sqlite:journal"),
              HasSubstr("option 'journal' needs a value, as in journal=delete"));
  EXPECT_THAT(Refusal("sqlite:journal="), HasSubstr("option 'journal' has no value ''"));
  EXPECT_THAT(Refusal("sqlite:=wal"), HasSubstr("sqlite has no option ''"));
  EXPECT_THAT(Refusal("sqlite:,"), HasSubstr("sqlite has no option ''"));
  EXPECT_THAT(Refusal("sqlite:journal=wal,,sync=off"), HasSubstr("sqlite has no option ''"));
  EXPECT_THAT(Refusal("sqlite:journal=wal=off"), HasSubstr("has no value 'wal=off'"));
  EXPECT_EQ(OptionsOf("sqlite:journal=wal,"), OptionsOf("sqlite:journal=wal"));
}

TEST(ParseTarget, AnOptionGivenTwiceIsAMistake) {
  EXPECT_THAT(Refusal("sqlite:journal=wal,journal=delete"),
              HasSubstr("sqlite: option 'journal' is given twice"));
  EXPECT_THAT(Refusal("sqlite:journal=wal,journal=wal"), HasSubstr("twice"));
}

TEST(ParseTarget, OfADriverTheFirstWordIsAPathAndTheRestIsPassedOn) {
  const EngineOptions options = OptionsOf("driver:./a=b/c,store=x,path=,level=a=b");
  EXPECT_EQ(options,
            (EngineOptions{{"", "./a=b/c"}, {"store", "x"}, {"path", ""}, {"level", "a=b"}}));
}

TEST(ParseTarget, OfADriverWhatCannotBePassedOnIsRefused) {
  const std::string example = "driver needs a program, as in driver:./my-driver";
  EXPECT_EQ(Refusal("driver"), example);
  EXPECT_EQ(Refusal("driver:"), example);
  EXPECT_EQ(Refusal("driver:,store=x"), example);
  EXPECT_EQ(Refusal("driver:a,store"), "driver: 'store' is no option, which looks like name=value");
  EXPECT_EQ(Refusal("driver:a,=x"), "driver: '=x' is no option, which looks like name=value");
  EXPECT_EQ(Refusal("driver:a,s=1,s=2"), "driver: option 's' is given twice");
  EXPECT_THAT(Refusal("driver:a,s=1 2"), HasSubstr("has a blank in it"));
}

}  // namespace
}  // namespace plugpull
