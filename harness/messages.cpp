#include "harness/messages.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "harness/strict_json.h"

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
  const uint32_t kind = WholeNumber<uint32_t>(from.at(1));
  if (kind > static_cast<uint32_t>(kLastAtomKind)) {
    throw json::out_of_range::create(401, "no such kind of atom", &from);
  }
  return {.op = WholeNumber<uint32_t>(from.at(0)),
          .kind = static_cast<AtomKind>(kind),
          .index = WholeNumber<uint32_t>(from.at(2))};
}

Violation ReadViolation(const json& from) {
  const auto violation = ParseViolationClass(from.at("class").get<std::string>());
  if (!violation) throw json::out_of_range::create(401, "no such class of violation", &from);
  return {.violation = *violation, .message = from.at("message").get<std::string>()};
}

PointViolation ReadPointViolation(const json& from) {
  PointViolation result;
  result.violation = ReadViolation(from);
  for (const json& choice : List(from.at("chosen"))) {
    result.chosen.emplace_back(ReadAtomId(choice.at(0)), choice.at(1).get<bool>());
  }
  result.lost_atoms = WholeNumber<uint64_t>(from.at("lost_atoms"));
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
    deadly.probe = WholeNumber<uint32_t>(from.at("probe"));
    for (const json& choice : List(from.at("path"))) {
      const uint32_t other = WholeNumber<uint32_t>(choice.at(2));
      if (other > static_cast<uint32_t>(Alternative::kNone)) {
        throw json::out_of_range::create(401, "no such alternative", &choice);
      }
      deadly.path.push_back({.variable = WholeNumber<uint32_t>(choice.at(0)),
                             .keep = choice.at(1).get<bool>(),
                             .other = static_cast<Alternative>(other)});
    }
    return deadly;
  });
}

Expected<PointResult> PointResultFromJson(const json& from) {
  return Guard([&from] {
    PointResult result;
    result.position = WholeNumber<size_t>(from.at("position"));
    result.window = {WholeNumber<uint32_t>(from.at("acknowledged")),
                     WholeNumber<uint32_t>(from.at("attempted"))};
    result.recoveries = WholeNumber<uint64_t>(from.at("recoveries"));
    result.probes = WholeNumber<uint64_t>(from.at("probes"));
    result.reruns = WholeNumber<uint64_t>(from.at("reruns"));
    result.uses = WholeNumber<uint64_t>(from.at("uses"));
    result.covered = from.at("covered").get<std::string>();
    result.total = from.at("total").get<std::string>();
    result.exact = from.at("exact").get<bool>();
    result.exhausted = from.at("exhausted").get<bool>();
    result.bound = from.at("bound").get<std::string>();
    result.unknown = from.at("unknown").get<std::vector<std::string>>();
    result.violation_count = WholeNumber<uint64_t>(from.at("violation_count"));
    for (const json& violation : List(from.at("violations"))) {
      result.violations.push_back(ReadPointViolation(violation));
    }
    return result;
  });
}

}  // namespace plugpull
