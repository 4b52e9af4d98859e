// Goal: the linked door records what an unmodified program does. The same workload runs on SQLite
// over our Vfs and, by the system's library over its own unix VFS, under the traced door; the two
// traces must be the same operations on the same files in the same order. Differences are bugs of a
// door.
//
// Left out on the traced side, because they are no business of a Vfs: the owner that SQLite gives
// to a journal when it runs as root, and the WAL index (-shm), which is a cache in shared memory
// that every recovery builds anew. Bytes are not compared: they hold random numbers.
#include <fmt/format.h>
#include <gmock/gmock.h>

#include <filesystem>

#include "faults/trace/trace_file.h"
#include "harness/cli/e2e_testing.h"

namespace plugpull {
namespace {

using e2e::Outcome;
using e2e::Sandbox;
using e2e::Words;

// Returns: one line for each operation, as far as both doors should see it.
Words OperationsOf(const Trace& trace) {
  std::map<InodeId, std::string> names;
  Words lines;
  for (const Op& op : trace.ops) {
    if (!op.name.empty() && op.kind == OpKind::kCreate) names[op.inode] = op.name;
    const std::string& name = names[op.inode];
    const bool is_index = name.ends_with("-shm") || op.name.ends_with("-shm");
    if (is_index || op.kind == OpKind::kSetAttribute) continue;
    lines.push_back(fmt::format("{} {} {}+{} {}", Name(op.kind), name, op.offset_bytes,
                                op.size_bytes, op.transaction));
  }
  return lines;
}

struct Setting {
  std::string journal;
  std::string sync;
};

std::ostream& operator<<(std::ostream& out, const Setting& setting) {
  return out << setting.journal << "_" << setting.sync;
}

class DoorsAgree : public testing::TestWithParam<Setting> {
 protected:
  static std::filesystem::path Driver() {
    return std::filesystem::path(PLUGPULL_BINARY).parent_path() / "drivers" / "plugpull-sqlite";
  }

  Words Recorded(const std::string& target) {
    const Outcome outcome = sandbox_.Run(
        {"record", "-o", "trace", "--target", target, "--transactions", "40", "--seed", "3"});
    EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
    const Expected<Trace> trace = LoadTrace(sandbox_.path("trace").string());
    if (!trace) {
      ADD_FAILURE() << Describe(trace.error());
      return {};
    }
    return OperationsOf(*trace);
  }

  Sandbox sandbox_;
};

TEST_P(DoorsAgree, OnEveryOperationOfSqlite) {
  const std::string options =
      fmt::format("journal={},sync={},checkpoint=12", GetParam().journal, GetParam().sync);
  const Words linked = Recorded("sqlite:" + options);
  const Words traced = Recorded(fmt::format("driver:{},{}", Driver().string(), options));
  EXPECT_GT(linked.size(), 100U);
  const auto [one, other] = std::ranges::mismatch(linked, traced);
  EXPECT_EQ(linked.size(), traced.size());
  EXPECT_TRUE(one == linked.end() && other == traced.end())
      << "first difference at operation " << one - linked.begin()
      << "\n  linked: " << (one == linked.end() ? "the end" : *one)
      << "\n  traced: " << (other == traced.end() ? "the end" : *other);
}

std::vector<Setting> AllSettings() {
  std::vector<Setting> settings;
  for (const char* journal : {"delete", "truncate", "persist", "wal", "memory", "off"}) {
    for (const char* sync : {"off", "normal", "full", "extra"}) settings.push_back({journal, sync});
  }
  return settings;
}

INSTANTIATE_TEST_SUITE_P(Sqlite, DoorsAgree, testing::ValuesIn(AllSettings()),
                         testing::PrintToStringParamName());

}  // namespace
}  // namespace plugpull
