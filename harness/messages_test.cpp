// Goal: what one process says, the other hears; and nonsense is an error, never something else.
#include "harness/messages.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "faults/persistence/model_text.h"

namespace plugpull {
namespace {

using nlohmann::json;

// What is left of a message once it has travelled as text.
template <typename Message>
json Sent(const Message& message) {
  return json::parse(ToJson(message).dump());
}

TEST(Messages, AtomsComeBack) {
  for (uint32_t kind = 0; kind <= static_cast<uint32_t>(kLastAtomKind); ++kind) {
    const AtomId atom{.op = UINT32_MAX, .kind = static_cast<AtomKind>(kind), .index = 7};
    EXPECT_EQ(AtomIdFromJson(Sent(atom)).value(), atom);
    EXPECT_EQ(AtomIdFromJson(ToJson(atom)).value(), atom);
  }
}

TEST(Messages, ViolationsComeBack) {
  for (size_t i = 0; i <= static_cast<size_t>(kLastViolationClass); ++i) {
    const Violation violation{static_cast<ViolationClass>(i), "with \"quotes\"\n and \x01"};
    EXPECT_EQ(ViolationFromJson(Sent(violation)).value(), violation);
  }
}

TEST(Messages, DeadlyPathsComeBack) {
  const DeadlyPath deadly{.path = {{3, true, Alternative::kLeft},
                                   {UINT32_MAX - 1, false, Alternative::kTaken},
                                   {0, false, Alternative::kNone}},
                          .probe = 12,
                          .violation = {ViolationClass::kHangOnOpen, "late"}};
  for (const json& message : {ToJson(deadly), Sent(deadly)}) {
    const Expected<DeadlyPath> back = DeadlyPathFromJson(message);
    ASSERT_TRUE(back);
    EXPECT_EQ(back->path, deadly.path);
    EXPECT_EQ(back->probe, 12u);
    EXPECT_EQ(back->violation, deadly.violation);
  }
}

PointResult SomeResult() {
  PointResult result;
  result.position = 99;
  result.window = {3, 4};
  result.recoveries = 1ULL << 60;
  result.probes = 24;
  result.reruns = 5;
  result.uses = 6;
  result.covered = "123456789012345678901234567890";
  result.total = "223456789012345678901234567890";
  result.exact = false;
  result.exhausted = true;
  result.bound = "per-class";
  result.unknown = {"nondeterministic: a", "b"};
  result.violation_count = 17;
  result.without_symptom = 5;
  PointViolation& violation = result.violations.emplace_back();
  violation.violation = {ViolationClass::kHole, "x"};
  violation.chosen = {{{1, AtomKind::kData, 2}, true}, {{3, AtomKind::kName, 1}, false}};
  violation.lost_atoms = 8;
  return result;
}

TEST(Messages, ResultsComeBackInFull) {
  const PointResult sent = SomeResult();
  const Expected<PointResult> back = PointResultFromJson(Sent(sent));
  ASSERT_TRUE(back);
  EXPECT_EQ(back->position, sent.position);
  EXPECT_EQ(back->window.acknowledged, 3u);
  EXPECT_EQ(back->window.attempted, 4u);
  EXPECT_EQ(back->recoveries, sent.recoveries);
  EXPECT_EQ(back->probes, sent.probes);
  EXPECT_EQ(back->reruns, sent.reruns);
  EXPECT_EQ(back->uses, sent.uses);
  EXPECT_EQ(back->covered, sent.covered);
  EXPECT_EQ(back->total, sent.total);
  EXPECT_EQ(back->exact, sent.exact);
  EXPECT_EQ(back->exhausted, sent.exhausted);
  EXPECT_EQ(back->bound, sent.bound);
  EXPECT_EQ(back->unknown, sent.unknown);
  EXPECT_EQ(back->violation_count, sent.violation_count);
  EXPECT_EQ(back->without_symptom, sent.without_symptom);
  ASSERT_EQ(back->violations.size(), 1u);
  EXPECT_EQ(back->violations[0].violation, sent.violations[0].violation);
  EXPECT_EQ(back->violations[0].chosen, sent.violations[0].chosen);
  EXPECT_EQ(back->violations[0].lost_atoms, 8u);
}

TEST(Messages, AResultWithAnyFieldMissingOrOfTheWrongTypeIsAnError) {
  const json good = Sent(SomeResult());
  ASSERT_TRUE(PointResultFromJson(good));
  for (const auto& [name, value] : good.items()) {
    json missing = good;
    missing.erase(name);
    if (name == "depth") continue;  // cases from before there was such a thing
    EXPECT_FALSE(PointResultFromJson(missing)) << name;
    const bool is_number = value.is_number();
    for (const json& nonsense : {json(nullptr), json(-1), json(1.5), json({{"a", 1}})}) {
      json bad = good;
      bad[name] = nonsense;
      const Expected<PointResult> read = PointResultFromJson(bad);
      ASSERT_FALSE(read) << name << " = " << nonsense << (is_number ? " for a number" : "");
      EXPECT_EQ(read.error().code, ErrorCode::kCorrupt);
    }
  }
}

TEST(Messages, NonsenseIsAnError) {
  for (const char* text : {"null", "1", "[]", "{}", "[1]", "[1,2]", "\"x\"", "[1,9,0]", "[-1,0,0]",
                           "[0,-1,0]", "[0,0,-1]", "[4294967296,0,0]", "[0,4294967296,0]",
                           "[0,0,4294967296]", "[0.5,0,0]", "[\"0\",0,0]", "[true,0,0]"}) {
    EXPECT_FALSE(AtomIdFromJson(json::parse(text))) << text;
  }
  for (const char* text : {"null", "[]", "{}", R"({"class":"hole"})", R"({"message":"x"})",
                           R"({"class":"whole","message":"x"})", R"({"class":1,"message":"x"})",
                           R"({"class":"hole","message":2})"}) {
    EXPECT_FALSE(ViolationFromJson(json::parse(text))) << text;
  }
  const std::string violation =
      R"("is_unwinding":false,"violation":{"class":"hole","message":"x"})";
  ASSERT_TRUE(
      DeadlyPathFromJson(json::parse(R"({"path":[[0,true,2]],"probe":0,)" + violation + "}")));
  for (const char* rest :
       {R"({"path":[[0,true,3]],"probe":0,)", R"({"path":[[0,true,-1]],"probe":0,)",
        R"({"path":[[0,1,0]],"probe":0,)", R"({"path":[[-1,true,0]],"probe":0,)",
        R"({"path":[[0,true]],"probe":0,)", R"({"path":7,"probe":0,)", R"({"path":[],"probe":-1,)",
        R"({"path":[],)"}) {
    EXPECT_FALSE(DeadlyPathFromJson(json::parse(rest + violation + "}"))) << rest;
  }
}

TEST(ExploreSettings, ComeBackInFull) {
  const ExploreSettings sent{.target = "sqlite:journal=wal",
                             .model = FindModel("ordered"),
                             .tear = Tear::kPages,
                             .promise = Promise::kAtomic,
                             .seed = UINT64_MAX,
                             .keys = 5,
                             .per_class = 6,
                             .recoveries_per_point = 7,
                             .patience = 8,
                             .recovery_timeout_ms = 9};
  const Expected<ExploreSettings> back = ExploreSettingsFromJson(Sent(sent));
  ASSERT_TRUE(back);
  EXPECT_EQ(back->target, sent.target);
  EXPECT_EQ(back->model, sent.model);
  EXPECT_EQ(back->tear, sent.tear);
  EXPECT_EQ(back->promise, sent.promise);
  EXPECT_EQ(back->seed, sent.seed);
  EXPECT_EQ(back->keys, sent.keys);
  EXPECT_EQ(back->per_class, sent.per_class);
  EXPECT_EQ(back->recoveries_per_point, sent.recoveries_per_point);
  EXPECT_EQ(back->patience, sent.patience);
  EXPECT_EQ(back->recovery_timeout_ms, sent.recovery_timeout_ms);
}

TEST(ExploreSettings, CarryAModelOfTheUsersWithoutItsFile) {
  ExploreSettings sent;
  for (const char* text : {"xfs,name=mine,fill=garbage", "btrfs,profile=contract",
                           "posix-minimal,groups=none,rename=dual"}) {
    sent.model = ParseModel(text).value();
    EXPECT_EQ(Sent(sent)["model"], text);
    const Expected<ExploreSettings> back = ExploreSettingsFromJson(Sent(sent));
    ASSERT_TRUE(back) << back.error().context;
    EXPECT_EQ(back->model, sent.model);
  }
}

TEST(ExploreSettings, NonsenseIsAnError) {
  const json good = Sent(ExploreSettings());
  ASSERT_TRUE(ExploreSettingsFromJson(good));
  for (const auto& [name, value] : good.items()) {
    for (const json& nonsense : {json(nullptr), json(-1), json(0.5), json("word")}) {
      if (name == "target" && nonsense.is_string()) continue;
      json bad = good;
      bad[name] = nonsense;
      EXPECT_FALSE(ExploreSettingsFromJson(bad)) << name << " = " << nonsense;
    }
    json missing = good;
    missing.erase(name);
    if (name == "depth") continue;  // cases from before there was such a thing
    EXPECT_FALSE(ExploreSettingsFromJson(missing)) << name;
  }
}

}  // namespace
}  // namespace plugpull
