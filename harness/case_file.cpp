#include "harness/case_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "engine/target.h"
#include "faults/base/atomic_file.h"
#include "faults/trace/container.h"
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

Expected<void> ReadFacts(const json& facts, Case& loaded) {
  Expected<ExploreSettings> settings = ExploreSettingsFromJson(facts.at("settings"));
  if (!settings) return std::unexpected(settings.error());
  Expected<Violation> violation = ViolationFromJson(facts.at("violation"));
  if (!violation) return std::unexpected(violation.error());
  loaded.settings = std::move(*settings);
  loaded.violation = std::move(*violation);
  loaded.id = facts.at("id").get<std::string>();
  loaded.signature = facts.at("signature").get<std::string>();
  loaded.window = {WholeNumber<uint32_t>(facts.at("acknowledged")),
                   WholeNumber<uint32_t>(facts.at("attempted"))};
  for (const json& entry : List(facts.at("lost"))) {
    const Expected<AtomId> atom = AtomIdFromJson(entry);
    if (!atom) return std::unexpected(atom.error());
    if (atom->op >= loaded.trace.ops.size()) {
      return Fail(ErrorCode::kCorrupt, "it loses an operation that its trace does not have");
    }
    loaded.lost.push_back(*atom);
  }
  std::ranges::sort(loaded.lost);
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

Expected<void> SaveCase(const std::string& path, const Case& saved) {
  json lost = json::array();
  for (const AtomId& atom : saved.lost) lost.push_back(ToJson(atom));
  const json facts = {{"schema", "plugpull.case/1"},
                      {"version", kVersion},
                      {"id", saved.id},
                      {"signature", saved.signature},
                      {"settings", ToJson(saved.settings)},
                      {"acknowledged", saved.window.acknowledged},
                      {"attempted", saved.window.attempted},
                      {"lost", lost},
                      {"violation", ToJson(saved.violation)}};
  const std::vector<Section> sections = {
      {"facts", Bytes(facts.dump(-1, ' ', true, json::error_handler_t::replace))},
      {"trace", EncodeTrace(saved.trace)}};
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
