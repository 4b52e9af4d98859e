#include "workloads/workload.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string>

#include "faults/base/random.h"
#include "workloads/falcon_report.h"

namespace plugpull {
namespace {

std::string KeyName(uint64_t index) { return fmt::format("key-{:06}", index); }

// Random bytes that name their transaction, so that a value tells who wrote it.
std::string Value(Random& random, uint32_t transaction, size_t size) {
  std::string value;
  value.reserve(size);
  if (size >= 12) value = fmt::format("t{:06}:", transaction);
  while (value.size() < size) {
    uint64_t draw = random.Next();
    for (int i = 0; i < 8 && value.size() < size; ++i, draw >>= 8) {
      value.push_back(static_cast<char>(draw & 0xff));
    }
  }
  value.resize(size);
  return value;
}

// Mostly small, some empty, some that overflow a page: every path of an engine's page code.
size_t ValueSize(Random& random) {
  const uint64_t draw = random.Below(100);
  if (draw < 4) return 0;
  if (draw < 64) return 1 + random.Below(64);
  if (draw < 90) return 65 + random.Below(336);
  if (draw < 98) return 401 + random.Below(1600);
  return 4097 + random.Below(8192);
}

// How many keys a transaction touches. Steady footprints hide corruption, because the same few
// pages swap roles in step (source systems, 1.8); so they vary from none to hundreds.
uint64_t Footprint(Random& random, uint32_t keys) {
  const uint64_t draw = random.Below(100);
  if (draw < 3) return 0;
  if (draw < 60) return 1 + random.Below(3);
  if (draw < 88) return 4 + random.Below(7);
  if (draw < 97) return 11 + random.Below(30);
  return 41 + random.Below(2 * uint64_t{std::min(keys, 200U)});
}

std::vector<Transaction> Mixed(const WorkloadOptions& options) {
  Random random(options.seed, "workload/mixed");
  std::vector<Transaction> transactions(options.transactions);
  for (uint32_t number = 1; number <= options.transactions; ++number) {
    Transaction& transaction = transactions[number - 1];
    const uint64_t footprint =
        std::min(Footprint(random, options.keys), 2 * uint64_t{options.keys});
    if (random.OneIn(6, 100) && footprint > 0) {
      // Deleting a range empties pages and lets trees shrink.
      const uint64_t first = random.Below(options.keys);
      const uint64_t last = std::min<uint64_t>(options.keys, first + 1 + footprint);
      for (uint64_t key = first; key < last; ++key) {
        transaction.changes.push_back({KeyName(key), std::nullopt});
      }
      continue;
    }
    for (uint64_t i = 0; i < footprint; ++i) {
      Change change{KeyName(random.Below(options.keys)), std::nullopt};
      if (!random.OneIn(15, 100)) change.value = Value(random, number, ValueSize(random));
      transaction.changes.push_back(std::move(change));
    }
  }
  return transactions;
}

// One small update a transaction: what a settings store or a job queue does all day.
std::vector<Transaction> Single(const WorkloadOptions& options) {
  Random random(options.seed, "workload/single");
  std::vector<Transaction> transactions(options.transactions);
  for (uint32_t number = 1; number <= options.transactions; ++number) {
    transactions[number - 1].changes.push_back(
        {KeyName(random.Below(options.keys)), Value(random, number, 12 + random.Below(100))});
  }
  return transactions;
}

// New keys only, ascending: a log of events. Nothing is ever overwritten.
std::vector<Transaction> Append(const WorkloadOptions& options) {
  Random random(options.seed, "workload/append");
  std::vector<Transaction> transactions(options.transactions);
  for (uint32_t number = 1; number <= options.transactions; ++number) {
    transactions[number - 1].changes.push_back(
        {KeyName(number), Value(random, number, 12 + random.Below(200))});
  }
  return transactions;
}

// A tree of some depth whose pages change roles: all keys at once, then 1, 10 or 200 of them, now
// and then a range that is emptied or filled again. With 20,000 keys and pages of 4 KiB, leaves
// become branches and branches leaves, as in the reports of page cycles.
std::vector<Transaction> Roles(const WorkloadOptions& options) {
  constexpr std::array<uint64_t, 3> kFootprints = {1, 10, 200};
  Random random(options.seed, "workload/roles");
  std::vector<Transaction> transactions(options.transactions);
  const auto value = [&](uint32_t number) { return Value(random, number, 16 + random.Below(48)); };
  for (uint32_t number = 1; number <= options.transactions; ++number) {
    std::vector<Change>& changes = transactions[number - 1].changes;
    if (number == 1) {
      for (uint64_t key = 0; key < options.keys; ++key) changes.push_back({KeyName(key), value(1)});
      continue;
    }
    const uint64_t footprint = std::min<uint64_t>(kFootprints[number % 3], options.keys);
    const bool is_range = random.OneIn(30, 100);
    const bool is_emptied = is_range && random.OneIn(60, 100);
    const uint64_t length = is_range ? std::min<uint64_t>(5 * footprint, options.keys) : footprint;
    const uint64_t first = random.Below(options.keys - length + 1);
    for (uint64_t i = 0; i < length; ++i) {
      const uint64_t key = is_range ? first + i : random.Below(options.keys);
      Change change{KeyName(key), std::nullopt};
      if (!is_emptied) change.value = value(number);
      changes.push_back(std::move(change));
    }
  }
  return transactions;
}

}  // namespace

const std::vector<Workload>& Workloads() {
  static const std::vector<Workload> workloads = {
      {"mixed", "varied footprints: overwrites, deletes, emptied ranges, large and empty values",
       Mixed},
      {"single", "one small update a transaction", Single},
      {"append", "new keys only, in ascending order", Append},
      {"roles", "all keys at once, then 1, 10 or 200: a deep tree whose pages change roles", Roles},
      {"falcon", "Falcon bug #44744: record 2011, locator page 1392, data page 2836", FalconReport,
       "serial_log", kReportTransactions, kReportInsert},
      {"falcon-overwrite", "the same, leftover bytes say that there is a line to write to",
       FalconReportOverwrite, "serial_log", kReportTransactions, kReportInsert},
      {"falcon-three", "the same, three records", FalconReportThree, "serial_log",
       kReportTransactions, kReportInsert},
      {"falcon-delete", "the same, the record is deleted again", FalconReportDelete, "serial_log",
       kReportTransactions, kReportInsert},
  };
  return workloads;
}

const Workload* FindWorkload(std::string_view name) {
  for (const Workload& workload : Workloads()) {
    if (workload.name == name) return &workload;
  }
  return nullptr;
}

std::vector<Transaction> UseAfterRecovery(uint64_t seed, uint32_t keys) {
  Random random(seed, "use-after-recovery");
  std::vector<Transaction> transactions(2);
  for (uint32_t number = 0; number < transactions.size(); ++number) {
    for (int i = 0; i < 4; ++i) {
      Change change{KeyName(random.Below(keys)), std::nullopt};
      // One value overflows a page, so that the allocator is used as well.
      const size_t size = i == 0 ? 5000 : 20 + random.Below(100);
      if (i != 3) change.value = Value(random, 900'000 + number, size);
      transactions[number].changes.push_back(std::move(change));
    }
  }
  return transactions;
}

Transaction RolledBack(uint64_t seed, uint32_t keys, uint32_t number) {
  Random random(Mix64(seed) + number, "rolled-back");
  Transaction transaction;
  const uint64_t footprint = std::min(1 + Footprint(random, keys), 2 * uint64_t{keys});
  for (uint64_t i = 0; i < footprint; ++i) {
    Change change{KeyName(random.Below(keys)), std::nullopt};
    if (!random.OneIn(15, 100)) change.value = Value(random, 800'000 + number, ValueSize(random));
    transaction.changes.push_back(std::move(change));
  }
  return transaction;
}

}  // namespace plugpull
