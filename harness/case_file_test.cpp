// Goal: a case that was saved means the same when it is loaded; any other text is one clear error.
#include "harness/case_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <nlohmann/json.hpp>

#include "faults/base/atomic_file.h"
#include "faults/base/base64.h"
#include "faults/base/bytes.h"
#include "faults/base/random.h"
#include "faults/trace/container.h"
#include "faults/trace/trace_file.h"
#include "harness/case_json.h"
#include "harness/case_testing.h"
#include "harness/json_document.h"

namespace plugpull {
namespace {

using nlohmann::json;
using testing::HasSubstr;
using testing::StartsWith;

Case Some() {
  Case some = SmallCase();
  some.models = {"posix-minimal", "xfs"};
  some.level = FaultLevel::kPowerCut;
  some.target_version = "fragile_log 3.1";
  return some;
}

// Returns: the case as its text says it, without a digest.
json DocumentOf(const Case& some) {
  json document = json::parse(EncodeCase(some));
  document.erase("digest");
  return document;
}

// Returns: the text of a document that nobody has garbled, whatever it says.
std::string Sealed(json document) {
  document["digest"] = DocumentDigest(document);
  return document.dump();
}

// Returns: the error of reading a text.
Error ErrorOf(std::string_view text) {
  const Expected<Case> loaded = DecodeCase(text);
  if (loaded) return {ErrorCode::kUnsupported, "no error at all"};
  EXPECT_THAT(loaded.error().context, testing::Not(HasSubstr("\n")));
  EXPECT_LT(loaded.error().context.size(), 500U);
  return loaded.error();
}

class CaseFiles : public testing::Test {
 protected:
  CaseFiles() { std::filesystem::create_directories(directory_); }
  ~CaseFiles() override { std::filesystem::remove_all(directory_); }

  // Returns: the error of loading a file with this text.
  Error LoadError(std::string_view text) const {
    EXPECT_TRUE(WriteFileAtomically(path_, AsBytes(text)).has_value());
    const Expected<Case> loaded = LoadCase(path_);
    if (loaded) return {ErrorCode::kUnsupported, "no error at all"};
    EXPECT_THAT(loaded.error().context, StartsWith(path_ + ": "));
    return loaded.error();
  }

  const std::string directory_ = testing::TempDir() + "plugpull-case-" + std::to_string(::getpid());
  const std::string path_ = directory_ + "/some.case";
};

TEST_F(CaseFiles, ComeBackInFull) {
  Case saved = Some();
  saved.in_use = true;
  saved.minimised = {.before = {.transactions = 200,
                                .changes = 700,
                                .pair_bytes = 123'456,
                                .lost_atoms = 40,
                                .lost_operations = 7},
                     .is_minimal = false,
                     .bound = "out of budget"};
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
  EXPECT_EQ(loaded->models, saved.models);
  EXPECT_EQ(loaded->level, saved.level);
  EXPECT_EQ(loaded->target_version, saved.target_version);
  EXPECT_EQ(loaded->minimised, saved.minimised);
  EXPECT_TRUE(loaded->in_use);
  EXPECT_FALSE(loaded->while_recording);
  EXPECT_EQ(loaded->fault, "");
  EXPECT_EQ(EncodeCase(*loaded), EncodeCase(saved)) << "nothing is forgotten";
}

TEST_F(CaseFiles, WithoutACrashComeBackToo) {
  Case saved = Some();
  saved.lost = {};
  saved.running_plan = "each";
  saved.running_transactions = 12;
  Case loaded = DecodeCase(EncodeCase(saved)).value_or(Case());
  EXPECT_EQ(loaded.running_plan, "each");
  EXPECT_EQ(loaded.running_transactions, 12U);
  saved = Some();
  saved.while_recording = true;
  EXPECT_TRUE(DecodeCase(EncodeCase(saved)).value_or(Case()).while_recording);
}

TEST_F(CaseFiles, KeepTheCrashesOfRecoveries) {
  Case saved = Some();
  for (const uint32_t begin : {1U, 3U}) {
    Trace recovery = saved.trace;
    recovery.transactions.clear();
    std::erase_if(recovery.ops, [](const Op& op) { return op.transaction != 0; });
    saved.further.push_back(
        {.trace = recovery, .begin = begin, .lost = {{begin, AtomKind::kData, 0}}});
  }
  const Expected<Case> loaded = DecodeCase(EncodeCase(saved));
  ASSERT_TRUE(loaded.has_value()) << Describe(loaded.error());
  ASSERT_EQ(loaded->further.size(), 2U);
  for (size_t i = 0; i < 2; ++i) {
    EXPECT_EQ(loaded->further[i].trace, saved.further[i].trace);
    EXPECT_EQ(loaded->further[i].begin, saved.further[i].begin);
    EXPECT_EQ(loaded->further[i].lost, saved.further[i].lost);
  }
  json missing = DocumentOf(saved);
  missing["payload"].erase("recoveries");
  EXPECT_EQ(ErrorOf(Sealed(missing)).code, ErrorCode::kCorrupt);
  missing = DocumentOf(saved);
  missing["payload"]["recoveries"].erase(1);
  EXPECT_EQ(ErrorOf(Sealed(missing)).code, ErrorCode::kCorrupt);
}

TEST_F(CaseFiles, KnowWhatHappenedBeyondTheContract) {
  Case some = Some();
  some.fault = "zeroed-page(file=log,page=0)";
  EXPECT_EQ(DecodeCase(EncodeCase(some)).value_or(Case()).fault, some.fault);
  json document = DocumentOf(some);
  document["fault_instance"] = "zeroed-page(page=1..2)";
  EXPECT_THAT(ErrorOf(Sealed(document)).context, HasSubstr("zeroed-page"));
}

TEST_F(CaseFiles, AreReadByPeopleAndTools) {
  Case some = Some();
  some.trace.transactions[0] = {{{"a key", "its value"}, {std::string("\0\xff", 2), "\n"}}};
  some.trace.transactions[1] = {{{"gone", std::nullopt}, {"long", std::string(5000, 'x')}}};
  const json document = DocumentOf(some);
  EXPECT_EQ(document["schema"], "plugpull.case/1");
  EXPECT_EQ(document["class"], "hole");
  EXPECT_EQ(document["promise"], "prefix");
  EXPECT_EQ(document["fault"], "power-cut");
  EXPECT_EQ(document["strongest_model"], "xfs");
  EXPECT_EQ(document["options"]["seed"], 77);
  const json& transactions = document["workload"]["transactions"];
  ASSERT_EQ(transactions.size(), 4U);
  EXPECT_EQ(
      transactions[0],
      json::parse(R"([{"put":"a key","value":"its value"},{"put_hex":"00ff","value_hex":"0a"}])"));
  EXPECT_EQ(transactions[1][0], json::parse(R"({"delete":"gone"})"));
  EXPECT_EQ(transactions[1][1]["value_bytes"], 5000) << "the beginning will do";
  EXPECT_EQ(document["operations"].size(), some.trace.ops.size());
  EXPECT_THAT(document["operations"][1].get<std::string>(), StartsWith("#1 "));
  EXPECT_EQ(document["crash"]["position"], some.trace.ops.size());
  EXPECT_THAT(document["crash"]["lost"][0].get<std::string>(), StartsWith("#2 "));
  // The payload is a trace file.
  std::string payload;
  for (const json& line : document["payload"]["trace"]) payload += line.get<std::string>();
  EXPECT_EQ(DecodeTrace(*FromBase64(payload)), some.trace);
}

TEST_F(CaseFiles, TheSameCaseGivesTheSameBytes) {
  ASSERT_TRUE(SaveCase(path_, Some()).has_value());
  const auto first = ReadWholeFile(path_);
  ASSERT_TRUE(SaveCase(path_, Some()).has_value());
  EXPECT_EQ(*first, *ReadWholeFile(path_));
  EXPECT_EQ(AsText(*first), EncodeCase(Some()));
}

TEST_F(CaseFiles, AnotherLayoutOfTheSameIsTheSame) {
  const json document = json::parse(EncodeCase(Some()));  // members sorted
  const Expected<Case> loaded = DecodeCase("\n" + document.dump(4) + "\n\n");
  ASSERT_TRUE(loaded.has_value()) << Describe(loaded.error());
  EXPECT_EQ(EncodeCase(*loaded), EncodeCase(Some()));
}

TEST_F(CaseFiles, MessagesThatAreNoTextDoNotStopASave) {
  Case saved = Some();
  saved.violation.message = "bad \xff byte";
  ASSERT_TRUE(SaveCase(path_, saved).has_value());
  const Expected<Case> loaded = LoadCase(path_);
  ASSERT_TRUE(loaded.has_value()) << Describe(loaded.error());
  EXPECT_THAT(loaded->violation.message, StartsWith("bad "));
}

TEST_F(CaseFiles, OfUnknownTargetsAreSavedAndLoaded) {
  Case saved = Some();
  saved.settings.target = "an engine of another build";
  EXPECT_TRUE(DecodeCase(EncodeCase(saved)).has_value());
}

TEST_F(CaseFiles, CutAtAnyByteAreOneClearError) {
  const std::string whole = EncodeCase(Some());
  EXPECT_THAT(LoadError("").context, HasSubstr("this case is cut short"));
  for (size_t size = 1; size + 1 < whole.size(); size += 1 + size % 3) {
    // The last byte, which is left alone, ends the last line.
    const Error error = ErrorOf(std::string_view(whole).substr(0, size));
    ASSERT_EQ(error.code, ErrorCode::kCorrupt) << size << ": " << error.context;
    ASSERT_THAT(error.context, HasSubstr("this case is cut short")) << size;
  }
  EXPECT_THAT(LoadError(whole.substr(0, 1000)).context, HasSubstr("this case is cut short"));
}

TEST_F(CaseFiles, WithAByteChangedAreTheSameOrAnError) {
  const std::string whole = EncodeCase(Some());
  Random random(1, "garbled cases");
  for (size_t i = random.Below(4); i < whole.size(); i += 1 + random.Below(6)) {
    std::string garbled = whole;
    garbled[i] = static_cast<char>(garbled[i] ^ static_cast<char>(1 + random.Below(255)));
    const Expected<Case> loaded = DecodeCase(garbled);
    if (loaded) {
      ASSERT_EQ(EncodeCase(*loaded), whole) << i;
    }
  }
}

TEST_F(CaseFiles, GarbledAtRandomAreTheSameOrAnError) {
  const std::string whole = EncodeCase(Some());
  size_t refused = 0;
  for (uint64_t round = 0; round < 1000; ++round) {
    Random random(round, "garbled cases");
    std::string garbled = whole;
    for (uint64_t change = 0; change <= random.Below(3); ++change) {
      const size_t at = random.Below(garbled.size());
      const size_t size = 1 + random.Below(20);
      switch (random.Below(3)) {
        case 0:
          garbled[at] = static_cast<char>(random.Below(256));
          break;
        case 1:
          garbled.erase(at, size);
          break;
        case 2:
          garbled.insert(at, garbled.substr(random.Below(garbled.size()), size));
          break;
      }
    }
    const Expected<Case> loaded = DecodeCase(garbled);
    if (!loaded) ++refused;
    if (loaded) {
      ASSERT_EQ(EncodeCase(*loaded), whole) << round;
    }
  }
  EXPECT_GT(refused, 800U);
}

// Whoever builds a case by hand gets the digest right.
TEST_F(CaseFiles, BuiltToDoHarmAreOneClearError) {
  const json good = DocumentOf(Some());
  const json nonsense[] = {
      nullptr, -1,  0.5,           1e300,          18'446'744'073'709'551'615U,
      "",      "x", json::array(), json::object(), json::array({json::array({1, 2})}),
      true};
  std::function<void(const json&, const json::json_pointer&)> spoil =
      [&](const json& part, const json::json_pointer& place) {
        for (const json& value : nonsense) {
          json bad = good;
          bad[place] = value;
          const Expected<Case> loaded = DecodeCase(Sealed(bad));
          if (!loaded) {
            ASSERT_THAT(loaded.error().context, HasSubstr("case")) << place;
            ASSERT_THAT(loaded.error().context, testing::Not(HasSubstr("\n"))) << place;
          }
        }
        if (!part.is_structured() || place.back() == "workload") return;
        for (const auto& [name, entry] : part.items()) spoil(entry, place / name);
      };
  for (const auto& [name, entry] : good.items()) spoil(entry, json::json_pointer("/" + name));
}

TEST_F(CaseFiles, WithoutAFieldThatCountsAreAnError) {
  for (const char* name : {"id", "signature", "class", "message", "fault", "fault_instance",
                           "models", "options", "crash", "payload"}) {
    json missing = DocumentOf(Some());
    missing.erase(name);
    EXPECT_EQ(ErrorOf(Sealed(missing)).code, ErrorCode::kCorrupt) << name;
  }
  EXPECT_EQ(ErrorOf(DocumentOf(Some()).dump()).code, ErrorCode::kCorrupt) << "no digest";
}

TEST_F(CaseFiles, WhoseFactsDoNotFitTheirTraceAreAnError) {
  const json good = DocumentOf(Some());
  const auto error_with = [&](const char* place, const json& value) {
    json bad = good;
    bad[json::json_pointer(place)] = value;
    return ErrorOf(Sealed(bad)).context;
  };
  const size_t ops = Some().trace.ops.size();
  const char* const lost = "/crash/lost_atoms";
  EXPECT_THAT(error_with(lost, json::array({json::array({ops, 2, 0})})),
              HasSubstr("an operation that its trace does not have"));
  EXPECT_THAT(error_with(lost, json::array({json::array({0, 9, 0})})), HasSubstr("kind of atom"));
  EXPECT_THAT(error_with(lost, json::array({json::array({0, 1})})), HasSubstr("bad message"));
  EXPECT_THAT(error_with("/crash/attempted", 5),
              HasSubstr("transactions that its trace does not have"));
  EXPECT_THAT(error_with("/crash/attempted", 2),
              HasSubstr("transactions that its trace does not have"));
  EXPECT_THAT(error_with("/crash/position", ops + 1), HasSubstr("does not end at the crash"));
  EXPECT_THAT(error_with("/options/model", "ext9"), HasSubstr("there is no model 'ext9'"));
  EXPECT_THAT(error_with("/class", "sad"), HasSubstr("unknown class 'sad'"));
  EXPECT_THAT(error_with("/options/recovery_timeout_ms", uint64_t{1} << 63),
              HasSubstr("recovery_timeout_ms"));
  // Whoever sends a case does not get to say which files are read here.
  EXPECT_THAT(error_with("/options/model", "/etc/x.toml,drag=to-call"),
              HasSubstr("there is no model '/etc/x.toml'"));
}

TEST_F(CaseFiles, OfALaterFormatSayWhichPlugpullReadsThem) {
  const Error error =
      LoadError(R"({"schema": "plugpull.case/2", "version": "3.4.5", "new": [[]]})");
  EXPECT_EQ(error.code, ErrorCode::kTooNew);
  EXPECT_THAT(error.context, HasSubstr("plugpull \"3.4.5\""));
  EXPECT_THAT(error.context, HasSubstr("plugpull.case/2"));
  EXPECT_THAT(error.context, HasSubstr("upgrade plugpull"));
  EXPECT_EQ(ErrorOf(R"({"schema": "plugpull.case/2"})").code, ErrorCode::kTooNew);
}

TEST_F(CaseFiles, WhoseTraceIsOfALaterFormatAreTooNew) {
  ContainerFormat later = kTraceFormat;
  later.version += 1;
  json document = DocumentOf(Some());
  document["payload"]["trace"] =
      json::array({ToBase64(EncodeContainer(later, std::vector<Section>{}))});
  const Error error = ErrorOf(Sealed(document));
  EXPECT_EQ(error.code, ErrorCode::kTooNew);
  EXPECT_THAT(error.context, HasSubstr("upgrade plugpull"));
}

TEST_F(CaseFiles, ThatAreSomethingElseAreNoCases) {
  for (const std::string& text :
       {std::string("PPTRACE"), std::string("hello"), std::string("[1]"), std::string("\n\n"),
        std::string("{}"), std::string("{\"schema\": 7}"),
        std::string("{\"schema\": \"plugpull.result/1\"}")}) {
    const Error error = LoadError(text);
    EXPECT_EQ(error.code, ErrorCode::kCorrupt);
    EXPECT_THAT(error.context, HasSubstr("this is not a plugpull case")) << text;
  }
  EXPECT_THAT(ErrorOf("{\"schema\": \"plugpull.result/1\"}").context,
              HasSubstr("plugpull.result/1"));
  EXPECT_EQ(ErrorOf("{\"schema\" \"x\"}").code, ErrorCode::kCorrupt);
}

TEST_F(CaseFiles, ThatAreNotThereAreNotFound) {
  const Expected<Case> loaded = LoadCase(directory_ + "/none.case");
  ASSERT_FALSE(loaded);
  EXPECT_EQ(loaded.error().code, ErrorCode::kNotFound);
  EXPECT_THAT(loaded.error().context, HasSubstr("none.case"));
}

TEST_F(CaseFiles, NestedWithoutEndDoNoHarm) {
  std::string deep(5'000'000, '[');
  EXPECT_EQ(ErrorOf("{\"schema\":" + deep).code, ErrorCode::kCorrupt);
  deep += std::string(5'000'000, ']');
  EXPECT_EQ(ErrorOf("{\"schema\":" + deep + "}").code, ErrorCode::kCorrupt);
}

TEST_F(CaseFiles, WhosePayloadUnpacksWithoutEndAreRefusedBeforeItDoes) {
  // As a trace it is damaged anyhow; what counts is that nobody unpacks it to see.
  const std::vector<std::byte> zeros(200 << 10);
  std::vector<std::byte> trace =
      EncodeContainer(kTraceFormat, std::vector<Section>{{"facts", zeros}});
  EXPECT_FALSE(DecodeTrace(trace, 100 << 10));
  EXPECT_THAT(DecodeTrace(trace, 100 << 10).error().context, HasSubstr("says that it holds"));
  EXPECT_THAT(DecodeTrace(trace, 300 << 10).error().context,
              testing::Not(HasSubstr("says that it holds")));
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
