// Instances of page faults: how many there are on a small disk, and that each changes exactly the
// bytes that it says.
#include "faults/inject/damage.h"

#include <gtest/gtest.h>

#include <set>

#include "faults/inject/fault_type.h"
#include "faults/persistence/materialise.h"
#include "faults/vfs/memory_vfs.h"
#include "faults/vfs/recording_vfs.h"

namespace plugpull {
namespace {

// Three transactions on a file of two pages and a half, each of which writes some pages. What is
// there before the first one is a page of 'a'.
class SmallRun {
 public:
  SmallRun() {
    MemoryVfs memory;
    RecordingVfs recorder(memory);
    recorder.trace().transactions.resize(3);
    auto file = *recorder.Open("data.db", {.create = true});
    auto other = *recorder.Open("other", {.create = true});
    const auto put = [&](uint64_t page, char letter, size_t length = kPageBytes) {
      const std::vector<std::byte> bytes(length, static_cast<std::byte>(letter));
      EXPECT_TRUE(file->Write(page * kPageBytes, bytes).has_value());
    };
    put(0, 'a');
    EXPECT_TRUE(other->Write(0, std::vector<std::byte>(10, std::byte{'x'})).has_value());
    for (const uint32_t number : {1U, 2U, 3U}) {
      recorder.Begin(number);
      put(0, static_cast<char>('0' + number % 2));  // '1', '0', '1'
      if (number == 2) put(1, 'b');
      if (number == 3) put(2, 'c', 100);
      EXPECT_TRUE(file->Sync(SyncKind::kFull).has_value());
      recorder.Acknowledge(number);
    }
    trace_ = recorder.trace();
  }

  const Trace& trace() const { return trace_; }

  // Returns: the site at the end, where every page may be damaged.
  static PageSite Site(DamageReader& reader, size_t position) {
    PageSite site = reader.SiteAt(position);
    for (SiteFile& file : site.files) {
      for (uint64_t page = 0; page * kPageBytes < file.size_bytes; ++page) {
        file.pages.push_back(page);
      }
    }
    return site;
  }

  // Returns: the instances of a specification at the end of the run.
  std::vector<std::string> Instances(const char* specification, uint64_t* of = nullptr) const {
    DamageReader reader(trace_);
    const PageSite site = Site(reader, trace_.ops.size());
    const FaultCalls calls = *ParseFaults(specification, FaultForm::kSpecification);
    Random random(1);
    FaultCalls chosen;
    const uint64_t count = TypeOf(calls[0]).choose(site, calls[0], random, chosen);
    if (of != nullptr) *of = count;
    std::vector<std::string> texts;
    for (const FaultCall& call : chosen) texts.push_back(FaultText(call, FaultForm::kInstance));
    return texts;
  }

 private:
  Trace trace_;
};

using Texts = std::vector<std::string>;

TEST(StalePage, HasOneInstanceForEachOlderVersion) {
  const SmallRun run;
  // Page 0 held '0' one transaction ago, '1' as now two ago, and 'a' before the first; page 1
  // nothing two ago; page 2 nothing one ago.
  EXPECT_EQ(
      run.Instances("stale-page(path=*.db)"),
      (Texts{"stale-page(file=data.db,page=0,age=1)", "stale-page(file=data.db,page=0,age=3)",
             "stale-page(file=data.db,page=1,age=2)", "stale-page(file=data.db,page=2,age=1)"}));
  EXPECT_EQ(run.Instances("stale-page(age=1)"), (Texts{"stale-page(file=data.db,page=0,age=1)",
                                                       "stale-page(file=data.db,page=2,age=1)"}));
  EXPECT_TRUE(run.Instances("stale-page(age=4..9)").empty());
  EXPECT_TRUE(run.Instances("stale-page(path=*.nothing)").empty());
}

// The newest transaction wrote pages 0 and 2.
TEST(StalePage, TellsWhatTheNewestTransactionWroteFromWhatIsOlder) {
  const SmallRun run;
  EXPECT_EQ(run.Instances("stale-page(lost=newest,path=*.db)"),
            (Texts{"stale-page(file=data.db,page=0,age=1)", "stale-page(file=data.db,page=0,age=3)",
                   "stale-page(file=data.db,page=2,age=1)"}));
  EXPECT_EQ(run.Instances("stale-page(lost=older,path=*.db)"),
            (Texts{"stale-page(file=data.db,page=1,age=2)"}));
  EXPECT_TRUE(run.Instances("stale-page(age=1,lost=older)").empty());
}

TEST(PageFaults, AreAllTriedWhereTheyAreFewAndSampledElsewhere) {
  const SmallRun run;
  uint64_t of = 0;
  EXPECT_EQ(run.Instances("zeroed-page", &of).size(), 4U);
  EXPECT_EQ(of, 4U);
  EXPECT_EQ(run.Instances("zeroed-page(count=3)", &of).size(), 3U);
  EXPECT_EQ(of, 4U);
  // Each of three pages to two others; across files each of four to three.
  EXPECT_EQ(run.Instances("misdirected-write", &of).size(), 6U);
  EXPECT_EQ(run.Instances("misdirected-write(across=yes)", &of).size(), 12U);
  EXPECT_EQ(run.Instances("bit-rot(path=other,count=1000)", &of).size(), 80U);
  EXPECT_EQ(run.Instances("bit-rot(count=17)", &of).size(), 17U);
  EXPECT_EQ(of, (2 * kPageBytes + 100 + 10) * 8);
  const Texts sample = run.Instances("bit-rot(count=17)");
  EXPECT_EQ(std::set<std::string>(sample.begin(), sample.end()).size(), 17U);
  EXPECT_EQ(sample, run.Instances("bit-rot(count=17)"));
}

// Returns: the bytes of a file of the image.
std::string BytesOf(const Image& image, const char* path) {
  const FileContent& file = image.files.at(*image.names.Resolve(path));
  std::vector<std::byte> bytes(file.size_bytes());
  file.Read(0, bytes);
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

TEST(Damage, ChangesExactlyWhatItSays) {
  const SmallRun run;
  DamageReader reader(run.trace());
  const size_t end = run.trace().ops.size();
  const auto damaged = [&](const char* instance) {
    Image image = Materialise(run.trace(), end, {}, Tear::kNone);
    const Expected<Damage> damage = reader.Read(instance, end);
    EXPECT_TRUE(damage.has_value()) << damage.error().context;
    Apply(damage->patches, image);
    EXPECT_EQ(BytesOf(image, "other"), std::string(10, 'x'));
    return BytesOf(image, "data.db");
  };
  const auto pages = [](char first, char second, char third) {
    return std::string(kPageBytes, first) + std::string(kPageBytes, second) +
           std::string(100, third);
  };
  ASSERT_EQ(damaged("power-cut"), pages('1', 'b', 'c'));
  EXPECT_EQ(damaged("stale-page(file=data.db,page=0,age=1)"), pages('0', 'b', 'c'));
  EXPECT_EQ(damaged("stale-page(file=data.db,page=0,age=3)"), pages('a', 'b', 'c'));
  EXPECT_EQ(damaged("stale-page(file=data.db,page=2,age=1)"), pages('1', 'b', '\0'));
  EXPECT_EQ(damaged("zeroed-page(file=data.db,page=1)"), pages('1', '\0', 'c'));
  EXPECT_EQ(damaged("misdirected-write(file=data.db,page=0,to=1)"), pages('0', '1', 'c'));
  EXPECT_EQ(damaged("misdirected-write(file=data.db,page=1,to=2)"), pages('1', '\0', 'b'));
  std::string rotten = pages('1', 'b', 'c');
  rotten[2 * kPageBytes + 3] ^= 1 << 5;
  EXPECT_EQ(damaged("bit-rot(file=data.db,page=2,bit=29)"), rotten);
  EXPECT_EQ(damaged("zeroed-page(file=data.db,page=1)+stale-page(file=data.db,page=0,age=1)"),
            pages('0', '\0', 'c'));
}

TEST(Damage, NamesThePlaceThatIsNotThere) {
  const SmallRun run;
  DamageReader reader(run.trace());
  for (const char* instance : {"zeroed-page(file=data.db,page=3)", "zeroed-page(file=gone,page=0)",
                               "stale-page(file=data.db,page=0,age=4)",
                               "bit-rot(file=other,page=0,bit=80)", "lying-flush(from=4)"}) {
    const Expected<Damage> damage = reader.Read(instance, run.trace().ops.size());
    ASSERT_FALSE(damage.has_value()) << instance;
    EXPECT_EQ(damage.error().code, ErrorCode::kCorrupt);
  }
  EXPECT_FALSE(reader.Read("nonsense", 0).has_value());
}

TEST(Damage, KnowsWhichSyncLiesFirst) {
  const SmallRun run;
  DamageReader reader(run.trace());
  ASSERT_EQ(reader.syncs().size(), 3U);
  const Expected<Damage> damage = reader.Read("lying-flush(from=2)", run.trace().ops.size());
  ASSERT_TRUE(damage.has_value());
  EXPECT_EQ(damage->lies_from, reader.syncs()[1]);
}

}  // namespace
}  // namespace plugpull
