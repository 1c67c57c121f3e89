#include "agent/scan_helper/session.h"

#include <cstdio>
#include <sys/socket.h>
#include <unistd.h>

namespace {

// Started by ctys-agent, which lends a socket as standard output: commands come in, reports go out.
constexpr auto usage = "usage: ctys-scan-helper POOL\n"
                       "Reads one pool for ctys-agent; its standard output is a stream socket.\n";

bool is_stream_socket(int fd) {
    int type = 0;
    socklen_t size = sizeof type;
    return ::getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) == 0 && type == SOCK_STREAM;
}

} // namespace

int main(int argc, char** argv) {
    if (argc != 2 || argv[1][0] != '/' || !is_stream_socket(STDOUT_FILENO)) {
        std::fputs(usage, stderr);
        return ctys::traits(ctys::ErrorCode::Usage).exit_status;
    }
    try {
        ctys::agent::Session(argv[1], STDOUT_FILENO).run();
        return 0;
    } catch (const ctys::Fault& fault) {
        std::fprintf(stderr, "ctys-scan-helper: %s\n", fault.error().message.c_str());
        return ctys::traits(fault.error().code).exit_status;
    } catch (const std::exception& fault) {
        std::fprintf(stderr, "ctys-scan-helper: %s\n", fault.what());
        return ctys::traits(ctys::ErrorCode::Failed).exit_status;
    }
}
