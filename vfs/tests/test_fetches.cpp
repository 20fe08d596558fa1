// Requests that must wait for the object store: who waits, and who does not.

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <functional>
#include <future>
#include <latch>
#include <memory>
#include <new>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "vfs/counters.h"
#include "vfs/executor/frontend.h"
#include "vfs/executor/worker_pool.h"
#include "vfs/strategies.h"
#include "vfs/tests/engine_fixture.h"
#include "vfs/tests/fake_engine.h"

namespace vfsprof::vfs {
namespace {

using Tried = std::optional<FakeEngine::Written>;

/// Takes the reply to one read.
class ReadAnswer {
 public:
  ReadReply reply() {
    return {.send =
                [](const ReadReply& reply, Result<std::span<const std::byte>> read) {
                  auto& self = *static_cast<ReadAnswer*>(reply.context);
                  self.thread_ = std::this_thread::get_id();
                  if (read) self.bytes_.assign(read->begin(), read->end());
                  self.error_ = read ? 0 : read.error().value;
                  self.count_.fetch_add(1);
                },
            .context = this};
  }
  int count() const { return count_.load(); }
  // Only once there is an answer.
  const Bytes& bytes() const { return bytes_; }
  int error() const { return error_; }
  std::thread::id thread() const { return thread_; }

 private:
  std::thread::id thread_;
  Bytes bytes_;
  int error_ = 0;
  std::atomic<int> count_{0};
};

/// Fills part of what is asked for.
FakeEngine::Written some_of(std::span<std::byte> out) {
  std::ranges::fill(out.first(5), std::byte{7});
  return 5;
}

/// Reads find nothing without a fetch, which ends with `release`.
void fetch_when(FakeEngine& engine, std::latch& release) {
  engine.on_try_read = [](std::span<std::byte>) -> Tried { return {}; };
  engine.on_read = [&release](std::span<std::byte> out) {
    release.wait();
    return some_of(out);
  };
}

class Fetches : public testing::TestWithParam<std::string_view> {
 protected:
  std::unique_ptr<Frontend> frontend_over(Engine& engine) {
    return make_frontend(GetParam(), engine, workers_);
  }

  const ReadRequest request_{.inode = {}, .handle = {}, .range = {.offset = 0, .size = 8}};
  std::array<std::byte, 8> buffer_{};
  WorkerPool workers_{kWorkers};
};

TEST_P(Fetches, AReadThatNeedsNoneIsAnsweredAtOnceByItsThread) {
  FakeEngine engine;
  engine.on_try_read = [](std::span<std::byte> out) -> Tried { return some_of(out); };
  const auto frontend = frontend_over(engine);
  const std::uint64_t hand_offs = total(Counter::kHandOffs);
  ReadAnswer answer;
  frontend->read(request_, buffer_, answer.reply());
  ASSERT_EQ(answer.count(), 1);
  EXPECT_EQ(answer.bytes(), filled(5, 7));
  EXPECT_EQ(answer.thread(), std::this_thread::get_id());
  EXPECT_EQ(total(Counter::kHandOffs), hand_offs);
}

TEST_P(Fetches, AReadThatNeedsOneGoesOnOnAWorker) {
  std::latch release(1);
  FakeEngine engine;
  fetch_when(engine, release);
  const auto frontend = frontend_over(engine);
  ReadAnswer answer;
  frontend->read(request_, buffer_, answer.reply());
  EXPECT_EQ(answer.count(), 0);
  buffer_.fill(std::byte{0xff});  // the session thread serves the next request
  release.count_down();
  frontend->drain();
  ASSERT_EQ(answer.count(), 1);
  EXPECT_EQ(answer.bytes(), filled(5, 7));
  EXPECT_NE(answer.thread(), std::this_thread::get_id());
}

TEST_P(Fetches, AReadIsAnsweredWithErrorsAndWithWhatWasThrown) {
  const auto error_of = [&](const std::function<FakeEngine::Written(std::span<std::byte>)>& read,
                            bool fetches) {
    FakeEngine engine;
    engine.on_try_read = [&](std::span<std::byte> out) -> Tried {
      return fetches ? Tried() : Tried(read(out));
    };
    engine.on_read = read;
    const auto frontend = frontend_over(engine);
    ReadAnswer answer;
    frontend->read(request_, buffer_, answer.reply());
    frontend->drain();
    EXPECT_EQ(answer.count(), 1);
    return answer.error();
  };
  for (const bool fetches : {false, true}) {
    EXPECT_EQ(error_of([](auto) -> FakeEngine::Written { return fail(EIO); }, fetches), EIO);
    EXPECT_EQ(error_of([](auto) -> FakeEngine::Written { throw std::bad_alloc(); }, fetches),
              ENOMEM);
    EXPECT_EQ(error_of([](auto) -> FakeEngine::Written { throw std::runtime_error("x"); }, fetches),
              EIO);
  }
}

TEST_P(Fetches, SlowOnesLeaveAWorkerForTheDisk) {
  constexpr std::size_t kReads = std::size_t{3} * kWorkers;
  std::latch release(1);
  FakeEngine engine;
  fetch_when(engine, release);
  const auto frontend = frontend_over(engine);
  const std::uint64_t hand_offs = total(Counter::kHandOffs);
  std::vector<ReadAnswer> answers(kReads);
  for (ReadAnswer& answer : answers) frontend->read(request_, buffer_, answer.reply());
  EXPECT_EQ(total(Counter::kHandOffs) - hand_offs, kReads);
  auto flushed = std::async(std::launch::async, [&] { return frontend->flush({}, {}); });
  EXPECT_EQ(flushed.wait_for(std::chrono::seconds(20)), std::future_status::ready)
      << "no worker is left for it";
  release.count_down();
  EXPECT_TRUE(flushed.get());
  frontend->drain();
  for (const ReadAnswer& answer : answers) ASSERT_EQ(answer.count(), 1);
}

std::vector<std::string_view> executors() {
  std::vector<std::string_view> names;
  for_each_type(ExecutorList{}, [&]<class E>(TypeTag<E>) { names.push_back(E::kName); });
  return names;
}

INSTANTIATE_TEST_SUITE_P(All, Fetches, testing::ValuesIn(executors()),
                         [](const auto& tested) { return std::string(tested.param); });

TEST_P(EveryEngine, TriesAReadOnlyWhereNoObjectMustBeFetched) {
  EngineUnderTest fs(GetParam());
  ASSERT_TRUE(fs.store().put("object", filled(2 * kTestChunk, 1)));
  const EngineUnderTest::File object = fs.open("object");
  Bytes out(2 * kTestChunk);
  const auto tries = [&](std::uint64_t offset, std::size_t size) {
    const auto tried = fs.engine().try_read(object.inode, object.handle, {offset, size}, out);
    EXPECT_TRUE(!tried || *tried);
    return tried ? static_cast<int>(**tried) : -1;
  };
  EXPECT_EQ(tries(0, 10), -1);
  EXPECT_EQ(tries(2 * kTestChunk, 10), 0) << "behind the end there is nothing to fetch";
  EXPECT_EQ(fs.read(object, 0, 1), filled(1, 1));  // brings in the first chunk
  EXPECT_EQ(tries(10, 100), 100);
  EXPECT_EQ(tries(kTestChunk - 10, 20), -1) << "the second is not there";
  EXPECT_EQ(fs.resize(object, 4 * kTestChunk), 0);
  EXPECT_EQ(tries(3 * kTestChunk, 20), 20) << "a hole";
  const EngineUnderTest::File other = fs.create("other");
  EXPECT_EQ(fs.write(other, 0, filled(100, 2)), 0);
  const auto tried = fs.engine().try_read(other.inode, other.handle, {0, 200}, out);
  ASSERT_TRUE(tried && *tried);
  EXPECT_EQ(**tried, 100U);
}

std::vector<EngineCombination> compiled_engines() {
  return {engine_combinations().begin(), engine_combinations().end()};
}
INSTANTIATE_TEST_SUITE_P(Compiled, EveryEngine, testing::ValuesIn(compiled_engines()),
                         combination_name);

}  // namespace
}  // namespace vfsprof::vfs
