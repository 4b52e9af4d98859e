// What is printed is what is parsed, for every fault and every argument; and what cannot be is
// refused with words that help.
#include "faults/inject/fault_call.h"

#include <gtest/gtest.h>

#include "faults/base/random.h"
#include "faults/inject/fault_type.h"

namespace plugpull {
namespace {

constexpr FaultForm kForms[] = {FaultForm::kSpecification, FaultForm::kInstance};

std::string RandomValue(const FaultArgument& argument, Random& random) {
  const auto number = [&] {
    const uint64_t span = std::min<uint64_t>(argument.maximum - argument.minimum, 1000);
    return argument.minimum + random.Below(span + 1);
  };
  switch (argument.kind) {
    case ArgumentKind::kNumber:
      return std::to_string(number());
    case ArgumentKind::kRange: {
      const uint64_t first = number();
      const uint64_t last = std::min(argument.maximum, first + random.Below(5));
      return first == last ? std::to_string(first)
                           : std::to_string(first) + ".." + std::to_string(last);
    }
    case ArgumentKind::kWord:
      return std::string(argument.words[random.Below(argument.words.size())]);
    case ArgumentKind::kText: {
      std::string text(1 + random.Below(6), '\0');
      for (char& c : text) {
        c = random.OneIn(1, 2) ? ",()+=%*? ./"[random.Below(11)]
                               : static_cast<char>(random.Below(256));
      }
      return text;
    }
  }
  return "";
}

FaultCall RandomCall(FaultForm form, Random& random) {
  const FaultType& type = FaultTypes()[random.Below(FaultTypes().size())];
  FaultCall call{.level = type.level, .values = {}};
  for (const FaultArgument& argument :
       form == FaultForm::kSpecification ? type.arguments : type.place) {
    const bool is_needed = form == FaultForm::kInstance && argument.default_text.empty();
    if (!is_needed && random.OneIn(1, 2)) continue;
    if (argument.name == "from" && call.values.contains("last")) continue;
    const std::string value = RandomValue(argument, random);
    if (value != argument.default_text) call.values[std::string(argument.name)] = value;
  }
  return call;
}

TEST(FaultText, IsWhatIsParsed) {
  Random random(7);
  for (const FaultForm form : kForms) {
    for (int i = 0; i < 5000; ++i) {
      FaultCalls calls;
      for (uint64_t count = 1 + random.Below(3); count > 0; --count) {
        calls.push_back(RandomCall(form, random));
      }
      const std::string text = FaultText(calls, form);
      const Expected<FaultCalls> parsed = ParseFaults(text, form);
      ASSERT_TRUE(parsed.has_value()) << text << ": " << parsed.error().context;
      EXPECT_EQ(*parsed, calls) << text;
      EXPECT_EQ(SplitFaultList(text + ",power-cut"), (std::vector<std::string>{text, "power-cut"}));
    }
  }
}

TEST(FaultText, LeavesDefaultsOut) {
  const auto canonical = [](const char* text) {
    const auto parsed = ParseFaults(text, FaultForm::kSpecification);
    return parsed ? FaultText(*parsed, FaultForm::kSpecification) : parsed.error().context;
  };
  EXPECT_EQ(canonical("stale-page(age=1..20,path=*)"), "stale-page");
  EXPECT_EQ(canonical("stale-page(path=*.db,age=3..3)"), "stale-page(age=3,path=*.db)");
  EXPECT_EQ(canonical("sub-sector-tear(unit=64)"), "sub-sector-tear");
  EXPECT_EQ(canonical("power-cut+bit-rot()+lying-flush(last=007)"),
            "power-cut+bit-rot+lying-flush(last=7)");
}

TEST(FaultText, OfAnInstanceHasItsPlace) {
  const char* text = "misdirected-write(file=a%20b,page=3,to=4)+lying-flush(from=2)";
  const auto calls = ParseFaults(text, FaultForm::kInstance);
  ASSERT_TRUE(calls.has_value()) << calls.error().context;
  EXPECT_EQ(TextOf(calls->front(), FaultForm::kInstance, "file"), "a b");
  EXPECT_EQ(TextOf(calls->front(), FaultForm::kInstance, "to-file"), ".");
  EXPECT_EQ(NumberOf(calls->back(), FaultForm::kInstance, "from"), 2U);
  EXPECT_EQ(FaultText(*calls, FaultForm::kInstance), text);
}

struct Mistake {
  const char* text;
  const char* complaint;
};

TEST(ParseFaults, RefusesWhatCannotBe) {
  constexpr FaultForm kForm = FaultForm::kSpecification;
  for (const Mistake& mistake :
       {Mistake{"stale-pge", "there is no fault 'stale-pge', did you mean 'stale-page'?"},
        Mistake{"", "there is no fault ''"}, Mistake{"bit-rot+", "there is no fault ''"},
        Mistake{"stale-page(agee=2)", "no argument 'agee', did you mean 'age'?"},
        Mistake{"stale-page(age=0)", "age=0 cannot be; age takes a whole number from 1 to"},
        Mistake{"stale-page(age=5..2)", "age=5..2 cannot be"},
        Mistake{"stale-page(age=-1)", "age=-1 cannot be"},
        Mistake{"stale-page(age)", "age= cannot be"},
        Mistake{"stale-page(age=1,age=2)", "age is given twice"},
        Mistake{"stale-page(age=1", "no ')' at its end"},
        Mistake{"stale-page(path=)", "path= cannot be"},
        Mistake{"stale-page(path=%4)", "path=%4 cannot be"},
        Mistake{"lying-flush(last=0)", "last=0 cannot be"},
        Mistake{"lying-flush(last=1,from=2)", "last and from exclude one another"},
        Mistake{"lying-flush(last=99999999999999999999)", "cannot be"},
        Mistake{"sub-sector-tear(unit=7)", "unit=7 cannot be; unit takes one of 64 8"},
        Mistake{"power-cut(last=1)", "fault power-cut takes no arguments"}}) {
    const auto parsed = ParseFaults(mistake.text, kForm);
    ASSERT_FALSE(parsed.has_value()) << mistake.text;
    EXPECT_EQ(parsed.error().code, ErrorCode::kInvalidArgument);
    EXPECT_NE(parsed.error().context.find(mistake.complaint), std::string::npos)
        << parsed.error().context;
  }
  const auto no_place = ParseFaults("zeroed-page(file=a)", FaultForm::kInstance);
  ASSERT_FALSE(no_place.has_value());
  EXPECT_NE(no_place.error().context.find("lacks page"), std::string::npos);
}

}  // namespace
}  // namespace plugpull
