#include "harness/recovery_watch.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>

#include "faults/base/bytes.h"

namespace plugpull {
namespace {

using nlohmann::json;

constexpr size_t kMostKeys = 8;
constexpr uint8_t kDoneBit = 0x40;
constexpr uint8_t kOpeningBit = 0x80;

using MaybeValue = std::optional<std::string>;

MaybeValue ValueIn(const Content& content, const std::string& key) {
  const auto found = content.find(key);
  return found == content.end() ? MaybeValue() : MaybeValue(found->second);
}

// Returns: the newest transaction up to `last` that left the key with this value; 0: none.
uint32_t WriterOf(const std::string& key, const MaybeValue& value,
                  const std::vector<Transaction>& transactions, uint32_t last) {
  for (uint32_t number = last; number > 0; --number) {
    const std::vector<Change>& changes = transactions[number - 1].changes;
    const auto change = std::find_if(changes.rbegin(), changes.rend(),
                                     [&](const Change& each) { return each.key == key; });
    if (change != changes.rend() && change->value == value) return number;
  }
  return 0;
}

std::set<std::string> KeysOf(const Content& one, const Content& other) {
  std::set<std::string> keys;
  for (const auto& [key, value] : one) keys.insert(key);
  for (const auto& [key, value] : other) keys.insert(key);
  return keys;
}

std::vector<std::string> DifferingKeys(const Content& found, const Content& expected) {
  std::vector<std::string> keys;
  for (const std::string& key : KeysOf(found, expected)) {
    if (ValueIn(found, key) != ValueIn(expected, key)) keys.push_back(key);
  }
  return keys;
}

}  // namespace

CallLog::CallLog(std::span<std::byte> memory, uint32_t& used_bytes, bool& is_cut)
    : memory_(memory), used_bytes_(used_bytes), is_cut_(is_cut) {
  used_bytes_ = 0;
  is_cut_ = false;
}

void CallLog::Add(const StoryCall& call) {
  ByteWriter writer;
  const auto kind = static_cast<uint8_t>(call.call.kind);
  writer.PutU8(static_cast<uint8_t>(kind | (call.call.done ? kDoneBit : 0) |
                                    (call.is_opening ? kOpeningBit : 0)));
  writer.PutString(call.call.path);
  writer.PutString(call.call.other);
  writer.PutVarint(call.call.offset_bytes);
  writer.PutVarint(call.call.size_bytes);
  const std::vector<std::byte> bytes = writer.Take();
  if (is_cut_ || bytes.size() > memory_.size() - used_bytes_) {
    is_cut_ = true;
    return;
  }
  std::ranges::copy(bytes, memory_.begin() + used_bytes_);
  used_bytes_ += static_cast<uint32_t>(bytes.size());
}

std::vector<StoryCall> ReadCallLog(std::span<const std::byte> memory, uint32_t used_bytes) {
  std::vector<StoryCall> calls;
  ByteReader reader(memory.first(std::min<size_t>(used_bytes, memory.size())));
  while (reader.remaining() > 0) {
    const Expected<uint8_t> head = reader.TakeU8();
    Expected<std::string> path = reader.TakeString();
    Expected<std::string> other = reader.TakeString();
    const Expected<uint64_t> offset = reader.TakeVarint();
    const Expected<uint64_t> size = reader.TakeVarint();
    if (!reader.Status()) break;
    const uint8_t kind = *head & static_cast<uint8_t>(~(kDoneBit | kOpeningBit));
    if (kind > static_cast<uint8_t>(kLastVfsCallKind)) break;
    calls.push_back({.call = {.kind = static_cast<VfsCallKind>(kind),
                              .done = (*head & kDoneBit) != 0,
                              .path = std::move(*path),
                              .other = std::move(*other),
                              .offset_bytes = *offset,
                              .size_bytes = *size},
                     .is_opening = (*head & kOpeningBit) != 0});
  }
  return calls;
}

ContentDifference DifferenceOf(const Content& found, const ReferenceModel& model,
                               const std::vector<Transaction>& transactions, Window window) {
  ContentDifference difference{.expected_after = window.acknowledged};
  Content expected = model.After(window.acknowledged);
  std::vector<std::string> keys = DifferingKeys(found, expected);
  // A key that shows what a later transaction of the window wrote is right, taken alone.
  std::erase_if(keys, [&](const std::string& key) {
    const uint32_t from = WriterOf(key, ValueIn(found, key), transactions, window.attempted);
    return from > window.acknowledged;
  });
  if (keys.empty()) {
    difference.expected_after = window.attempted;
    expected = model.After(window.attempted);
    keys = DifferingKeys(found, expected);
  }
  difference.count = keys.size();
  for (const std::string& key : keys) {
    if (difference.keys.size() == kMostKeys) break;
    const MaybeValue shown = ValueIn(found, key);
    const MaybeValue right = ValueIn(expected, key);
    difference.keys.push_back(
        {.key = ShownKey(key),
         .is_found = shown.has_value(),
         .found_from = WriterOf(key, shown, transactions, window.attempted),
         .is_expected = right.has_value(),
         .expected_from = WriterOf(key, right, transactions, difference.expected_after)});
  }
  return difference;
}

json ToJson(const ContentDifference& difference) {
  json keys = json::array();
  for (const KeyDifference& key : difference.keys) {
    keys.push_back({{"key", key.key},
                    {"is_found", key.is_found},
                    {"found_from", key.found_from},
                    {"is_expected", key.is_expected},
                    {"expected_from", key.expected_from}});
  }
  return {
      {"expected_after", difference.expected_after}, {"count", difference.count}, {"keys", keys}};
}

Expected<ContentDifference> ContentDifferenceFromJson(const json& json) {
  ContentDifference difference;
  try {
    difference.expected_after = json.at("expected_after").get<uint32_t>();
    difference.count = json.at("count").get<uint64_t>();
    for (const auto& entry : json.at("keys")) {
      difference.keys.push_back({.key = entry.at("key").get<std::string>(),
                                 .is_found = entry.at("is_found").get<bool>(),
                                 .found_from = entry.at("found_from").get<uint32_t>(),
                                 .is_expected = entry.at("is_expected").get<bool>(),
                                 .expected_from = entry.at("expected_from").get<uint32_t>()});
    }
  } catch (const nlohmann::json::exception& error) {
    return Fail(ErrorCode::kCorrupt, error.what());
  }
  return difference;
}

}  // namespace plugpull
