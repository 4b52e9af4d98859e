// Goal: a litmus file becomes the trace that it says, and a wrong one is refused in one line that
// names the file, the line and what was probably meant.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "faults/base/atomic_file.h"
#include "faults/base/bytes.h"
#include "faults/litmus/litmus.h"
#include "faults/litmus/program.h"

namespace plugpull {
namespace {

using testing::HasSubstr;

Litmus Parsed(const std::string& text) {
  Expected<Litmus> litmus = ParseLitmus(text, "t.litmus");
  if (!litmus) ADD_FAILURE() << litmus.error().context;
  return litmus ? std::move(*litmus) : Litmus{};
}

Litmus ProgramOf(const std::string& operations) {
  return Parsed("name x\ndo\n" + operations + "\ncreate zz\nask zz exists\n");
}

TEST(ParseLitmus, ReadsEveryLine) {
  const Litmus litmus = Parsed(
      "# A comment.\nname L1\ntitle it's \"one\n  outcome x # y\nsource #12\nnote n\n"
      "given\n  create foo  # durable\n  write foo 0 4K 'A'\ndo\n  append foo 512 'B'\n"
      "  fsync foo\ncrash inside\nask foo size = 4K\nand not (foo exists or foo missing)\n"
      "never foo is empty\nmodifier flush=lies\n"
      "expect PM A, ext4-journal -, b h\nexpect X k\n"
      "hidden btrfs \"why\"\ndiffers X A \"reason\"\n");
  EXPECT_EQ(litmus.name, "L1");
  EXPECT_EQ(litmus.title, "it's \"one");
  EXPECT_EQ(litmus.outcome, "x # y");
  EXPECT_EQ(litmus.source, "#12");
  EXPECT_EQ(litmus.letters, "AB");
  ASSERT_EQ(litmus.trace.ops.size(), 5U);
  EXPECT_EQ(litmus.trace.ops[2].kind, OpKind::kSyncAll);
  EXPECT_EQ(litmus.trace.ops[3].offset_bytes, 4096U);
  EXPECT_EQ(AsText(litmus.trace.Payload(litmus.trace.ops[3])), std::string(512, 'B'));
  EXPECT_EQ(litmus.first_op, 3U);
  EXPECT_EQ(litmus.crash_at, 4U);
  EXPECT_EQ(litmus.ask.kind, Question::Kind::kOr);
  EXPECT_TRUE(litmus.never.has_value());
  EXPECT_FALSE(litmus.live);
  EXPECT_EQ(litmus.modifier, "flush=lies");
  EXPECT_EQ(litmus.expected.at("btrfs"), Mark::kHidden);
  EXPECT_EQ(litmus.expected.at("ext4-journal"), Mark::kForbidden);
  EXPECT_EQ(litmus.hidden.at("btrfs").text, "why");
  EXPECT_EQ(litmus.differs.at("xfs").mark, Mark::kAllowed);
}

TEST(ParseLitmus, EveryKindOfOperationCanBeWritten) {
  const Litmus litmus = ProgramOf(
      "mkdir d\ncreate d/f\nwrite d/f 0 4K 'A' direct untorn dsync\nwrite d/f 0 4K 'B' mapped\n"
      "msync d/f 0 4K sync\nmsync d/f 0 4K async\nsync_file_range d/f 0 4K\nfdatasync d/f\n"
      "truncate d/f 1K\nfallocate d/f 0 8K\nfallocate d/f 0 4K punch\ncreate g\nclone d/f g\n"
      "exchange d/f g\nlink g h\nunlink h\nsymlink s \"a text\"\ntmpfile @t\nwrite @t 0 1 'C'\n"
      "link @t t\nchmod g 0600\nsetxattr g user.k v\nremovexattr g user.k\nfsync d\n"
      "fsync g fails 0 4K\nfsync g\nrename g k\nmkdir e\nrmdir e\nsync");
  std::set<OpKind> kinds;
  for (const Op& op : litmus.trace.ops) kinds.insert(op.kind);
  // Transactions, and calls that no model knows, are not operations of a litmus test.
  EXPECT_EQ(kinds.size(), static_cast<size_t>(kLastOpKind) + 1 - 3);
}

TEST(ParseLitmus, ASyncThatFailsSaysWhatItDropped) {
  const Litmus litmus = ProgramOf("create f\nappend f 8K 'A'\nfsync f fails 4K 4K\nfsync .");
  ASSERT_EQ(litmus.trace.ops.size(), 5U);
  EXPECT_EQ(litmus.trace.ops[2].result_errno, EIO);
  EXPECT_EQ(litmus.trace.ops[2].offset_bytes, 4096U);
  EXPECT_EQ(litmus.trace.ops[3].kind, OpKind::kSyncDirectory);
  EXPECT_EQ(litmus.trace.ops[3].inode, kRootInode);
}

TEST(ParseLitmus, TheReadmeNamesEveryOperation) {
  const auto readme = ReadWholeFile(std::string(PLUGPULL_SOURCE_DIR) + "/faults/litmus/README.md");
  ASSERT_TRUE(readme.has_value());
  for (const LitmusOperation& operation : LitmusOperations()) {
    EXPECT_THAT(std::string(AsText(*readme)), HasSubstr(std::string(operation.name)));
  }
}

struct Mistake {
  const char* text;
  const char* complaint;
};

TEST(ParseLitmus, RefusesWhatItDoesNotUnderstand) {
  const Mistake mistakes[] = {
      {"", "t.litmus:0: the file has no 'name'"},
      {"name x\ndo\ncreate f\n", "t.litmus:3: the file has no 'ask'"},
      {"nmae x\n", "t.litmus:1: 'nmae' is not understood, did you mean 'name'?"},
      {"name x\nname y\n", "t.litmus:2: 'name' is there twice"},
      {"name x y\n", "t.litmus:1: 'y' is one word too many"},
      {"create f\n", "t.litmus:1: 'create' stands outside of 'given' and 'do'"},
      {"do\nwirte f 0 1 'A'\n", "t.litmus:2: there is no operation 'wirte', did you mean 'write'?"},
      {"do\ncreate foo\nwrite fo 0 1 'A'\n",
       "t.litmus:3: there is no 'fo' here, did you mean 'foo'"},
      {"do\ncreate f\nwrite f 0 1\n", "the letter to write is missing"},
      {"do\ncreate f\nwrite f 0 1 A\n", "'A' is not a letter or digit in single quotes"},
      {"do\ncreate f\nwrite f 0 4KB 'A'\n", "'4KB' is not a number of bytes"},
      {"do\ncreate f\nwrite f 0 2M 'A'\n", "ends at 1048576"},
      {"do\ncreate f\nwrite f 0 0 'A'\n", "1 byte or more"},
      {"do\ncreate f\nwrite f 0 1 'A' dirct\n", "'dirct' is one word too many"},
      {"do\ncreate /f\n", "paths have no '/' in front"},
      {"do\ncreate d/f\n", "there is no directory for 'd/f'"},
      {"do\ncreate f\ncreate f\n", "'f' is there already"},
      {"do\nmkdir d\nwrite d 0 1 'A'\n", "'d' is not a file"},
      {"do\ncreate f\nfallocate f 0 1K punch zero\n", "not both"},
      {"do\ncreate f\nmsync f 0 1K\n", "msync is sync or async"},
      {"do\ngiven\n", "'given' comes before 'do'"},
      {"crash here\n", "crash inside"},
      {"and f exists\n", "goes on after 'ask' or 'never'"},
      {"do\ncreate f\nsymlink l \"text\n", "a \" has no partner"},
      {"expect PN A\n", "t.litmus:1: there is no model 'PN', did you mean 'PM'?"},
      {"expect PM a\n", "'a' is not a mark"},
      {"expect PM A, PM -\n", "expected twice"},
      {"hidden btrfs\n", "the reason in \"...\" is missing"},
      {"name x\ndo\ncreate f\nask f exists\ndiffers PM k \"w\"\n", "t.litmus:5: 'differs' says"},
      {"name x\ndo\nask f exists\n", "t.litmus:2: 'do' has no operation"},
      {"name x\ndo\nmkdir d\ncreate d/f\nrmdir d\nask d exists\n", "t.litmus:5: operation 2"},
  };
  for (const Mistake& mistake : mistakes) {
    const Expected<Litmus> litmus = ParseLitmus(mistake.text, "t.litmus");
    ASSERT_FALSE(litmus.has_value()) << mistake.text;
    EXPECT_EQ(litmus.error().code, ErrorCode::kInvalidArgument);
    EXPECT_THAT(litmus.error().context, HasSubstr(mistake.complaint)) << mistake.text;
    EXPECT_FALSE(litmus.error().context.contains('\n'));
  }
}

TEST(ParseLitmus, AComplaintIsShortAndOfOneLine) {
  const std::string binary = std::string(100'000, '\0') + "\x1b[31m";
  for (const std::string& text :
       {binary, "name " + binary + " x\n", "do\ncreate f\nfsync " + binary}) {
    const Expected<Litmus> litmus = ParseLitmus(text, "t.litmus");
    ASSERT_FALSE(litmus.has_value());
    EXPECT_LT(litmus.error().context.size(), 500U);
    EXPECT_FALSE(litmus.error().context.contains('\0'));
    EXPECT_FALSE(litmus.error().context.contains('\x1b'));
  }
}

TEST(ParseLitmus, QuestionsMayNameWhatIsInAFolderThatMoved) {
  const Litmus litmus = Parsed(
      "name x\ngiven\nmkdir a\nmkdir a/x\ncreate a/x/f\nmkdir b\ncreate b/g\n"
      "do\nrename a/x a/y\nexchange a b\ncreate b/y/h\n"
      "ask a/y/f missing and b/y/f missing and b/x/f missing and a/g missing and a/x/h exists\n");
  EXPECT_EQ(litmus.ask.parts.size(), 1U);
  EXPECT_THAT(ParseLitmus("name x\ndo\ncreate a\ncreate ab\nrename a c\nask cb exists\n", "t")
                  .error()
                  .context,
              HasSubstr("no operation names 'cb'"));
}

TEST(ParseLitmus, RefusesQuestionsThatMeanNothing) {
  const Mistake mistakes[] = {
      {"", "a path is missing"},
      {"foo", "'' can be asked of no file"},
      {"fo exists", "no operation names 'fo', did you mean 'foo'?"},
      {"foo exsts", "did you mean 'exists'?"},
      {"foo exists foo", "'foo' is one word too many"},
      {"foo exists and", "a path is missing"},
      {"(foo exists", "a '(' has no ')'"},
      {"foo size 4K", "a size is compared by"},
      {"foo is 'A'", "is not of the form"},
      {"foo is 'AB'*4", "is not a letter"},
      {"foo bytes 0 1K some 'A'", "all, any or mixed"},
      {"foo bytes 0 1K mixed 'A'", "'X', zero or stale is missing"},
      {"foo mode 0600", "'=' and a value should follow"},
      {"foo xattr", "the key is missing"},
  };
  for (const Mistake& mistake : mistakes) {
    const std::string text = std::string("name x\ndo\ncreate foo\nask ") + mistake.text + "\n";
    const Expected<Litmus> litmus = ParseLitmus(text, "t.litmus");
    ASSERT_FALSE(litmus.has_value()) << mistake.text;
    EXPECT_THAT(litmus.error().context, HasSubstr("t.litmus:4: ")) << mistake.text;
    EXPECT_THAT(litmus.error().context, HasSubstr(mistake.complaint)) << mistake.text;
  }
  const std::string deep(1000, '(');
  EXPECT_FALSE(ParseLitmus("name x\ndo\ncreate f\nask " + deep + "\n", "t").has_value());
}

}  // namespace
}  // namespace plugpull
