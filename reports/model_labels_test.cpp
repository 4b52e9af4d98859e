// Goal: a reader sees at once on which file systems a finding bites.
#include "reports/model_labels.h"

#include <gtest/gtest.h>

#include "faults/persistence/model.h"

namespace plugpull {
namespace {

std::string Labels(std::vector<std::string> models, std::vector<std::string> contract = {}) {
  Finding finding;
  finding.models = std::move(models);
  finding.contract_models = std::move(contract);
  return DescribeModels(finding);
}

TEST(DescribeModels, NamesAllEightTheWeakestFirst) {
  EXPECT_EQ(Labels({"posix-minimal", "ext4-ordered", "xfs"}),
            "bites on posix-minimal, ext4-ordered, xfs; not on somc, ext4-writeback, btrfs, "
            "ext4-ordered-classic, ext4-journal");
  EXPECT_EQ(Labels({"ext4-journal"}),
            "bites on ext4-journal; not on posix-minimal, somc, ext4-writeback, ext4-ordered, xfs, "
            "btrfs, ext4-ordered-classic");
}

TEST(DescribeModels, IsShortWhereAllAgree) {
  std::vector<std::string> all;
  for (const Model& model : Models()) all.push_back(model.name);
  EXPECT_EQ(Labels(all), "bites on every model");
  EXPECT_EQ(Labels({}), "bites on none of the listed models");
}

TEST(DescribeModels, TellsPortabilityFromWhatBitesToday) {
  EXPECT_EQ(Labels({"posix-minimal"}), "portability: only posix-minimal");
  EXPECT_EQ(Labels({"posix-minimal", "somc"}), "portability: only posix-minimal, somc");
}

TEST(DescribeModels, AddsWhatContractsAllow) {
  EXPECT_EQ(Labels({"posix-minimal"}, {"ext4-ordered", "xfs"}),
            "portability: only posix-minimal; by contract also ext4-ordered, xfs");
}

TEST(DescribeVerdicts, SaysWhatHeldWhere) {
  Result result;
  EXPECT_EQ(DescribeVerdicts(result), "");
  result.models = {{"posix-minimal", Verdict::kViolated},
                   {"ext4-ordered", Verdict::kViolated},
                   {"xfs", Verdict::kHeld},
                   {"btrfs", Verdict::kHeld}};
  EXPECT_EQ(DescribeVerdicts(result),
            "held on xfs, btrfs; violated on posix-minimal, ext4-ordered");
  result.models = {{"posix-minimal", Verdict::kHeld}, {"xfs", Verdict::kHeld}};
  EXPECT_EQ(DescribeVerdicts(result), "held on posix-minimal, xfs");
  result.models = {{"posix-minimal", Verdict::kViolated}, {"xfs", Verdict::kUnknown}};
  EXPECT_EQ(DescribeVerdicts(result), "unknown on xfs; violated on posix-minimal");
}

}  // namespace
}  // namespace plugpull
