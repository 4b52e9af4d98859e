#include "harness/case_container.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "faults/base/bytes.h"
#include "faults/trace/container.h"
#include "faults/trace/trace_file.h"
#include "harness/case_facts.h"
#include "harness/messages.h"
#include "harness/strict_json.h"

namespace plugpull {
namespace {

using nlohmann::json;

// The recoveries that further crashes hit. Cases from before there were such have none.
Expected<void> ReadFurther(const json& facts, const Container& container, Case& loaded) {
  if (!facts.contains("further")) return {};
  for (const json& entry : List(facts.at("further"))) {
    const auto section = container.Find(fmt::format("recovery-{}", loaded.further.size() + 1));
    if (!section) return Fail(ErrorCode::kCorrupt, "a recovery is missing");
    Expected<Trace> trace = DecodeTrace(*section);
    if (!trace) return std::unexpected(trace.error());
    FurtherCrash further{
        .trace = std::move(*trace), .begin = WholeNumber<size_t>(entry.at("begin")), .lost = {}};
    Expected<std::vector<AtomId>> lost =
        LostFromJson(entry.at("lost"), further.begin, further.trace.ops.size());
    if (!lost) return std::unexpected(lost.error());
    further.lost = std::move(*lost);
    loaded.further.push_back(std::move(further));
  }
  return {};
}

Expected<void> ReadFacts(const json& facts, Case& loaded) {
  Expected<ExploreSettings> settings = ExploreSettingsFromJson(facts.at("settings"));
  if (!settings) return std::unexpected(settings.error());
  Expected<Violation> violation = ViolationFromJson(facts.at("violation"));
  if (!violation) return std::unexpected(violation.error());
  loaded.settings = std::move(*settings);
  loaded.violation = std::move(*violation);
  if (facts.contains("running_plan")) {
    loaded.running_plan = facts.at("running_plan").get<std::string>();
    loaded.running_transactions = WholeNumber<uint32_t>(facts.at("running_transactions"));
  }
  loaded.while_recording = facts.value("while_recording", false);
  loaded.id = facts.at("id").get<std::string>();
  loaded.signature = facts.at("signature").get<std::string>();
  loaded.window = {WholeNumber<uint32_t>(facts.at("acknowledged")),
                   WholeNumber<uint32_t>(facts.at("attempted"))};
  loaded.fault = facts.value("fault", "");  // older cases know of none
  Expected<std::vector<AtomId>> lost = LostFromJson(facts.at("lost"), 0, loaded.trace.ops.size());
  if (!lost) return std::unexpected(lost.error());
  loaded.lost = std::move(*lost);
  // Cases of earlier versions do not say.
  loaded.in_use = facts.contains("in_use") && facts.at("in_use").get<bool>();
  return CheckFacts(loaded);
}

}  // namespace

bool IsCaseContainer(std::span<const std::byte> bytes) {
  const std::string_view begin = AsText(bytes).substr(0, kCaseContainer.magic.size());
  return !begin.empty() && kCaseContainer.magic.starts_with(begin);
}

Expected<Case> DecodeCaseContainer(std::span<const std::byte> bytes) {
  const Expected<Container> container = DecodeContainer(kCaseContainer, bytes);
  if (!container) return std::unexpected(container.error());
  const Expected<std::span<const std::byte>> facts = container->Find("facts");
  if (!facts) return FailDamaged(kCaseContainer, "it has no facts");
  const Expected<std::span<const std::byte>> trace = container->Find("trace");
  if (!trace) return FailDamaged(kCaseContainer, "it has no trace");
  Case loaded;
  Expected<Trace> decoded = DecodeTrace(*trace);
  if (!decoded) return std::unexpected(decoded.error());
  loaded.trace = std::move(*decoded);
  const std::string_view text = AsText(*facts);
  const json parsed = json::parse(text.begin(), text.end(), nullptr, false);
  if (parsed.is_discarded()) return FailDamaged(kCaseContainer, "its facts are not JSON");
  try {
    if (const Expected<void> read = ReadFacts(parsed, loaded); !read) {
      return FailDamaged(kCaseContainer, read.error().context);
    }
    if (const Expected<void> read = ReadFurther(parsed, *container, loaded); !read) {
      return FailDamaged(kCaseContainer, read.error().context);
    }
  } catch (const json::exception& error) {
    return FailDamaged(kCaseContainer, error.what());
  }
  return loaded;
}

}  // namespace plugpull
