#include "harness/cli/scenario.h"

#include <fmt/format.h>
#include <toml++/toml.h>

#include <algorithm>
#include <charconv>
#include <map>
#include <optional>
#include <tuple>
#include <utility>
#include <variant>

#include "faults/base/nearest.h"
#include "faults/inject/fault_level.h"
#include "harness/symptom.h"
#include "reports/verdict.h"
#include "workloads/scenarios/scenarios.h"

namespace plugpull {
namespace {

template <typename... Args>
std::unexpected<Error> Wrong(fmt::format_string<Args...> format, Args&&... args) {
  return Fail(ErrorCode::kInvalidArgument, fmt::format(format, std::forward<Args>(args)...));
}

// What a table of the file may set, and where it goes.
using Fields = std::map<std::string, std::variant<std::string*, uint32_t*, uint64_t*>>;

Expected<void> SetField(const Fields& fields, const std::string& key, const toml::node& value) {
  const auto field = fields.find(key);
  if (field == fields.end()) {
    std::vector<std::string> names;
    for (const auto& [name, place] : fields) names.push_back(name);
    return Wrong("there is no '{}'{}", key, NearestHint(key, names));
  }
  if (std::string* const* text = std::get_if<std::string*>(&field->second)) {
    const auto given = value.value_exact<std::string>();
    if (!given) return Wrong("'{}' must be a text", key);
    **text = *given;
    return {};
  }
  const auto number = value.value_exact<int64_t>();
  if (!number || *number < 0 || *number > 1'000'000) {
    return Wrong("'{}' must be a whole number from 0 to 1000000", key);
  }
  if (uint32_t* const* small = std::get_if<uint32_t*>(&field->second)) {
    **small = static_cast<uint32_t>(*number);
  } else {
    *std::get<uint64_t*>(field->second) = static_cast<uint64_t>(*number);
  }
  return {};
}

Expected<void> SetFields(const Fields& fields, const toml::table& table) {
  for (const auto& [key, value] : table) {
    const std::string name(key.str());
    if (name == "case") continue;
    if (Expected<void> set = SetField(fields, name, value); !set) return set;
  }
  return {};
}

bool IsLevel(const std::string& word) {
  return std::ranges::any_of(Faults(), [&](const FaultInfo& info) { return info.name == word; });
}

Expected<void> CheckCase(const ScenarioCase& read) {
  if (read.name.empty()) return Wrong("a case has no name");
  if (read.expected != "held" && !ParseViolationClass(read.expected)) {
    return Wrong("expected '{}' is neither held nor a class of violation", read.expected);
  }
  if (!read.level.empty() && !IsLevel(read.level)) return Wrong("no level '{}'", read.level);
  if (!read.options.faults.empty() && !read.options.errors.empty()) {
    return Wrong("case '{}' has both faults and errors", read.name);
  }
  if (!read.options.errors.empty() && read.crashes_from != 0) {
    return Wrong("case '{}' has both errors and crashes_from", read.name);
  }
  if (read.symptom.empty()) return {};
  if (const Expected<Symptom> symptom = Symptom::Parse(read.symptom); !symptom) {
    return std::unexpected(symptom.error());
  }
  if (read.expected == "held") return Wrong("case '{}' holds, and has a symptom", read.name);
  return {};
}

Expected<ScenarioCase> ParseCase(const toml::table& table) {
  ScenarioCase read;
  Options& options = read.options;
  uint64_t seed = kDefaultSeed;
  const Fields fields = {{"name", &read.name},
                         {"target", &options.target},
                         {"workload", &options.workload},
                         {"seed", &seed},
                         {"keys", &options.keys},
                         {"cycles", &options.cycles},
                         {"transactions", &options.transactions},
                         {"model", &options.model},
                         {"tear", &options.tear},
                         {"promise", &options.promise},
                         {"faults", &options.faults},
                         {"errors", &options.errors},
                         {"recoveries", &options.recoveries},
                         {"depth", &options.depth},
                         {"crashes_from", &read.crashes_from},
                         {"readers", &options.readers},
                         {"rollbacks", &options.rollbacks},
                         {"symptom", &read.symptom},
                         {"expected", &read.expected},
                         {"level", &read.level},
                         {"recoverability", &read.recoverability},
                         {"why", &read.why}};
  if (Expected<void> set = SetFields(fields, table); !set) return std::unexpected(set.error());
  options.seed = seed;
  if (Expected<void> checked = CheckCase(read); !checked) return std::unexpected(checked.error());
  return read;
}

// Returns: what a list is sorted by: "F", 1 and "F1b" for "F1b", which so comes between F1 and F2.
// What has no number comes behind what has.
std::tuple<std::string, uint64_t, std::string> OrderOf(const std::string& id) {
  uint64_t number = UINT64_MAX;
  const size_t digit = std::min(id.find_first_of("0123456789"), id.size());
  std::from_chars(id.data() + digit, id.data() + id.size(), number);
  return {id.substr(0, digit), number, id};
}

}  // namespace

Expected<Scenario> ParseScenario(std::string_view text) {
  toml::table file;
  try {
    file = toml::parse(text);
  } catch (const toml::parse_error& error) {
    return Wrong("line {}: {}", error.source().begin.line, error.description());
  }
  Scenario scenario;
  const Fields fields = {
      {"id", &scenario.id}, {"title", &scenario.title}, {"report", &scenario.report}};
  if (Expected<void> set = SetFields(fields, file); !set) return std::unexpected(set.error());
  if (scenario.id.empty() || scenario.title.empty() || scenario.report.empty()) {
    return Wrong("a scenario needs an id, a title, a report and cases");
  }
  const toml::array* cases = file["case"].as_array();
  if (cases == nullptr || cases->empty()) return Wrong("{}: there is no [[case]]", scenario.id);
  for (const toml::node& node : *cases) {
    const toml::table* table = node.as_table();
    if (table == nullptr) return Wrong("{}: a case must be a table", scenario.id);
    Expected<ScenarioCase> read = ParseCase(*table);
    if (!read) return Wrong("{}: {}", scenario.id, read.error().context);
    scenario.cases.push_back(*std::move(read));
  }
  return scenario;
}

Expected<std::vector<Scenario>> Scenarios() {
  std::vector<Scenario> scenarios;
  for (const std::string_view text : ScenarioTexts()) {
    Expected<Scenario> scenario = ParseScenario(text);
    if (!scenario) return std::unexpected(scenario.error());
    scenarios.push_back(*std::move(scenario));
  }
  std::ranges::stable_sort(scenarios, {}, [](const Scenario& each) { return OrderOf(each.id); });
  return scenarios;
}

}  // namespace plugpull
