#include <unistd.h>

#include <exception>
#include <optional>
#include <string>

#include "harness/scenario/client.h"
#include "harness/scenario/client_crew.h"
#include "harness/scenario/client_protocol.h"

namespace vfsprof::harness {
namespace {

ClientResult failed(const std::string& failure) {
  ClientResult result;
  result.failure = failure;
  return result;
}

std::optional<std::string> receive(LineChannel& channel) {
  while (!channel.at_end()) {
    if (auto line = channel.receive()) return line;
  }
  return std::nullopt;
}

void run_phase(Crew& crew, LineChannel& channel) {
  if (crew.run_phase()) return;
  // Clients that hang cannot be joined; the kernel ends them with the process.
  channel.send(encode(failed(crew.failure() + "; some hang in a system call")));
  ::_exit(0);
}

/// What may be asked once all files are closed.
void end(Crew& crew, LineChannel& channel) {
  std::optional<std::string> asked = receive(channel);
  if (asked == kHashMessage) {
    std::vector<TreeEntry> entries;
    const std::string hash = crew.hash_tree(entries);
    channel.send(encode_tree(hash, entries));
    asked = receive(channel);
  }
  if (asked != kEndMessage) return;
  const std::string failure = crew.write_back();
  channel.send(failure.empty() ? std::string(kEndedMessage) : encode(failed(failure)));
}

/// From set-up to the closing of files. After a failure the kernel closes them, when the process
/// ends.
void talk(LineChannel& channel, const Assignment& assignment) {
  Crew crew(assignment);
  crew.start();
  for (int phase = 0; phase < Crew::kSetupPhases && crew.failure().empty(); ++phase) {
    run_phase(crew, channel);
  }
  const bool is_set_up = crew.failure().empty();
  channel.send(is_set_up ? std::string(kReadyMessage) : encode(failed(crew.failure())));
  if (!is_set_up || receive(channel) != kGoMessage) return;
  run_phase(crew, channel);
  channel.send(encode(crew.result()));
  if (!crew.failure().empty() || receive(channel) != kCloseMessage) return;
  run_phase(crew, channel);
  channel.send(crew.failure().empty() ? std::string(kClosedMessage)
                                      : encode(failed(crew.failure())));
  end(crew, channel);
}

}  // namespace

int client_main() {
  LineChannel channel(STDIN_FILENO, STDOUT_FILENO);
  const std::optional<std::string> line = receive(channel);
  if (!line) return 2;
  try {
    talk(channel, decode_assignment(*line));
    return 0;
  } catch (const std::exception& error) {
    channel.send(encode(failed(error.what())));
    return 1;
  }
}

}  // namespace vfsprof::harness
