// Goal: each edge family, group and rule of coverage of the plain enumeration does what the
// specification says (persistence models, 4.3-4.9).
// Method: models that differ from one another in the parameter at hand, and stories of few calls:
// "may a crash leave this?", worked out by hand. The rules that together make the named models are
// in reference_litmus_test.cpp.
#include <gtest/gtest.h>

#include <string>

#include "faults/persistence/reference_story.h"
#include "faults/persistence/testing.h"

namespace plugpull {
namespace {

constexpr uint64_t kPage = 4096;

// Returns: a named model with some parameters changed.
template <typename Change>
Model With(const char* name, Change change) {
  Model model = *FindModel(name);
  change(model);
  return model;
}

const Model& Posix() { return *FindModel("posix-minimal"); }
const Model& Ext4() { return *FindModel("ext4-ordered"); }

// A durable file "f" of two old pages, and what comes after.
class ReferenceTest : public ::testing::Test {
 protected:
  ReferenceTest() {
    s.Create("f");
    s.Write("f", 0, 2 * kPage, 'o');
    s.SyncAll();
  }

  template <typename Outcome>
  bool May(const Model& model, Outcome outcome, Tear tear = Tear::kPages) const {
    return s.May(model, tear, outcome);
  }

  Story s;
};

TEST_F(ReferenceTest, BytesOfOneUnitAreInIssueOrder) {
  s.Write("f", 0, 512, '1');
  s.Write("f", 512, 512, '2');
  const auto second_only = [](const Look& l) {
    return l.Is("f", 0, 1, 'o') && l.Is("f", 512, 1, '2');
  };
  EXPECT_FALSE(May(Posix(), second_only));
  EXPECT_TRUE(May(Posix(), second_only, Tear::kSectorsAny));
  EXPECT_TRUE(May(With("posix-minimal", [](Model& m) { m.page_order = false; }), second_only));
}

TEST_F(ReferenceTest, ContiguousTearsKeepAPrefixOrASuffix) {
  s.Write("f", 0, 3 * 512, 'n');
  const auto kept = [](const Look& l) {
    return l.Bytes("f", 0, 1) + l.Bytes("f", 512, 1) + l.Bytes("f", 1024, 1);
  };
  for (const char* each : {"nnn", "noo", "nno", "oon", "onn", "ooo"}) {
    EXPECT_TRUE(May(
        Posix(), [&](const Look& l) { return kept(l) == each; }, Tear::kSectorsContiguous));
  }
  EXPECT_FALSE(May(
      Posix(), [&](const Look& l) { return kept(l) == "ono"; }, Tear::kSectorsContiguous));
  EXPECT_TRUE(May(
      Posix(), [&](const Look& l) { return kept(l) == "ono"; }, Tear::kSectorsAny));
}

TEST_F(ReferenceTest, AnUntornWriteIsThereOrNot) {
  s.Write("f", 0, 2 * kPage, 'n', kUntorn);
  EXPECT_FALSE(
      May(Posix(), [](const Look& l) { return l.Bytes("f", 0, 1) != l.Bytes("f", kPage, 1); }));
  EXPECT_TRUE(May(Posix(), [](const Look& l) { return l.Is("f", 0, 2 * kPage, 'o'); }));
}

TEST_F(ReferenceTest, SizesMayCommute) {
  s.Write("f", 2 * kPage, kPage, '1');
  s.Write("f", 3 * kPage, kPage, '2');
  s.Truncate("f", 5 * kPage);
  const auto second_only = [](const Look& l) {
    return l.Is("f", 2 * kPage, kPage, '\0') && l.Size("f") == 4 * kPage;
  };
  const auto truncated_only = [](const Look& l) { return l.Size("f") == 5 * kPage; };
  const Model max = With("posix-minimal", [](Model& m) {
    m.size_order = SizeOrder::kMax;
    m.fill = Fill::kZero;
  });
  EXPECT_TRUE(May(max, second_only));
  EXPECT_TRUE(May(max, truncated_only));
  s.Truncate("f", 0);
  s.Write("f", 0, kPage, '3');
  EXPECT_FALSE(May(max, [](const Look& l) {
    return l.Size("f") == kPage && !l.Is("f", 0, kPage, '3') && !l.Is("f", 0, kPage, '\0');
  }));
}

TEST_F(ReferenceTest, SizesMayComeBeforeTheBytesOrAfter) {
  s.Write("f", 2 * kPage, kPage, 'n');
  s.Truncate("f", 3 * kPage + 1);
  const auto early_bytes = [](const Look& l) {
    return l.Size("f") == 3 * kPage + 1 && l.Is("f", 2 * kPage, 1, '\0');
  };
  EXPECT_TRUE(May(Posix(), early_bytes));
  const auto after = [](Model& m) { m.data_before_size = DataBeforeSize::kWholeInode; };
  s.Write("f", 0, kPage, 'n');
  s.Write("f", 3 * kPage + 1, 9, 'n');
  const auto grown_before_overwrite = [](const Look& l) {
    return l.Size("f") == 3 * kPage + 10 && l.Is("f", 0, kPage, 'o');
  };
  EXPECT_TRUE(May(Ext4(), grown_before_overwrite));
  EXPECT_FALSE(May(With("ext4-ordered", after), grown_before_overwrite));
}

TEST_F(ReferenceTest, BytesMayWaitForTheirSize) {
  s.Write("f", 2 * kPage, kPage, 'n');
  const auto count = [&](const Model& model) {
    return ReferenceStates(s.trace(), s.trace().ops.size(), model, Tear::kPages, 99)->size();
  };
  EXPECT_EQ(count(Ext4()), 4U);
  EXPECT_EQ(count(With("ext4-ordered", [](Model& m) { m.size_before_data = true; })), 3U);
  EXPECT_EQ(count(*FindModel("xfs")), 3U);
  EXPECT_FALSE(ReferenceStates(s.trace(), s.trace().ops.size(), Ext4(), Tear::kPages, 3));
}

TEST_F(ReferenceTest, BarriersSeparateWhatIsIssued) {
  s.Create("g");
  s.SyncDirectory("");
  s.Write("f", 0, kPage, '1');
  s.DataSync("g");
  s.Write("f", kPage, kPage, '2');
  const auto second_only = [](const Look& l) {
    return l.Is("f", 0, 1, 'o') && l.Is("f", kPage, 1, '2');
  };
  EXPECT_TRUE(May(Posix(), second_only));
  EXPECT_FALSE(May(With("posix-minimal", [](Model& m) { m.barriers = true; }), second_only));
}

TEST_F(ReferenceTest, ARenameMayBeTakenApart) {
  s.Create("g");
  s.SyncAll();
  s.Rename("g", "f");
  const auto both = [](const Look& l) { return l.Has("g") && l.Has("f") && l.Size("f") == 0; };
  const auto neither = [](const Look& l) { return !l.Has("g") && !l.Has("f"); };
  const auto is_empty = [](const Look& l) { return l.Has("g") && !l.Has("f"); };
  const Model dual =
      With("posix-minimal", [](Model& m) { m.groups = Groups::kNone, m.rename = Rename::kDual; });
  const Model missing = With("posix-minimal", [](Model& m) {
    m.groups = Groups::kNone, m.rename = Rename::kTargetMissing;
  });
  EXPECT_FALSE(May(Posix(), both) || May(Posix(), neither) || May(Posix(), is_empty));
  EXPECT_TRUE(May(dual, both));
  EXPECT_FALSE(May(dual, neither) || May(dual, is_empty));
  EXPECT_TRUE(May(missing, both) && May(missing, neither) && May(missing, is_empty));
}

TEST_F(ReferenceTest, ARenameAcrossDirectoriesIsTwoFatesWithoutGroups) {
  s.MakeDirectory("d");
  s.SyncAll();
  s.Rename("f", "d/f");
  const auto is_gone = [](const Look& l) { return !l.Has("f") && !l.Has("d/f"); };
  EXPECT_TRUE(May(Posix(), is_gone));
  EXPECT_FALSE(May(Ext4(), is_gone) || May(*FindModel("somc"), is_gone));
}

TEST_F(ReferenceTest, AnExchangeTradesBothPlaces) {
  s.Create("g");
  s.SyncAll();
  s.Exchange("f", "g");
  EXPECT_TRUE(
      May(Posix(), [](const Look& l) { return l.Size("g") == 2 * kPage && l.Size("f") == 0; }));
  EXPECT_FALSE(May(Posix(), [](const Look& l) { return l.Size("g") == l.Size("f"); }));
}

TEST_F(ReferenceTest, ALinkHasItsTextFromTheStart) {
  s.Symlink("l", "f");
  EXPECT_TRUE(May(Posix(), [](const Look& l) { return !l.Has("l"); }));
  s.SyncDirectory("");
  EXPECT_FALSE(May(Posix(), [](const Look& l) { return l.LinkText("l") != "f"; }));
}

TEST_F(ReferenceTest, AttributesAreCoveredByFsyncAlone) {
  s.SetAttribute("f", "mode", "600");
  s.SetXattr("f", "k", "v");
  s.RemoveXattr("f", "k");
  const auto second_only = [](const Look& l) {
    return l.Attribute("f", "mode").empty() && l.Attribute("f", "xattr:k") == "v";
  };
  const auto is_lost = [](const Look& l) { return l.Attribute("f", "mode").empty(); };
  EXPECT_TRUE(May(Posix(), second_only));
  EXPECT_FALSE(May(*FindModel("somc"), second_only));
  s.DataSync("f");
  EXPECT_TRUE(May(Posix(), is_lost) && May(Ext4(), is_lost));
  s.Sync("f");
  EXPECT_FALSE(May(Posix(), is_lost) || May(Ext4(), is_lost));
}

TEST_F(ReferenceTest, AZeroedRangeComesBeforeLaterBytes) {
  s.Allocate("f", 0, kPage, kPunchHole | kKeepSize);
  s.Write("f", 100, 9, 'n');
  const auto bytes_only = [](const Look& l) {
    return l.Is("f", 0, 100, 'o') && l.Is("f", 100, 9, 'n');
  };
  EXPECT_TRUE(May(Posix(), bytes_only));
  EXPECT_FALSE(May(Ext4(), bytes_only));
  s.DataSync("f");
  EXPECT_FALSE(May(Posix(), [](const Look& l) { return !l.Is("f", 0, 100, '\0'); }));
}

TEST_F(ReferenceTest, AZeroedRangeGrowsTheFileInTheSameGroup) {
  s.Allocate("f", kPage, 2 * kPage, kZeroRange);
  const auto grown_only = [](const Look& l) {
    return l.Size("f") == 3 * kPage && l.Is("f", kPage, 1, 'o');
  };
  EXPECT_TRUE(May(Posix(), grown_only));
  EXPECT_FALSE(May(Ext4(), grown_only));
}

TEST_F(ReferenceTest, AnAllocationGrowsTheFileInOneStep) {
  s.Allocate("f", 0, 4 * kPage, 0);
  EXPECT_FALSE(May(Posix(), [](const Look& l) { return l.Size("f") == 3 * kPage; }));
  s.Allocate("f", 0, 9 * kPage, kKeepSize);
  EXPECT_FALSE(May(Posix(), [](const Look& l) { return l.Size("f") > 4 * kPage; }));
}

TEST_F(ReferenceTest, AClonesPiecesAreMetadata) {
  s.Create("g");
  s.SyncAll();
  s.Clone("f", "g", 0, 2 * kPage, 'o');
  const auto second_only = [](const Look& l) {
    return l.Is("g", 0, 1, '\0') && l.Is("g", kPage, 1, 'o');
  };
  EXPECT_TRUE(May(Posix(), second_only));
  EXPECT_FALSE(May(Ext4(), second_only));
}

TEST_F(ReferenceTest, ANewBlockIsStaleAsAWhole) {
  s.Write("f", 2 * kPage, 100, '1');
  s.Write("f", 2 * kPage + 600, 100, '2');
  const auto is_stale = [](const Look& l) {
    return l.Size("f") > 2 * kPage + 600 && !l.Is("f", 2 * kPage + 500, 12, '\0');
  };
  EXPECT_TRUE(May(Posix(), is_stale, Tear::kSectorsAny));
  EXPECT_FALSE(May(Ext4(), is_stale, Tear::kSectorsAny));
  // Whatever is kept of a unit brings zeros for the rest of it.
  EXPECT_FALSE(May(
      Posix(), [&](const Look& l) { return is_stale(l) && l.Is("f", 2 * kPage, 100, '1'); },
      Tear::kSectorsAny));
  s.DataSync("f");
  EXPECT_FALSE(May(Posix(), is_stale, Tear::kSectorsAny));
}

TEST_F(ReferenceTest, AMappedSyncCoversItsPages) {
  s.Write("f", 0, kPage, '1', kMapped);
  s.Write("f", kPage, kPage, '2', kMapped);
  s.SyncMapped("f", kPage, 10);
  EXPECT_TRUE(May(Posix(), [](const Look& l) { return l.Is("f", 0, 1, 'o'); }));
  EXPECT_FALSE(May(Posix(), [](const Look& l) { return l.Is("f", kPage, 1, 'o'); }));
}

// A range cannot be read back from a file that ends before it, whatever made the file longer.
TEST_F(ReferenceTest, AMappedSyncCoversTheTruncateThatMadeRoomForItsPages) {
  s.Truncate("f", 16 * kPage);
  s.Write("f", 8 * kPage, kPage, '1', kMapped);
  s.SyncMapped("f", 8 * kPage, kPage);
  s.Truncate("f", 32 * kPage);
  EXPECT_FALSE(May(Posix(), [](const Look& l) { return !l.Is("f", 8 * kPage, kPage, '1'); }));
  EXPECT_TRUE(May(Posix(), [](const Look& l) { return !l.Is("f", 31 * kPage, 1, '\0'); }));
}

TEST_F(ReferenceTest, MappedPagesMayLeaveTheOrderOfAJournal) {
  s.Write("f", 0, kPage, '1', kMapped);
  s.Write("f", kPage, kPage, '2', kMapped);
  const auto second_only = [](const Look& l) {
    return l.Is("f", 0, 1, 'o') && l.Is("f", kPage, 1, '2');
  };
  EXPECT_FALSE(May(*FindModel("ext4-journal"), second_only));
  EXPECT_TRUE(May(With("ext4-journal", [](Model& m) { m.mapped_order = false; }), second_only));
}

TEST_F(ReferenceTest, ASynchronousWriteCoversItsAttributesIfFull) {
  s.SetAttribute("f", "mode", "600");
  s.WriteSynchronously("f", 0, 9, 'n');
  const auto is_lost = [](const Look& l) { return l.Attribute("f", "mode").empty(); };
  EXPECT_TRUE(May(Posix(), is_lost));
  EXPECT_FALSE(May(Posix(), [](const Look& l) { return !l.Is("f", 0, 9, 'n'); }));
  s.WriteSynchronously("f", 0, 9, 'n', kFullSync);
  EXPECT_FALSE(May(Posix(), is_lost));
}

TEST_F(ReferenceTest, SyncMayNotWait) {
  s.Write("f", 0, kPage, 'n');
  s.SyncAll();
  const auto is_old = [](const Look& l) { return l.Is("f", 0, kPage, 'o'); };
  EXPECT_FALSE(May(Posix(), is_old));
  EXPECT_TRUE(May(With("posix-minimal", [](Model& m) { m.honest_flush = false; }),
                  [](const Look& l) { return !l.Has("f"); }));
  s.SyncDirectory("");
  s.Sync("f");
  s.Write("f", kPage, kPage, 'n');
  s.SyncAll();
  EXPECT_TRUE(May(With("posix-minimal", [](Model& m) { m.sync_waits = false; }),
                  [](const Look& l) { return l.Is("f", kPage, kPage, 'o'); }));
}

TEST_F(ReferenceTest, ADroppedPageIsNeverCovered) {
  s.Write("f", 0, kPage, '1');
  s.Write("f", kPage, kPage, '1');
  s.SyncInVain("f", 0, kPage);
  s.Sync("f");
  EXPECT_TRUE(May(Ext4(), [](const Look& l) { return l.Is("f", 0, 1, 'o'); }));
  EXPECT_FALSE(May(Ext4(), [](const Look& l) { return l.Is("f", kPage, 1, 'o'); }));
  s.Write("f", 0, 9, '2');
  s.Sync("f");
  EXPECT_FALSE(May(Ext4(), [](const Look& l) { return !l.Is("f", 0, 9, '2'); }));
}

TEST_F(ReferenceTest, AFailedSyncMayRevertTheFile) {
  s.Write("f", 0, 3 * kPage, '1');
  s.SyncInVain("f");
  const auto is_new = [](const Look& l) {
    return l.Is("f", 0, 1, '1') || l.Size("f") != 2 * kPage;
  };
  EXPECT_TRUE(May(Ext4(), is_new));
  EXPECT_FALSE(May(*FindModel("btrfs"), is_new));
}

TEST_F(ReferenceTest, MetadataMayBeSynchronous) {
  s.Create("g");
  s.Truncate("f", 0);
  const Model model = With("xfs", [](Model& m) { m.synchronous_metadata = true; });
  EXPECT_FALSE(May(model, [](const Look& l) { return !l.Has("g") || l.Size("f") != 0; }));
}

TEST_F(ReferenceTest, ALogLeavesOutWhatAFullCommitTakes) {
  s.Create("bar");
  s.Write("f", 0, kPage, 'n');
  s.Create("g");
  s.Sync("g");
  const Model full = With("btrfs", [](Model& m) { m.full_commits = true; });
  const Model flush = With("btrfs", [](Model& m) { m.full_commits = m.flush_on_commit = true; });
  const auto is_missing = [](const Look& l) { return !l.Has("bar"); };
  const auto is_old = [](const Look& l) { return l.Is("f", 0, kPage, 'o'); };
  EXPECT_TRUE(May(*FindModel("btrfs"), is_missing));
  EXPECT_FALSE(May(full, is_missing));
  EXPECT_TRUE(May(full, is_old));
  EXPECT_FALSE(May(flush, is_old));
}

TEST_F(ReferenceTest, FlushHeuristicsHideHalfWrittenFiles) {
  s.Create("tmp");
  s.Write("tmp", 0, kPage, 'n');
  s.Rename("tmp", "f");
  const Model replace = With("ext4-ordered", [](Model& m) { m.replace_flush = Flush::kStrict; });
  EXPECT_TRUE(May(Ext4(), [](const Look& l) { return l.Size("f") == 0; }));
  EXPECT_FALSE(May(replace, [](const Look& l) { return l.Size("f") == 0; }));
  s.SyncAll();
  s.Truncate("f", 0);
  s.Write("f", 0, kPage, 'm');
  const Model truncate = With("ext4-ordered", [](Model& m) { m.truncate_flush = Flush::kStrict; });
  EXPECT_TRUE(May(Ext4(), [](const Look& l) { return l.Size("f") == 0; }));
  EXPECT_FALSE(May(truncate, [](const Look& l) { return l.Size("f") == 0; }));
}

TEST_F(ReferenceTest, TheContractDoesNotCoverTheNameOfANewFile) {
  s.Create("g");
  s.Sync("g");
  EXPECT_FALSE(May(Ext4(), [](const Look& l) { return !l.Has("g"); }));
  EXPECT_TRUE(May(ContractProfile(Ext4()), [](const Look& l) { return !l.Has("g"); }));
}

}  // namespace
}  // namespace plugpull
