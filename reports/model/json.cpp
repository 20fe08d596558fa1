#include "reports/model/json.h"

#include <fmt/format.h>

#include <array>
#include <optional>
#include <type_traits>
#include <utility>

#include "reports/model/check_result.h"
#include "reports/model/client_stats_json.h"
#include "reports/model/events_json.h"
#include "reports/model/json_reader.h"
#include "reports/model/json_writer.h"
#include "reports/model/profile_json.h"
#include "reports/model/waits_json.h"

namespace vfsprof::reports {
namespace {

constexpr std::array<std::string_view, 3> kCapabilityStates{"available", "degraded", "unavailable"};

// One list of fields per type serves both directions: `archive(name, field)` writes or reads one.

template <class A, Is<Environment> T>
void describe(A& archive, T& value) {
  archive("tool_version", value.tool_version);
  archive("build_type", value.build_type);
  archive("compiler", value.compiler);
  archive("kernel", value.kernel);
  archive("distribution", value.distribution);
  archive("libc", value.libc);
  archive("libfuse", value.libfuse);
  archive("cpu_model", value.cpu_model);
  archive("hypervisor", value.hypervisor);
  archive("cpus", value.cpus);
  archive("memory_bytes", value.memory_bytes);
  archive("user", value.user);
  archive("perf_event_paranoid", value.perf_event_paranoid);
  archive("kptr_restrict", value.kptr_restrict);
}

template <class A, Is<Capability> T>
void describe(A& archive, T& value) {
  archive("name", value.name);
  archive.choice("state", value.state, kCapabilityStates);
  archive("detail", value.detail);
  archive("remedy", value.remedy);
}

template <class A, Is<NamedValue> T>
void describe(A& archive, T& value) {
  archive("name", value.name);
  archive("value", value.value);
}

template <class A, Is<Arm> T>
void describe(A& archive, T& value) {
  archive("name", value.name);
  archive("canonical", value.canonical);
  archive("axes", value.axes);
  archive.added_later("target", value.target);
}

template <class A, Is<ScenarioInfo> T>
void describe(A& archive, T& value) {
  archive("name", value.name);
  archive("summary", value.summary);
  archive("racy", value.racy);
  archive("document", value.document);
}

template <class A, Is<OperationStats> T>
void describe(A& archive, T& value) {
  archive("kind", value.kind);
  archive("count", value.count);
  archive("errors", value.errors);
  archive("bytes", value.bytes);
  archive.histogram("service_time_ns", value.service_time_ns);
  archive.optional_histogram("response_time_ns", value.response_time_ns);
}

template <class A, Is<Thread> T>
void describe(A& archive, T& value) {
  archive("tid", value.tid);
  archive("name", value.name);
  archive("full_name", value.full_name);
  archive("role", value.role);
  archive("cpu_ns", value.cpu_ns);
  archive("runnable_ns", value.runnable_ns);
  archive("voluntary_switches", value.voluntary_switches);
  archive("involuntary_switches", value.involuntary_switches);
}

template <class A, Is<CounterValue> T>
void describe(A& archive, T& value) {
  archive("name", value.name);
  archive("unit", value.unit);
  archive("value", value.value);
  archive.added_later("stability", value.stability);
}

template <class A, Is<Profile> T>
void describe(A& archive, T& value) {
  archive("event", value.event);
  archive("requested_event", value.requested_event);
  archive("frequency_hz", value.frequency_hz);
  archive("weight_ns", value.weight_ns);
  archive("slice_ns", value.slice_ns);
  archive("kernel_frames", value.kernel_frames);
  archive("lost", value.lost);
  archive("throttled", value.throttled);
  archive.added_later("unwind", value.unwind);
  archive.added_later("whole_stacks", value.whole_stacks);
  archive.added_later("cut_short_stacks", value.cut_short_stacks);
  archive.columns(value);
}

template <class A, Is<Round> T>
void describe(A& archive, T& value) {
  archive("arm", value.arm);
  archive("block", value.block);
  archive.choice("kind", value.kind, kRoundKindNames);
  archive.flag("counts_operations", value.counts_operations, true);
  archive("elapsed_ns", value.elapsed_ns);
  archive("process_cpu_ns", value.process_cpu_ns);
  archive("client_cpu_ns", value.client_cpu_ns);
  archive("collector_cpu_ns", value.collector_cpu_ns);
  archive("operations", value.operations);
  archive("threads", value.threads);
  archive("counters", value.counters);
  archive.added_later("events", value.events);
  archive("profile", value.profile);
  archive.added_later("waits", value.waits);
  archive.added_later("clients", value.clients);
  archive("tree_hash", value.tree_hash);
  archive("results_hash", value.results_hash);
  archive("void_reason", value.void_reason);
}

template <class A, Is<MachineFloor> T>
void describe(A& archive, T& value) {
  archive("name", value.name);
  archive("title", value.title);
  archive("unit", value.unit);
  archive("values", value.values);
  archive("conditions", value.conditions);
  archive("unavailable", value.unavailable);
}

template <class A, Is<Floors> T>
void describe(A& archive, T& value) {
  archive("absent", value.absent);
  archive("arms", value.arms);
  archive("arm_of", value.arm_of);
  archive("rounds", value.rounds);
  archive("machine", value.machine);
}

template <class A, Is<RunResult> T>
void describe(A& archive, T& value) {
  archive("schema_version", value.schema_version);
  archive("command", value.command);
  archive("started", value.started);
  archive("environment", value.environment);
  archive("scenario", value.scenario);
  archive("target", value.target);
  archive("placement", value.placement);
  archive("seed", value.seed);
  archive("equivalence_margin", value.equivalence_margin);
  archive("partial", value.partial);
  archive.flag("lockstep", value.lockstep, false);
  archive("arms", value.arms);
  archive("rounds", value.rounds);
  archive.added_later("warm_up", value.warm_up);
  archive.added_later("differences", value.differences);
  archive.added_later("floors", value.floors);
  archive("capabilities", value.capabilities);
  archive("warnings", value.warnings);
}

class Writer {
 public:
  explicit Writer(std::string& out) : out_(out), object_(out) {}

  template <class T>
  void operator()(const char* name, const T& field) {
    object_.key(name);
    write(field);
  }

  template <class T>
  void added_later(const char* name, const T& field) {
    (*this)(name, field);
  }
  /// A flag of a later version of the schema is left out where it has its usual value.
  void flag(const char* name, bool field, bool usual) {
    if (field != usual) append_json(object_.key(name), field);
  }

  template <class E, std::size_t N>
  void choice(const char* name, E field, const std::array<std::string_view, N>& names) {
    append_json(object_.key(name), names[static_cast<std::size_t>(field)]);
  }

  void histogram(const char* name, const Histogram& field) {
    JsonObject histogram(object_.key(name));
    append_json(histogram.key("sum"), field.sum());
    append_json(histogram.key("max"), field.max());
    append_array(histogram.key("buckets"), field.buckets(), [this](const auto& bucket) {
      out_ += fmt::format("[{},{}]", bucket.index, bucket.count);
    });
    histogram.close();
  }

  /// A histogram of a later version of the schema is left out where it is empty.
  void optional_histogram(const char* name, const Histogram& field) {
    if (field.count() > 0) histogram(name, field);
  }

  void columns(const Profile& profile) { write_columns(profile, object_); }
  void stack_table(const StackTable& table) { write_stack_table(table, object_); }

  void close() { object_.close(); }

 private:
  template <class T>
  void write(const T& field) {
    if constexpr (requires(Writer& writer) { describe(writer, field); }) {
      Writer writer(out_);
      describe(writer, field);
      writer.close();
    } else {
      append_json(out_, field);
    }
  }
  template <class T>
  void write(const std::vector<T>& field) {
    append_array(out_, field, [this](const T& element) { write(element); });
  }
  template <class T>
  void write(const std::optional<T>& field) {
    if (field) {
      write(*field);
    } else {
      out_ += "null";
    }
  }

  std::string& out_;
  JsonObject object_;
};

class Reader {
 public:
  explicit Reader(const JsonReader& in) : in_(in) {}

  template <class T>
  void operator()(const char* name, T& field) {
    read(in_.member(name), field);
  }

  /// A field that files saved earlier lack: it keeps its default there.
  template <class T>
  void added_later(const char* name, T& field) {
    if (const auto in = in_.find(name)) read(*in, field);
  }
  void flag(const char* name, bool& field, bool usual) {
    const auto in = in_.find(name);
    field = in ? in->boolean() : usual;
  }

  template <class E, std::size_t N>
  void choice(const char* name, E& field, const std::array<std::string_view, N>& names) {
    const JsonReader in = in_.member(name);
    const std::string text = in.string();
    for (std::size_t i = 0; i < N; ++i) {
      if (names[i] == text) {
        field = static_cast<E>(i);
        return;
      }
    }
    in.fail(fmt::format("one of {}", fmt::join(names, ", ")));
  }

  void histogram(const char* name, Histogram& field) {
    const JsonReader in = in_.member(name);
    std::vector<Histogram::Bucket> buckets;
    for (const JsonReader& element : in.member("buckets").elements()) {
      const std::vector<std::uint64_t> pair = element.counts();
      if (pair.size() != 2 || pair[0] > UINT32_MAX || pair[1] > kMaxNs) {
        element.fail("a bucket's index and count");
      }
      buckets.push_back({static_cast<std::uint32_t>(pair[0]), pair[1]});
    }
    if (!field.restore(buckets, in.member("sum").count(), in.member("max").count())) {
      in.fail("bucket indices within the histogram's range (Histogram::kMaxValue)");
    }
  }

  void optional_histogram(const char* name, Histogram& field) {
    if (in_.find(name)) histogram(name, field);
  }

  void columns(Profile& profile) { read_columns(in_, profile); }
  void stack_table(StackTable& table) { read_stack_table(in_, table); }

 private:
  static void read(const JsonReader& in, std::string& field) { field = in.string(); }
  static void read(const JsonReader& in, bool& field) { field = in.boolean(); }
  static void read(const JsonReader& in, double& field) { field = in.number(); }
  static void read(const JsonReader& in, std::int32_t& field) {
    field = static_cast<std::int32_t>(in.integer(INT32_MIN, INT32_MAX));
  }
  static void read(const JsonReader& in, std::uint32_t& field) {
    field = static_cast<std::uint32_t>(in.count(UINT32_MAX));
  }
  static void read(const JsonReader& in, std::uint64_t& field) { field = in.count(); }
  template <class T>
  static void read(const JsonReader& in, std::vector<T>& field) {
    for (const JsonReader& element : in.elements()) read(element, field.emplace_back());
  }
  template <class T>
  static void read(const JsonReader& in, std::optional<T>& field) {
    if (!in.is_null()) read(in, field.emplace());
  }
  template <class T>
    requires std::is_class_v<T>
  static void read(const JsonReader& in, T& field) {
    Reader reader(in);
    describe(reader, field);
  }

  JsonReader in_;
};

}  // namespace

std::string to_json(const RunResult& result) {
  std::string out;
  Writer writer(out);
  describe(writer, result);
  writer.close();
  return out += '\n';
}

RunResult run_result_from_json(std::string_view text, const std::string& origin) {
  const JsonDocument document = parse_json(text, origin);
  const JsonReader in(document, origin);
  const JsonReader version = in.member("schema_version");
  if (version.integer(1, INT32_MAX) > kSchemaVersion) {
    version.fail(
        fmt::format("at most {}: the file was written by a newer vfsprof; read it with that one",
                    kSchemaVersion));
  }
  RunResult result;
  Reader reader(in);
  describe(reader, result);
  check_result(result, in);
  return result;
}

}  // namespace vfsprof::reports
