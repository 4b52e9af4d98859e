// Goal: modes of creation travel with a trace, and nonsense in their place does no harm.
#include "faults/trace/creation_modes.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace plugpull {
namespace {

using testing::IsEmpty;

TEST(CreationModes, AreReadAsTheyWereSet) {
  Trace trace;
  SetCreationModes(trace, {});
  EXPECT_THAT(trace.facts, IsEmpty());
  const CreationModes modes = {{2, "0600"}, {40, "4755"}};
  SetCreationModes(trace, modes);
  EXPECT_EQ(CreationModesOf(trace), modes);
}

TEST(CreationModes, LeaveOutWhatMakesNoSense) {
  Trace trace;
  trace.facts["creation_modes"] = "2=0600 x=0600 3=9999 4= =0600 5=06000 99999999999=0600  6=0700";
  EXPECT_EQ(CreationModesOf(trace), (CreationModes{{2, "0600"}, {6, "0700"}}));
}

}  // namespace
}  // namespace plugpull
