// Bug: nothing separates the payload from the header that counts it; one sync is for both.
#include "protocol.h"

enum { kPageBytes = 4096, kHeaderBytes = 16 };

static int check(void) {
  const int promised = acknowledged();
  const int file = open("data", O_RDONLY);
  int count = kVersions;
  while (count > 0 && (file < 0 || !shows(file, 0, kHeaderBytes, count))) --count;
  if (count < promised) return broken("the header does not count a promised page", promised);
  for (int version = 1; version <= count; ++version) {
    if (!shows(file, (off_t)version * kPageBytes, kPageBytes, version)) {
      return broken("the header counts a page that is not there", version);
    }
  }
  return 0;
}

int main(int argc, char** argv) {
  if (is_check(argc, argv)) return check();
  const int file = create("data");
  sync_directory();
  for (int version = 1; version <= kVersions; ++version) {
    put(file, (off_t)version * kPageBytes, kPageBytes, version);
    put(file, 0, kHeaderBytes, version);
    sync_file(file);
    acknowledge(version);
  }
  return 0;
}
