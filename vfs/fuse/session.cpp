#include "vfs/fuse/session.h"

#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdarg>
#include <deque>
#include <latch>
#include <memory>
#include <thread>
#include <vector>

#include "vfs/base/check.h"
#include "vfs/base/thread_name.h"
#include "vfs/base/unique_fd.h"
#include "vfs/counters.h"
#include "vfs/fuse/operations.h"
#include "vfs/fuse/request_kinds.h"
#include "vfs/fuse/session_channel.h"
#include "vfs/fuse/unmount.h"

namespace vfsprof::vfs {
namespace {

/// Interrupts a session thread that is blocked in read(): SIGUSR1 with a handler that does nothing.
constexpr int kWakeSignal = SIGUSR1;

sigset_t ending_signals() {
  sigset_t set;
  ::sigemptyset(&set);
  for (const int number : {SIGINT, SIGTERM, SIGHUP}) ::sigaddset(&set, number);
  return set;
}

void install_wake_handler() {
  struct sigaction action{};
  action.sa_handler = [](int) {};  // no SA_RESTART: read() returns EINTR
  ::sigaction(kWakeSignal, &action, nullptr);
  ::signal(SIGPIPE, SIG_IGN);
}

/// Ends a session that nobody serves any more. libfuse frees what it knows of the mount only when
/// it unmounts; by now there is nothing left to unmount, and what it would say about that is no
/// news.
struct SessionDeleter {
  void operator()(fuse_session* session) const {
    fuse_set_log_func([](fuse_log_level, const char*, va_list) {});
    fuse_session_unmount(session);
    fuse_session_destroy(session);
    fuse_set_log_func(nullptr);
  }
};
using SessionPointer = std::unique_ptr<fuse_session, SessionDeleter>;

/// One for each session thread.
using Channels = std::deque<SessionChannel>;

/// The session threads.
class SessionThreads {
 public:
  SessionThreads(fuse_session& session, Channels& channels, Lockstep* lockstep)
      : session_(session),
        lockstep_(lockstep),
        ended_(::eventfd(0, EFD_CLOEXEC)),
        running_(channels.size()),
        named_(static_cast<std::ptrdiff_t>(channels.size())) {
    VFSPROF_CHECK(ended_);
    for (SessionChannel& channel : channels) {
      threads_.emplace_back([this, &channel] { run(channel); });
    }
  }

  /// Ends the threads whether or not the kernel still has requests for them.
  ~SessionThreads() {
    fuse_session_exit(&session_);
    // A thread may be between its look at the exit flag and its read(): signal until it is gone.
    while (running_.load() > 0) {
      for (std::thread& thread : threads_) ::pthread_kill(thread.native_handle(), kWakeSignal);
      wait_ended(std::chrono::milliseconds(10));
    }
    for (std::thread& thread : threads_) thread.join();
  }
  SessionThreads(const SessionThreads&) = delete;
  SessionThreads& operator=(const SessionThreads&) = delete;

  /// Readable once a thread has ended, which it does when the file system was unmounted.
  int ended_fd() const { return ended_.get(); }

  /// Waits until every thread has ended by itself; false if that takes longer.
  bool wait_all_ended(std::chrono::milliseconds limit) {
    const auto deadline = std::chrono::steady_clock::now() + limit;
    while (running_.load() > 0 && std::chrono::steady_clock::now() < deadline) {
      wait_ended(std::chrono::milliseconds(20));
    }
    return running_.load() == 0;
  }

 private:
  void wait_ended(std::chrono::milliseconds limit) {
    pollfd event{.fd = ended_.get(), .events = POLLIN, .revents = 0};
    if (::poll(&event, 1, static_cast<int>(limit.count())) > 0) {
      std::uint64_t ended = 0;
      [[maybe_unused]] const auto got = ::read(ended_.get(), &ended, sizeof ended);
    }
  }

  void run(SessionChannel& channel) {
    set_current_thread_name(kSessionThread);
    named_.arrive_and_wait();  // whoever waits for the mount finds every thread under its name
    const ChannelScope scope(channel);
    while (fuse_session_exited(&session_) == 0) {
      Lockstep::Turn turn(lockstep_);
      fuse_buf buffer{};
      buffer.mem = channel.buffer().message();
      const int received = fuse_session_receive_buf(&session_, &buffer);
      if (received == -EINTR || received == -EAGAIN) continue;
      if (received <= 0) break;
      turn.received();
      count_request(buffer.mem);
      fuse_session_process_buf(&session_, &buffer);
    }
    running_.fetch_sub(1);
    const std::uint64_t one = 1;
    [[maybe_unused]] const auto put = ::write(ended_.get(), &one, sizeof one);
  }

  fuse_session& session_;
  Lockstep* const lockstep_;
  UniqueFd ended_;
  std::atomic<std::size_t> running_;
  std::latch named_;
  std::vector<std::thread> threads_;
};

SessionPointer make_session(const SessionOptions& options, ServedFileSystem& served) {
  std::string arguments[] = {"vfsprof-mount", "-o",
                             fmt::format("default_permissions,fsname=vfsprof,subtype=vfsprof{}",
                                         options.allow_other ? ",allow_other" : "")};
  char* argv[] = {arguments[0].data(), arguments[1].data(), arguments[2].data(), nullptr};
  fuse_args args = FUSE_ARGS_INIT(3, argv);
  SessionPointer session(
      fuse_session_new(&args, &fuse_operations(), sizeof(fuse_lowlevel_ops), &served));
  fuse_opt_free_args(&args);
  if (!session) throw MountError("libfuse refused the session options");
  return session;
}

void mount(fuse_session& session, const SessionOptions& options) {
  if (::access("/dev/fuse", F_OK) != 0) {
    throw MountError(
        "/dev/fuse does not exist: load the kernel module with 'modprobe fuse' (as root), or give "
        "the container the device (--device /dev/fuse)");
  }
  if (::access("/dev/fuse", R_OK | W_OK) != 0) {
    throw MountError(
        "/dev/fuse cannot be opened by this user: 'chmod 666 /dev/fuse' (as root) opens it to "
        "every "
        "user");
  }
  if (fuse_session_mount(&session, options.mount_point.c_str()) != 0) {
    throw MountError(fmt::format(
        "cannot mount at {} (libfuse's reason is above): an ordinary user needs fusermount3 "
        "(Debian package fuse3) and must own the directory; 'vfsprof doctor' checks both",
        options.mount_point.string()));
  }
}

/// Waits for the writes that the session threads left to the workers: their replies need the
/// session.
struct DrainAtEnd {
  Frontend& frontend;
  ~DrainAtEnd() { frontend.drain(); }
};

/// What the options need of the machine is there when this returns.
Channels make_channels(Engine& engine, const MountOptions& options) {
  Channels channels;
  for (unsigned i = 0; i < options.threads; ++i) {
    channels.emplace_back(options, engine.payload_pages(options.max_write));
  }
  return channels;
}

void connect(Channels& channels, fuse_session& session, const MountOptions& options) {
  for (SessionChannel& channel : channels) {
    if (options.clone_fd) {
      channel.clone(fuse_session_fd(&session));
    } else {
      channel.share(fuse_session_fd(&session));
    }
  }
  use_channels(session);
}

/// Whether the kernel has ended the connection: somebody else has unmounted the file system.
bool is_disconnected(fuse_session& session) {
  pollfd event{.fd = fuse_session_fd(&session), .events = 0, .revents = 0};
  return ::poll(&event, 1, 0) > 0 && (event.revents & POLLERR) != 0;
}

/// Serves until the mount ends or a signal asks for it; nothing is mounted afterwards.
void serve_until_ended(fuse_session& session, Channels& channels, const SessionOptions& options) {
  const sigset_t signals = ending_signals();
  const UniqueFd signal_fd(::signalfd(-1, &signals, SFD_CLOEXEC));
  VFSPROF_CHECK(signal_fd);
  SessionThreads threads(session, channels, options.lockstep);

  pollfd events[] = {{.fd = signal_fd.get(), .events = POLLIN, .revents = 0},
                     {.fd = threads.ended_fd(), .events = POLLIN, .revents = 0}};
  while (::poll(events, 2, -1) < 0 && errno == EINTR) {
  }
  // Unmounted first, so that nobody enters any more; files that are open may still be closed. The
  // kernel ends the session when the last one is.
  if (!is_disconnected(session)) unmount(options.mount_point);
  threads.wait_all_ended(std::chrono::seconds(2));
}

}  // namespace

void block_ending_signals() {
  const sigset_t set = ending_signals();
  ::pthread_sigmask(SIG_BLOCK, &set, nullptr);
}

void serve(Engine& engine, Frontend& frontend, const SessionOptions& options) {
  ServedFileSystem served{engine, frontend, options.options, options.on_started};
  install_wake_handler();
  Channels channels = make_channels(engine, options.options);
  const SessionPointer session = make_session(options, served);
  mount(*session, options);
  connect(channels, *session, options.options);
  if (options.lockstep != nullptr) options.lockstep->attach(fuse_session_fd(session.get()));
  {
    const DrainAtEnd drain{frontend};  // the last replies need session and channels
    serve_until_ended(*session, channels, options);
  }
  if (!served.refusal.empty()) throw MountError(served.refusal);
}

}  // namespace vfsprof::vfs
