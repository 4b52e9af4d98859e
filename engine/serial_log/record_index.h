// Which record of which section a key is, and which record numbers are free. In memory alone: it is
// rebuilt from the records when a store is first written to.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "engine/serial_log/page_format.h"
#include "faults/base/error.h"

namespace plugpull::serial_log {

struct RecordId {
  int32_t section = 0;
  int32_t record = 0;

  auto operator<=>(const RecordId&) const = default;
};

// A record: the key's length u32, the key, the value.
std::string MakeRecord(std::string_view key, std::string_view value);

struct KeyAndValue {
  Bytes key{};
  Bytes value{};
};

// Errors: kCorrupt: no such record.
Expected<KeyAndValue> SplitRecord(Bytes record);

// Returns: the section of a key.
int32_t SectionOf(std::string_view key, uint32_t sections);

class RecordIndex {
 public:
  std::optional<RecordId> Find(std::string_view key) const;
  void Put(std::string_view key, RecordId id) { records_.insert_or_assign(std::string(key), id); }
  void Remove(std::string_view key);

  // Takes the lowest record number of a section that is free.
  RecordId TakeNumber(int32_t section);

  // Takes one that is known to be in use.
  void MarkTaken(RecordId id);
  void GiveBack(RecordId id) { free_[id.section].insert(id.record); }

 private:
  std::map<std::string, RecordId, std::less<>> records_;
  std::map<int32_t, std::set<int32_t>> free_;  // below next_
  std::map<int32_t, int32_t> next_;            // never taken from here on
};

}  // namespace plugpull::serial_log
