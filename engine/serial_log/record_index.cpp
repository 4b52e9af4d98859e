#include "engine/serial_log/record_index.h"

#include <xxhash.h>

#include "faults/base/bytes.h"

namespace plugpull::serial_log {

std::string MakeRecord(std::string_view key, std::string_view value) {
  std::string record(sizeof(uint32_t) + key.size() + value.size(), '\0');
  const auto key_bytes = static_cast<uint32_t>(key.size());
  std::memcpy(record.data(), &key_bytes, sizeof(key_bytes));
  record.replace(sizeof(uint32_t), key.size(), key);
  record.replace(sizeof(uint32_t) + key.size(), value.size(), value);
  return record;
}

Expected<KeyAndValue> SplitRecord(Bytes record) {
  if (record.size() < sizeof(uint32_t)) return Fail(ErrorCode::kCorrupt, "a record without a key");
  const auto key_bytes = Load<uint32_t>(record.data());
  const Bytes rest = record.subspan(sizeof(uint32_t));
  if (key_bytes > rest.size()) {
    return Fail(ErrorCode::kCorrupt, "a record with a key longer than itself");
  }
  return KeyAndValue{.key = rest.first(key_bytes), .value = rest.subspan(key_bytes)};
}

int32_t SectionOf(std::string_view key, uint32_t sections) {
  return static_cast<int32_t>(XXH3_64bits(key.data(), key.size()) % sections);
}

std::optional<RecordId> RecordIndex::Find(std::string_view key) const {
  const auto found = records_.find(key);
  return found == records_.end() ? std::nullopt : std::optional(found->second);
}

void RecordIndex::Remove(std::string_view key) {
  if (const auto found = records_.find(key); found != records_.end()) records_.erase(found);
}

RecordId RecordIndex::TakeNumber(int32_t section) {
  std::set<int32_t>& free = free_[section];
  if (free.empty()) return RecordId{section, next_[section]++};
  const int32_t record = *free.begin();
  free.erase(free.begin());
  return RecordId{section, record};
}

void RecordIndex::MarkTaken(RecordId id) {
  int32_t& next = next_[id.section];
  for (; next <= id.record; ++next) free_[id.section].insert(next);
  free_[id.section].erase(id.record);
}

}  // namespace plugpull::serial_log
