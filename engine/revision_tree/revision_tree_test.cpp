// Goal: the store holds what was put into it, through any history of transactions, reopenings,
// readers and rollbacks, in every configuration, and its own check has nothing to say. Method:
// random transactions against a std::map.
#include "engine/revision_tree/engine_testing.h"
#include "faults/base/random.h"

namespace plugpull::revision_tree {
namespace {

using testing::HasSubstr;

// A history: how many keys there are, how large values get.
struct History {
  OptionList options{};
  uint64_t key_count = 40;
  uint64_t value_bytes_max = 100;
  int transaction_count = 150;
};

class Player {
 public:
  Player(const History& history, uint64_t seed) : history_(history), random_(seed, "history") {}

  void Play() {
    engine_ = OpenTree(vfs_, history_.options);
    for (int index = 0; index < history_.transaction_count; ++index) {
      SCOPED_TRACE(fmt::format("transaction {}", index));
      const std::vector<Change> changes = Draw();
      if (random_.OneIn(1, 8)) RollbackOk(*engine_, Draw());
      ASSERT_NO_FATAL_FAILURE(ApplyOk(*engine_, changes));
      for (const Change& change : changes) {
        if (change.value) {
          model_[change.key] = *change.value;
        } else {
          model_.erase(change.key);
        }
      }
      ASSERT_NO_FATAL_FAILURE(LookAtReader());
      if (random_.OneIn(1, 8)) {
        ASSERT_NO_FATAL_FAILURE(LookAtStore());
      }
      ASSERT_FALSE(testing::Test::HasFailure());
    }
    reader_.reset();
    LookAtStore();
  }

 private:
  std::vector<Change> Draw() {
    std::vector<Change> changes;
    if (random_.OneIn(1, 12)) return changes;
    const bool is_large = random_.OneIn(1, 8);
    const bool is_purge = random_.OneIn(1, 6);  // mostly deletes, so that trees shrink and merge
    const uint64_t change_count = 1 + random_.Below(is_large ? history_.key_count : 5);
    for (uint64_t index = 0; index < change_count; ++index) {
      Change change{fmt::format("k{:04}", random_.Below(history_.key_count)), std::nullopt};
      if (random_.OneIn(1, 40)) change.key = std::string(random_.Below(3), '\0');
      if (!random_.OneIn(is_purge ? 7 : 2, 8)) {
        const uint64_t most = random_.OneIn(1, 30) ? 9000 : history_.value_bytes_max;
        change.value = std::string(random_.Below(most + 1), static_cast<char>(random_.Below(256)));
      }
      changes.push_back(std::move(change));
    }
    return changes;
  }

  // A reader that lives for some transactions, and has to see what it saw first.
  void LookAtReader() {
    if (reader_) {
      ASSERT_EQ(ContentsOf(*reader_), seen_);
      if (random_.OneIn(1, 6)) reader_.reset();
    } else if (random_.OneIn(1, 4)) {
      reader_ = cow_tree::OpenSnapshot(*engine_);
      seen_ = model_;
    }
  }

  void LookAtStore() {
    ExpectClean(*engine_);
    ASSERT_EQ(ContentsOf(*engine_), model_);
    if (reader_) return;
    if (random_.OneIn(1, 2)) {
      ASSERT_NO_FATAL_FAILURE(CloseOk(engine_));
    }
    engine_.reset();
    engine_ = OpenTree(vfs_, history_.options);
    ExpectClean(*engine_);
    ASSERT_EQ(ContentsOf(*engine_), model_);
  }

  History history_;
  Random random_;
  MemoryVfs vfs_;
  std::unique_ptr<Engine> engine_;
  std::unique_ptr<Snapshot> reader_;
  Contents model_;
  Contents seen_;
};

void PlaySeeds(const History& history, uint64_t seed_count) {
  for (uint64_t seed = 1; seed <= seed_count; ++seed) {
    SCOPED_TRACE(fmt::format("seed {}", seed));
    ASSERT_NO_FATAL_FAILURE(Player(history, seed).Play());
    if (testing::Test::HasFailure()) return;
  }
}

struct Configuration {
  const char* name;
  OptionList options;
};

class RevisionTreeHistory : public testing::TestWithParam<Configuration> {};

TEST_P(RevisionTreeHistory, FollowsTheModel) {
  PlaySeeds({.options = GetParam().options}, 4);
  PlaySeeds({.options = GetParam().options,
             .key_count = 400,
             .value_bytes_max = 60,
             .transaction_count = 60},
            1);
}

INSTANTIATE_TEST_SUITE_P(
    Configurations, RevisionTreeHistory,
    testing::Values(
        Configuration{"E", {}}, Configuration{"K", {{"proposal", "K"}}},
        Configuration{"OneBareSlot", {{"slots", "1"}, {"checksum", "off"}}},
        Configuration{"NoBarrier", {{"barrier", "off"}}},
        Configuration{"SmallPages", {{"page_size", "64"}, {"capacity", "4"}}},
        Configuration{"LargePages", {{"page_size", "4096"}, {"capacity", "64"}}},
        Configuration{"Scan", {{"reclaim", "scan"}}},
        Configuration{"ScanInSteps", {{"reclaim", "scan"}, {"reclaim_step", "3"}}},
        Configuration{"ScanK", {{"reclaim", "scan"}, {"reclaim_step", "5"}, {"proposal", "K"}}},
        Configuration{"CopiedPages", {{"bookkeeping", "copied_pages"}}},
        Configuration{"CopiedPagesK", {{"bookkeeping", "copied_pages"}, {"proposal", "K"}}},
        Configuration{
            "CopiedPagesInSteps",
            {{"bookkeeping", "copied_pages"}, {"reclaim_every", "1"}, {"reclaim_step", "1"}}},
        Configuration{"Compacting", {{"compact_every", "5"}}},
        Configuration{"CompactingCopiedPages",
                      {{"compact_every", "5"}, {"bookkeeping", "copied_pages"}}},
        Configuration{"LiteralK", {{"proposal", "K"}, {"trust", "equal"}}}),
    [](const auto& configuration) { return std::string(configuration.param.name); });

TEST(RevisionTree, KeysAndValuesAreLimited) {
  MemoryVfs vfs;
  const auto engine = OpenTree(vfs);
  const auto error_of = [&](Change change) {
    const Expected<void> applied = engine->Apply(Transaction{{std::move(change)}});
    return applied ? std::string() : applied.error().context;
  };
  EXPECT_EQ(error_of({std::string(kKeyBytesMax, 'k'), "v"}), "");
  EXPECT_THAT(error_of({std::string(kKeyBytesMax + 1, 'k'), "v"}), HasSubstr("a key of 32769"));
  EXPECT_THAT(error_of({"k", std::string(kValueBytesMax + 1, 'v')}), HasSubstr("a value of"));
  EXPECT_EQ(ContentsOf(*engine).size(), 1U);
}

TEST(RevisionTree, AStoreKeepsItsOwnLayoutWhateverIsAskedLater) {
  MemoryVfs vfs;
  auto engine = OpenTree(vfs, {{"page_size", "128"}, {"slots", "1"}, {"proposal", "K"}});
  ApplyOk(*engine, {{"a", "1"}});
  engine.reset();
  engine = OpenTree(vfs);
  ApplyOk(*engine, {{"b", "2"}});
  EXPECT_EQ(ContentsOf(*engine), (Contents{{"a", "1"}, {"b", "2"}}));
  ExpectClean(*engine);
  const Header header = HeaderOf(vfs);
  EXPECT_EQ(header.page_size_bytes, 128U);
  EXPECT_TRUE(header.has(kProposalKFlag));
  EXPECT_FALSE(header.has(kTwoSlotsFlag));
}

TEST(RevisionTree, OneProcessAtATime) {
  MemoryVfs vfs;
  const auto engine = OpenTree(vfs);
  const Expected<void> opened = MakeTree(vfs)->Open();
  ASSERT_FALSE(opened.has_value());
  EXPECT_EQ(opened.error().code, ErrorCode::kBusy);
}

TEST(RevisionTree, OptionsThatMakeNoSenseTogetherAreRefused) {
  const auto error_of = [](const OptionList& changed) {
    EngineOptions options;
    for (const OptionSpec& spec : RevisionTreeType().options()) {
      options[spec.name] = spec.default_value;
    }
    for (const auto& [name, value] : changed) options[name] = value;
    const Expected<void> checked = RevisionTreeType().CheckOptions(options);
    return checked ? std::string() : checked.error().context;
  };
  EXPECT_EQ(error_of({}), "");
  EXPECT_EQ(error_of({{"start", "older"}}), "") << "each value alone is legal: with E it is idle";
  EXPECT_EQ(error_of({{"hold", "one"}}), "");
  EXPECT_THAT(error_of({{"proposal", "K"}, {"barrier", "off"}}), HasSubstr("proposal=E"));
  EXPECT_THAT(error_of({{"proposal", "K"}, {"start", "older"}, {"trust", "equal"}}),
              HasSubstr("trust=flag"));
  EXPECT_THAT(error_of({{"bookkeeping", "copied_pages"}, {"reclaim", "scan"}}),
              HasSubstr("reclaim=free_list"));
}

}  // namespace
}  // namespace plugpull::revision_tree
