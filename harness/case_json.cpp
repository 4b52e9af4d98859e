#include "harness/case_json.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "faults/base/base64.h"
#include "faults/base/bytes.h"
#include "faults/trace/trace_file.h"
#include "harness/case_facts.h"
#include "harness/case_text.h"
#include "harness/json_document.h"
#include "harness/messages.h"
#include "harness/strict_json.h"
#include "harness/version.h"

namespace plugpull {
namespace {

using nlohmann::json;
using nlohmann::ordered_json;

constexpr std::string_view kSchemaStem = "plugpull.case/";
constexpr size_t kPayloadLineBytes = 4096;

ordered_json OrNull(const std::string& text) {
  return text.empty() ? ordered_json(nullptr) : ordered_json(text);
}

ordered_json ToPayload(const Trace& trace) {
  const std::string text = ToBase64(EncodeTrace(trace));
  ordered_json lines = ordered_json::array();
  for (size_t at = 0; at < text.size(); at += kPayloadLineBytes) {
    lines.push_back(text.substr(at, kPayloadLineBytes));
  }
  return lines;
}

Expected<Trace> FromPayload(const json& lines) {
  std::string text;
  for (const json& line : List(lines)) text += line.get_ref<const std::string&>();
  const std::optional<std::vector<std::byte>> bytes = FromBase64(text);
  if (!bytes) return Fail(ErrorCode::kCorrupt, "its payload is not base64");
  Expected<Trace> trace = DecodeTrace(*bytes, kMaxCaseTraceBytes);
  if (trace) return trace;
  return Fail(trace.error().code, fmt::format("in its payload, {}", trace.error().context));
}

ordered_json ToJson(const MinimisedFrom& minimised) {
  const CaseSize& before = minimised.before;
  return {{"before",
           {{"transactions", before.transactions},
            {"changes", before.changes},
            {"pair_bytes", before.pair_bytes},
            {"lost_atoms", before.lost_atoms},
            {"lost_operations", before.lost_operations}}},
          {"is_minimal", minimised.is_minimal},
          {"bound", OrNull(minimised.bound)}};
}

MinimisedFrom MinimisedFromJson(const json& from) {
  const json& before = from.at("before");
  const json& bound = from.at("bound");
  return {.before = {.transactions = WholeNumber<uint32_t>(before.at("transactions")),
                     .changes = WholeNumber<uint32_t>(before.at("changes")),
                     .pair_bytes = WholeNumber<uint64_t>(before.at("pair_bytes")),
                     .lost_atoms = WholeNumber<uint64_t>(before.at("lost_atoms")),
                     .lost_operations = WholeNumber<uint64_t>(before.at("lost_operations"))},
          .is_minimal = from.at("is_minimal").get<bool>(),
          .bound = bound.is_null() ? "" : bound.get<std::string>()};
}

ordered_json CrashToJson(const Case& saved) {
  const CrashWords words = WordsOfCrash(saved);
  ordered_json crash = {{"position", saved.trace.ops.size()},
                        {"acknowledged", saved.window.acknowledged},
                        {"attempted", saved.window.attempted},
                        {"in_use", saved.in_use},
                        {"lost", words.lost},
                        {"kept", words.kept},
                        {"lost_atoms", LostToJson(saved.lost)}};
  if (saved.while_recording) crash["while_recording"] = true;
  if (!saved.running_plan.empty()) crash["running_transactions"] = saved.running_transactions;
  return crash;
}

ordered_json ToDocument(const Case& saved) {
  const ViolationClass kind = saved.violation.violation;
  ordered_json document = {
      {"schema", kCaseSchema},
      {"version", kVersion},
      {"commit", kCommit},
      {"id", saved.id},
      {"signature", saved.signature},
      {"class", Name(kind)},
      {"promise", Name(BrokenPromise(kind))},
      {"message", saved.violation.message},
      {"fault_level", InfoOf(saved.level).number},
      {"fault", Name(saved.level)},
      {"fault_instance", OrNull(saved.fault)},
      {"failing_calls", OrNull(saved.running_plan)},
      {"models", saved.models},
      {"strongest_model", OrNull(saved.models.empty() ? "" : saved.models.back())},
      {"target", saved.settings.target},
      {"target_version", OrNull(saved.target_version)},
      {"options", ToJson(saved.settings)}};
  if (saved.minimised) document["minimised"] = ToJson(*saved.minimised);
  document["crash"] = CrashToJson(saved);
  document["recording"] = saved.trace.facts;
  document["workload"] = WorkloadWords(saved.trace);
  document["operations"] = OperationWords(saved.trace);
  ordered_json payload = {{"encoding", "base64 of a compressed trace file"},
                          {"trace", ToPayload(saved.trace)}};
  for (const FurtherCrash& further : saved.further) {
    document["further"].push_back({{"begin", further.begin},
                                   {"lost", LostWords(saved, further)},
                                   {"lost_atoms", LostToJson(further.lost)}});
    payload["recoveries"].push_back(ToPayload(further.trace));
  }
  document["payload"] = std::move(payload);
  return document;
}

Expected<void> ReadFurther(const json& document, Case& loaded) {
  if (!document.contains("further")) return {};
  const json& traces = List(document.at("payload").at("recoveries"));
  for (const json& entry : List(document.at("further"))) {
    Expected<Trace> trace = FromPayload(traces.at(loaded.further.size()));
    if (!trace) return std::unexpected(trace.error());
    FurtherCrash further{
        .trace = std::move(*trace), .begin = WholeNumber<size_t>(entry.at("begin")), .lost = {}};
    Expected<std::vector<AtomId>> lost =
        LostFromJson(entry.at("lost_atoms"), further.begin, further.trace.ops.size());
    if (!lost) return std::unexpected(lost.error());
    further.lost = std::move(*lost);
    loaded.further.push_back(std::move(further));
  }
  return {};
}

std::string TextOr(const json& value) { return value.is_null() ? "" : value.get<std::string>(); }

Expected<void> ReadFinding(const json& document, Case& loaded) {
  loaded.id = document.at("id").get<std::string>();
  loaded.signature = document.at("signature").get<std::string>();
  const std::string kind = document.at("class").get<std::string>();
  const std::optional<ViolationClass> violation = ParseViolationClass(kind);
  if (!violation) return Fail(ErrorCode::kCorrupt, fmt::format("unknown class '{}'", kind));
  loaded.violation = {*violation, document.at("message").get<std::string>()};
  const std::string fault = document.at("fault").get<std::string>();
  const auto level = std::ranges::find(Faults(), fault, &FaultInfo::name);
  if (level == Faults().end()) {
    return Fail(ErrorCode::kCorrupt, fmt::format("unknown fault '{}'", fault));
  }
  loaded.level = level->level;
  loaded.models = document.at("models").get<std::vector<std::string>>();
  loaded.fault = TextOr(document.at("fault_instance"));
  loaded.running_plan = TextOr(document.at("failing_calls"));
  loaded.target_version = TextOr(document.at("target_version"));
  if (document.contains("minimised")) {
    loaded.minimised = MinimisedFromJson(document.at("minimised"));
  }
  return {};
}

Expected<void> ReadCrash(const json& crash, Case& loaded) {
  loaded.window = {WholeNumber<uint32_t>(crash.at("acknowledged")),
                   WholeNumber<uint32_t>(crash.at("attempted"))};
  loaded.in_use = crash.at("in_use").get<bool>();
  loaded.while_recording = crash.value("while_recording", false);
  if (!loaded.running_plan.empty()) {
    loaded.running_transactions = WholeNumber<uint32_t>(crash.at("running_transactions"));
  }
  Expected<std::vector<AtomId>> lost =
      LostFromJson(crash.at("lost_atoms"), 0, loaded.trace.ops.size());
  if (!lost) return std::unexpected(lost.error());
  loaded.lost = std::move(*lost);
  if (WholeNumber<size_t>(crash.at("position")) != loaded.trace.ops.size()) {
    return Fail(ErrorCode::kCorrupt, "its trace does not end at the crash");
  }
  return {};
}

Expected<Case> FromDocument(const json& document) {
  Case loaded;
  Expected<Trace> trace = FromPayload(document.at("payload").at("trace"));
  if (!trace) return std::unexpected(trace.error());
  loaded.trace = std::move(*trace);
  Expected<ExploreSettings> settings = ExploreSettingsFromJson(document.at("options"));
  if (!settings) return std::unexpected(settings.error());
  loaded.settings = std::move(*settings);
  if (const auto read = ReadFinding(document, loaded); !read) return std::unexpected(read.error());
  if (const auto read = ReadCrash(document.at("crash"), loaded); !read) {
    return std::unexpected(read.error());
  }
  if (const auto read = ReadFurther(document, loaded); !read) return std::unexpected(read.error());
  if (const auto fits = CheckFacts(loaded); !fits) return std::unexpected(fits.error());
  return loaded;
}

// Errors: the document is no case of a format that we know.
Expected<void> CheckSchema(const json& document) {
  const bool has_schema =
      document.is_object() && document.contains("schema") && document.at("schema").is_string();
  if (!has_schema) return Fail(ErrorCode::kCorrupt, "this is not a plugpull case (no schema)");
  const std::string schema = document.at("schema").get<std::string>();
  if (schema == kCaseSchema) return {};
  if (!schema.starts_with(kSchemaStem)) {
    return Fail(
        ErrorCode::kCorrupt,
        fmt::format(
            "this is not a plugpull case, but {}",
            json(schema.substr(0, 60)).dump(-1, ' ', true, json::error_handler_t::replace)));
  }
  std::string writer = "a newer plugpull";
  if (document.contains("version") && document.at("version").is_string()) {
    const json version = document.at("version").get<std::string>().substr(0, 60);
    writer =
        fmt::format("plugpull {}", version.dump(-1, ' ', true, json::error_handler_t::replace));
  }
  return Fail(ErrorCode::kTooNew,
              fmt::format("this case was written by {} (format {}, this one, {}, reads up to {}); "
                          "upgrade plugpull to that version or a later one",
                          writer, json(schema.substr(0, 60)).dump(), kVersion, kCaseSchema));
}

}  // namespace

std::string EncodeCase(const Case& saved) {
  ordered_json document = ToDocument(saved);
  // Bytes that are no text are replaced when they are written; the digest is of what is read back.
  document["digest"] = DocumentDigest(json(document));
  return LayOutDocument(document);
}

Expected<Case> DecodeCase(std::string_view text) {
  try {
    json document;
    switch (ParseDocument(text, document)) {
      case DocumentTrouble::kNone:
        break;
      case DocumentTrouble::kCut:
        return Fail(ErrorCode::kCorrupt,
                    "this case is cut short (its JSON does not end); run the target again");
      case DocumentTrouble::kNotJson:
        return FailDamaged(kCaseContainer, "it is not JSON");
    }
    if (const auto ours = CheckSchema(document); !ours) return std::unexpected(ours.error());
    const json digest = document.at("digest");
    document.erase("digest");
    if (digest != DocumentDigest(document)) {
      return FailDamaged(kCaseContainer, "it was changed, its digest does not match");
    }
    Expected<Case> loaded = FromDocument(document);
    if (!loaded && loaded.error().code == ErrorCode::kCorrupt) {
      return FailDamaged(kCaseContainer, loaded.error().context);
    }
    return loaded;
  } catch (const json::exception& error) {
    return FailDamaged(kCaseContainer, error.what());
  } catch (const std::bad_alloc&) {
    return FailDamaged(kCaseContainer, "reading it takes more memory than there is");
  }
}

}  // namespace plugpull
