// Goal: a model file says what a model text says, and a bad one is refused in one line with its
// place, whatever is in it.
#include "faults/persistence/model_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "faults/base/random.h"
#include "faults/persistence/model_text.h"

namespace plugpull {
namespace {

using testing::AllOf;
using testing::HasSubstr;

class ModelFiles : public testing::Test {
 protected:
  ~ModelFiles() override { std::filesystem::remove_all(path_); }

  Expected<const Model*> Parse(const std::string& toml, const std::string& items = "") {
    std::ofstream(path_, std::ios::binary) << toml;
    return ParseModel(path_ + items);
  }
  // Returns: the text of the model; "" when the file is refused.
  std::string TextOf(const std::string& toml, const std::string& items = "") {
    const Expected<const Model*> model = Parse(toml, items);
    EXPECT_TRUE(model.has_value()) << model.error().context;
    return model ? ModelText(**model) : "";
  }
  // Returns: why the file is refused; "" when it is not.
  std::string Refusal(const std::string& toml, const std::string& items = "") {
    const Expected<const Model*> model = Parse(toml, items);
    if (model) return "";
    EXPECT_EQ(model.error().code, ErrorCode::kInvalidArgument) << toml;
    EXPECT_EQ(model.error().context.find('\n'), std::string::npos) << model.error().context;
    return model.error().context;
  }

  const std::string path_ =
      testing::TempDir() + "plugpull-model,a-" + std::to_string(::getpid()) + ".toml";
};

TEST_F(ModelFiles, StartFromABaseAndSetAnyParameter) {
  EXPECT_EQ(TextOf("name = \"bare\"\n"), "posix-minimal,name=bare");
  EXPECT_EQ(TextOf("name = \"mine\"\ndescription = \"x\"\nbase = \"xfs\"\n"
                   "data-before-size = \"no\"\nbarriers = true\ntruncate-fence = \"no\"\n"
                   "tear = 512\n"),
            "xfs,name=mine,truncate-fence=no,data-before-size=no,barriers=yes,tear=512");
  EXPECT_EQ(TextOf("name = \"c\"\nbase = \"btrfs\"\nprofile = \"contract\"\ntear = \"none\"\n"),
            "btrfs,profile=contract,name=c,tear=none");
  // Many changes make it no other file system.
  EXPECT_EQ(TextOf("name = \"like-somc\"\ninode-chain = true\ndirectory-chain = true\n"
                   "groups = \"all\"\ncreation-group = true\ntruncate-fence = true\n"),
            "posix-minimal,name=like-somc,truncate-fence=yes,inode-chain=yes,directory-chain=yes,"
            "groups=all,creation-group=yes");
}

TEST_F(ModelFiles, AreOneObjectWithTheirTextAndKeepTheirDescription) {
  const Model* model = *Parse("name = \"described\"\ndescription = \"what it does\"\n");
  EXPECT_EQ(model->description, "what it does");
  EXPECT_EQ(*Parse("name = \"described\"\n"), model);
  EXPECT_EQ(*ParseModelText(ModelText(*model)), model);
}

TEST_F(ModelFiles, TakeFurtherValues) {
  EXPECT_EQ(TextOf("name = \"m\"\nbase = \"xfs\"\n", ",drag=to-covered,fill=garbage"),
            "xfs,name=m,fill=garbage,drag=to-covered");
  EXPECT_THAT(Refusal("name = \"m\"\n", ",drg=x"), HasSubstr("did you mean 'drag'?"));
  EXPECT_THAT(Refusal("name = \"m\"\n", ",profile=contract"), HasSubstr("'profile' comes before"));
  EXPECT_THAT(Refusal("name = \"m\"\n", ",rename=dual"), HasSubstr("needs groups=none"));
  EXPECT_EQ(TextOf("name = \"m\"\n", ",name=n"), "posix-minimal,name=n");
}

TEST_F(ModelFiles, NameFileLineAndKeyOfAMistake) {
  const auto expect = [this](const std::string& toml, int line, const std::string& what) {
    EXPECT_THAT(Refusal(toml),
                AllOf(HasSubstr(path_ + " line " + std::to_string(line) + ": "), HasSubstr(what)))
        << toml;
  };
  expect("name = \"m\"\nbarrier = true\n", 2,
         "there is no parameter 'barrier', did you mean "
         "'barriers'?");
  expect("name = \"m\"\n\ndrag = \"to-cal\"\n", 3, "'drag' has no value 'to-cal', did you mean");
  expect("name = \"m\"\nbase = \"xsf\"\n", 2, "base: there is no model 'xsf', did you mean 'xfs'?");
  expect("name = \"m\"\nprofile = \"x\"\n", 2, "there is no profile 'x'");
  expect("profile = \"contract\"\nname = \"m\"\nbase = \"ordered\"\n", 1, "has no 'profile'");
  expect("name = \"m\"\nfill = [\"zero\"]\n", 2, "'fill' must be a word");
  expect("name = \"m\"\n[fill]\nx = 1\n", 2, "'fill' must be a word");
  expect("name = [1]\n", 1, "'name' must be a word");
  expect("name = \"m\"\ntear = 4096.0\n", 2, "'tear' must be a word");
  expect("name = \"m\"\ntear = 511\n", 2, "'tear' has no value '511'");
  expect("name = \"m\"\nbarriers = 1\n", 2, "'barriers' has no value '1'");
  expect("name = \"m\"\npage-order = false\n", 2, "every model has it");
  expect("name = \"m\"\nfill = \"zero\"\nfill = \"zero\"\n", 3, "this is not TOML");
  expect("name = \n", 1, "this is not TOML");
  expect("name = \"a\\nb\"\n", 1, "'a?b' is no name");
  expect("name = \"xfs\"\n", 1, "the name 'xfs' is taken");
  expect("name = \"m\"\n\nrename = \"dual\"\n", 3, "rename=dual needs groups=none");
  expect(
      "name = \"m\"\nbase = \"xfs\"\nsize-before-data = true\ndata-before-size = \"no\"\n"
      "zero-tail = true\n",
      5, "zero-tail=yes needs data-before-size");
  EXPECT_THAT(Refusal("fill = \"zero\"\n"), HasSubstr("a model needs a name"));
  EXPECT_THAT(Refusal(""), AllOf(HasSubstr(path_), HasSubstr("a model needs a name")));
}

TEST_F(ModelFiles, ThatAreNoneAreErrors) {
  const Expected<const Model*> missing = ParseModel("/nowhere/x.toml");
  ASSERT_FALSE(missing.has_value());
  EXPECT_EQ(missing.error().code, ErrorCode::kNotFound);
  EXPECT_THAT(missing.error().context, HasSubstr("/nowhere/x.toml"));
  std::filesystem::create_directory(path_);
  EXPECT_THAT(ParseModel(path_).error().context, AllOf(HasSubstr(path_), HasSubstr("directory")));
  std::filesystem::remove(path_);
  std::filesystem::create_symlink("/dev/zero", path_);
  EXPECT_THAT(ParseModel(path_).error().context, HasSubstr("a model is a text file"));
  std::filesystem::remove(path_);
}

TEST_F(ModelFiles, AreNeverOpenedForATextFromElsewhere) {
  ASSERT_TRUE(Parse("name = \"m\"\n").has_value());
  const Expected<const Model*> model = ParseModelText(path_);
  ASSERT_FALSE(model.has_value());
  EXPECT_EQ(model.error().code, ErrorCode::kInvalidArgument);
}

TEST_F(ModelFiles, OfHostilePeopleAreRefused) {
  const auto many = [](const std::string& piece, size_t times) {
    std::string text;
    for (size_t i = 0; i < times; ++i) text += piece;
    return text;
  };
  EXPECT_THAT(Refusal("name = " + many("[", 30'000)), HasSubstr("not TOML"));
  EXPECT_THAT(Refusal("name = " + many("{a=", 20'000)), HasSubstr("not TOML"));
  EXPECT_THAT(Refusal(many("a.", 30'000) + "a = 1\n"), HasSubstr("dots"));
  EXPECT_THAT(Refusal("[" + many("a.", 30'000) + "a]\n"), HasSubstr("dots"));
  EXPECT_THAT(Refusal(many("a.", 900) + "a = 1\n"), HasSubstr("'a' must be a word"));
  EXPECT_THAT(Refusal("[" + many("a.", 900) + "a]\n"), HasSubstr("'a' must be a word"));
  EXPECT_THAT(Refusal("name = \"m\"\n" + many("# x\n", 100'000)), HasSubstr("at most 65536 bytes"));
  EXPECT_THAT(Refusal(std::string("name = \"m\"\0\n", 12)), HasSubstr("not TOML"));
  EXPECT_THAT(Refusal(std::string("\0\xff\x01 = [", 6)), HasSubstr("not TOML"));
  EXPECT_THAT(Refusal("\"a\\u0000b\" = 1\nname = \"m\"\n"), HasSubstr("'a?b'"));
  EXPECT_THAT(Refusal("name = \"m\"\n\"" + many("k", 60'000) + "\" = 1\n"), HasSubstr("kkk...'"));
}

TEST_F(ModelFiles, OfRandomBytesNeverCrash) {
  Random random(7);
  const std::string good = "name = \"m\"\nbase = \"xfs\"\ntear = 512\nfill = \"zero\"\n";
  for (int i = 0; i < 2000; ++i) {
    std::string bad = good;
    for (uint64_t k = 1 + random.Below(4); k > 0; --k) {
      const char byte = static_cast<char>(random.Below(256));
      const size_t at = random.Below(bad.size());
      if (random.Below(2) == 0) {
        bad[at] = byte;
      } else {
        bad.insert(at, 1, "[]{}=.\"'\n\\#,"[random.Below(12)]);
      }
    }
    const std::string refusal = Refusal(bad);
    EXPECT_TRUE(refusal.empty() || refusal.contains(path_)) << refusal;
  }
}

}  // namespace
}  // namespace plugpull
