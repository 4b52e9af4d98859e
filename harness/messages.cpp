#include "harness/messages.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <span>

#include "faults/trace/trace_file.h"
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

std::vector<std::pair<AtomId, bool>> ReadChosen(const json& from) {
  std::vector<std::pair<AtomId, bool>> chosen;
  for (const json& choice : List(from)) {
    chosen.emplace_back(ReadAtomId(choice.at(0)), choice.at(1).get<bool>());
  }
  return chosen;
}

json ChosenToJson(const std::vector<std::pair<AtomId, bool>>& chosen) {
  json choices = json::array();
  for (const auto& [atom, kept] : chosen) choices.push_back({ToJson(atom), kept});
  return choices;
}

// Messages are text. A byte is two letters from a to p.
std::string Letters(std::span<const std::byte> bytes) {
  std::string text;
  text.reserve(2 * bytes.size());
  for (const std::byte byte : bytes) {
    text.push_back(static_cast<char>('a' + (std::to_integer<int>(byte) >> 4)));
    text.push_back(static_cast<char>('a' + (std::to_integer<int>(byte) & 15)));
  }
  return text;
}

std::vector<std::byte> BytesOf(const std::string& letters) {
  std::vector<std::byte> bytes(letters.size() / 2);
  for (size_t i = 0; i < bytes.size(); ++i) {
    const int high = letters[2 * i] - 'a';
    const int low = letters[2 * i + 1] - 'a';
    bytes[i] = static_cast<std::byte>((high << 4 | low) & 255);
  }
  return bytes;
}

RecoveryCut ReadCut(const json& from) {
  RecoveryCut cut;
  Expected<Trace> trace = DecodeTrace(BytesOf(from.at("trace").get<std::string>()));
  if (!trace) throw json::out_of_range::create(401, Describe(trace.error()), &from);
  cut.trace = std::move(*trace);
  cut.begin = WholeNumber<size_t>(from.at("begin"));
  cut.chosen = ReadChosen(from.at("chosen"));
  const auto is_of_recovery = [&cut](const auto& choice) {
    return choice.first.op >= cut.begin && choice.first.op < cut.trace.ops.size();
  };
  if (cut.begin > cut.trace.ops.size() || !std::ranges::all_of(cut.chosen, is_of_recovery)) {
    throw json::out_of_range::create(401, "a recovery is not what it says", &from);
  }
  return cut;
}

json CutToJson(const RecoveryCut& cut) {
  return {{"trace", Letters(EncodeTrace(cut.trace))},
          {"begin", cut.begin},
          {"chosen", ChosenToJson(cut.chosen)}};
}

PointViolation ReadPointViolation(const json& from) {
  PointViolation result;
  result.violation = ReadViolation(from);
  result.chosen = ReadChosen(from.at("chosen"));
  for (const json& cut : List(from.at("cuts"))) result.cuts.push_back(ReadCut(cut));
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
  return {{"path", path},
          {"probe", deadly.probe},
          {"is_unwinding", deadly.is_unwinding},
          {"violation", ToJson(deadly.violation)}};
}

json ToJson(const PointResult& result) {
  json violations = json::array();
  for (const PointViolation& violation : result.violations) {
    json entry = ToJson(violation.violation);
    entry["lost_atoms"] = violation.lost_atoms;
    entry["chosen"] = ChosenToJson(violation.chosen);
    entry["cuts"] = json::array();
    for (const RecoveryCut& cut : violation.cuts) entry["cuts"].push_back(CutToJson(cut));
    violations.push_back(std::move(entry));
  }
  json deeper = json::array();
  for (const DepthResult& depth : result.deeper) {
    deeper.push_back({depth.crash_points, depth.recoveries, depth.exhausted});
  }
  return {{"position", result.position},
          {"acknowledged", result.window.acknowledged},
          {"attempted", result.window.attempted},
          {"fired", result.fired},
          {"recoveries", result.recoveries},
          {"probes", result.probes},
          {"reruns", result.reruns},
          {"uses", result.uses},
          {"covered", result.covered},
          {"total", result.total},
          {"exact", result.exact},
          {"exhausted", result.exhausted},
          {"deeper", deeper},
          {"bound", result.bound},
          {"unknown", result.unknown},
          {"violation_count", result.violation_count},
          {"first_violation", result.first_violation},
          {"without_symptom", result.without_symptom},
          {"violations", violations}};
}

json ToJson(const MendedState& state) {
  json to = {{"is_clean", state.is_clean}, {"keys_lost", state.keys_lost}, {"keys", state.keys}};
  if (state.transaction) to["transaction"] = *state.transaction;
  return to;
}

Expected<MendedState> MendedStateFromJson(const json& from) {
  return Guard([&from] {
    MendedState state{.is_clean = from.at("is_clean").get<bool>(),
                      .keys_lost = WholeNumber<uint64_t>(from.at("keys_lost")),
                      .keys = WholeNumber<uint64_t>(from.at("keys"))};
    if (from.contains("transaction")) {
      state.transaction = WholeNumber<uint32_t>(from.at("transaction"));
    }
    return state;
  });
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
    deadly.is_unwinding = from.at("is_unwinding").get<bool>();
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
    result.fired = from.at("fired").get<bool>();
    result.recoveries = WholeNumber<uint64_t>(from.at("recoveries"));
    result.probes = WholeNumber<uint64_t>(from.at("probes"));
    result.reruns = WholeNumber<uint64_t>(from.at("reruns"));
    result.uses = WholeNumber<uint64_t>(from.at("uses"));
    result.covered = from.at("covered").get<std::string>();
    result.total = from.at("total").get<std::string>();
    result.exact = from.at("exact").get<bool>();
    result.exhausted = from.at("exhausted").get<bool>();
    for (const json& depth : List(from.at("deeper"))) {
      result.deeper.push_back({.crash_points = WholeNumber<uint64_t>(depth.at(0)),
                               .recoveries = WholeNumber<uint64_t>(depth.at(1)),
                               .exhausted = depth.at(2).get<bool>()});
    }
    result.bound = from.at("bound").get<std::string>();
    result.unknown = from.at("unknown").get<std::vector<std::string>>();
    result.violation_count = WholeNumber<uint64_t>(from.at("violation_count"));
    result.first_violation = WholeNumber<uint64_t>(from.at("first_violation"));
    result.without_symptom = WholeNumber<uint64_t>(from.at("without_symptom"));
    for (const json& violation : List(from.at("violations"))) {
      result.violations.push_back(ReadPointViolation(violation));
    }
    return result;
  });
}

}  // namespace plugpull
