// Bug: the index is synced before the data that it points to.
#include "protocol.h"

enum { kRecordBytes = 512, kEntryBytes = 16 };

static int check(void) {
  const int promised = acknowledged();
  const int data = open("data", O_RDONLY);
  const int index = open("index", O_RDONLY);
  int entries = 0;
  while (index >= 0 && shows(index, entries * kEntryBytes, kEntryBytes, entries + 1)) ++entries;
  if (entries < promised) return broken("the index lacks a promised entry", promised);
  for (int version = 1; version <= entries; ++version) {
    const off_t offset = (off_t)(version - 1) * kRecordBytes;
    if (data < 0 || !shows(data, offset, kRecordBytes, version)) {
      return broken("an entry of the index points to nothing", version);
    }
  }
  return 0;
}

int main(int argc, char** argv) {
  if (is_check(argc, argv)) return check();
  const int data = create("data");
  const int index = create("index");
  sync_directory();
  for (int version = 1; version <= kVersions; ++version) {
    put(data, (off_t)(version - 1) * kRecordBytes, kRecordBytes, version);
    put(index, (off_t)(version - 1) * kEntryBytes, kEntryBytes, version);
    sync_file(index);
    sync_file(data);
    acknowledge(version);
  }
  return 0;
}
