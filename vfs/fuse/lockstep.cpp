#include "vfs/fuse/lockstep.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sched.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <string_view>
#include <utility>

namespace vfsprof::vfs {
namespace {

/// Whether a thread of this process sleeps so that a signal could wake it, as one does that waits
/// for a request. Source: proc_pid_stat(5), the third field.
bool sleeps(pid_t thread) {
  const UniqueFd file(
      ::open(fmt::format("/proc/self/task/{}/stat", thread).c_str(), O_RDONLY | O_CLOEXEC));
  std::array<char, 256> text{};
  const ssize_t size = file ? ::read(file.get(), text.data(), text.size()) : 0;
  const std::string_view stat(text.data(), size > 0 ? static_cast<std::size_t>(size) : 0);
  const std::size_t name_end = stat.rfind(')');  // a name may hold anything
  return name_end != std::string_view::npos && stat.substr(name_end).starts_with(") S");
}

bool has_request(int device) {
  pollfd event{.fd = device, .events = POLLIN, .revents = 0};
  return ::poll(&event, 1, 0) > 0 && (event.revents & POLLIN) != 0;
}

}  // namespace

Lockstep::Lockstep(UniqueFd control, std::function<void()> wait_for_workers)
    : control_(std::move(control)), wait_for_workers_(std::move(wait_for_workers)) {}

Lockstep::~Lockstep() {
  ending_ = true;
  ::shutdown(control_.get(), SHUT_RDWR);
  if (thread_.joinable()) thread_.join();
}

void Lockstep::attach(int device) {
  device_ = device;
  thread_ = std::thread([this] { answer(); });
}

void Lockstep::answer() {
  char question = 0;
  while (true) {
    const ssize_t size = ::recv(control_.get(), &question, 1, 0);
    if (size < 0 && errno == EINTR) continue;
    if (size <= 0) return;
    // There is no event to wait for: the kernel tells nobody that a request was taken.
    while (!is_idle()) {
      if (ending_) return;  // no thread waits for requests any more
      ::sched_yield();
    }
    if (::send(control_.get(), &question, 1, MSG_NOSIGNAL) != 1) return;
  }
}

/// True only if no request waits in the kernel, none is on its way to the thread that receives, and
/// none is being served. A request that was taken between the looks changes `received_`.
bool Lockstep::is_idle() const {
  const std::uint64_t received = received_.load();
  const pid_t receiver = receiver_.load();
  return receiver != 0 && !has_request(device_) && sleeps(receiver) && !has_request(device_) &&
         receiver_.load() == receiver && received_.load() == received;
}

Lockstep::Turn::Turn(Lockstep* lockstep) : lockstep_(lockstep) {
  if (lockstep_ == nullptr) return;
  lockstep_->turn_.lock();
  lockstep_->receiver_.store(::gettid());
}

void Lockstep::Turn::received() {
  if (lockstep_ == nullptr) return;
  lockstep_->received_.fetch_add(1);
  lockstep_->receiver_.store(0);
}

Lockstep::Turn::~Turn() {
  if (lockstep_ == nullptr) return;
  lockstep_->receiver_.store(0);
  lockstep_->wait_for_workers_();
  lockstep_->turn_.unlock();
}

}  // namespace vfsprof::vfs
