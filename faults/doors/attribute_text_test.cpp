// Goal: what is written can be read, and nothing else is taken for an attribute.
#include "faults/doors/attribute_text.h"

#include <gtest/gtest.h>

namespace plugpull {
namespace {

TEST(AttributeTextTest, TextsComeBack) {
  for (const uint32_t mode : {0u, 0644u, 0700u, 04755u, 07777u}) {
    EXPECT_EQ(ParseMode(ModeText(mode)), mode);
  }
  EXPECT_EQ(ModeText(0100600), "0600");
  const Owner owner{1000, 65534};
  EXPECT_EQ(OwnerText(owner.user, owner.group), "1000:65534");
  EXPECT_EQ(ParseOwner(OwnerText(owner.user, owner.group)), owner);
}

TEST(AttributeTextTest, OtherTextsAreRefused) {
  for (const char* text : {"", "0899", "17777", "rw", "0600 ", "-1"}) {
    EXPECT_EQ(ParseMode(text), std::nullopt) << text;
  }
  for (const char* text : {"", "1", "1:", ":1", "1:2:3", "a:b", "99999999999:1"}) {
    EXPECT_EQ(ParseOwner(text), std::nullopt) << text;
  }
}

}  // namespace
}  // namespace plugpull
