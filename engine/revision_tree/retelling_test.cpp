// Goal: what is told of a recovery follows from the facts, and nothing is told without them.
// Method: a store whose last header write is taken back, as a crash does.
#include "engine/revision_tree/retelling.h"

#include "engine/revision_tree/engine_testing.h"

namespace plugpull::revision_tree {
namespace {

using testing::HasSubstr;
using testing::Not;

class RevisionRetelling : public testing::Test {
 protected:
  RevisionRetelling() {
    for (const OptionSpec& spec : RevisionTreeType().options()) {
      options_[spec.name] = spec.default_value;
    }
  }

  // A write that the crash lost, in the middle of transaction 2.
  void Lose(uint64_t offset_bytes, uint64_t size_bytes) {
    Op op;
    op.kind = OpKind::kWrite;
    op.offset_bytes = offset_bytes;
    op.size_bytes = size_bytes;
    lost_.push_back({.number = trace_.ops.size(),
                     .transaction = 2,
                     .path = kStorePath,
                     .ranges = {{offset_bytes, offset_bytes + size_bytes}}});
    trace_.ops.push_back(op);
  }

  std::string Told(const Image& issued, const Image& found, std::span<const StoryCall> calls) {
    return Retell({.options = options_,
                   .trace = trace_,
                   .issued = issued,
                   .found = found,
                   .lost = lost_,
                   .calls = calls});
  }

  EngineOptions options_;
  Trace trace_;
  std::vector<LostOperation> lost_;
};

TEST_F(RevisionRetelling, TellsOfTheHeaderThatIsFoundAndWhatWasLost) {
  MemoryVfs vfs;
  const auto engine = OpenTree(vfs);
  ApplyOk(*engine, {{"a", "1"}});
  const Image found = vfs.image();
  ApplyOk(*engine, {{"a", "2"}});
  Lose(512, kHeaderBytes);
  Lose(1536, 512);
  const StoryCall wrote{.call = {.kind = VfsCallKind::kWrite, .path = kStorePath}};
  const std::string told = Told(vfs.image(), found, {&wrote, 1});
  EXPECT_THAT(told, HasSubstr("revision 1 as current, 1 as ongoing"));
  EXPECT_THAT(told, HasSubstr("a later write of the header was lost (operation 0"));
  EXPECT_THAT(told, HasSubstr("all pages that are reached from revision 1"));
  EXPECT_THAT(told, HasSubstr("page 3 (operation 1"));
  // Nobody saw recovery write: nothing is said of it.
  EXPECT_THAT(Told(vfs.image(), found, {}), Not(HasSubstr("recovery")));
}

TEST_F(RevisionRetelling, TellsOfAStoreWithoutAName) {
  MemoryVfs vfs;
  OpenTree(vfs).reset();
  const StoryCall made{.call = {.kind = VfsCallKind::kCreate, .path = kNewStorePath}};
  EXPECT_THAT(Told(vfs.image(), Image{}, {&made, 1}), HasSubstr("makes a new, empty one"));
  EXPECT_EQ(Told(vfs.image(), Image{}, {}), "");
  EXPECT_EQ(Told(Image{}, Image{}, {&made, 1}), "");
}

}  // namespace
}  // namespace plugpull::revision_tree
