/* Threads that append lines to one file, half of them with O_APPEND and half at a shared offset. */
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { kThreads = 4, kLines = 1000 };

static int shared;

static void* Append(void* argument) {
  const long number = (long)argument;
  int file = open("appended", O_WRONLY | O_APPEND);
  for (int i = 0; i < kLines; ++i) {
    char line[64];
    const int length = snprintf(line, sizeof line, "thread %ld line %d\n", number, i);
    if (write(file, line, length) != length || write(shared, line, length) != length) return "";
    if (i % 100 == 0) fdatasync(file);
  }
  close(file);
  return NULL;
}

int main(void) {
  pthread_t threads[kThreads];
  close(open("appended", O_CREAT | O_WRONLY, 0644));
  shared = open("shared", O_CREAT | O_WRONLY, 0644);
  for (long i = 0; i < kThreads; ++i) pthread_create(&threads[i], NULL, Append, (void*)i);
  int failed = 0;
  for (int i = 0; i < kThreads; ++i) {
    void* result = NULL;
    pthread_join(threads[i], &result);
    failed |= result != NULL;
  }
  return failed;
}
