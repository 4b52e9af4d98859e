// Bug: records of a log are promised before they are synced.
#include "protocol.h"

enum { kRecordBytes = 512 };

static int check(void) {
  const int promised = acknowledged();
  const int file = open("log", O_RDONLY);
  for (int version = 1; version <= promised; ++version) {
    const off_t offset = (off_t)(version - 1) * kRecordBytes;
    if (file < 0 || !shows(file, offset, kRecordBytes, version)) {
      return broken("a promised record is missing", version);
    }
  }
  return 0;
}

int main(int argc, char** argv) {
  if (is_check(argc, argv)) return check();
  const int file = create("log");
  sync_file(file);
  sync_directory();
  for (int version = 1; version <= kVersions; ++version) {
    put(file, (off_t)(version - 1) * kRecordBytes, kRecordBytes, version);
    acknowledge(version);
  }
  return 0;
}
