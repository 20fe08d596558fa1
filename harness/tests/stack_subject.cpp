// A process with call trees that are known, for the test of whole stacks: one for each mode. Its
// own code has frame pointers, that of libc and oneTBB has not. Words on stdin as for
// collect_subject.
#include <dlfcn.h>
#include <pthread.h>
#include <signal.h>
#include <tbb/parallel_for.h>
#include <unistd.h>

#include <atomic>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <numeric>
#include <string>
#include <thread>
#include <vector>

namespace {

std::atomic<bool> stopping = false;
std::atomic<std::uint64_t> sink = 0;

bool wait_for_word() {
  char byte = 0;
  return ::read(STDIN_FILENO, &byte, 1) == 1;
}

}  // namespace

// C linkage: names that tests can look for. Each does something behind its call, so that the call
// is no jump.
extern "C" {

[[gnu::noinline]] void stack_subject_leaf() {
  std::uint64_t value = 1;
  for (int i = 0; i < 20'000; ++i) value = value * 6364136223846793005u + 1442695040888963407u;
  sink.store(value, std::memory_order_relaxed);
}

[[gnu::noinline]] int stack_subject_compare(const void* left, const void* right) {
  stack_subject_leaf();
  return *static_cast<const int*>(left) - *static_cast<const int*>(right);
}

[[gnu::noinline]] void stack_subject_sort() {
  std::vector<int> numbers(64);
  while (!stopping) {
    std::iota(numbers.rbegin(), numbers.rend(), 0);
    std::qsort(numbers.data(), numbers.size(), sizeof(int), stack_subject_compare);
    ++sink;
  }
}

[[gnu::noinline]] void stack_subject_move() {
  std::vector<char> from(1 << 16);
  std::vector<char> to(1 << 16);
  while (!stopping) {
    std::memmove(to.data(), from.data(), to.size());
    asm volatile("" : : "r"(to.data()) : "memory");
  }
}

pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
pthread_cond_t turned = PTHREAD_COND_INITIALIZER;
int turn = 0;

[[gnu::noinline]] void stack_subject_lock() {
  while (!stopping) {
    ::pthread_mutex_lock(&mutex);
    ++turn;
    ::pthread_mutex_unlock(&mutex);
  }
}

[[gnu::noinline]] void stack_subject_hand_over(int self) {
  ::pthread_mutex_lock(&mutex);
  while (!stopping) {
    turn = 1 - self;
    ::pthread_cond_signal(&turned);
    while (turn != self && !stopping) ::pthread_cond_wait(&turned, &mutex);
  }
  ::pthread_cond_broadcast(&turned);
  ::pthread_mutex_unlock(&mutex);
}

[[gnu::noinline]] void stack_subject_tbb_body() {
  stack_subject_leaf();
  ++sink;
}

[[gnu::noinline]] void stack_subject_tbb() {
  while (!stopping) {
    tbb::parallel_for(0, 200, [](int) { stack_subject_tbb_body(); });
    ++sink;
  }
}

void stack_subject_handler(int) {
  for (int i = 0; i < 20; ++i) stack_subject_leaf();
  ++sink;
}

[[gnu::noinline]] void stack_subject_interrupted() {
  while (!stopping) {
    ::pthread_kill(::pthread_self(), SIGUSR1);
    ++sink;
  }
}

[[gnu::noinline]] void stack_subject_deep(int depth) {
  volatile char room[512];
  room[0] = static_cast<char>(depth);
  if (depth == 0) {
    while (!stopping) stack_subject_leaf();
  } else {
    stack_subject_deep(depth - 1);
  }
  room[1] = room[0];
}

[[gnu::noinline]] void stack_subject_deep_root() {
  stack_subject_deep(64);
  ++sink;
}

[[gnu::noinline]] void stack_subject_short_lived() {
  for (int i = 0; i < 400; ++i) stack_subject_leaf();
  ++sink;
}
}

static void run_two(void (*first)(), void (*second)()) {
  std::thread partner(second);
  first();
  partner.join();
}

/// An object that is opened while the process runs, and deleted at once.
static void run_object(const char* path) {
  void* const object = ::dlopen(path, RTLD_LAZY);
  if (object == nullptr) std::abort();
  ::unlink(path);
  using Run = void (*)(const std::atomic<bool>*);
  const auto run = reinterpret_cast<Run>(::dlsym(object, "stack_subject_object_run"));
  if (run == nullptr) std::abort();
  run(&stopping);
}

static void run(const std::string& mode) {
  if (mode == "qsort") stack_subject_sort();
  if (mode == "memmove") stack_subject_move();
  if (mode == "mutex") run_two(stack_subject_lock, stack_subject_lock);
  if (mode == "condition") {
    run_two([] { stack_subject_hand_over(0); }, [] { stack_subject_hand_over(1); });
  }
  if (mode == "tbb") stack_subject_tbb();
  if (mode == "signal") {
    ::signal(SIGUSR1, stack_subject_handler);
    stack_subject_interrupted();
  }
  if (mode == "deep") stack_subject_deep_root();
  if (mode == "short_lived") {
    while (!stopping) std::thread(stack_subject_short_lived).join();
  }
  if (mode.starts_with('/')) run_object(mode.c_str());
}

int main(int argc, char** argv) {
  const std::string mode = argc > 1 ? argv[1] : "";
  ::pthread_setname_np(::pthread_self(), "subject-main");
  std::puts("ready");
  std::fflush(stdout);
  if (!wait_for_word()) return 0;
  std::thread worker([mode] {
    ::pthread_setname_np(::pthread_self(), "late-worker-7");
    run(mode);
  });
  const bool stop = wait_for_word();
  stopping = true;
  if (!stop) ::_exit(0);
  worker.join();
  return 0;
}
