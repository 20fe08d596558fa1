#include <fcntl.h>
#include <fmt/format.h>
#include <sys/socket.h>

#include <cerrno>
#include <optional>

#include "harness/error.h"
#include "harness/process.h"
#include "harness/scenario/client.h"
#include "harness/scenario/client_protocol.h"
#include "vfs/base/result.h"

namespace vfsprof::harness {
namespace {

[[noreturn]] void throw_environment(const std::string& what) {
  throw EnvironmentError(fmt::format("{}: {}", what, describe(Errno{errno})));
}

UniqueFd open_directory(const std::filesystem::path& directory) {
  // O_PATH: nothing is asked of the file system under test yet.
  UniqueFd fd(::open(directory.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!fd)
    throw_environment(fmt::format("cannot open the clients' directory {}", directory.string()));
  return fd;
}

struct SocketPair {
  SocketPair() {
    int ends[2];
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
      throw_environment("cannot make a socket");
    ours.reset(ends[0]);
    theirs.reset(ends[1]);
  }
  UniqueFd ours;
  UniqueFd theirs;
};

}  // namespace

struct ClientProcess::State {
  UniqueFd socket;
  LineChannel channel{-1, -1};
  std::optional<ChildProcess> child;
  bool failed = false;  ///< the round is void: the client process ends by itself
  bool closed = false;

  /// The client's next message. A failure that it reports instead of `expected` is thrown.
  std::string receive() {
    while (!channel.at_end()) {
      wait_readable(socket.get(), -1);
      if (auto line = channel.receive()) return *line;
    }
    throw EnvironmentError(
        fmt::format("the client process ended unexpectedly: it {}", describe(child->wait())));
  }

  void expect(std::string_view expected) {
    const std::string line = receive();
    if (line == expected) return;
    const std::optional<ClientResult> result = decode_result(line);
    throw EnvironmentError(
        fmt::format("the clients could not {}: {}", what_for(expected),
                    result ? result->failure : fmt::format("they said '{}'", line)));
  }

  static std::string_view what_for(std::string_view expected) {
    if (expected == kReadyMessage) return "set up their files";
    return expected == kClosedMessage ? "close their files" : "end their file system";
  }

  void send(std::string_view line) {
    // A client that is gone shows at the next receive, with its exit status.
    channel.send(line);
  }
};

ClientProcess::ClientProcess(const Scenario& scenario, const ClientOptions& options)
    : state_(std::make_unique<State>()) {
  const UniqueFd directory = open_directory(options.directory);
  SocketPair sockets;
  const auto program = options.program.empty() ? program_directory() / "vfsprof" : options.program;
  can_place(options.placement);  // remembers the CPUs, which the child may not look up
  std::vector<ChildFd> fds{
      {sockets.theirs.get(), 0}, {sockets.theirs.get(), 1}, {directory.get(), kDirectoryFd}};
  if (options.settle_fd >= 0) fds.push_back({options.settle_fd, kSettleFd});
  state_->child.emplace(ChildOptions{
      .command = {program.string(), "client"},
      .fds = std::move(fds),
      .before_exec = [placement =
                          options.placement] { place_current_thread(placement, Side::kClient); },
  });
  state_->channel = LineChannel(sockets.ours.get(), sockets.ours.get());
  state_->socket = std::move(sockets.ours);
  state_->send(encode(Assignment{.scenario = scenario,
                                 .seed = options.seed,
                                 .store_is_filled = options.store_is_filled,
                                 .keeps_contents = options.keeps_contents,
                                 .in_process = options.in_process,
                                 .settles = options.settle_fd >= 0,
                                 .watch = options.watch,
                                 .issue_priority = options.issue_priority,
                                 .shares_cpu = options.placement == Placement::kPacked}));
}

ClientProcess::~ClientProcess() = default;

pid_t ClientProcess::pid() const { return state_->child->pid(); }

void ClientProcess::wait_until_ready() { state_->expect(kReadyMessage); }

void ClientProcess::go() { state_->send(kGoMessage); }

ClientResult ClientProcess::wait() {
  const std::string line = state_->receive();
  if (auto result = decode_result(line)) {
    state_->failed = !result->failure.empty();
    return *std::move(result);
  }
  throw EnvironmentError(
      fmt::format("the client process said '{}' where its result was due", line));
}

void ClientProcess::close() {
  if (state_->failed || state_->closed) return;
  state_->closed = true;
  state_->send(kCloseMessage);
  state_->expect(kClosedMessage);
}

std::string ClientProcess::hash_tree(std::vector<TreeEntry>& entries) {
  state_->send(kHashMessage);
  const std::string line = state_->receive();
  if (std::optional<std::string> hash = decode_tree(line, entries)) return *std::move(hash);
  const std::optional<ClientResult> result = decode_result(line);
  throw EnvironmentError(result ? result->failure : fmt::format("the clients said '{}'", line));
}

void ClientProcess::finish() {
  if (state_->failed) return state_->child.reset();
  close();
  state_->send(kEndMessage);
  state_->expect(kEndedMessage);
  const ExitStatus status = state_->child->wait();
  if (!status.ok()) throw EnvironmentError(fmt::format("the client process {}", describe(status)));
}

}  // namespace vfsprof::harness
