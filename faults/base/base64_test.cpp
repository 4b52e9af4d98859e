// Goal: bytes come back from their text, and each has one text only.
#include "faults/base/base64.h"

#include <gtest/gtest.h>

#include "faults/base/bytes.h"
#include "faults/base/random.h"

namespace plugpull {
namespace {

TEST(Base64, IsThatOfTheStandard) {
  const std::pair<const char*, const char*> vectors[] = {{"", ""},
                                                         {"f", "Zg=="},
                                                         {"fo", "Zm8="},
                                                         {"foo", "Zm9v"},
                                                         {"foob", "Zm9vYg=="},
                                                         {"fooba", "Zm9vYmE="},
                                                         {"foobar", "Zm9vYmFy"}};
  for (const auto& [plain, text] : vectors) {
    EXPECT_EQ(ToBase64(AsBytes(plain)), text);
    const auto back = FromBase64(text);
    ASSERT_TRUE(back.has_value()) << text;
    EXPECT_EQ(AsText(*back), plain);
  }
}

TEST(Base64, AnyBytesComeBack) {
  Random random(1, "base64");
  for (size_t size = 0; size < 300; ++size) {
    std::vector<std::byte> bytes(size);
    for (std::byte& byte : bytes) byte = static_cast<std::byte>(random.Below(256));
    EXPECT_EQ(FromBase64(ToBase64(bytes)), bytes);
  }
}

TEST(Base64, OtherTextsAreNone) {
  for (const char* text : {"Z", "Zg", "Zg=", "Zg==Zg==", "Z===", "====", "Zm9v\n", "Zm 9", "Zm9-",
                           "=m9v", "Zh==", "Zm9=", "Zm9v=", "Z=9v"}) {
    EXPECT_FALSE(FromBase64(text).has_value()) << text;
  }
}

}  // namespace
}  // namespace plugpull
