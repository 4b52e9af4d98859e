#include "harness/explore_settings.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "faults/persistence/model_text.h"
#include "harness/strict_json.h"
#include "harness/symptom.h"

namespace plugpull {

nlohmann::json ToJson(const ExploreSettings& settings) {
  nlohmann::json json = {{"target", settings.target},
                         {"model", ModelText(*settings.model)},
                         {"tear", Name(settings.tear)},
                         {"promise", Name(settings.promise)},
                         {"seed", settings.seed},
                         {"keys", settings.keys},
                         {"per_class", settings.per_class},
                         {"recoveries_per_point", settings.recoveries_per_point},
                         {"patience", settings.patience},
                         {"depth", settings.depth},
                         {"recovery_timeout_ms", settings.recovery_timeout_ms}};
  if (!settings.check.empty()) json["check"] = settings.check;
  if (settings.readers > 0) json["readers"] = settings.readers;
  if (settings.read_set) json["read_set"] = true;
  if (!settings.symptom.empty()) json["symptom"] = settings.symptom;
  return json;
}

Expected<ExploreSettings> ExploreSettingsFromJson(const nlohmann::json& json) {
  try {
    ExploreSettings settings;
    settings.target = json.at("target").get<std::string>();
    if (json.contains("check")) settings.check = json.at("check").get<std::string>();
    const std::string model = json.at("model").get<std::string>();
    const std::string tear = json.at("tear").get<std::string>();
    const std::string promise = json.at("promise").get<std::string>();
    const Expected<const Model*> parsed_model = ParseModelText(model);
    if (!parsed_model) return Fail(ErrorCode::kCorrupt, parsed_model.error().context);
    settings.model = *parsed_model;
    const auto parsed_tear = ParseTear(tear);
    const auto parsed_promise = ParsePromise(promise);
    if (!parsed_tear || !parsed_promise) {
      return Fail(ErrorCode::kCorrupt,
                  fmt::format("unknown tear '{}' or promise '{}'", tear, promise));
    }
    settings.tear = *parsed_tear;
    settings.promise = *parsed_promise;
    settings.seed = WholeNumber<uint64_t>(json.at("seed"));
    settings.keys = WholeNumber<uint32_t>(json.at("keys"));
    settings.per_class = WholeNumber<uint32_t>(json.at("per_class"));
    settings.recoveries_per_point = WholeNumber<uint64_t>(json.at("recoveries_per_point"));
    settings.patience = WholeNumber<uint32_t>(json.at("patience"));
    // Cases from before there was such a thing know one crash.
    settings.depth = json.contains("depth") ? WholeNumber<uint32_t>(json.at("depth")) : 1;
    if (settings.depth < 1 || settings.depth > kMostDepth) {
      return Fail(ErrorCode::kCorrupt, fmt::format("a depth of {} crashes", settings.depth));
    }
    settings.recovery_timeout_ms = WholeNumber<uint64_t>(json.at("recovery_timeout_ms"));
    if (json.contains("readers")) settings.readers = WholeNumber<uint32_t>(json.at("readers"));
    if (json.contains("read_set")) settings.read_set = json.at("read_set").get<bool>();
    if (json.contains("symptom")) {
      settings.symptom = json.at("symptom").get<std::string>();
      const Expected<Symptom> symptom = Symptom::Parse(settings.symptom);
      if (!symptom) return Fail(ErrorCode::kCorrupt, symptom.error().context);
    }
    return settings;
  } catch (const nlohmann::json::exception& error) {
    return Fail(ErrorCode::kCorrupt, fmt::format("bad settings: {}", error.what()));
  }
}

}  // namespace plugpull
