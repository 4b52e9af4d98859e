#include "harness/messages.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

namespace plugpull {
namespace {

using nlohmann::json;

// Runs `read`, which throws what nlohmann-json throws, and turns that into an error.
template <typename Read>
auto Guard(Read read) -> Expected<decltype(read())> {
  try {
    return read();
  } catch (const json::exception& error) {
    return Fail(ErrorCode::kCorrupt, fmt::format("bad message: {}", error.what()));
  }
}

AtomId ReadAtomId(const json& from) {
  const uint32_t kind = from.at(1).get<uint32_t>();
  if (kind > static_cast<uint32_t>(kLastAtomKind)) {
    throw json::out_of_range::create(401, "no such kind of atom", &from);
  }
  return {.op = from.at(0).get<uint32_t>(),
          .kind = static_cast<AtomKind>(kind),
          .index = from.at(2).get<uint32_t>()};
}

Violation ReadViolation(const json& from) {
  const auto violation = ParseViolationClass(from.at("class").get<std::string>());
  if (!violation) throw json::out_of_range::create(401, "no such class of violation", &from);
  return {.violation = *violation, .message = from.at("message").get<std::string>()};
}

PointViolation ReadPointViolation(const json& from) {
  PointViolation result;
  result.violation = ReadViolation(from);
  for (const json& choice : from.at("chosen")) {
    result.chosen.emplace_back(ReadAtomId(choice.at(0)), choice.at(1).get<bool>());
  }
  result.lost_atoms = from.at("lost_atoms").get<uint64_t>();
  return result;
}

}  // namespace

json ToJson(const AtomId& atom) {
  return json::array({atom.op, static_cast<uint32_t>(atom.kind), atom.index});
}

json ToJson(const Violation& violation) {
  return {{"class", Name(violation.violation)}, {"message", violation.message}};
}

json ToJson(const DeadlyPath& deadly) {
  json path = json::array();
  for (const Choice& choice : deadly.path) {
    path.push_back({choice.variable, choice.keep, static_cast<int>(choice.other)});
  }
  return {{"path", path}, {"probe", deadly.probe}, {"violation", ToJson(deadly.violation)}};
}

json ToJson(const PointResult& result) {
  json violations = json::array();
  for (const PointViolation& violation : result.violations) {
    json entry = ToJson(violation.violation);
    entry["lost_atoms"] = violation.lost_atoms;
    entry["chosen"] = json::array();
    for (const auto& [atom, kept] : violation.chosen) {
      entry["chosen"].push_back({ToJson(atom), kept});
    }
    violations.push_back(std::move(entry));
  }
  return {{"position", result.position},
          {"acknowledged", result.window.acknowledged},
          {"attempted", result.window.attempted},
          {"recoveries", result.recoveries},
          {"probes", result.probes},
          {"reruns", result.reruns},
          {"uses", result.uses},
          {"covered", result.covered},
          {"total", result.total},
          {"exact", result.exact},
          {"exhausted", result.exhausted},
          {"bound", result.bound},
          {"unknown", result.unknown},
          {"violation_count", result.violation_count},
          {"violations", violations}};
}

Expected<AtomId> AtomIdFromJson(const json& from) {
  return Guard([&from] { return ReadAtomId(from); });
}

Expected<Violation> ViolationFromJson(const json& from) {
  return Guard([&from] { return ReadViolation(from); });
}

Expected<DeadlyPath> DeadlyPathFromJson(const json& from) {
  return Guard([&from] {
    DeadlyPath deadly;
    deadly.violation = ReadViolation(from.at("violation"));
    deadly.probe = from.at("probe").get<uint32_t>();
    for (const json& choice : from.at("path")) {
      deadly.path.push_back({.variable = choice.at(0).get<uint32_t>(),
                             .keep = choice.at(1).get<bool>(),
                             .other = static_cast<Alternative>(choice.at(2).get<int>())});
    }
    return deadly;
  });
}

Expected<PointResult> PointResultFromJson(const json& from) {
  return Guard([&from] {
    PointResult result;
    result.position = from.at("position").get<size_t>();
    result.window = {from.at("acknowledged").get<uint32_t>(), from.at("attempted").get<uint32_t>()};
    result.recoveries = from.at("recoveries").get<uint64_t>();
    result.probes = from.at("probes").get<uint64_t>();
    result.reruns = from.at("reruns").get<uint64_t>();
    result.uses = from.at("uses").get<uint64_t>();
    result.covered = from.at("covered").get<std::string>();
    result.total = from.at("total").get<std::string>();
    result.exact = from.at("exact").get<bool>();
    result.exhausted = from.at("exhausted").get<bool>();
    result.bound = from.at("bound").get<std::string>();
    result.unknown = from.at("unknown").get<std::vector<std::string>>();
    result.violation_count = from.at("violation_count").get<uint64_t>();
    for (const json& violation : from.at("violations")) {
      result.violations.push_back(ReadPointViolation(violation));
    }
    return result;
  });
}

}  // namespace plugpull
