// Goal: messages arrive whole and in order, however large, and a peer that is gone or talks
// nonsense is noticed.
#include "harness/channel.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstring>
#include <nlohmann/json.hpp>
#include <thread>

#include "faults/base/bytes.h"
#include "harness/child.h"

namespace plugpull {
namespace {

using nlohmann::json;

struct Ends {
  Ends() : Ends(*Channel::MakePair()) {}
  explicit Ends(std::pair<Descriptor, Descriptor> pair)
      : left(std::move(pair.first)), right(std::move(pair.second)) {}

  Channel left;
  std::optional<Channel> right_storage;
  Descriptor right;

  Channel& Right() {
    if (!right_storage) right_storage.emplace(std::move(right));
    return *right_storage;
  }
};

TEST(Channel, MessagesArriveWholeAndInOrder) {
  Ends ends;
  const std::vector<json> messages = {json::object(), {{"a", {1, 2, 3}}}, nullptr, "text", 1.5};
  for (const json& message : messages) ASSERT_TRUE(ends.left.Send(message));
  for (const json& message : messages) {
    const auto received = ends.Right().Receive();
    ASSERT_TRUE(received && *received);
    EXPECT_EQ(**received, message);
  }
}

TEST(Channel, MessagesMayBeLargerThanAnyBuffer) {
  Ends ends;
  const json large = {{"bytes", std::string(size_t{5} << 20, 'x')}};
  Expected<void> sent;
  std::jthread sender([&] { sent = ends.left.Send(large); });
  const auto received = ends.Right().Receive();
  sender.join();
  ASSERT_TRUE(sent);
  ASSERT_TRUE(received && *received);
  EXPECT_EQ(**received, large);
}

TEST(Channel, TextThatIsNotUtf8DoesNotStopAMessage) {
  Ends ends;
  ASSERT_TRUE(ends.left.Send({{"message", "bad \xff byte"}}));
  const auto received = ends.Right().Receive();
  ASSERT_TRUE(received && *received);
  EXPECT_TRUE((**received)["message"].get<std::string>().starts_with("bad "));
}

TEST(Channel, APeerThatIsGoneSaysNothingAndHearsNothing) {
  Ends ends;
  ASSERT_TRUE(ends.left.Send(1));
  { const Channel gone(std::move(ends.right)); }
  EXPECT_FALSE(ends.left.Send(2));
  const auto received = ends.left.Receive();
  ASSERT_TRUE(received);
  EXPECT_FALSE(received->has_value());
}

TEST(Channel, AMessageCutShortByThePeersEndIsNoMessage) {
  for (const size_t bytes : {1U, 3U, 4U, 9U}) {
    Ends ends;
    const uint32_t size = 100;
    std::string frame(sizeof size, '\0');
    std::memcpy(frame.data(), &size, sizeof size);
    frame += "{\"a\": 1, ";
    ASSERT_EQ(::write(ends.right.number(), frame.data(), bytes), static_cast<ssize_t>(bytes));
    ends.right.Close();
    const auto received = ends.left.Receive();
    ASSERT_TRUE(received) << bytes;
    EXPECT_FALSE(received->has_value()) << bytes;
  }
}

TEST(Channel, NonsenseIsAnError) {
  for (const uint32_t size : {UINT32_MAX, 5U}) {
    Ends ends;
    ASSERT_EQ(::write(ends.right.number(), &size, sizeof size), 4);
    ASSERT_EQ(::write(ends.right.number(), "{oops", 5), 5);
    const auto received = ends.left.Receive();
    ASSERT_FALSE(received) << size;
    EXPECT_EQ(received.error().code, ErrorCode::kCorrupt);
  }
}

TEST(Descriptor, ClosesOnceAndMoves) {
  int number = -1;
  {
    Descriptor first = *MakeMemoryFile("test");
    number = first.number();
    EXPECT_NE(::fcntl(number, F_GETFD) & FD_CLOEXEC, 0);
    Descriptor second = std::move(first);
    EXPECT_EQ(second.number(), number);
    EXPECT_EQ(first.number(), -1);
    EXPECT_NE(::fcntl(number, F_GETFD), -1);
  }
  EXPECT_EQ(::fcntl(number, F_GETFD), -1);
}

TEST(MemoryFile, GivesBackWhatWasWritten) {
  const Descriptor file = *MakeMemoryFile("test");
  EXPECT_TRUE(ReadAll(file.number())->empty());
  const std::string text(300'000, 'y');
  ASSERT_TRUE(WriteAll(file.number(), AsBytes(text)));
  EXPECT_EQ(AsText(*ReadAll(file.number())), text);
  EXPECT_EQ(AsText(*ReadAll(file.number())), text);
}

TEST(SharedMemory, IsSeenByEveryMapping) {
  const Descriptor file = *MakeMemoryFile("test");
  SharedMemory first = *SharedMemory::Map(file.number(), 100);
  const SharedMemory second = *SharedMemory::Map(file.number(), 100);
  static_cast<char*>(first.data())[99] = 'z';
  EXPECT_EQ(static_cast<char*>(second.data())[99], 'z');
  const SharedMemory moved = std::move(first);
  EXPECT_EQ(static_cast<char*>(moved.data())[99], 'z');
  EXPECT_EQ(first.data(), nullptr);
}

TEST(LastWords, AreTheLastLineOfWhatAChildSaid) {
  const auto words = [](const std::string& text) {
    const Descriptor file = *MakeMemoryFile("test");
    EXPECT_TRUE(WriteAll(file.number(), AsBytes(text)));
    return LastWords(file.number());
  };
  EXPECT_EQ(words(""), "");
  EXPECT_EQ(words("one"), ": one");
  EXPECT_EQ(words("one\ntwo\n\n"), ": two");
  EXPECT_EQ(words(std::string(1000, 'x')), ": " + std::string(400, 'x'));
}

}  // namespace
}  // namespace plugpull
