#pragma once

#include "mesh/qemu/assemble.h"
#include "mesh/qemu/instance_file.h"
#include "tests/support/guests.h"

#include <chrono>
#include <optional>
#include <string>
#include <sys/types.h>
#include <vector>

namespace ctys::testing {

/// Every wait of these tests ends here at the latest, as a failure.
constexpr std::chrono::seconds patience{30};

/// Reads a socket until a text came; what was read stays for the next question.
class Peer {
public:
    Peer() = default;
    explicit Peer(int descriptor) : descriptor_(descriptor) {}
    ~Peer();
    Peer(Peer&& other) noexcept;
    Peer& operator=(Peer&&) = delete;

    /// The text up to and including `wanted`; empty when the other side or the patience ended
    /// first.
    [[nodiscard]] std::string read_until(std::string_view wanted);
    void write(std::string_view text);

private:
    int descriptor_ = -1;
    std::string read_;
};

/// The agent's end of a QMP connection: listens, accepts, negotiates.
class QmpListener {
public:
    explicit QmpListener(const std::string& path);
    ~QmpListener();
    QmpListener(const QmpListener&) = delete;
    QmpListener& operator=(const QmpListener&) = delete;

    [[nodiscard]] Peer accept_negotiated();

private:
    int listener_ = -1;
};

/// One VM in a temporary directory, made from the shipped templates, and its wrapper's process.
/// Ends both processes when it goes.
class VmDirectory {
public:
    explicit VmDirectory(Guest guest);
    ~VmDirectory();
    VmDirectory(const VmDirectory&) = delete;
    VmDirectory& operator=(const VmDirectory&) = delete;

    [[nodiscard]] const std::string& path() const { return path_; }
    [[nodiscard]] const qemu::InstanceFiles& files() const { return files_; }
    void append_to_configuration(const std::string& text);
    void remove_image();

    /// Runs the wrapper with its output in a file; does not wait.
    void start(const std::vector<std::string>& options);
    /// Exit status of the wrapper; nothing when it still runs after the patience.
    [[nodiscard]] std::optional<int> wait();
    [[nodiscard]] std::string output() const;
    [[nodiscard]] std::string text_of(const std::string& file) const;
    /// Waits until the wrapper has printed it.
    [[nodiscard]] bool says(std::string_view words);
    /// Waits for the instance file.
    [[nodiscard]] qemu::InstanceFacts facts();
    [[nodiscard]] Peer open_console();
    void signal_wrapper(int signal);
    /// As nohup does; before start().
    void ignore(int signal) { ignored_signal_ = signal; }

private:
    std::string path_;
    qemu::InstanceFiles files_;
    pid_t wrapper_ = -1;
    int ignored_signal_ = 0;
};

} // namespace ctys::testing
