// Goal: the tiny protocols of workloads/protocols, unmodified programs, are told apart: each bug is
// found with the models that have it, and the correct one is held.
#include <fmt/format.h>
#include <gmock/gmock.h>

#include "harness/cli/e2e_testing.h"

namespace plugpull::e2e {
namespace {

struct ProtocolCase {
  std::string name;
  std::vector<std::string> models;  // of its findings, together; empty: held
};

std::ostream& operator<<(std::ostream& out, const ProtocolCase& c) { return out << c.name; }

class Protocols : public testing::TestWithParam<ProtocolCase> {};

TEST_P(Protocols, AreToldApart) {
  Sandbox sandbox;
  const std::filesystem::path program =
      std::filesystem::path(PLUGPULL_BINARY).parent_path() / "protocols" / GetParam().name;
  ASSERT_TRUE(std::filesystem::exists(program)) << program;
  const json result = sandbox.Result(
      {"run", "--workload", program.string(), "--check", program.string() + " check"},
      GetParam().models.empty() ? 0 : 1);
  EXPECT_EQ(result["door"], "traced");
  EXPECT_EQ(result["verdict"], GetParam().models.empty() ? "held" : "violated");
  EXPECT_EQ(result["coverage"]["unknown"], json::array());
  std::set<std::string> models;
  for (const json& finding : result["findings"]) {
    EXPECT_EQ(finding["class"], "check-failed") << finding;
    models.insert(finding["models"].begin(), finding["models"].end());
    const Outcome replayed =
        sandbox.Run({"replay", "out/" + finding["case"].get<std::string>(), "--times", "2"});
    EXPECT_EQ(replayed.exit_code, 0) << replayed.out << replayed.err;
  }
  EXPECT_THAT(models, testing::UnorderedElementsAreArray(GetParam().models));
}

const std::vector<std::string> kAll = {"posix-minimal",
                                       "ext4-writeback",
                                       "ext4-ordered-classic",
                                       "ext4-ordered",
                                       "ext4-journal",
                                       "xfs",
                                       "btrfs",
                                       "somc"};

std::vector<std::string> AllBut(const std::set<std::string>& spared) {
  std::vector<std::string> models = kAll;
  std::erase_if(models, [&](const std::string& model) { return spared.contains(model); });
  return models;
}

INSTANTIATE_TEST_SUITE_P(All, Protocols,
                         testing::ValuesIn(std::vector<ProtocolCase>{
                             {"correct_replace", {}},
                             {"rename_without_fsync", AllBut({"ext4-journal"})},
                             {"rename_without_directory_fsync", kAll},
                             {"create_without_directory_fsync", {"posix-minimal"}},
                             {"unlink_without_directory_fsync", kAll},
                             {"index_before_data", AllBut({"ext4-journal"})},
                             {"header_with_payload", AllBut({"ext4-journal"})},
                             {"torn_page", AllBut({"ext4-journal", "btrfs"})},
                             {"acknowledge_without_fsync", kAll},
                         }),
                         [](const testing::TestParamInfo<ProtocolCase>& c) {
                           return c.param.name;
                         });

}  // namespace
}  // namespace plugpull::e2e
