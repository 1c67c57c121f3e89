#include "agent/scanner/scanner.h"

#include "agent/scanner/mountinfo.h"
#include "agent/scanner/naming.h"
#include "agent/scanner/scanner_pool.h"

#include <fmt/format.h>

#include <algorithm>

namespace ctys::agent {

namespace {

tl::unexpected<Error> no_pool(const std::string& path) {
    return fail(ErrorCode::NotFound, fmt::format("no pool of this worker holds {}", path));
}

auto without_value(Scanner::OnDone on_done) {
    return [on_done = std::move(on_done)](const Result<bool>& answer) {
        on_done(answer.map([](bool) {}));
    };
}

} // namespace

Scanner::Scanner(loop::EventLoop& loop, ScannerSettings settings, ScannerEvents events)
    : loop_(loop), settings_(std::move(settings)), events_(std::move(events)) {}

Scanner::~Scanner() = default;

Status Scanner::add_pool(PoolSettings pool, std::vector<KnownPath> known) {
    if (!pool.root.starts_with('/')) {
        return fail(ErrorCode::Usage, fmt::format("pool {}: not an absolute path", pool.root));
    }
    pool.root = normal_path(pool.root, "/");
    if (find_pool(pool.root) != nullptr) {
        return fail(ErrorCode::Conflict, fmt::format("pool {} is there already", pool.root));
    }
    pools_.push_back(
        std::make_unique<Pool>(loop_, settings_, events_, std::move(pool), std::move(known)));
    return {};
}

void Scanner::remove_pool(const std::string& root) {
    const auto at = std::find_if(
        pools_.begin(), pools_.end(), [&](const auto& pool) { return pool->root() == root; });
    if (at == pools_.end()) return;
    const auto removed = std::move(*at);
    pools_.erase(at);
    removed->leave();
}

Scanner::Pool* Scanner::find_pool(const std::string& root) const {
    const auto at = std::find_if(
        pools_.begin(), pools_.end(), [&](const auto& pool) { return pool->root() == root; });
    return at == pools_.end() ? nullptr : at->get();
}

void Scanner::scan(const std::string& root, OnDone on_done) {
    auto* pool = find_pool(root);
    if (pool == nullptr) return on_done(no_pool(root));
    pool->request(pool->whole_scan(), without_value(std::move(on_done)));
}

void Scanner::scan_directory(const std::string& directory, OnDone on_done) {
    const auto path = normal_path(directory, "/");
    Pool* innermost = nullptr;
    for (const auto& pool : pools_) {
        const bool holds = is_within(pool->root(), path);
        if (holds && (innermost == nullptr || pool->root().size() > innermost->root().size())) {
            innermost = pool.get();
        }
    }
    if (innermost == nullptr) return on_done(no_pool(path));
    if (path == innermost->root()) return scan(path, std::move(on_done));
    const auto& root = innermost->root();
    const auto below = path.substr(root == "/" ? 1 : root.size() + 1);
    innermost->request(ScanDirectory{below}, without_value(std::move(on_done)));
}

void Scanner::prove(const std::string& root, Prove proof, OnProved on_done) {
    auto* pool = find_pool(root);
    if (pool == nullptr) return on_done(no_pool(root));
    pool->request(proof, std::move(on_done));
}

std::vector<PoolScan> Scanner::pools() const {
    std::vector<PoolScan> out;
    for (const auto& pool : pools_) {
        out.push_back(pool->view().state());
    }
    return out;
}

std::vector<KnownPath> Scanner::known() const {
    std::vector<KnownPath> out;
    for (const auto& pool : pools_) {
        const auto of_pool = pool->view().known();
        out.insert(out.end(), of_pool.begin(), of_pool.end());
    }
    return out;
}

pid_t Scanner::helper_pid(const std::string& root) const {
    const auto* pool = find_pool(root);
    return pool == nullptr ? 0 : pool->helper_pid();
}

} // namespace ctys::agent
