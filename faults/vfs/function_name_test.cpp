#include "faults/vfs/function_name.h"

#include <gtest/gtest.h>

namespace plugpull {
namespace {

TEST(FunctionName, LeavesOutWhatIsNotTheName) {
  const std::pair<const char*, const char*> names[] = {
      {"plugpull::cow_tree::WriteMetaPage(plugpull::VfsFile&, int const&)",
       "cow_tree::WriteMetaPage"},
      {"plugpull::(anonymous namespace)::File::Write(unsigned long) const", "File::Write"},
      {"std::expected<void, plugpull::Error> plugpull::Retry<plugpull::F(int)::{lambda()#1}>"
       "(plugpull::F(int)::{lambda()#1}&&)",
       "Retry"},
      {"plugpull::F(int)::{lambda(int)#1}::operator()(int) const", "F::lambda"},
      {"plugpull::F(int)::{lambda()#1}::operator()() const::{lambda()#2}::operator()() const",
       "F::lambda::lambda"},
      {"plugpull::F::<lambda(plugpull::Vfs&)>::operator()", "F::lambda"},
      {"plugpull::Key::operator<(plugpull::Key const&) const", "Key::operator"},
      {"plugpull::Key::operator==(plugpull::Key const&) const", "Key::operator=="},
      {"plugpull::Name[abi:cxx11](int) [clone .constprop.0]", "Name"},
      {"RetryInterrupted<plugpull::WriteFully(VfsFile&)::<lambda()> >", "RetryInterrupted"},
      {"main", "main"},
      {"", ""},
      {"(", "("},
  };
  for (const auto& [demangled, name] : names) EXPECT_EQ(ShortFunctionName(demangled), name);
}

TEST(FunctionName, SymbolsAreOfCppOrC) {
  EXPECT_EQ(FunctionName("_ZN8plugpull8cow_tree9WriteMetaEi"), "cow_tree::WriteMeta");
  EXPECT_EQ(FunctionName("sqlite3_step"), "sqlite3_step");
  EXPECT_EQ(FunctionName("pager_sync.part.0"), "pager_sync");
}

}  // namespace
}  // namespace plugpull
