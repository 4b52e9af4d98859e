// Goal: a case that was saved means the same when it is loaded; any other bytes are one clear
// error.
#include "harness/case_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <nlohmann/json.hpp>

#include "faults/base/atomic_file.h"
#include "faults/base/bytes.h"
#include "faults/trace/container.h"
#include "faults/trace/trace_file.h"
#include "harness/channel.h"
#include "harness/messages.h"
#include "harness/testing.h"

namespace plugpull {
namespace {

using nlohmann::json;
using testing::HasSubstr;
using testing::StartsWith;

constexpr ContainerFormat kFormat = {
    .magic = "PPCASE\n\n", .version = 1, .what = "case", .cure = "run the target again"};

class CaseFiles : public testing::Test {
 protected:
  CaseFiles() { std::filesystem::create_directories(directory_); }
  ~CaseFiles() override { std::filesystem::remove_all(directory_); }

  static Case Some() {
    const Trace trace = SmallTrace("fragile_log", 4);
    Case some;
    some.id = "hole-01234567";
    some.signature = "hole: write(log)";
    some.settings = {.target = "fragile_log", .tear = Tear::kPages, .seed = 77, .keys = 6};
    some.trace = CutTrace(trace, trace.ops.size() - 1, 4);
    some.window = {3, 4};
    some.lost = {{2, AtomKind::kData, 0}, {3, AtomKind::kSize, 1}};
    some.violation = {ViolationClass::kHole, "transaction 2 is missing"};
    return some;
  }

  // Returns: the bytes of a case with these facts.
  static std::vector<std::byte> Encoded(const std::string& facts) {
    const auto bytes = AsBytes(facts);
    return EncodeContainer(kFormat, std::vector<Section>{{"facts", {bytes.begin(), bytes.end()}},
                                                         {"trace", EncodeTrace(Some().trace)}});
  }

  // Returns: the facts of Some() as its file has them.
  json Facts() const {
    EXPECT_TRUE(SaveCase(path_, Some()).has_value());
    const auto container = DecodeContainer(kFormat, *ReadWholeFile(path_));
    return json::parse(AsText(*container->Find("facts")));
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

  const std::string directory_ = testing::TempDir() + "plugpull-case-" + std::to_string(::getpid());
  const std::string path_ = directory_ + "/some.case";
};

TEST_F(CaseFiles, ComeBackInFull) {
  const Case saved = Some();
  ASSERT_TRUE(SaveCase(path_, saved).has_value());
  const Expected<Case> loaded = LoadCase(path_);
  ASSERT_TRUE(loaded.has_value()) << Describe(loaded.error());
  EXPECT_EQ(loaded->id, saved.id);
  EXPECT_EQ(loaded->signature, saved.signature);
  EXPECT_EQ(ToJson(loaded->settings), ToJson(saved.settings));
  EXPECT_EQ(loaded->trace, saved.trace);
  EXPECT_EQ(loaded->window.acknowledged, 3u);
  EXPECT_EQ(loaded->window.attempted, 4u);
  EXPECT_EQ(loaded->lost, saved.lost);
  EXPECT_EQ(loaded->violation, saved.violation);
}

TEST_F(CaseFiles, KnowWhatHappenedBeyondTheContract) {
  Case some = Some();
  some.fault = "zeroed-page(file=log,page=0)";
  ASSERT_TRUE(SaveCase(path_, some).has_value());
  EXPECT_EQ(LoadCase(path_).value_or(Case()).fault, some.fault);
  // Cases of before faults know of none.
  EXPECT_FALSE(Facts().contains("fault"));
  json facts = Facts();
  facts["fault"] = "zeroed-page(page=1..2)";
  EXPECT_THAT(LoadError(Encoded(facts.dump())).context, HasSubstr("zeroed-page"));
}

TEST_F(CaseFiles, TheSameCaseGivesTheSameBytes) {
  ASSERT_TRUE(SaveCase(path_, Some()).has_value());
  const auto first = ReadWholeFile(path_);
  ASSERT_TRUE(SaveCase(path_, Some()).has_value());
  EXPECT_EQ(*first, *ReadWholeFile(path_));
}

TEST_F(CaseFiles, MessagesThatAreNoTextDoNotStopASave) {
  Case saved = Some();
  saved.violation.message = "bad \xff byte";
  ASSERT_TRUE(SaveCase(path_, saved).has_value());
  EXPECT_THAT(LoadCase(path_)->violation.message, StartsWith("bad "));
}

TEST_F(CaseFiles, CutAtAnyByteAreOneClearError) {
  ASSERT_TRUE(SaveCase(path_, Some()).has_value());
  const std::vector<std::byte> whole = *ReadWholeFile(path_);
  for (size_t size = 0; size < whole.size(); ++size) {
    const Error error = LoadError(std::span(whole).first(size));
    ASSERT_EQ(error.code, ErrorCode::kCorrupt) << size << ": " << error.context;
  }
}

TEST_F(CaseFiles, WithAnyByteChangedAreAnError) {
  ASSERT_TRUE(SaveCase(path_, Some()).has_value());
  std::vector<std::byte> bytes = *ReadWholeFile(path_);
  for (size_t i = 0; i < bytes.size(); ++i) {
    bytes[i] ^= std::byte{0x10};
    ASSERT_EQ(LoadError(bytes).code, ErrorCode::kCorrupt) << i;
    bytes[i] ^= std::byte{0x10};
  }
}

TEST_F(CaseFiles, OfALaterVersionSayThatTheyAreTooNew) {
  ContainerFormat later = kFormat;
  later.version = 2;
  const Error error = LoadError(EncodeContainer(later, std::vector<Section>{}));
  EXPECT_EQ(error.code, ErrorCode::kTooNew);
  EXPECT_THAT(error.context, HasSubstr("upgrade plugpull"));
}

TEST_F(CaseFiles, ATraceIsNoCase) {
  EXPECT_EQ(LoadError(EncodeTrace(Some().trace)).code, ErrorCode::kCorrupt);
}

TEST_F(CaseFiles, ThatAreNotThereAreNotFound) {
  const Expected<Case> loaded = LoadCase(directory_ + "/none.case");
  ASSERT_FALSE(loaded);
  EXPECT_EQ(loaded.error().code, ErrorCode::kNotFound);
  EXPECT_THAT(loaded.error().context, HasSubstr("none.case"));
}

TEST_F(CaseFiles, WithoutASectionAreAnError) {
  EXPECT_THAT(LoadError(EncodeContainer(kFormat, std::vector<Section>{})).context,
              HasSubstr("it has no facts"));
  EXPECT_THAT(LoadError(EncodeContainer(kFormat, std::vector<Section>{{"facts", {}}})).context,
              HasSubstr("it has no trace"));
}

TEST_F(CaseFiles, FactsThatAreNoJsonOrNoObjectAreAnError) {
  EXPECT_THAT(LoadError(Encoded("")).context, HasSubstr("its facts are not JSON"));
  EXPECT_THAT(LoadError(Encoded("{\"a\":")).context, HasSubstr("its facts are not JSON"));
  for (const char* facts : {"null", "[]", "3", "\"x\"", "{}"}) {
    EXPECT_EQ(LoadError(Encoded(facts)).code, ErrorCode::kCorrupt) << facts;
  }
}

TEST_F(CaseFiles, AnyFactMissingOrOfTheWrongTypeIsAnError) {
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

TEST_F(CaseFiles, FactsThatDoNotFitTheirTraceAreAnError) {
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

TEST(CutTrace, EndsAtTheCrashAndIsAValidTrace) {
  const Trace trace = SmallTrace("fragile_log", 6);
  for (size_t position = 0; position <= trace.ops.size(); ++position) {
    uint32_t attempted = 0;
    uint64_t written = 0;
    for (size_t i = 0; i < position; ++i) {
      if (trace.ops[i].kind == OpKind::kBegin) attempted = trace.ops[i].transaction;
      if (trace.ops[i].kind == OpKind::kWrite) written += trace.ops[i].size_bytes;
    }
    const Trace cut = CutTrace(trace, position, attempted);
    EXPECT_EQ(cut.facts, trace.facts);
    EXPECT_EQ(cut.ops.size(), position);
    EXPECT_EQ(cut.transactions.size(), attempted);
    EXPECT_EQ(cut.payload.size(), written);
    const Expected<Trace> back = DecodeTrace(EncodeTrace(cut));
    ASSERT_TRUE(back.has_value()) << Describe(back.error());
    EXPECT_EQ(*back, cut);
  }
}

}  // namespace
}  // namespace plugpull
