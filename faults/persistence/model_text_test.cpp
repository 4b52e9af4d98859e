// Goal: a model survives the way through text, and a text that means nothing is refused with a
// reason that helps.
#include "faults/persistence/model_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <thread>

#include "faults/base/random.h"
#include "faults/persistence/model_parameters.h"

namespace plugpull {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::StartsWith;

const Model& Parsed(std::string_view text) {
  const Expected<const Model*> model = ParseModel(text);
  EXPECT_TRUE(model.has_value()) << text << ": " << model.error().context;
  return model ? **model : Models().front();
}

// Returns: why `text` is no model; "" when it is one.
std::string Refusal(std::string_view text) {
  const Expected<const Model*> model = ParseModel(text);
  if (model) return "";
  EXPECT_EQ(model.error().code, ErrorCode::kInvalidArgument) << text;
  EXPECT_EQ(model.error().context.find('\n'), std::string::npos) << text;
  return model.error().context;
}

TEST(ModelText, OfABuiltInModelIsItsName) {
  for (const auto* models : {&Models(), &FaultModels()}) {
    for (const Model& model : *models) {
      EXPECT_EQ(ModelText(model), model.name);
      EXPECT_EQ(&Parsed(model.name), &model);
    }
  }
}

TEST(ModelText, OfAContractNamesTheProfile) {
  for (const Model& model : Models()) {
    const Model& contract = Parsed(model.name + ",profile=contract");
    EXPECT_EQ(contract, ContractProfile(model));
    EXPECT_EQ(&Parsed(ModelText(contract)), &contract);
    EXPECT_EQ(&Parsed(model.name + ",profile=observed"), &model);
  }
  EXPECT_EQ(ModelText(Parsed("ext4-ordered,profile=contract")), "ext4-ordered,profile=contract");
  // There is nothing that POSIX promises only under one of them.
  EXPECT_EQ(&Parsed("posix-minimal,profile=contract"), &Models().front());
}

TEST(ModelText, NamesWhatDiffersInOneOrder) {
  const Model& model = Parsed("xfs,tear=512-any,drag=to-covered,fill=garbage");
  EXPECT_EQ(ModelText(model), "xfs,fill=garbage,drag=to-covered");
  EXPECT_EQ(model.name, "xfs,fill=garbage,drag=to-covered");
  EXPECT_EQ(&Parsed("xfs,drag=to-covered,fill=garbage"), &model);
  EXPECT_EQ(ModelText(Parsed("xfs,drag=to-call")), "xfs");
  EXPECT_EQ(&Parsed("xfs,drag=to-call,fill=zero"), FindModel("xfs"));
  EXPECT_EQ(ModelText(Parsed("xfs,profile=contract,tear=512")), "xfs,profile=contract,tear=512");
  EXPECT_EQ(ModelText(Parsed("ordered,flush=lies")), "ordered,flush=lies");
}

TEST(ModelText, KeepsAName) {
  const Model& model = Parsed("posix-minimal,name=mine_2.0,fill=zero");
  EXPECT_EQ(model.name, "mine_2.0");
  EXPECT_EQ(ModelText(model), "posix-minimal,name=mine_2.0,fill=zero");
  EXPECT_EQ(&Parsed("posix-minimal,fill=zero,name=mine_2.0"), &model);
  EXPECT_NE(&Parsed("posix-minimal,fill=zero"), &model);
  EXPECT_EQ(ModelText(Parsed("xfs,name=mine-too")), "xfs,name=mine-too");
  EXPECT_EQ(ModelText(Parsed("xfs,profile=contract,name=x")), "xfs,profile=contract,name=x");
}

TEST(ModelText, OfAModelMadeByHandIsReadBack) {
  for (const Model& base : Models()) {
    for (const ModelVariant& variant : VariantsOf(base)) {
      Model expected = variant.model;
      const Model& parsed = Parsed(ModelText(expected));
      expected.name = parsed.name;
      EXPECT_EQ(parsed, expected);
    }
  }
  Model mine = *FindModel("btrfs");
  mine.name = "by-hand";
  mine.barriers = true;
  EXPECT_EQ(ModelText(mine), "btrfs,name=by-hand,barriers=yes");
}

// Every parameter takes each of its words, alone and in random combinations.
TEST(ModelText, RoundTripsWhateverFitsTogether) {
  Random random(1);
  size_t round_trips = 0;
  for (int i = 0; i < 3000; ++i) {
    const Model& base = Models()[random.Below(Models().size())];
    std::string text = base.name;
    if (random.Below(4) == 0) text += ",profile=contract";
    if (random.Below(4) == 0) text += ",name=n" + std::to_string(random.Below(3));
    std::set<std::string_view> used;
    for (uint64_t k = random.Below(6); k > 0; --k) {
      const ModelParameter& parameter = ModelParameters()[random.Below(ModelParameters().size())];
      if (!used.insert(parameter.key).second) continue;
      text += "," + std::string(parameter.key) + "=" +
              parameter.values[random.Below(parameter.values.size())];
    }
    const Expected<const Model*> model = ParseModel(text);
    if (!model) continue;
    ++round_trips;
    EXPECT_FALSE(MisfitOf(**model).has_value()) << text;
    const Expected<const Model*> again = ParseModelText(ModelText(**model));
    ASSERT_TRUE(again.has_value()) << text << ": " << again.error().context;
    EXPECT_EQ(*again, *model) << text;
  }
  EXPECT_GT(round_trips, 1000u);
}

TEST(ModelParameters, EachHasUniqueWordsAndSaysWhatItIs) {
  std::set<std::string_view> keys;
  for (const ModelParameter& parameter : ModelParameters()) {
    EXPECT_TRUE(keys.insert(parameter.key).second) << parameter.key;
    EXPECT_THAT(parameter.help, Not(IsEmpty()));
    const std::set<std::string> words(parameter.values.begin(), parameter.values.end());
    EXPECT_EQ(words.size(), parameter.values.size()) << parameter.key;
    for (const Model& model : Models()) {
      EXPECT_TRUE(words.contains(parameter.value(model))) << parameter.key << " " << model.name;
    }
    for (const std::string& word : parameter.values) {
      Model model;
      parameter.set(model, word);
      EXPECT_EQ(parameter.value(model), word) << parameter.key;
    }
  }
}

// A field without a row would be lost on the way through text.
TEST(ModelParameters, CoverEveryFieldOfAModel) {
  Model unlike = Models().front();
  for (const ModelParameter& parameter : ModelParameters()) {
    const std::string before = parameter.value(unlike);
    const auto other =
        std::ranges::find_if(parameter.values, [&](const auto& word) { return word != before; });
    if (other != parameter.values.end()) parameter.set(unlike, *other);
  }
  const auto& [name, description, shape, inode_before_use, page_order, size_order, truncate_fence,
               name_order, inode_chain, directory_chain, groups, creation_group, rename,
               data_before_size, zero_tail, size_before_data, fill, metadata_chain, anchored_sizes,
               replace_flush, truncate_flush, journalled_data, mapped_order, barriers, cow_extents,
               tear, drag, full_commits, flush_on_commit, data_sync_covers_names,
               synchronous_metadata, sync_waits, honest_flush, failed_sync, data_checksums] =
      unlike;
  const Model& old = Models().front();
  EXPECT_EQ(name, old.name);
  EXPECT_EQ(description, old.description);
  EXPECT_TRUE(inode_before_use && page_order && name_order);
  EXPECT_NE(shape, old.shape);
  EXPECT_NE(size_order, old.size_order);
  EXPECT_NE(groups, old.groups);
  EXPECT_NE(rename, old.rename);
  EXPECT_NE(data_before_size, old.data_before_size);
  EXPECT_NE(fill, old.fill);
  EXPECT_NE(replace_flush, old.replace_flush);
  EXPECT_NE(truncate_flush, old.truncate_flush);
  EXPECT_NE(tear, old.tear);
  EXPECT_NE(drag, old.drag);
  EXPECT_NE(failed_sync, old.failed_sync);
  EXPECT_TRUE(truncate_fence && inode_chain && directory_chain && creation_group && zero_tail &&
              size_before_data && metadata_chain && anchored_sizes && journalled_data && barriers &&
              cow_extents && full_commits && flush_on_commit && data_sync_covers_names &&
              synchronous_metadata && data_checksums);
  EXPECT_FALSE(mapped_order || sync_waits || honest_flush);
}

TEST(ParseModel, NamesTheNearestWord) {
  EXPECT_THAT(Refusal("posix-minmal"),
              HasSubstr("there is no model 'posix-minmal', did you mean 'posix-minimal'?"));
  EXPECT_THAT(Refusal("orderd"), HasSubstr("did you mean 'ordered'?"));
  EXPECT_THAT(Refusal(""), HasSubstr("there is no model ''"));
  EXPECT_THAT(Refusal(",drag=to-call"), HasSubstr("there is no model ''"));
  EXPECT_THAT(Refusal("all"), HasSubstr("there is no model 'all'"));
  EXPECT_THAT(Refusal("xfs,drg=to-call"),
              HasSubstr("model 'xfs': there is no parameter 'drg', did you mean 'drag'?"));
  EXPECT_THAT(Refusal("xfs,drag=to-cover"),
              HasSubstr("parameter 'drag' has no value 'to-cover', did you mean 'to-covered'? (one "
                        "of to-covered, to-call)"));
  EXPECT_THAT(Refusal("xfs,profile=contracts"), HasSubstr("did you mean 'contract'?"));
  EXPECT_THAT(Refusal("xfs,profil=contract"), HasSubstr("did you mean 'profile'?"));
  EXPECT_THAT(Refusal("xfs,barriers"), HasSubstr("parameter 'barriers' has no value ''"));
  EXPECT_THAT(Refusal("xfs,"), HasSubstr("there is no parameter ''"));
  EXPECT_THAT(Refusal("xfs,,barriers=yes"), HasSubstr("there is no parameter ''"));
  EXPECT_THAT(Refusal("xfs,barriers=yes="), HasSubstr("has no value 'yes='"));
  EXPECT_THAT(Refusal("xfs,tear=512,any"), HasSubstr("it is tear=512-any"));
  EXPECT_THAT(Refusal("xfs,drag=to-call,drag=to-call"), HasSubstr("'drag' is given twice"));
}

TEST(ParseModel, TakesAProfileFirstAndOfFileSystemsOnly) {
  EXPECT_THAT(Refusal("xfs,drag=to-call,profile=contract"), HasSubstr("'profile' comes before"));
  EXPECT_THAT(Refusal("xfs,name=x,profile=contract"), HasSubstr("'profile' comes before"));
  EXPECT_THAT(Refusal("ordered,profile=contract"), HasSubstr("'ordered' has no 'profile'"));
  EXPECT_THAT(Refusal("process-kill,profile=observed"), HasSubstr("has no 'profile'"));
}

TEST(ParseModel, TakesNamesThatFitIntoAText) {
  for (const char* name : {"", "a b", "a=b", "a/b", "a\nb", "\xc3\xa4"}) {
    EXPECT_THAT(Refusal(std::string("xfs,name=") + name), HasSubstr("is no name")) << name;
  }
  EXPECT_THAT(Refusal("xfs,name=" + std::string(65, 'a')), HasSubstr("is no name"));
  EXPECT_EQ(Refusal("xfs,name=" + std::string(64, 'a')), "");
  for (const char* name : {"xfs", "ordered", "all"}) {
    EXPECT_THAT(Refusal(std::string("xfs,name=") + name), HasSubstr("is taken")) << name;
  }
}

TEST(ParseModel, RefusesWhatTheViewsRelyOn) {
  for (const char* key : {"page-order", "name-order", "inode-before-use"}) {
    EXPECT_THAT(Refusal("xfs," + std::string(key) + "=no"),
                AllOf(HasSubstr(key), HasSubstr("every model has it")));
    EXPECT_EQ(&Parsed("xfs," + std::string(key) + "=yes"), FindModel("xfs"));
  }
}

TEST(ParseModel, RefusesParametersThatCannotGoTogether) {
  const auto needs = [](std::string_view text, std::string_view reason) {
    EXPECT_THAT(Refusal(text), HasSubstr(std::string(reason))) << text;
  };
  needs("somc,journalled-data=yes",
        "journalled-data=yes needs metadata-chain=yes, but there is "
        "metadata-chain=no");
  needs("somc,anchored-sizes=yes", "anchored-sizes=yes needs metadata-chain=yes");
  needs("somc,cow-extents=yes", "cow-extents=yes needs metadata-chain=yes");
  needs("somc,drag=to-call", "drag=to-call needs metadata-chain=yes");
  needs("somc,shape=log", "shape=log needs metadata-chain=yes");
  needs("xfs,metadata-chain=no", "needs metadata-chain=yes, but there is metadata-chain=no");
  needs("ext4-ordered,zero-tail=yes", "zero-tail=yes needs data-before-size=own-chunk");
  needs("posix-minimal,rename=dual", "rename=dual needs groups=none, but there is groups=rename");
  needs("ext4-ordered,groups=rename", "creation-group=yes needs groups=all");
  needs("xfs,full-commits=yes", "full-commits=yes needs shape=log");
  needs("xfs,flush-on-commit=yes", "flush-on-commit=yes needs shape=log");
  needs("ordered,barriers=yes", "barriers=yes needs shape=closed or log");
  needs("process-kill,barriers=yes", "barriers=yes needs shape=closed or log");
  needs("xfs,size-before-data=yes",
        "parameters make a cycle of edges: data-before-size=own-chunk asks for bytes before sizes, "
        "size-before-data=yes for sizes before bytes");
  for (const char* text :
       {"btrfs,size-before-data=yes", "btrfs,full-commits=yes,flush-on-commit=yes",
        "posix-minimal,groups=none,rename=dual", "ext4-ordered,barriers=yes",
        "ext4-ordered,groups=rename,creation-group=no", "xfs,zero-tail=yes"}) {
    EXPECT_EQ(Refusal(text), "");
  }
}

TEST(ParseModel, ShowsNoControlCharactersAndNothingEndless) {
  EXPECT_THAT(Refusal("x\n\x1b"), StartsWith("there is no model 'x?\?'"));
  EXPECT_THAT(Refusal("xfs,a\nb=c"), HasSubstr("'a?b'"));
  EXPECT_THAT(Refusal("xfs,drag=a\nb"), HasSubstr("'a?b'"));
  EXPECT_LT(Refusal(std::string(10'000'000, 'x')).size(), 1000u);
  EXPECT_LT(Refusal("xfs," + std::string(10'000'000, 'x')).size(), 1000u);
}

TEST(ParseModel, GivesOneObjectToAllThreads) {
  std::vector<const Model*> models(8);
  std::vector<std::thread> threads;
  for (const Model*& model : models) {
    threads.emplace_back([&model] {
      for (int i = 0; i < 200; ++i) {
        model = *ParseModel("xfs,name=t" + std::to_string(i));
        static_cast<void>(ModelText(*model));
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (const Model* model : models) EXPECT_EQ(model, models.front());
}

TEST(EffectiveTear, CutsSectorsOnlyWhereTheModelTearsBetweenThem) {
  for (const Tear tear : {Tear::kBytes64, Tear::kBytes8}) {
    for (const char* tearing : {"posix-minimal", "ext4-ordered", "xfs", "ordered"}) {
      EXPECT_EQ(EffectiveTear(*FindModel(tearing), tear), tear) << tearing;
    }
    for (const char* whole : {"btrfs", "ext4-journal"}) {
      EXPECT_EQ(EffectiveTear(*FindModel(whole), tear), Tear::kPages) << whole;
    }
  }
}

TEST(EffectiveTear, IsTheCoarser) {
  EXPECT_EQ(EffectiveTear(*FindModel("btrfs"), Tear::kSectorsAny), Tear::kPages);
  EXPECT_EQ(EffectiveTear(*FindModel("ext4-journal"), Tear::kSectorsContiguous), Tear::kPages);
  EXPECT_EQ(EffectiveTear(*FindModel("btrfs"), Tear::kNone), Tear::kNone);
  for (const Tear tear : {Tear::kNone, Tear::kPages, Tear::kSectorsContiguous, Tear::kSectorsAny}) {
    EXPECT_EQ(EffectiveTear(*FindModel("posix-minimal"), tear), tear);
    EXPECT_EQ(EffectiveTear(*FindModel("ordered"), tear), tear);
  }
}

}  // namespace
}  // namespace plugpull
