#include "vfs/executor/frontend.h"

#include <new>
#include <type_traits>
#include <utility>
#include <vector>

#include "vfs/base/check.h"
#include "vfs/copy/copy.h"
#include "vfs/executor/executor.h"
#include "vfs/executor/fetch_lane.h"
#include "vfs/executor/task.h"
#include "vfs/executor/worker_pool.h"
#include "vfs/strategies.h"

namespace vfsprof::vfs {
namespace {

/// How many workers may wait for the store at a time; the others are for the disk.
constexpr unsigned kMostFetches = kWorkers - 1;

/// The result of `request()`, or what it threw as an errno: who asked must get an answer, and one
/// request that fails must not end the daemon.
template <class Request>
std::invoke_result_t<Request> attempt(Request request) noexcept {
  try {
    return request();
  } catch (const std::bad_alloc&) {
    return fail(ENOMEM);
  } catch (...) {
    return fail(EIO);
  }
}

/// A write that must wait for the store. It owns its payload: the session thread's buffer takes the
/// next request.
class FetchingWrite final : public OwnedTask {
 public:
  FetchingWrite(Engine& engine, const WriteRequest& request, WriteReply reply)
      : engine_(engine),
        payload_(copy_of({request.payload, 0, request.payload.size()})),
        request_(request),
        reply_(reply) {
    request_.payload = Payload(payload_);
  }

 private:
  void run() noexcept override {
    reply_.send(reply_, attempt([this] { return engine_.write(request_); }));
  }

  Engine& engine_;
  std::vector<std::byte> payload_;
  WriteRequest request_;
  WriteReply reply_;
};

/// A read that must wait for the store, with a buffer of its own.
class FetchingRead final : public OwnedTask {
 public:
  FetchingRead(Engine& engine, const ReadRequest& request, ReadReply reply)
      : engine_(engine), request_(request), reply_(reply) {}

 private:
  void run() noexcept override {
    std::vector<std::byte> buffer;
    const Result<std::size_t> got = attempt([&]() -> Result<std::size_t> {
      buffer.resize(request_.range.size);
      return engine_.read(request_.inode, request_.handle, request_.range, buffer);
    });
    send(reply_, got, buffer);
  }

  Engine& engine_;
  ReadRequest request_;
  ReadReply reply_;
};

template <Executor E>
class FrontendOf final : public Frontend {
 public:
  FrontendOf(Engine& engine, WorkerPool& workers)
      : engine_(engine), workers_(workers), executor_(workers), fetches_(workers, kMostFetches) {}

  void write(const WriteRequest& request, WriteReply reply) override {
    if constexpr (E::kInPlace) {
      write_in_place(request, reply);
    } else {
      reply.send(reply, attempt([&] { return hand_over(request); }));
    }
  }
  void read(const ReadRequest& request, std::span<std::byte> buffer, ReadReply reply) override {
    const std::span<std::byte> out = buffer.first(request.range.size);
    Tried got = attempt(
        [&] { return engine_.try_read(request.inode, request.handle, request.range, out); });
    if (!got) got = attempt([&] { return post<FetchingRead>(request, reply); });
    if (got) send(reply, *got, out);
  }
  void drain() override { fetches_.wait_for_all(); }

  Result<void> flush(InodeId inode, HandleId handle) override {
    return close([&] { return engine_.flush(inode, handle); });
  }
  Result<void> release(InodeId inode, HandleId handle) override {
    return close([&] { return engine_.release(inode, handle); });
  }
  Result<void> sync(InodeId inode, HandleId handle, SyncScope scope) override {
    return wait_for([&] { return engine_.sync(inode, handle, scope); });
  }
  Result<void> sync_directory(InodeId directory) override {
    return wait_for([&] { return engine_.sync_directory(directory); });
  }

 private:
  using Tried = std::optional<Result<std::size_t>>;

  void write_in_place(const WriteRequest& request, WriteReply reply) {
    Tried written = attempt([&] {
      Tried tried;
      executor_.run([&] { tried = engine_.try_write(request); });
      return tried;
    });
    // Ends in an error here only if the write could not be posted.
    if (!written) written = attempt([&] { return post<FetchingWrite>(request, reply); });
    if (written) reply.send(reply, *written);
  }

  /// Leaves a request that must fetch to the workers.
  template <class Fetching, class Request, class Reply>
  Tried post(const Request& request, const Reply& reply) {
    fetches_.post(std::make_unique<Fetching>(engine_, request, reply));
    return {};
  }

  /// Stages the payload on the calling thread (the write must own its data if its copy strategy
  /// says so), and runs the write on a worker.
  Result<std::size_t> hand_over(const WriteRequest& request) {
    const StagedPayload payload = engine_.stage(request.payload);
    Result<std::size_t> written;
    executor_.run([&] { written = engine_.write_staged(request, payload); });
    return written;
  }

  /// Runs a flush or release: in place where the executor is and the engine does not wait.
  template <class Request>
  Result<void> close(Request request) {
    if constexpr (E::kInPlace) {
      if (!engine_.close_waits()) return request();
    }
    return wait_for(request);
  }

  /// Runs a request that may wait for the disk on a worker, and waits for its result.
  template <class Request>
  Result<void> wait_for(Request request) {
    Result<void> result;
    const auto work = [&] { result = request(); };
    if constexpr (E::kInPlace) {
      TaskOf task(work);
      workers_.run(task);
    } else {
      executor_.run(work);
    }
    return result;
  }

  Engine& engine_;
  WorkerPool& workers_;
  E executor_;
  FetchLane fetches_;  // first to end: what is left of it replies
};

}  // namespace

void send(const ReadReply& reply, Result<std::size_t> got, std::span<const std::byte> buffer) {
  if (got) {
    reply.send(reply, buffer.first(*got));
  } else {
    reply.send(reply, Failure(got.error()));
  }
}

std::unique_ptr<Frontend> make_frontend(std::string_view executor, Engine& engine,
                                        WorkerPool& workers) {
  std::unique_ptr<Frontend> frontend;
  for_each_type(ExecutorList{}, [&]<class E>(TypeTag<E>) {
    if (E::kName == executor) frontend = std::make_unique<FrontendOf<E>>(engine, workers);
  });
  VFSPROF_CHECK(frontend != nullptr);  // variant.h lets no other name through
  return frontend;
}

}  // namespace vfsprof::vfs
