#include "harness/selftest/selftest.h"

#include <fmt/format.h>

#include <atomic>
#include <chrono>
#include <mutex>
#include <thread>

#include "faults/litmus/litmus_runner.h"
#include "harness/old_cases.h"
#include "harness/selftest/attack.h"
#include "harness/version.h"

namespace plugpull {
namespace {

constexpr auto kTick = std::chrono::milliseconds(50);

// Shares the rows among threads; each row has children of its own.
class Runner {
 public:
  Runner(const std::vector<PlantedBug>& bugs, const SelftestOptions& options)
      : bugs_(bugs), options_(options), rows_(bugs.size()) {}

  void Run() {
    std::vector<std::jthread> workers;
    for (uint32_t i = 0; i < options_.jobs; ++i) workers.emplace_back([this] { Work(); });
    while (done_ < bugs_.size() && !stop_) {
      if (!options_.on_progress(done_, bugs_.size())) stop_ = true;
      std::this_thread::sleep_for(kTick);
    }
  }

  bool was_stopped() const { return stop_; }

  std::vector<SelftestRow> TakeRows() {
    std::vector<SelftestRow> rows;
    for (std::optional<SelftestRow>& row : rows_) {
      if (row) rows.push_back(std::move(*row));
    }
    return rows;
  }

 private:
  void Work() {
    for (size_t i = next_++; i < bugs_.size() && !stop_; i = next_++) {
      SelftestRow row = RunRow(bugs_[i]);
      if (!stop_) rows_[i] = std::move(row);
      ++done_;
    }
  }

  SelftestRow RunRow(const PlantedBug& bug) {
    const auto run = [&](const Attack& attack, const char* part) -> Expected<Result> {
      const std::string out = fmt::format("{}/{}{}", options_.out_directory, bug.name, part);
      if (const Expected<void> removed = RemoveOldCases(out); !removed) {
        return std::unexpected(removed.error());
      }
      return RunAttack(std::string(bug.target), attack, out,
                       [this](const ExploreProgress& /*progress*/) { return !stop_; });
    };
    const Expected<Result> legal = run(bug.attack, "");
    std::optional<Expected<Result>> beyond;
    if (bug.beyond) beyond = run(*bug.beyond, "-beyond");
    return JudgeRow(bug, legal, beyond);
  }

  const std::vector<PlantedBug>& bugs_;
  const SelftestOptions& options_;
  std::vector<std::optional<SelftestRow>> rows_;  // each is written by one thread
  std::atomic<size_t> next_ = 0;
  std::atomic<size_t> done_ = 0;
  std::atomic<bool> stop_ = false;
};

void AddLitmus(SelftestReport& report) {
  const Expected<std::vector<LitmusColumn>> columns = NamedColumns();
  const Expected<LitmusTable> table = ComputeTable(BuiltInLitmus(), *columns);
  if (!table) {
    report.litmus_wrong.push_back(Describe(table.error()));
    return;
  }
  for (const LitmusRow& row : table->rows) {
    report.litmus_cells += row.cells.size();
    for (const LitmusDifference& difference : Differences(*table, row)) {
      if (!difference.reason.empty()) continue;  // the test says why
      report.litmus_wrong.push_back(
          fmt::format("{} {}: {}", difference.row, difference.column, difference.text));
    }
  }
}

}  // namespace

SelftestReport RunSelftest(const std::vector<PlantedBug>& bugs, const SelftestOptions& options) {
  const auto started = std::chrono::steady_clock::now();
  SelftestReport report;
  report.version = kVersion;
  report.commit = kCommit;
  Runner runner(bugs, options);
  runner.Run();
  report.rows = runner.TakeRows();
  report.interrupted = runner.was_stopped();
  if (!report.interrupted) AddLitmus(report);
  report.elapsed_s =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - started).count();
  return report;
}

}  // namespace plugpull
