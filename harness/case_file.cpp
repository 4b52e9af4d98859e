#include "harness/case_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "engine/target.h"
#include "faults/base/atomic_file.h"
#include "faults/inject/fault_call.h"
#include "faults/trace/container.h"
#include "faults/trace/snapshot_mark.h"
#include "faults/trace/trace_file.h"
#include "harness/messages.h"
#include "harness/strict_json.h"
#include "harness/version.h"

namespace plugpull {
namespace {

using nlohmann::json;

constexpr ContainerFormat kCaseFormat = {
    .magic = "PPCASE\n\n", .version = 1, .what = "case", .cure = "run the target again"};

std::vector<std::byte> Bytes(const std::string& text) {
  const auto bytes = std::as_bytes(std::span(text));
  return {bytes.begin(), bytes.end()};
}

bool HasPayload(OpKind kind) {
  return kind == OpKind::kWrite || kind == OpKind::kSymlink || kind == OpKind::kClone ||
         kind == OpKind::kSetAttribute || kind == OpKind::kSetXattr;
}

Expected<std::vector<AtomId>> ReadLost(const json& list, size_t begin, size_t end) {
  std::vector<AtomId> lost;
  for (const json& entry : List(list)) {
    const Expected<AtomId> atom = AtomIdFromJson(entry);
    if (!atom) return std::unexpected(atom.error());
    if (atom->op < begin || atom->op >= end) {
      return Fail(ErrorCode::kCorrupt, "it loses an operation that its trace does not have");
    }
    lost.push_back(*atom);
  }
  std::ranges::sort(lost);
  return lost;
}

json LostToJson(const std::vector<AtomId>& lost) {
  json list = json::array();
  for (const AtomId& atom : lost) list.push_back(ToJson(atom));
  return list;
}

std::string SectionOf(size_t further) { return fmt::format("recovery-{}", further + 1); }

// The recoveries that further crashes hit. Cases from before there were such have none.
Expected<void> ReadFurther(const json& facts, const Container& container, Case& loaded) {
  if (!facts.contains("further")) return {};
  for (const json& entry : List(facts.at("further"))) {
    const auto section = container.Find(SectionOf(loaded.further.size()));
    if (!section) return Fail(ErrorCode::kCorrupt, "a recovery is missing");
    Expected<Trace> trace = DecodeTrace(*section);
    if (!trace) return std::unexpected(trace.error());
    FurtherCrash further{
        .trace = std::move(*trace), .begin = WholeNumber<size_t>(entry.at("begin")), .lost = {}};
    Expected<std::vector<AtomId>> lost =
        ReadLost(entry.at("lost"), further.begin, further.trace.ops.size());
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
  if (!loaded.fault.empty()) {
    const Expected<FaultCalls> calls = ParseFaults(loaded.fault, FaultForm::kInstance);
    if (!calls) return Fail(ErrorCode::kCorrupt, calls.error().context);
  }
  Expected<std::vector<AtomId>> lost = ReadLost(facts.at("lost"), 0, loaded.trace.ops.size());
  if (!lost) return std::unexpected(lost.error());
  loaded.lost = std::move(*lost);
  // Cases of earlier versions do not say.
  loaded.in_use = facts.contains("in_use") && facts.at("in_use").get<bool>();
  const bool window_fits = loaded.window.acknowledged <= loaded.window.attempted &&
                           loaded.window.attempted <= loaded.trace.transactions.size();
  if (!window_fits) {
    return Fail(ErrorCode::kCorrupt, "it speaks of transactions that its trace does not have");
  }
  return {};
}

Expected<Case> Decode(std::span<const std::byte> bytes) {
  const Expected<Container> container = DecodeContainer(kCaseFormat, bytes);
  if (!container) return std::unexpected(container.error());
  const Expected<std::span<const std::byte>> facts = container->Find("facts");
  if (!facts) return FailDamaged(kCaseFormat, "it has no facts");
  const Expected<std::span<const std::byte>> trace = container->Find("trace");
  if (!trace) return FailDamaged(kCaseFormat, "it has no trace");
  Case loaded;
  Expected<Trace> decoded = DecodeTrace(*trace);
  if (!decoded) return std::unexpected(decoded.error());
  loaded.trace = std::move(*decoded);
  const char* text = reinterpret_cast<const char*>(facts->data());
  const json parsed = json::parse(text, text + facts->size(), nullptr, false);
  if (parsed.is_discarded()) return FailDamaged(kCaseFormat, "its facts are not JSON");
  try {
    if (const Expected<void> read = ReadFacts(parsed, loaded); !read) {
      return FailDamaged(kCaseFormat, read.error().context);
    }
    if (const Expected<void> read = ReadFurther(parsed, *container, loaded); !read) {
      return FailDamaged(kCaseFormat, read.error().context);
    }
  } catch (const json::exception& error) {
    return FailDamaged(kCaseFormat, error.what());
  }
  return loaded;
}

}  // namespace

Trace CutTrace(const Trace& trace, size_t position, uint32_t transactions_attempted) {
  Trace cut;
  cut.facts = trace.facts;
  cut.transactions.assign(trace.transactions.begin(),
                          trace.transactions.begin() + transactions_attempted);
  // What was undone before the trace is not part of the history, but has a place in a diagnosis.
  const auto undone = static_cast<ptrdiff_t>(UndoneCount(trace));
  cut.transactions.insert(cut.transactions.end(), trace.transactions.end() - undone,
                          trace.transactions.end());
  cut.ops.assign(trace.ops.begin(), trace.ops.begin() + static_cast<ptrdiff_t>(position));
  uint64_t payload_bytes = 0;
  for (const Op& op : cut.ops) {
    if (!HasPayload(op.kind)) continue;
    payload_bytes = std::max(payload_bytes, op.payload_offset + op.size_bytes);
  }
  cut.payload.assign(trace.payload.begin(),
                     trace.payload.begin() + static_cast<ptrdiff_t>(payload_bytes));
  return cut;
}

Trace LastTrace(const Case& saved) {
  if (saved.further.empty()) return saved.trace;
  Trace last = saved.further.back().trace;
  last.transactions = saved.trace.transactions;
  return last;
}

const std::vector<AtomId>& LastLost(const Case& saved) {
  return saved.further.empty() ? saved.lost : saved.further.back().lost;
}

Expected<void> SaveCase(const std::string& path, const Case& saved) {
  json facts = {{"schema", "plugpull.case/1"},
                {"version", kVersion},
                {"id", saved.id},
                {"signature", saved.signature},
                {"settings", ToJson(saved.settings)},
                {"acknowledged", saved.window.acknowledged},
                {"attempted", saved.window.attempted},
                {"lost", LostToJson(saved.lost)},
                {"violation", ToJson(saved.violation)},
                {"in_use", saved.in_use}};
  if (!saved.fault.empty()) facts["fault"] = saved.fault;
  if (saved.while_recording) facts["while_recording"] = true;
  if (!saved.running_plan.empty()) {
    facts["running_plan"] = saved.running_plan;
    facts["running_transactions"] = saved.running_transactions;
  }
  std::vector<Section> sections = {{"facts", {}}, {"trace", EncodeTrace(saved.trace)}};
  for (size_t i = 0; i < saved.further.size(); ++i) {
    const FurtherCrash& further = saved.further[i];
    facts["further"].push_back({{"begin", further.begin}, {"lost", LostToJson(further.lost)}});
    sections.push_back({SectionOf(i), EncodeTrace(further.trace)});
  }
  sections[0].bytes = Bytes(facts.dump(-1, ' ', true, json::error_handler_t::replace));
  return WriteFileAtomically(path, EncodeContainer(kCaseFormat, sections));
}

Expected<Case> LoadCase(const std::string& path) {
  const Expected<std::vector<std::byte>> bytes = ReadWholeFile(path);
  if (!bytes) return std::unexpected(bytes.error());
  Expected<Case> loaded = Decode(*bytes);
  if (!loaded) {
    return Fail(loaded.error().code, fmt::format("{}: {}", path, loaded.error().context));
  }
  return loaded;
}

}  // namespace plugpull
