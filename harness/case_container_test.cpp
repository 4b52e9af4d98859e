// Goal: cases of before they became text are read as they always were; any other bytes are one
// clear error.
#include "harness/case_container.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "faults/base/bytes.h"
#include "faults/trace/container.h"
#include "faults/trace/trace_file.h"
#include "harness/case_facts.h"
#include "harness/case_json.h"
#include "harness/case_testing.h"
#include "harness/channel.h"
#include "harness/messages.h"

namespace plugpull {
namespace {

using nlohmann::json;
using testing::HasSubstr;
using testing::StartsWith;

class CaseContainers : public testing::Test {
 protected:
  static Case Some() { return SmallCase(); }

  // Returns: the bytes of a case with these facts.
  static std::vector<std::byte> Encoded(const std::string& facts) {
    const auto bytes = AsBytes(facts);
    return EncodeContainer(kCaseContainer,
                           std::vector<Section>{{"facts", {bytes.begin(), bytes.end()}},
                                                {"trace", EncodeTrace(Some().trace)}});
  }

  // Returns: the facts of Some() as its container had them.
  static json Facts() {
    const Case some = Some();
    return {{"schema", "plugpull.case/1"},
            {"version", "0.1.0"},
            {"id", some.id},
            {"signature", some.signature},
            {"settings", ToJson(some.settings)},
            {"acknowledged", some.window.acknowledged},
            {"attempted", some.window.attempted},
            {"lost", LostToJson(some.lost)},
            {"violation", ToJson(some.violation)},
            {"in_use", true}};
  }

  // Returns: the error of loading these bytes.
  static Error LoadError(std::span<const std::byte> bytes) {
    const Descriptor file = *MakeMemoryFile("case");  // thousands of them: no disk is asked
    EXPECT_TRUE(WriteAll(file.number(), bytes).has_value());
    const std::string path = "/proc/self/fd/" + std::to_string(file.number());
    const Expected<Case> loaded = LoadCase(path);
    if (loaded) return {ErrorCode::kUnsupported, "no error at all"};
    EXPECT_THAT(loaded.error().context, StartsWith(path + ": "));
    EXPECT_THAT(loaded.error().context, testing::Not(HasSubstr("\n")));
    return loaded.error();
  }
};

TEST_F(CaseContainers, AreRead) {
  const Case some = Some();
  const Expected<Case> loaded = DecodeCaseContainer(Encoded(Facts().dump()));
  ASSERT_TRUE(loaded.has_value()) << Describe(loaded.error());
  EXPECT_EQ(loaded->id, some.id);
  EXPECT_EQ(loaded->signature, some.signature);
  EXPECT_EQ(ToJson(loaded->settings), ToJson(some.settings));
  EXPECT_EQ(loaded->trace, some.trace);
  EXPECT_EQ(loaded->window.acknowledged, 3u);
  EXPECT_EQ(loaded->window.attempted, 4u);
  EXPECT_EQ(loaded->lost, some.lost);
  EXPECT_EQ(loaded->violation, some.violation);
  EXPECT_TRUE(loaded->in_use);
  EXPECT_THAT(loaded->models, testing::IsEmpty()) << "they did not say";
}

TEST_F(CaseContainers, OfAnEarlierPlugpullAreRead) {
  const std::string path = PLUGPULL_SOURCE_DIR "/harness/testdata/container.case";
  const Expected<Case> loaded = LoadCase(path);
  ASSERT_TRUE(loaded.has_value()) << Describe(loaded.error());
  EXPECT_EQ(loaded->id, "lost-commit-a24779e3");
  EXPECT_EQ(loaded->settings.target, "cow_tree:dirsync=0");
  EXPECT_EQ(loaded->lost.size(), 2U);
  EXPECT_EQ(loaded->trace.ops.size(), 23U);
  // It is saved as text.
  const Expected<Case> again = DecodeCase(EncodeCase(*loaded));
  ASSERT_TRUE(again.has_value()) << Describe(again.error());
  EXPECT_EQ(again->trace, loaded->trace);
  EXPECT_EQ(again->lost, loaded->lost);
}

TEST_F(CaseContainers, CutAtAnyByteAreOneClearError) {
  const std::vector<std::byte> whole = Encoded(Facts().dump());
  for (size_t size = 0; size < whole.size(); ++size) {
    const Error error = LoadError(std::span(whole).first(size));
    ASSERT_EQ(error.code, ErrorCode::kCorrupt) << size << ": " << error.context;
  }
}

TEST_F(CaseContainers, WithAnyByteChangedAreAnError) {
  std::vector<std::byte> bytes = Encoded(Facts().dump());
  for (size_t i = 0; i < bytes.size(); ++i) {
    bytes[i] ^= std::byte{0x10};
    ASSERT_EQ(LoadError(bytes).code, ErrorCode::kCorrupt) << i;
    bytes[i] ^= std::byte{0x10};
  }
}

TEST_F(CaseContainers, OfALaterVersionSayThatTheyAreTooNew) {
  ContainerFormat later = kCaseContainer;
  later.version = 2;
  const Error error = LoadError(EncodeContainer(later, std::vector<Section>{}));
  EXPECT_EQ(error.code, ErrorCode::kTooNew);
  EXPECT_THAT(error.context, HasSubstr("upgrade plugpull"));
}

TEST_F(CaseContainers, ATraceIsNoCase) {
  EXPECT_EQ(LoadError(EncodeTrace(Some().trace)).code, ErrorCode::kCorrupt);
}

TEST_F(CaseContainers, WithoutASectionAreAnError) {
  EXPECT_THAT(LoadError(EncodeContainer(kCaseContainer, std::vector<Section>{})).context,
              HasSubstr("it has no facts"));
  EXPECT_THAT(
      LoadError(EncodeContainer(kCaseContainer, std::vector<Section>{{"facts", {}}})).context,
      HasSubstr("it has no trace"));
}

TEST_F(CaseContainers, FactsThatAreNoJsonOrNoObjectAreAnError) {
  EXPECT_THAT(LoadError(Encoded("")).context, HasSubstr("its facts are not JSON"));
  EXPECT_THAT(LoadError(Encoded("{\"a\":")).context, HasSubstr("its facts are not JSON"));
  for (const char* facts : {"null", "[]", "3", "\"x\"", "{}"}) {
    EXPECT_EQ(LoadError(Encoded(facts)).code, ErrorCode::kCorrupt) << facts;
  }
}

TEST_F(CaseContainers, AnyFactMissingOrOfTheWrongTypeIsAnError) {
  const json good = Facts();
  for (const char* name :
       {"id", "signature", "settings", "acknowledged", "attempted", "lost", "violation"}) {
    json missing = good;
    missing.erase(name);
    EXPECT_EQ(LoadError(Encoded(missing.dump())).code, ErrorCode::kCorrupt) << name;
    for (const json& nonsense : {json(nullptr), json(-1), json(0.5), json({{"a", 1}})}) {
      json bad = good;
      bad[name] = nonsense;
      EXPECT_EQ(LoadError(Encoded(bad.dump())).code, ErrorCode::kCorrupt)
          << name << " = " << nonsense;
    }
  }
}

TEST_F(CaseContainers, FactsThatDoNotFitTheirTraceAreAnError) {
  const json good = Facts();
  const auto error_with = [&](const char* name, const json& value) {
    json bad = good;
    bad[name] = value;
    return LoadError(Encoded(bad.dump())).context;
  };
  const size_t ops = Some().trace.ops.size();
  EXPECT_THAT(error_with("lost", json::array({json::array({ops, 2, 0})})),
              HasSubstr("an operation that its trace does not have"));
  EXPECT_THAT(error_with("lost", json::array({json::array({0, 9, 0})})), HasSubstr("kind of atom"));
  EXPECT_THAT(error_with("lost", json::array({json::array({0, 1})})), HasSubstr("bad message"));
  EXPECT_THAT(error_with("attempted", 5), HasSubstr("transactions that its trace does not have"));
  EXPECT_THAT(error_with("attempted", 2), HasSubstr("transactions that its trace does not have"));
  json settings = good["settings"];
  settings["model"] = "ext9";
  EXPECT_THAT(error_with("settings", settings), HasSubstr("there is no model 'ext9'"));
  // Whoever sends a case does not get to say which files are read here.
  settings["model"] = "/etc/x.toml,drag=to-call";
  EXPECT_THAT(error_with("settings", settings), HasSubstr("there is no model '/etc/x.toml'"));
}

}  // namespace
}  // namespace plugpull
