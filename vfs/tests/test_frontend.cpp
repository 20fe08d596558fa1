#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <latch>
#include <memory>
#include <new>
#include <stdexcept>
#include <string>
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

/// Takes the reply to one write.
class Answer {
 public:
  WriteReply reply() {
    return {.send =
                [](const WriteReply& reply, Result<std::size_t> written) {
                  auto& self = *static_cast<Answer*>(reply.context);
                  self.thread_ = std::this_thread::get_id();
                  self.result_ = written ? static_cast<int>(*written) : -written.error().value;
                  self.count_.fetch_add(1);
                },
            .context = this};
  }
  int count() const { return count_.load(); }
  /// Bytes written, or the errno below zero. Only once there is an answer.
  int result() const { return result_; }
  std::thread::id thread() const { return thread_; }

 private:
  std::thread::id thread_;
  int result_ = 0;
  std::atomic<int> count_{0};
};

FakeEngine::Written all_of(const WriteRequest& request) { return request.payload.size(); }

bool is_in_place(std::string_view executor) {
  bool in_place = false;
  for_each_type(ExecutorList{}, [&]<class E>(TypeTag<E>) {
    if (E::kName == executor) in_place = E::kInPlace;
  });
  return in_place;
}

class EveryExecutor : public testing::TestWithParam<std::string_view> {
 protected:
  std::unique_ptr<Frontend> frontend_over(Engine& engine) {
    return make_frontend(GetParam(), engine, workers_);
  }

  const std::array<std::byte, 3> payload_{};
  const WriteRequest request_{.inode = {}, .handle = {}, .offset = 0, .payload = Payload(payload_)};
  WorkerPool workers_{kWorkers};
};

TEST_P(EveryExecutor, AnswersEveryWriteOfEveryThreadOnce) {
  constexpr std::size_t kThreads = 4;
  constexpr std::size_t kWrites = 500;
  std::atomic<std::size_t> writes{0};
  const auto engine = FakeEngine::always_ready([&](const WriteRequest& request) {
    writes.fetch_add(1);
    return all_of(request);
  });
  // Every third write must fetch.
  engine->on_try_write = [&](const WriteRequest& request) -> std::optional<FakeEngine::Written> {
    if (request.offset % 3 == 0) return {};
    writes.fetch_add(1);
    return all_of(request);
  };
  std::vector<Answer> answers(kThreads * kWrites);
  {
    const auto frontend = frontend_over(*engine);
    std::vector<std::jthread> threads;
    for (std::size_t t = 0; t < kThreads; ++t) {
      threads.emplace_back([&, t] {
        for (std::size_t i = 0; i < kWrites; ++i) {
          WriteRequest request = request_;
          request.offset = i;
          frontend->write(request, answers[t * kWrites + i].reply());
        }
      });
    }
    threads.clear();
    frontend->drain();
    EXPECT_EQ(writes.load(), kThreads * kWrites);
  }
  for (const Answer& answer : answers) {
    ASSERT_EQ(answer.count(), 1);
    ASSERT_EQ(answer.result(), 3);
  }
}

TEST_P(EveryExecutor, AnswersWithErrorsAndWithWhatWasThrown) {
  const auto result_of = [&](Engine& engine) {
    Answer answer;
    const auto frontend = frontend_over(engine);
    frontend->write(request_, answer.reply());
    frontend->drain();
    EXPECT_EQ(answer.count(), 1);
    return answer.result();
  };
  const auto enospc = [](const WriteRequest&) -> FakeEngine::Written { return fail(ENOSPC); };
  const auto bad_alloc = [](const WriteRequest&) -> FakeEngine::Written { throw std::bad_alloc(); };
  const auto other = [](const WriteRequest&) -> FakeEngine::Written {
    throw std::runtime_error("unexpected");
  };
  for (const auto make : {FakeEngine::always_ready, FakeEngine::always_fetching}) {
    EXPECT_EQ(result_of(*make(enospc)), -ENOSPC);
    EXPECT_EQ(result_of(*make(bad_alloc)), -ENOMEM);
    EXPECT_EQ(result_of(*make(other)), -EIO);
  }
}

TEST_P(EveryExecutor, RunsFlushesOnAWorkerAndReturnsTheirErrors) {
  const auto engine = FakeEngine::always_ready(all_of);
  const auto frontend = frontend_over(*engine);
  const std::thread::id caller = std::this_thread::get_id();
  engine->on_flush = [&] {
    return std::this_thread::get_id() == caller ? fail(EDEADLK) : fail(EDQUOT);
  };
  for (const auto& result :
       {frontend->flush({}, {}), frontend->release({}, {}),
        frontend->sync({}, {}, SyncScope::kData), frontend->sync_directory({})}) {
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().value, EDQUOT);
  }
  engine->on_flush = []() -> Result<void> { throw std::bad_alloc(); };
  EXPECT_THROW((void)frontend->flush({}, {}), std::bad_alloc);
}

TEST_P(EveryExecutor, HandsOverAndWakesAsItsAxisSays) {
  constexpr std::uint64_t kWrites = 300;
  std::vector<std::thread::id> ran_on;
  const auto engine = FakeEngine::always_ready([&](const WriteRequest& request) {
    ran_on.push_back(std::this_thread::get_id());
    return all_of(request);
  });
  const auto frontend = frontend_over(*engine);
  const std::uint64_t hand_offs = total(Counter::kHandOffs);
  const std::uint64_t wakes = total(Counter::kThreadWakes);
  std::vector<Answer> answers(kWrites);
  for (Answer& answer : answers) {
    frontend->write(request_, answer.reply());
    ASSERT_EQ(answer.count(), 1);  // nothing to fetch: answered before the next request is read
    ASSERT_EQ(answer.thread(), std::this_thread::get_id());
  }
  const bool in_place = is_in_place(GetParam());
  EXPECT_EQ(total(Counter::kHandOffs) - hand_offs, in_place ? 0 : 2 * kWrites);
  EXPECT_LE(total(Counter::kThreadWakes) - wakes, in_place ? 0 : 3 * kWrites);
  ASSERT_EQ(ran_on.size(), kWrites);
  for (const std::thread::id thread : ran_on) {
    ASSERT_EQ(thread == std::this_thread::get_id(), in_place);
  }
}

std::vector<std::string_view> executors(bool in_place_only) {
  std::vector<std::string_view> names;
  for_each_type(ExecutorList{}, [&]<class E>(TypeTag<E>) {
    if (E::kInPlace || !in_place_only) names.push_back(E::kName);
  });
  return names;
}

std::string executor_name(const testing::TestParamInfo<std::string_view>& info) {
  return std::string(info.param);
}

INSTANTIATE_TEST_SUITE_P(All, EveryExecutor, testing::ValuesIn(executors(false)), executor_name);

/// Executors that leave a write to the workers only if it must fetch.
class InPlaceExecutor : public EveryExecutor {};

TEST_P(InPlaceExecutor, PostsAWriteThatMustFetchWithACopyOfItsPayload) {
  std::vector<std::byte> payload = filled(100, 7);
  std::latch release(1);
  Bytes written;
  const auto engine = FakeEngine::always_fetching([&](const WriteRequest& request) {
    release.wait();
    written.resize(request.payload.size());
    request.payload.copy_to(0, written);
    return all_of(request);
  });
  const auto frontend = frontend_over(*engine);
  const std::uint64_t copied = total(Counter::kBytesCopied);
  const std::uint64_t hand_offs = total(Counter::kHandOffs);
  const std::uint64_t wakes = total(Counter::kThreadWakes);
  Answer answer;
  frontend->write({.inode = {}, .handle = {}, .offset = 0, .payload = Payload(payload)},
                  answer.reply());
  EXPECT_EQ(answer.count(), 0);
  payload.assign(payload.size(), std::byte{0xff});  // the session thread reads the next request
  EXPECT_EQ(total(Counter::kBytesCopied) - copied, 100U);
  EXPECT_EQ(total(Counter::kHandOffs) - hand_offs, 1U);
  EXPECT_LE(total(Counter::kThreadWakes) - wakes, 1U);
  release.count_down();
  frontend->drain();
  EXPECT_EQ(answer.count(), 1);
  EXPECT_EQ(answer.result(), 100);
  EXPECT_NE(answer.thread(), std::this_thread::get_id());
  EXPECT_EQ(written, filled(100, 7));
}

TEST_P(InPlaceExecutor, AnswersWhatIsPendingBeforeItEnds) {
  constexpr std::size_t kWrites = 5 * kWorkers;  // most are queued yet
  std::latch release(1);
  std::vector<Answer> answers(kWrites);
  const auto engine = FakeEngine::always_fetching([&](const WriteRequest& request) {
    release.wait();
    return all_of(request);
  });
  auto frontend = frontend_over(*engine);
  for (Answer& answer : answers) frontend->write(request_, answer.reply());
  for (const Answer& answer : answers) ASSERT_EQ(answer.count(), 0);
  std::thread end([&] { frontend.reset(); });
  release.count_down();
  end.join();
  for (const Answer& answer : answers) {
    ASSERT_EQ(answer.count(), 1);
    ASSERT_EQ(answer.result(), 3);
  }
}

/// A store whose fetches wait until they are let through, or fail.
class GatedStore final : public ObjectStore {
 public:
  Result<ObjectPage> list(std::string_view after) override { return objects.list(after); }
  Result<std::size_t> fetch(std::string_view key, std::uint64_t offset,
                            std::span<std::byte> out) override {
    fetches.fetch_add(1);
    open.wait(false);
    if (fails.load()) return fail(EIO);
    return objects.fetch(key, offset, out);
  }
  Result<void> put(std::string_view key, std::span<const std::byte> content) override {
    return objects.put(key, content);
  }
  void let_through() {
    open.store(true);
    open.notify_all();
  }

  MemoryStore objects;
  std::atomic<bool> open{false};
  std::atomic<bool> fails{false};
  std::atomic<int> fetches{0};
};

/// A real engine whose file `object`, of two chunks, is in the store.
class InPlaceOverStore : public InPlaceExecutor {
 protected:
  InPlaceOverStore() {
    EXPECT_TRUE(store_.put("object", filled(2 * kTestChunk, 1)));
    Variant variant = parse_variant("sync-path");
    variant.options.chunk = kTestChunk;
    engine_ = make_engine(variant, {.cache_directory = directory_.path(),
                                    .memory_budget_bytes = std::uint64_t{1} << 30,
                                    .store = &store_});
    frontend_ = frontend_over(*engine_);
    object_ = engine_->lookup({kRootInode, "object"})->inode;
    object_handle_ = *engine_->open(object_, O_RDWR);
  }
  // A test that fails must not wait for ever.
  ~InPlaceOverStore() override { store_.let_through(); }

  void write(InodeId inode, std::uint64_t offset, const Bytes& bytes, Answer& answer) {
    frontend_->write({.inode = inode, .handle = {}, .offset = offset, .payload = Payload(bytes)},
                     answer.reply());
  }
  Bytes content(InodeId inode, std::size_t size) {
    Bytes out(size);
    EXPECT_EQ(engine_->read(inode, {}, {0, size}, out).value_or(0), size);
    return out;
  }

  TemporaryDirectory directory_;
  GatedStore store_;
  std::unique_ptr<Engine> engine_;
  std::unique_ptr<Frontend> frontend_;
  InodeId object_;
  HandleId object_handle_;
};

TEST_P(InPlaceOverStore, AFetchUnderWayHoldsUpNoOtherWriteOfTheThread) {
  const auto other = engine_->create({kRootInode, "other"}, {S_IFREG | 0600}, O_RDWR, {});
  ASSERT_TRUE(other);
  Answer fetching;
  write(object_, 10, filled(5, 2), fetching);
  for (int i = 0; i < 10; ++i) {
    Answer answer;
    write(other->attributes.inode, 0, filled(100, 3), answer);
    ASSERT_EQ(answer.count(), 1);
    ASSERT_EQ(answer.result(), 100);
  }
  EXPECT_EQ(content(other->attributes.inode, 100), filled(100, 3));
  EXPECT_EQ(fetching.count(), 0);

  store_.let_through();
  frontend_->drain();
  EXPECT_EQ(fetching.result(), 5);
  Bytes expected = filled(2 * kTestChunk, 1);
  std::fill_n(expected.begin() + 10, 5, std::byte{2});
  EXPECT_EQ(content(object_, expected.size()), expected);
}

TEST_P(InPlaceOverStore, WhatIsInThePoolOrIsNewIsWrittenAtOnce) {
  store_.let_through();
  EXPECT_EQ(content(object_, kTestChunk).size(), kTestChunk);  // brings in the first chunk
  const int fetches = store_.fetches.load();
  const std::uint64_t hand_offs = total(Counter::kHandOffs);
  Answer cached;
  write(object_, 0, filled(kTestChunk, 4), cached);
  Answer beyond;
  write(object_, 2 * kTestChunk, filled(10, 5), beyond);
  EXPECT_EQ(cached.result(), static_cast<int>(kTestChunk));
  EXPECT_EQ(beyond.result(), 10);
  EXPECT_EQ(total(Counter::kHandOffs), hand_offs);
  EXPECT_EQ(store_.fetches.load(), fetches);
  Answer across;  // into the second chunk, which is not there
  write(object_, kTestChunk - 1, filled(2, 6), across);
  frontend_->drain();
  EXPECT_EQ(across.result(), 2);
  EXPECT_EQ(total(Counter::kHandOffs), hand_offs + 1);
  EXPECT_EQ(store_.fetches.load(), fetches + 1);
}

TEST_P(InPlaceOverStore, AFetchThatFailsIsEioAndLosesNothing) {
  store_.let_through();
  Answer first;
  write(object_, 0, filled(100, 2), first);
  frontend_->drain();
  ASSERT_EQ(first.result(), 100);
  store_.fails.store(true);
  Answer failed;
  write(object_, kTestChunk - 50, filled(100, 3), failed);
  frontend_->drain();
  EXPECT_EQ(failed.result(), -EIO);
  Bytes expected = filled(2 * kTestChunk, 1);
  std::fill_n(expected.begin(), 100, std::byte{2});

  store_.fails.store(false);
  EXPECT_EQ(content(object_, kTestChunk - 50),
            Bytes(expected.begin(), expected.end() - kTestChunk - 50));
  Answer again;
  write(object_, kTestChunk - 50, filled(100, 3), again);
  frontend_->drain();
  EXPECT_EQ(again.result(), 100);
  std::fill_n(expected.begin() + kTestChunk - 50, 100, std::byte{3});
  EXPECT_EQ(content(object_, expected.size()), expected);
  EXPECT_TRUE(engine_->sync(object_, object_handle_, SyncScope::kDataAndMetadata));
}

INSTANTIATE_TEST_SUITE_P(All, InPlaceExecutor, testing::ValuesIn(executors(true)), executor_name);
INSTANTIATE_TEST_SUITE_P(All, InPlaceOverStore, testing::ValuesIn(executors(true)), executor_name);

}  // namespace
}  // namespace vfsprof::vfs
