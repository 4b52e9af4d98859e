// Goal: a snapshot makes the image that it was made of, and leaves nothing to fate.
// Method: random programs, crashed anywhere with random losses, snapshot, materialised again.
#include "faults/persistence/snapshot.h"

#include <gtest/gtest.h>

#include "faults/base/bytes.h"
#include "faults/base/random.h"
#include "faults/persistence/materialise.h"
#include "faults/persistence/testing.h"
#include "faults/trace/random_operations.h"
#include "faults/trace/validate.h"

namespace plugpull {
namespace {

// Returns: some legal state of a crash at `position`, as the atoms it loses.
std::vector<AtomId> AnyLoss(const Trace& trace, size_t position, const Model& model, Tear tear,
                            Random& random) {
  CrashCursor cursor(trace, model, tear);
  cursor.AdvanceTo(position);
  CrashGraph graph;
  graph.Build(cursor, tear);
  Constraints& constraints = graph.constraints();
  for (VariableId variable = 0; variable < constraints.size(); ++variable) {
    if (constraints.fate(variable) != Fate::kOpen) continue;
    const size_t mark = constraints.Mark();
    const bool keep = random.Below(2) == 0;
    if (constraints.Decide(variable, keep)) continue;
    constraints.Undo(mark);
    EXPECT_TRUE(constraints.Decide(variable, !keep));
  }
  return LostAtoms(graph, DecidedState(constraints));
}

// Checks that a program sees the same of the image and of its snapshot. Returns: the snapshot.
Trace CheckSnapshot(const Image& image) {
  Trace snapshot;
  AppendSnapshot(snapshot, image);
  const Expected<void> valid = ValidateTrace(snapshot);
  EXPECT_TRUE(valid.has_value()) << Describe(valid.error());
  const Image again = Materialise(snapshot, snapshot.ops.size(), {}, Tear::kNone);
  EXPECT_EQ(Visible(again), Visible(image));
  for (const Model& model : Models()) {
    CrashCursor cursor(snapshot, model);
    cursor.AdvanceTo(snapshot.ops.size());
    EXPECT_TRUE(cursor.pending().empty()) << model.name;
    EXPECT_EQ(Visible(cursor.durable()), Visible(image)) << model.name;
  }
  return snapshot;
}

TEST(Snapshot, IsTheImageWhateverACrashLeft) {
  for (uint64_t seed = 1; seed <= 150; ++seed) {
    const Trace trace = seed % 2 == 0 ? RandomProgram(seed, 30) : RandomOperations(seed, 40);
    Random random(seed, "snapshot");
    const size_t position = random.Below(trace.ops.size() + 1);
    const Tear tear = kAllTears[seed % 4];
    const Model& model = Models()[seed % Models().size()];
    const Tear effective = EffectiveTear(model, tear);
    const auto lost = AnyLoss(trace, position, model, tear, random);
    SCOPED_TRACE(seed);
    CheckSnapshot(Materialise(trace, position, lost, effective));
  }
}

TEST(Snapshot, KeepsInodeNumbers) {
  Image image;
  image.names.Set(kRootInode, "far", 40);
  image.names.Set(kRootInode, "other", 40);
  image.files[40].Store(5000, AsBytes("x"));
  image.files[40].RaiseSize(9000);
  image.names.AddDirectory(7);
  image.names.Set(kRootInode, "sub", 7);
  image.names.Set(7, "near", 3);
  image.links[3] = "far";
  image.attributes[40]["mode"] = "0600";
  image.attributes[kRootInode]["xattr:user.k"] = "v";
  const Trace snapshot = CheckSnapshot(image);
  const Image again = Materialise(snapshot, snapshot.ops.size(), {}, Tear::kNone);
  EXPECT_EQ(again.names.At(kRootInode, "far"), 40u);
  EXPECT_EQ(again.names.At(kRootInode, "other"), 40u);
  EXPECT_EQ(again.names.At(7, "near"), 3u);
  EXPECT_EQ(again.files.at(40).size_bytes(), 9000u);
}

TEST(Snapshot, OfNothingIsASync) {
  Trace snapshot;
  AppendSnapshot(snapshot, Image());
  ASSERT_EQ(snapshot.ops.size(), 1u);
  EXPECT_EQ(snapshot.ops[0].kind, OpKind::kSyncAll);
}

}  // namespace
}  // namespace plugpull
