// What a store is asked to do: a seeded list of transactions, the same for every engine. To add a
// workload: write a generator, and add one line to Workloads() in workload.cpp.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "faults/trace/transaction.h"

namespace plugpull {

struct WorkloadOptions {
  uint64_t seed = 1;
  uint32_t transactions = 200;
  uint32_t keys = 40;  // size of the key space
};

struct Workload {
  std::string_view name;
  std::string_view description;
  std::vector<Transaction> (*generate)(const WorkloadOptions& options);
  // The engine whose field report it is: what it does makes sense on that one. Empty: any.
  std::string_view engine = {};
  // Of a report: how many transactions make it, and the first of them that a crash may hit for it.
  uint32_t report_transactions = 0;
  uint32_t report_begins = 1;
};

// Part of every recorded run: a generator that draws differently is another generator.
inline constexpr uint32_t kGeneratorVersion = 1;

const std::vector<Workload>& Workloads();

// Returns: the workload of that name, or null.
const Workload* FindWorkload(std::string_view name);

// Returns: a short workload on top of any contents, to see whether a recovered store can be used.
std::vector<Transaction> UseAfterRecovery(uint64_t seed, uint32_t keys);

// Returns: the transaction that a run rolls back as its `number`th, of footprints as varied as
// those of `mixed`. Its values are written by no other.
Transaction RolledBack(uint64_t seed, uint32_t keys, uint32_t number);

}  // namespace plugpull
