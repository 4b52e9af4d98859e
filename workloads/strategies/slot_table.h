// A table of fixed-size slots in one file, one pair in each, overwritten in place. Slots have no
// checksum: a torn one is noticed when its header makes no sense, otherwise not at all. In front of
// the slots is a page with the table's generation.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "faults/vfs/vfs.h"
#include "workloads/strategies/pairs.h"

namespace plugpull::strategies {

inline constexpr std::string_view kTableName = "table";

// What slots are to hold, by number; only the bytes that are in use.
using SlotImages = std::map<uint64_t, std::vector<std::byte>>;

// Which slot holds which key.
class SlotMap {
 public:
  // Gives the transaction's keys slots. Returns: what to write where.
  // Errors: kInvalidArgument: a pair does not fit into a slot.
  Expected<SlotImages> Place(const Transaction& transaction);

  // Takes in a slot that was found in a table. Returns: false when its key has a slot already.
  bool Add(uint64_t slot, const std::string& key);

  // Takes in that the table ends before `slots`; those that were not added are free.
  void Finish(uint64_t slots);

 private:
  std::map<std::string, uint64_t> slots_;
  std::set<uint64_t> free_;
  uint64_t end_ = 0;
};

// What a table holds.
struct TableContents {
  Pairs pairs;
  SlotMap slots;
  std::vector<std::string> damage;
};

// Returns: the bytes of a table without slots.
std::vector<std::byte> EmptyTable(uint64_t generation);

// Errors: kCorrupt: this is no table.
Expected<uint64_t> ReadGeneration(VfsFile& table);
Expected<void> WriteGeneration(VfsFile& table, uint64_t generation);

Expected<void> WriteSlots(VfsFile& table, const SlotImages& images);

// Reads every slot.
Expected<TableContents> ReadTable(VfsFile& table);

// Slot images as the payload of a log record.
std::vector<std::byte> EncodeImages(const SlotImages& images);
Expected<void> DecodeImages(std::span<const std::byte> payload, SlotImages& images);

}  // namespace plugpull::strategies
