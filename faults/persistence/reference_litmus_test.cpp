// Goal: the plain enumeration gives the table of litmus tests (persistence models, section 5).
// Method: one row a test case, with the verdicts for each model in the order of the table: 'A'
// allowed, '-' not. Where the table leaves it to a knob or a heuristic, 'a' or 'n' is what the
// model says as it stands.
#include <gtest/gtest.h>

#include <array>
#include <string>
#include <string_view>

#include "faults/persistence/reference_story.h"

namespace plugpull {
namespace {

constexpr uint64_t kPage = 4096;
constexpr std::array<const char*, 7> kColumns = {
    "posix-minimal", "ext4-writeback", "ext4-ordered-classic", "ext4-ordered", "ext4-journal",
    "xfs",           "btrfs"};

struct Row {
  const char* id;
  std::string_view verdicts;
  void (*play)(Story&);
  bool (*outcome)(const Look&);
  Tear tear = Tear::kPages;
};

void PrintTo(const Row& row, std::ostream* out) { *out << row.id; }

// A durable file of old bytes.
void Old(Story& story, std::string_view path, uint64_t size_bytes) {
  story.Create(path);
  if (size_bytes > 0) story.Write(path, 0, size_bytes, 'o');
  story.SyncAll();
}

// A durable new file that replaces an old one, both of one page.
void Replace(Story& story) {
  Old(story, "dst", kPage);
  story.Create("tmp");
  story.Write("tmp", 0, kPage, 'n');
  story.Sync("tmp");
  story.Rename("tmp", "dst");
}

bool IsWhole(const Look& look, std::string_view path, char byte) {
  return look.Size(path) == kPage && look.Is(path, 0, kPage, byte);
}

const Row kRows[] = {
    {"L1", "-------", [](Story& s) { Old(s, "f", kPage), s.Write("f", 512, 512, 'n'); },
     [](const Look& l) { return !l.Is("f", 512, 512, 'o') && !l.Is("f", 512, 512, 'n'); },
     Tear::kSectorsAny},
    {"L2", "AAAA-A-", [](Story& s) { Old(s, "f", kPage), s.Write("f", 0, kPage, 'n'); },
     [](const Look& l) { return !IsWhole(l, "f", 'o') && !IsWhole(l, "f", 'n'); },
     Tear::kSectorsAny},
    {"L3", "AAAA-Aa", [](Story& s) { Old(s, "f", 2 * kPage), s.Write("f", 0, 2 * kPage, 'n'); },
     [](const Look& l) { return l.Is("f", 0, kPage, 'o') && l.Is("f", kPage, kPage, 'n'); }},
    {"L4", "AAAA-Aa",
     [](Story& s) {
       Old(s, "f", kPage), Old(s, "g", kPage);
       s.Write("f", 0, kPage, 'n'), s.Write("g", 0, kPage, 'n');
     },
     [](const Look& l) { return IsWhole(l, "f", 'o') && IsWhole(l, "g", 'n'); }},
    {"L5", "AA-A--a", [](Story& s) { Old(s, "f", 0), s.Write("f", 0, kPage, 'n'); },
     [](const Look& l) { return IsWhole(l, "f", '\0'); }},
    {"L6", "AA-----", [](Story& s) { Old(s, "f", 0), s.Write("f", 0, kPage, 'n'); },
     [](const Look& l) {
       return l.Size("f") == kPage && !IsWhole(l, "f", 'n') && !IsWhole(l, "f", '\0');
     }},
    {"L7", "AAAA--a", [](Story& s) { Old(s, "f", 100), s.Write("f", 100, kPage, 'n'); },
     [](const Look& l) {
       return l.Size("f") == kPage && l.Is("f", 0, 100, 'o') && l.Is("f", 100, kPage - 100, '\0');
     }},
    {"L8", "AAAAAAA", [](Story& s) { Old(s, "f", 0), s.Write("f", 0, 3 * kPage, 'n'); },
     [](const Look& l) { return IsWhole(l, "f", 'n'); }},
    {"L9", "AA-A-aA", [](Story& s) { Old(s, "f", 0), s.Write("f", 0, 3 * kPage, 'n'); },
     [](const Look& l) {
       return l.Is("f", kPage, kPage, '\0') && l.Is("f", 2 * kPage, kPage, 'n');
     }},
    {"L10", "AA-A-aA",
     [](Story& s) { Old(s, "f", 0), s.Write("f", 0, kPage, 'm'), s.Write("f", kPage, kPage, 'n'); },
     [](const Look& l) { return l.Is("f", 0, kPage, '\0') && l.Is("f", kPage, kPage, 'n'); }},
    {"L11", "AAAA-AA",
     [](Story& s) {
       Old(s, "f", 0), Old(s, "g", 0), s.Write("f", 0, kPage, 'n'), s.Write("g", 0, kPage, 'n');
     },
     [](const Look& l) { return l.Size("f") == 0 && IsWhole(l, "g", 'n'); }},
    {"L12", "A------",
     [](Story& s) { Old(s, "foo", 0), s.Create("bar"), s.Write("foo", 0, kPage, 'n'); },
     [](const Look& l) { return l.Size("foo") == kPage && !l.Has("bar"); }},
    {"L13", "A-----A",
     [](Story& s) {
       Old(s, "foo", 0), s.Create("bar"), s.Write("foo", 0, kPage, 'n'), s.Sync("foo");
     },
     [](const Look& l) { return !l.Has("bar"); }},
    {"L14", "AAAA-AA",
     [](Story& s) {
       Old(s, "foo", kPage), s.Create("bar"), s.Write("foo", 0, kPage, 'n'), s.DataSync("foo");
     },
     [](const Look& l) { return !l.Has("bar"); }},
    {"L15", "AAAA-A-",
     [](Story& s) { Old(s, "foo", kPage), s.Create("bar"), s.Write("foo", 0, kPage, 'n'); },
     [](const Look& l) { return IsWhole(l, "foo", 'n') && !l.Has("bar"); }},
    {"L16", "A------", [](Story& s) { s.Create("f"), s.Sync("f"); },
     [](const Look& l) { return !l.Has("f"); }},
    {"L17", "A------", [](Story& s) { s.Create("f"), s.Write("f", 0, 9, 'n'), s.DataSync("f"); },
     [](const Look& l) { return !l.Has("f"); }},
    {"L18", "A------", [](Story& s) { s.MakeDirectory("d"), s.Create("d/f"), s.Sync("d/f"); },
     [](const Look& l) { return !l.Has("d"); }},
    {"L19", "A------", [](Story& s) { Old(s, "f", 0), s.Link("f", "g"), s.Sync("f"); },
     [](const Look& l) { return !l.Has("g"); }},
    {"L20", "A------",
     [](Story& s) { Old(s, "f", 0), s.Link("f", "g"), s.SyncAll(), s.Unlink("g"), s.Sync("f"); },
     [](const Look& l) { return l.Has("g"); }},
    {"L21", "-------", [](Story& s) { Old(s, "f", 0), s.Unlink("f"), s.SyncDirectory(""); },
     [](const Look& l) { return l.Has("f"); }},
    {"L22", "AAaa-Aa",
     [](Story& s) {
       Old(s, "dst", kPage), s.Create("tmp"), s.Write("tmp", 0, kPage, 'n');
       s.Rename("tmp", "dst");
     },
     [](const Look& l) {
       return l.Has("dst") && !IsWhole(l, "dst", 'o') && !IsWhole(l, "dst", 'n');
     }},
    {"L23", "AAAA-AA",
     [](Story& s) { s.Create("tmp"), s.Write("tmp", 0, kPage, 'n'), s.Rename("tmp", "new"); },
     [](const Look& l) { return l.Has("new") && !IsWhole(l, "new", 'n'); }},
    {"L24", "n------", Replace,
     [](const Look& l) { return !IsWhole(l, "dst", 'o') && !IsWhole(l, "dst", 'n'); }},
    {"L25", "-------", [](Story& s) { Replace(s), s.SyncDirectory(""); },
     [](const Look& l) { return !IsWhole(l, "dst", 'n'); }},
    {"L26", "A-----A",
     [](Story& s) { Old(s, "x", kPage), Replace(s), s.Write("x", 0, kPage, 'n'), s.Sync("x"); },
     [](const Look& l) { return IsWhole(l, "dst", 'o'); }},
    {"L27", "AAAA-AA",
     [](Story& s) { Old(s, "x", kPage), Replace(s), s.Write("x", 0, kPage, 'n'), s.DataSync("x"); },
     [](const Look& l) { return IsWhole(l, "x", 'n') && IsWhole(l, "dst", 'o'); }},
    {"L28", "AAaaAaa",
     [](Story& s) { Old(s, "f", kPage), s.Truncate("f", 0), s.Write("f", 0, kPage, 'n'); },
     [](const Look& l) { return !IsWhole(l, "f", 'o') && !IsWhole(l, "f", 'n'); }},
    {"L29", "A------",
     [](Story& s) { Old(s, "f", 2 * kPage), s.Truncate("f", 0), s.Write("f", 0, kPage, 'n'); },
     [](const Look& l) { return l.Is("f", 0, kPage, 'n') && l.Is("f", kPage, kPage, 'o'); }},
    {"L30", "n------", [](Story& s) { Old(s, "a", 0), s.Rename("a", "b"); },
     [](const Look& l) { return l.Has("a") == l.Has("b"); }},
    {"L31", "A------",
     [](Story& s) { Old(s, "A", 0), Old(s, "C", 0), s.Rename("A", "B"), s.Rename("C", "D"); },
     [](const Look& l) { return l.Has("A") && l.Has("D"); }},
    // The table leaves this row to a heuristic of btrfs, where the log takes no other file. Two
    // names of one directory depend on each other in its log as little as in the journal.
    {"L32", "A-----a",
     [](Story& s) {
       Old(s, "A", 0), Old(s, "C", 0), s.Rename("A", "B"), s.Rename("C", "D"), s.Sync("D");
     },
     [](const Look& l) { return l.Has("A") && l.Has("D"); }},
    // The table has 'A' for posix-minimal, which is a rename that is taken apart: see below.
    {"L33", "n------",
     [](Story& s) {
       Old(s, "foo", kPage), s.Rename("foo", "bar"), s.Create("foo");
       s.Write("foo", 0, kPage, 'n'), s.Sync("foo");
     },
     [](const Look& l) { return !IsWhole(l, "foo", 'o') && !IsWhole(l, "bar", 'o'); }},
    {"L34", "A------",
     [](Story& s) {
       s.MakeDirectory("A"), s.MakeDirectory("B"), Old(s, "A/f", 0);
       s.Rename("A/f", "B/f"), s.SyncDirectory("A");
     },
     [](const Look& l) { return !l.Has("A/f") && !l.Has("B/f"); }},
    {"L35", "A------", [](Story& s) { Old(s, "f", 0), s.Rename("f", "g"), s.Sync("g"); },
     [](const Look& l) { return l.Has("f") && !l.Has("g"); }},
    {"L36", "AAAA-AA",
     [](Story& s) {
       Old(s, "f", 2 * kPage), s.Write("f", 0, kPage, 'x');
       s.WriteSynchronously("f", kPage, kPage, 'y');
     },
     [](const Look& l) { return l.Is("f", 0, kPage, 'o'); }},
    {"L37", "-------",
     [](Story& s) { Old(s, "f", 100), s.Write("f", 100, kPage, 'n'), s.DataSync("f"); },
     [](const Look& l) { return !l.Is("f", 100, kPage, 'n'); }},
    {"L38", "AAAAnAA",
     [](Story& s) {
       Old(s, "f", 0), s.SetAttribute("f", "mode", "600"), s.SetXattr("f", "k", "v");
       s.DataSync("f");
     },
     [](const Look& l) { return l.Attribute("f", "mode").empty(); }},
    {"L39", "AAAAAAA",
     [](Story& s) { Old(s, "f", kPage), s.Write("f", 0, kPage, 'n'), s.SyncRange("f", 0, kPage); },
     [](const Look& l) { return IsWhole(l, "f", 'o'); }},
    {"L40", "AAAAAAA",
     [](Story& s) {
       Old(s, "f", kPage), s.Write("f", 0, kPage, 'n', kMapped), s.SyncRange("f", 0, kPage);
     },
     [](const Look& l) { return IsWhole(l, "f", 'o'); }},
    {"L41", "AAAAnAA",
     [](Story& s) {
       Old(s, "f", 2 * kPage), s.Write("f", 0, kPage, 'n', kMapped);
       s.Write("f", kPage, kPage, 'n', kMapped);
     },
     [](const Look& l) { return l.Is("f", 0, kPage, 'o') && l.Is("f", kPage, kPage, 'n'); }},
    {"L42", "-------",
     [](Story& s) {
       Old(s, "db", kPage), Old(s, "journal", 0);
       s.Write("journal", 0, kPage, 'j'), s.DataSync("journal"), s.Write("db", 0, kPage, 'n');
     },
     [](const Look& l) { return IsWhole(l, "db", 'n') && !IsWhole(l, "journal", 'j'); }},
    {"L43", "AAAA-A-",
     [](Story& s) {
       Old(s, "db", kPage), Old(s, "journal", 0), s.Unlink("journal"), s.Write("db", 0, kPage, 'n');
     },
     [](const Look& l) { return IsWhole(l, "db", 'n') && l.Has("journal"); }},
    {"L44", "AAAAnAA",
     [](Story& s) { s.Create("f"), s.Write("f", 0, kPage, 'n'), s.SyncDirectory(""); },
     [](const Look& l) { return l.Has("f") && l.Size("f") == 0; }},
};

class LitmusTest : public ::testing::TestWithParam<Row> {};

TEST_P(LitmusTest, IsAsTheTableSays) {
  const Row& row = GetParam();
  Story story;
  row.play(story);
  for (size_t column = 0; column < kColumns.size(); ++column) {
    const char verdict = row.verdicts[column];
    const Model& model = *FindModel(kColumns[column]);
    EXPECT_EQ(story.May(model, row.tear, row.outcome), verdict == 'A' || verdict == 'a')
        << model.name;
  }
}

INSTANTIATE_TEST_SUITE_P(Rows, LitmusTest, ::testing::ValuesIn(kRows),
                         [](const auto& row) { return std::string(row.param.id); });

}  // namespace
}  // namespace plugpull
